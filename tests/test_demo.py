"""manage.py demo, as `make demo` and `make admin` call it."""

from __future__ import annotations

import io
import re

from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import SimpleTestCase, TestCase

from example_project.guides.demo import reading
from example_project.guides.factories import LanguageFactory
from example_project.guides.models import Language, User


def demo(**options):
    stdout = io.StringIO()
    call_command("demo", stdout=stdout, **options)
    return stdout.getvalue()


def rows():
    return {
        model._meta.label: sorted(map(repr, model._base_manager.values_list("pk")))
        for app in ("guides", "blog")
        for model in apps.get_app_config(app).get_models()
    }


class DataTests(TestCase):
    def test_is_filled_in_with_links_and_a_login(self):
        output = demo(data_only=True)

        assert output == "The demo data and its login are there.\n"
        assert [language.name for language in User.objects.get(name="ann").languages.order_by("name")] == [
            "English",
            "French",
        ]
        assert authenticate(username="admin", password="admin").is_superuser

    def test_a_second_time_changes_nothing(self):
        demo(data_only=True)
        before = rows()

        demo(data_only=True)

        assert rows() == before

    def test_brings_back_what_was_softly_deleted(self):
        demo(data_only=True)
        before = rows()
        User.objects.get(name="ann").delete()
        Language.objects.get(name="English").delete()

        demo(data_only=True)

        assert rows() == before
        assert User.objects.filter(name="ann").exists()

    def test_takes_the_first_of_two_rows_of_one_name(self):
        demo(data_only=True)
        Language.objects.create(name="English")

        demo(data_only=True)

        assert Language.objects.filter(name="English").count() == 2


class TourTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        demo(data_only=True)
        cls.before = rows()
        cls.output = demo()

    def test_leaves_only_the_demo_data(self):
        assert rows() == self.before

    def test_shows_for_each_relation_what_it_was_what_it_became_and_what_ran(self):
        for chapter in re.split(r"\n\n\n", self.output)[1:6]:
            assert "Declared in models.py:\n    class " in chapter
            assert "Many2Many(" in chapter
            assert re.search(r"Create model \w+|migrations\.CreateModel\(", chapter)
            assert "Create constraint fk_" in chapter or "name='fk_" in chapter
            assert "CREATE TABLE " in chapter
            assert "PRIMARY KEY (" in chapter
            assert "FOREIGN KEY (" in chapter
            assert "\n  Changes(added=1" in chapter or "\n  Changes(added=2" in chapter
            assert "\n    INSERT INTO " in chapter
            assert "\n    | " in chapter

    def chapters(self):
        return re.split(r"\n\n\n", self.output)

    def test_shows_of_belongs_to_has_one_and_has_many_what_it_was_what_it_became_and_what_ran(self):
        for chapter, kind in zip(self.chapters()[7:10], ("BelongsTo(", "HasOne(", "HasMany("), strict=True):
            assert "Declared in models.py:\n    class " in chapter
            assert kind in chapter
            assert re.search(r"Written by makemigrations:\n    migrations\.Add\w+\(", chapter)
            assert re.search(r"ForeignKeyConstraint\(fields=\('\w+',\), name='fk_blog_", chapter)
            assert "CREATE TABLE blog_" in chapter
            assert re.search(r"CONSTRAINT fk_blog_\w+ FOREIGN KEY ?\(", chapter)
            assert "\n  Changes(added=1, removed=1" in chapter or "\n  Changes(added=2, removed=2" in chapter
            assert re.search(r"\n    UPDATE blog_\w+ SET \w+_id = ", chapter)
            assert "\n    | id " in chapter

    def test_a_child_moves_to_another_owner(self):
        chapter = self.chapters()[9]

        before, after = chapter.split(">>> noa.posts.append(two)")
        first, second = (re.search(r"\| \d+ +two +(\d+) ", part)[1] for part in (before, after))
        assert first != second

    def test_a_has_one_whose_key_is_unique_and_not_null_is_refused_and_then_replaced(self):
        chapter = self.chapters()[8]

        assert "IntegrityError: blog.User.profile cannot let go of 1 rows" in chapter
        assert re.search(r"unscoped\(\)\.replace\(Profile\(bio='edits'\)\)\n  Changes\(added=1, removed=1", chapter)
        replaced = chapter.split(".unscoped().replace(")[1]
        assert replaced.index("DELETE FROM blog_profile") < replaced.index("INSERT INTO blog_profile")

    def test_polymorphic_rows_have_their_owners_table(self):
        chapter = self.chapters()[10]

        assert re.search(r"\| \d+ +clear +blog_post +\d+\n", chapter)
        assert re.search(r"\| \d+ +clear +blog_profile +\d+\n", chapter)
        assert re.search(r"\| \d+ +clear +blog_profile +NULL\n", chapter)

    def test_a_graph_is_saved_and_deleted_class_by_class(self):
        chapter = self.chapters()[11]

        saved, deleted = chapter.split(">>> pia.save()")[1], chapter.split(">>> pia.delete(")[1]
        statements = re.findall(r"\n    (?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", saved)
        assert statements[:6] == [
            "blog_company",
            "blog_user",
            "blog_profile",
            "blog_post",
            "blog_tag",
            "blog_post_tags",
        ]
        assert deleted.index("DELETE FROM blog_post_tags ") < deleted.index("UPDATE blog_post SET deleted_at")
        assert "\n  (6, {'blog.PostTag': 2, 'blog.Post': 3, 'blog.User': 1})" in deleted

    def test_only_the_two_refusals_that_are_meant_are_shown(self):
        assert re.findall(r"\n  (\w+Error): ", self.output) == ["ProtectedError", "IntegrityError"]

    def test_shows_several_owners_at_once(self):
        assert "Changes(added=3, removed=0, kept=0, revived=0)" in self.output.split("6. Several owners")[1]

    def test_has_every_verb(self):
        for verb in ("append", "replace", "find", "count", "delete", "clear", "unscoped", "through_defaults"):
            assert re.search(rf"\n  >>> .*\b{verb}\b", self.output), verb

    def test_shows_kept_removed_and_revived_links(self):
        assert "Changes(added=1, removed=0, kept=1, revived=0)" in self.output
        assert "Changes(added=1, removed=2, kept=1, revived=0)" in self.output
        assert "Changes(added=0, removed=0, kept=0, revived=1)" in self.output

    def test_shows_that_a_linked_row_is_protected(self):
        assert "ProtectedError: guides.Language is still referenced" in self.output

    def test_says_how_to_open_the_admin(self):
        ending = self.output.split("\n\n\n")[-1]

        assert "make admin" in ending
        assert "http://127.0.0.1:8000/admin/ as admin, password admin" in ending

    def test_has_neither_colours_nor_trailing_spaces_when_it_is_piped(self):
        assert "\x1b" not in self.output
        assert not re.search(r"[ \t]\n", self.output)


