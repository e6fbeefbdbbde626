"""
A real browser for the tests: Debian's chromium, driven by selenium against the live server, as a user would.

It needs selenium, and Debian's chromium and chromium-driver (or CHROMIUM and CHROMEDRIVER that name others). With
SCREENSHOTS naming a folder, picture() writes there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from django.contrib.auth.models import User as Account
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.urls import reverse

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run --window-size=1280,860 --force-prefers-reduced-motion"
)
# What a page offers to fill in or press. What is not shown is not offered.
CONTROLS = "input:not([type=hidden]), select, textarea, button, [role=button], [role=combobox]"


def program(variable, name):
    found = os.environ.get(variable) or shutil.which(name)
    assert found, f"There is no {name} here: on Debian, apt-get install chromium chromium-driver."
    return found


class BrowserTestCase(StaticLiveServerTestCase):
    @classmethod
    def setUpClass(cls):
        from selenium import webdriver
        from selenium.webdriver.support.ui import WebDriverWait

        super().setUpClass()
        cls.profile = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.profile, ignore_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = program("CHROMIUM", "chromium")
        for flag in (*FLAGS.split(), f"--user-data-dir={cls.profile}"):
            options.add_argument(flag)
        service = webdriver.ChromeService(executable_path=program("CHROMEDRIVER", "chromedriver"))
        cls.driver = webdriver.Chrome(options=options, service=service)
        cls.addClassCleanup(cls.driver.quit)
        cls.driver.set_page_load_timeout(20)
        cls.wait = WebDriverWait(cls.driver, 10)

    def setUp(self):
        Account.objects.create_superuser("admin", password="secret")
        self.driver.delete_all_cookies()

    def log_in(self):
        self.go("admin:login")
        self.field("username").send_keys("admin")
        self.field("password").send_keys("secret")
        self.press("input[type=submit]")

    # Looking

    def go(self, name, *args, query=""):
        self.driver.get(self.live_server_url + reverse(name, args=args) + query)
        self.has_loaded()

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def find_all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def field(self, name):
        return self.find(f"[name='{name}']")

    def scroll_to(self, selector):
        found = self.find(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        return found

    def has_loaded(self):
        self.wait.until(lambda driver: driver.execute_script("return document.readyState") == "complete")

    def picture(self, name, selector):
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.scroll_to(selector)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    def controls(self):
        """What the page offers: its HTML -> its accessible name, as the browser tells a screen reader."""
        return {
            each.get_attribute("outerHTML"): each.accessible_name
            for each in self.find_all(CONTROLS)
            if is_offered(each)
        }

    # Acting with the mouse

    def press(self, selector):
        """Click what leads to another page, and wait for that."""
        self.leave(self.scroll_to(selector).click)

    def leave(self, act):
        from selenium.webdriver.support.expected_conditions import staleness_of

        page = self.find("html")
        act()
        self.wait.until(staleness_of(page))
        self.has_loaded()

    def add_another(self, prefix):
        """Press "Add another" below the rows; the prefix of the row that came."""
        number = self.field(f"{prefix}-TOTAL_FORMS").get_attribute("value")
        self.wait.until(lambda driver: driver.find_elements("css selector", f"#{prefix}-group .add-row a"))
        self.scroll_to(f"#{prefix}-group .add-row a").click()
        return f"{prefix}-{number}"

    def choose(self, name, text):
        from selenium.webdriver.support.ui import Select

        Select(self.field(name)).select_by_visible_text(text)

    def autocomplete(self, name, text):
        """Open an autocomplete field, type, and take what is found."""
        self.scroll_to(f"[name='{name}'] + .select2 .select2-selection").click()
        self.find(".select2-container--open .select2-search__field").send_keys(text)
        self.wait.until(lambda driver: text in self.find(".select2-results__option--highlighted").text)
        self.find(".select2-results__option--highlighted").click()

    def save(self):
        self.press("input[name=_continue]")
        assert self.find(".messagelist .success")

    # Acting with the keyboard alone

    def key(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, selector, back=False):
        """Press Tab, or Shift and Tab, until what is wanted has the focus."""
        from selenium.webdriver import ActionChains
        from selenium.webdriver.common.keys import Keys

        for _ in range(250):
            if self.driver.execute_script("return document.activeElement.matches(arguments[0])", selector):
                return
            if back:
                ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
            else:
                self.key(Keys.TAB)
        raise AssertionError(f"Tab never comes to {selector}.")

    def key_leave(self, selector, *keys):
        """Go to a control by Tab and press what leads to another page."""
        self.tab_to(selector)
        self.leave(lambda: self.key(*keys))


def is_offered(element):
    return element.is_displayed() and element.get_attribute("aria-hidden") != "true"
