"""
A real browser on the admin: "Add another", edit, delete, with Django's own JavaScript.

`make test-browser` runs it; an ordinary run leaves it out. It needs selenium, and Debian's chromium and
chromium-driver (or CHROMIUM and CHROMEDRIVER that name others). With SCREENSHOTS naming a folder, it takes the
pictures of docs/images.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from django.contrib.auth.models import User as Account
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.urls import reverse

from example_project.guides.models import Address, Language, Person, PersonAddress, Profile, User

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
    "--disable-component-update --disable-sync --no-first-run --window-size=1280,860 --force-prefers-reduced-motion"
)


def program(variable, name):
    found = os.environ.get(variable) or shutil.which(name)
    assert found, f"There is no {name} here: on Debian, apt-get install chromium chromium-driver."
    return found


class JoinRowsInABrowserTests(StaticLiveServerTestCase):
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
        self.go("admin:login")
        self.field("username").send_keys("admin")
        self.field("password").send_keys("secret")
        self.press("input[type=submit]")

    def go(self, name, *args):
        self.driver.get(self.live_server_url + reverse(name, args=args))

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def field(self, name):
        return self.find(f"[name='{name}']")

    def press(self, selector):
        """Click what leads to another page, and wait for that."""
        from selenium.webdriver.support.expected_conditions import staleness_of

        page = self.find("html")
        self.scroll_to(selector).click()
        self.wait.until(staleness_of(page))
        self.wait.until(lambda driver: driver.execute_script("return document.readyState") == "complete")

    def scroll_to(self, selector):
        found = self.find(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
        return found

    def add_another(self, prefix):
        """Press "Add another" below the rows; the prefix of the row that came."""
        number = self.field(f"{prefix}-TOTAL_FORMS").get_attribute("value")
        self.wait.until(lambda driver: driver.find_elements("css selector", f"#{prefix}-group .add-row a"))
        self.scroll_to(f"#{prefix}-group .add-row a").click()
        return f"{prefix}-{number}"

    def choose(self, name, text):
        from selenium.webdriver.support.ui import Select

        Select(self.field(name)).select_by_visible_text(text)

    def picture(self, name, selector):
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.scroll_to(selector)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    def save(self):
        self.press("input[name=_continue]")
        assert self.find(".messagelist .success")

    def test_a_join_row_is_added_edited_and_deleted(self):
        person = Person.objects.create(name="ann")
        home, _ = Address.objects.create(name="home"), Address.objects.create(name="work")
        person.addresses.add(home, through_defaults={"note": "since 2020"})
        self.go("admin:guides_person_change", person.pk)

        row = self.add_another("addresses")
        self.choose(f"{row}-address", "work")
        self.field(f"{row}-note").send_keys("by bus")
        self.picture("admin-inline", "#addresses-group")
        self.save()
        assert self.rows() == [("home", "since 2020"), ("work", "by bus")]

        number = next(n for n in "01" if self.field(f"addresses-{n}-note").get_attribute("value") == "by bus")
        self.field(f"addresses-{number}-note").clear()
        self.field(f"addresses-{number}-note").send_keys("on foot")
        self.save()
        assert self.rows() == [("home", "since 2020"), ("work", "on foot")]

        self.scroll_to(f"[name=addresses-{number}-DELETE]").click()
        self.save()
        assert self.rows() == [("home", "since 2020")]

        self.choose(f"{self.add_another('addresses')}-address", "home")
        self.press("input[name=_continue]")
        assert "This pair is in the list already." in self.find("#addresses-group").text

    def rows(self):
        return list(PersonAddress.objects.order_by("address_id").values_list("address__name", "note"))

    def test_links_are_chosen_in_the_two_lists(self):
        user = User.objects.create(name="ann", refer=1)
        Profile.objects.create(name="painter", user_refer=2)
        user.languages.add(Language.objects.create(name="English"))
        self.go("admin:guides_user_change", user.pk)
        self.wait.until(lambda driver: driver.find_elements("css selector", "#id_profiles_to"))

        self.choose("profiles_old", "painter")
        add = ".field-profiles .selector-chooser :is(.selector-add, .add-selected, [id$=add], [id$=add_link])"
        self.scroll_to(add).click()
        self.picture("admin-field", ".field-refer")
        self.save()

        assert [profile.name for profile in user.profiles.all()] == ["painter"]
