"""
A real browser on the admin: join rows and links, the action, with plain and composite keys, by mouse and by keyboard.

`make test-browser` runs it; an ordinary run leaves it out. With SCREENSHOTS naming a folder, it takes the pictures of
docs/images.
"""

from __future__ import annotations

import pytest
from django.contrib.admin.utils import quote
from django.urls import reverse

from example_project.guides.models import Address, Blog, Language, Person, PersonAddress, Profile, Tag, User
from gorm_assoc.forms import write_key
from tests.browser import BrowserTestCase

pytestmark = pytest.mark.browser


class JoinRowsTests(BrowserTestCase):
    def setUp(self):
        super().setUp()
        self.log_in()

    def rows(self):
        return list(PersonAddress.objects.order_by("address_id").values_list("address__name", "note"))

    def number_of(self, note):
        return next(n for n in "012" if self.field(f"addresses-{n}-note").get_attribute("value") == note)

    def test_a_join_row_is_added_edited_deleted_and_restored(self):
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

        number = self.number_of("by bus")
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

        self.go("admin:guides_person_change", person.pk)
        self.press(".dead-rows a")
        self.picture("admin-dead-rows", "#addresses-group")
        self.scroll_to(f"[name=addresses-{self.number_of('on foot')}-RESTORE]").click()
        self.save()
        assert self.rows() == [("home", "since 2020"), ("work", "on foot")]

    def test_a_dead_pair_is_offered_for_restore_where_it_was_added_again(self):
        person, home = Person.objects.create(name="ann"), Address.objects.create(name="home")
        person.addresses.add(home, through_defaults={"note": "first"})
        person.addresses.remove(home)
        self.go("admin:guides_person_change", person.pk)

        row = self.add_another("addresses")
        self.choose(f"{row}-address", "home")
        self.field(f"{row}-note").send_keys("again")
        self.press("input[name=_continue]")
        refused = self.rows()
        self.scroll_to(f"[name={row}-RESTORE]").click()
        self.save()

        assert refused == []
        assert self.rows() == [("home", "again")]

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


class CompositeKeysTests(BrowserTestCase):
    def setUp(self):
        super().setUp()
        self.log_in()
        self.blog = Blog.objects.create(id=1, locale="en", subject="Associations")
        self.news = Tag.objects.create(id=1, locale="en", value="news")
        self.old = Tag.objects.create(id=2, locale='a"/b_2F', value="old")

    def open(self, row):
        self.go(f"admin:guides_{row._meta.model_name}_changelist")
        self.leave(self.driver.find_element("link text", getattr(row, "subject", "") or row.value).click)

    def linked(self):
        return [tag.value for tag in self.blog.tags.order_by("id")]

    def test_join_rows_are_added_edited_and_deleted(self):
        self.open(self.blog)
        self.autocomplete(f"{self.add_another('tags')}-tag", "news")
        self.picture("admin-composite", "#tags-group")
        self.save()
        added = self.linked()
        self.autocomplete("tags-0-tag", "old")
        self.save()
        edited = self.linked()
        self.scroll_to("[name=tags-0-DELETE]").click()
        self.save()

        assert (added, edited, self.linked()) == (["news"], ["old"], [])

    def test_the_target_is_picked_from_a_list_in_a_window_of_its_own(self):
        self.open(self.old)
        row = self.add_another("blog_set")
        page = self.driver.current_window_handle

        self.scroll_to(f"#lookup_id_{row}-blog").click()
        self.wait.until(lambda driver: len(driver.window_handles) == 2)
        self.driver.switch_to.window(next(h for h in self.driver.window_handles if h != page))
        self.wait.until(lambda driver: driver.find_elements("link text", "Associations"))
        self.driver.find_element("link text", "Associations").click()
        self.driver.switch_to.window(page)
        chosen = self.field(f"{row}-blog").get_attribute("value")
        self.save()

        assert chosen.strip() == write_key(self.blog)
        assert self.linked() == ["old"]

    def test_rows_are_added_listed_and_deleted(self):
        self.go("admin:guides_tag_add")
        for name, text in (("id", "3"), ("locale", "de/x"), ("value", "neu")):
            self.field(name).send_keys(text)
        self.press("input[name=_continue]")
        self.press(".deletelink")
        self.press("input[type=submit]")

        assert list(Tag.objects.order_by("id")) == [self.news, self.old]

        self.go("admin:guides_tag_changelist")
        boxes = {box.get_attribute("value"): box for box in self.find_all("[name=_selected_action]")}
        boxes[write_key(self.old)].click()
        self.choose("action", "Delete selected tags")
        self.press("button[name=index]")
        self.press("input[type=submit]")

        assert list(Tag.objects.all()) == [self.news]