class ReadingTests(TestCase):
    def test_the_table_is_the_one_in_the_database(self):
        table = reading.table("user_languages")

        assert table.startswith("CREATE TABLE user_languages (\n")
        assert "PRIMARY KEY (user_id, language_id)" in table.replace(",language", ", language")
        assert re.search(r"CONSTRAINT fk_user_languages_user FOREIGN KEY \(user_id\) REFERENCES users ?\(id\)", table)

    def test_statements_are_those_that_ran_without_the_transactions(self):
        with reading.statements() as ran:
            LanguageFactory(name="x")

        assert len(ran) == 2
        assert ran[1].startswith(
            "INSERT INTO languages (created_at, updated_at, deleted_at, name) VALUES ('now', 'now'"
        )

    def test_the_operations_of_a_join_model(self):
        found = [(type(operation).__name__, text) for operation, text in reading.operations(User.languages.through)]

        assert found[0][0] == "CreateModel"
        assert all(text.startswith(f"migrations.{name}(") for name, text in found)
        assert sum("fk_user_languages_" in text for _, text in found) in (1, 2)


class PrettyTests(SimpleTestCase):
    def test_a_short_statement_stays_one_line(self):
        assert reading.pretty("DELETE FROM a WHERE b = 1", 80) == ["DELETE FROM a WHERE b = 1"]

    def test_a_long_one_has_a_line_for_each_clause(self):
        assert reading.pretty("SELECT a FROM b WHERE c = 1", 20) == ["SELECT a", "    FROM b", "    WHERE c = 1"]

    def test_a_table_has_a_line_for_each_column_and_constraint(self):
        pretty = reading.pretty_table("CREATE TABLE t (a varchar(1), PRIMARY KEY (a, b))")

        assert pretty == "CREATE TABLE t (\n    a varchar(1),\n    PRIMARY KEY (a, b)\n)"

    def test_quotes_of_every_database_go(self):
        assert reading.plain('"a"."b"') == reading.plain("`a`.`b`") == "a.b"