class EditAssociationsTests(BrowserTestCase):
    def setUp(self):
        super().setUp()
        self.log_in()
        self.users = [User.objects.create(name=name) for name in ("ann", "ben", "cleo")]
        for name in ("English", "French", "German"):
            Language.objects.create(name=name)
        self.users[0].languages.add(Language.objects.get(name="French"))

    def tearDown(self):
        self.driver.set_window_size(1280, 860)

    def start(self):
        self.go("admin:guides_user_changelist")
        for user in self.users[:2]:
            self.find(f"[name=_selected_action][value='{user.pk}']").click()
        self.choose("action", "Edit associations of users")
        self.press("button[name=index]")

    def spoken(self):
        return [sorted(user.languages.values_list("name", flat=True)) for user in self.users]

    def test_targets_are_replaced_for_the_chosen_owners_after_a_preview(self):
        self.go("admin:guides_user_changelist")
        self.picture("admin-list", "#changelist")
        self.start()
        self.find("[name=verb][value=replace]").click()
        self.wait.until(lambda driver: driver.find_elements("css selector", "#id_targets_to"))
        self.choose("targets_old", "German")
        self.scroll_to(".field-targets .selector-chooser :is(.selector-add, .add-selected, [id$=add])").click()
        self.press("[name=_preview]")
        preview, before = self.find("#preview").text, self.spoken()
        self.driver.set_window_size(1280, 1180)
        self.picture("admin-edit-associations", ".submit-row")
        self.press("[name=_apply]")

        assert "2 added, 0 revived, 1 removed, 0 kept" in preview
        assert "+ ben – German" in preview
        assert before == [["French"], [], []]
        assert self.spoken() == [["German"], ["German"], []]
        assert "Languages of 2 users" in self.find(".messagelist .success").text

    def test_without_javascript(self):
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setScriptExecutionDisabled", {"value": False})

        self.start()
        assert not self.find_all(".selector")
        self.choose("relation", "Friends")
        self.press("[name=_choose]")
        self.choose("targets", "cleo")
        self.press("[name=_preview]")
        self.press("[name=_apply]")

        assert [[friend.name for friend in user.friends.all()] for user in self.users] == [["cleo"], ["cleo"], []]


class AccessibleNamesTests(BrowserTestCase):
    """Everything that can be filled in or pressed has a name, on each page that is ours or shows our fields."""

    def setUp(self):
        super().setUp()
        self.log_in()
        self.user = User.objects.create(name="ann", refer=1)
        english = Language.objects.create(name="English")
        self.user.languages.add(english)
        self.user.fluent_in.add(english)
        self.user.profiles.add(Profile.objects.create(name="painter", user_refer=2))
        self.person, home = Person.objects.create(name="mia"), Address.objects.create(name="home")
        self.person.addresses.add(home, Address.objects.create(name="work"))
        self.person.addresses.remove(home)
        self.blog = Blog.objects.create(id=1, locale="en", subject="Associations")
        self.tag = Tag.objects.create(id=1, locale="en", value="news")
        self.blog.tags.add(self.tag)

    def assert_named(self, page):
        found = self.controls()
        assert len(found) > 1, page
        assert [html for html, name in found.items() if not name.strip()] == [], page

    def test_pages_of_plain_and_of_composite_keys(self):
        for row in (self.user, self.person, self.blog, self.tag):
            name = f"admin:guides_{row._meta.model_name}"
            self.go(f"{name}_changelist")
            self.assert_named(f"list of {name}")
            self.go(f"{name}_add")
            self.assert_named(f"add {name}")
            self.go(f"{name}_change", quote(row.pk))
            for group in self.find_all(".js-inline-admin-formset"):
                self.add_another(group.get_attribute("id").removesuffix("-group"))
            self.assert_named(f"change {name}")
            self.go(f"{name}_delete", quote(row.pk))
            self.assert_named(f"delete {name}")
            self.go(f"{name}_history", quote(row.pk))
            self.assert_named(f"history of {name}")

    def test_dead_rows_and_the_offer_to_restore_one(self):
        self.go("admin:guides_person_change", self.person.pk, query="?_dead_rows=addresses")
        self.assert_named("dead rows")
        names = [name for name in self.controls().values() if name == "Restore"]
        self.go("admin:guides_person_change", self.person.pk)
        self.choose(f"{self.add_another('addresses')}-address", "home")
        self.press("input[name=_continue]")
        self.assert_named("a dead pair")

        assert len(names) == 1
        assert "Restore it with what is filled in here" in self.controls().values()

    def test_the_action(self):
        for row in (self.user, self.blog):
            self.go(f"admin:guides_{row._meta.model_name}_changelist")
            self.find("[name=_selected_action]").click()
            self.choose("action", f"Edit associations of {row._meta.verbose_name_plural}")
            self.press("button[name=index]")
            self.assert_named("the action")
            self.find("[name=verb][value=replace]").click()
            self.press("[name=_preview]")
            self.assert_named("its preview")


class KeyboardTests(BrowserTestCase):
    """The journey by key presses alone: log in, add, edit, delete."""

    def setUp(self):
        from selenium.webdriver.common.keys import Keys

        super().setUp()
        self.keys = Keys
        self.go("admin:login")
        self.tab_to("[name=username]")
        self.key("admin")
        self.tab_to("[name=password]")
        self.key("secret")
        self.leave(lambda: self.key(Keys.ENTER))

    def open(self, row):
        """From the first page: the model, its list, the row."""
        opts = row._meta
        self.key_leave(
            f"#content-main a[href='{reverse(f'admin:guides_{opts.model_name}_changelist')}']", self.keys.ENTER
        )
        url = reverse(f"admin:guides_{opts.model_name}_change", args=[quote(row.pk)])
        self.key_leave(f"#result_list a[href='{url}']", self.keys.ENTER)

    def save(self):
        self.key_leave("input[name=_continue]", self.keys.ENTER)
        assert self.find(".messagelist .success")

    def add_row(self, prefix):
        number = self.field(f"{prefix}-TOTAL_FORMS").get_attribute("value")
        self.wait.until(lambda driver: driver.find_elements("css selector", f"#{prefix}-group .add-row a"))
        self.tab_to(f"#{prefix}-group .add-row a")
        self.key(self.keys.ENTER)
        return f"{prefix}-{number}"

    def test_a_plain_key(self):
        person = Person.objects.create(name="ann")
        for name in ("home", "work"):
            Address.objects.create(name=name)

        def rows():
            return list(PersonAddress.objects.values_list("address__name", "note"))

        self.open(person)
        row = self.add_row("addresses")
        self.tab_to(f"[name={row}-address]", back=True)
        self.key("work")
        self.tab_to(f"[name={row}-note]")
        self.key("by bus")
        self.save()
        added = rows()
        self.tab_to("[name=addresses-0-address]")
        self.key("home")
        self.tab_to("[name=addresses-0-note]")
        self.key(self.keys.END, " 2")
        self.save()
        edited = rows()
        self.tab_to("[name=addresses-0-DELETE]")
        self.key(self.keys.SPACE)
        self.save()

        assert (added, edited, rows()) == ([("work", "by bus")], [("home", "by bus 2")], [])

    def test_a_composite_key(self):
        blog = Blog.objects.create(id=1, locale="en", subject="Associations")
        for number, value in enumerate(("news", "old"), 1):
            Tag.objects.create(id=number, locale="en", value=value)

        def tags():
            return [tag.value for tag in blog.tags.all()]

        self.open(blog)
        row = self.add_row("tags")
        self.pick(f"{row}-tag", "news", back=True)
        self.save()
        added = tags()
        self.pick("tags-0-tag", "old")
        self.save()
        edited = tags()
        self.tab_to("[name=tags-0-DELETE]")
        self.key(self.keys.SPACE)
        self.save()

        assert (added, edited, tags()) == (["news"], ["old"], [])

    def pick(self, name, text, back=False):
        """What is found in an autocomplete field."""
        self.tab_to(f"[name='{name}'] + .select2 .select2-selection", back=back)
        self.key(self.keys.ENTER)
        self.wait.until(lambda driver: driver.find_elements("css selector", ".select2-container--open"))
        self.key(text)
        self.wait.until(lambda driver: text in self.find(".select2-results__option--highlighted").text)
        self.key(self.keys.ENTER)
