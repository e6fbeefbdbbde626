"""manage.py associations, on the example project."""

from __future__ import annotations

import io
import json
from typing import Any
from unittest import skipUnless

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import SimpleTestCase, TestCase, TransactionTestCase

from gorm_assoc.catalogue.formats import as_mermaid
from gorm_assoc.catalogue.live import read, type_class
from gorm_assoc.catalogue.relations import Declared

BLOG = """\
relation                 kind       target      table             columns                                   constraint               hooks
guides.Blog.locale_tags  many2many  guides.Tag  locale_blog_tags  blog_id, blog_locale, tag_id              blog: NO ACTION; tag: -  -
guides.Blog.shared_tags  many2many  guides.Tag  shared_blog_tags  blog_id, tag_id                           -                        -
guides.Blog.tags         many2many  guides.Tag  blog_tags         blog_id, blog_locale, tag_id, tag_locale  NO ACTION                -
"""  # noqa: E501

# PersonAddress is a model of its own: its two belongs-tos are the ends of the join table.
PERSON = """\
erDiagram
    guides_Address["guides.Address"]
    guides_Person["guides.Person"]
    person_addresses {
        key person_id
        key address_id
    }
    guides_Person ||--o{ person_addresses : "addresses"
    guides_Address ||--o{ person_addresses : ""
"""


def associations(*args: Any) -> str:
    out = io.StringIO()
    call_command("associations", *args, stdout=out)
    return out.getvalue()


class ListTests(SimpleTestCase):
    def test_relations_of_a_model_with_both_ends_columns_and_actions(self):
        assert associations("--model", "guides.Blog") == BLOG
        assert associations("--model", "guides.tag") == BLOG

    def test_the_hooks_of_a_join_model(self):
        lines = associations("--model", "guides.Person").splitlines()

        assert {line.split()[0]: line.split()[-1] for line in lines} == {
            "relation": "hooks",
            "guides.Person.addresses": "before_create",
            "guides.PersonAddress.person": "-",
        }

    def test_as_json(self):
        rows = json.loads(associations("--format", "json", "--model", "guides.Person"))

        assert rows[0] == {
            "relation": "guides.Person.addresses",
            "owner": "guides.Person",
            "name": "addresses",
            "kind": "many2many",
            "target": "guides.Address",
            "table": "person_addresses",
            "columns": ["person_id", "address_id"],
            "constraint": "NO ACTION",
            "hooks": ["before_create"],
        }
        assert json.loads(associations("--format", "json", "--model", "auth.Group")) == []
        assert {row["relation"]: row["constraint"] for row in json.loads(associations("--format", "json"))}[
            "guides.Blog.shared_tags"
        ] is None

    def test_as_a_diagram(self):
        assert associations("--format", "mermaid", "--model", "guides.Person") == PERSON

    def test_a_diagram_of_both_sides_and_of_a_self_reference(self):
        lines = [line.strip() for line in associations("--format", "mermaid").splitlines()]

        assert [line for line in lines if line.startswith("guides") and "user_languages" in line] == [
            'guides_Language ||--o{ user_languages : "users"',
            'guides_User ||--o{ user_languages : "languages"',
        ]
        assert [line for line in lines if line.startswith("guides") and "user_friends" in line] == [
            'guides_User ||--o{ user_friends : "friends"',
            'guides_User ||--o{ user_friends : ""',
        ]

    def test_a_diagram_of_owners_that_share_a_join_table(self):
        rows = [
            Declared(f"shop.{owner}.tags", "many2many", "shop.Tag", "taggables", "taggable_id, tag_id", "-", "-")
            for owner in ("Shirt", "Shoe")
        ]

        assert as_mermaid(rows).splitlines()[-3:] == [
            '    shop_Shirt ||--o{ taggables : "tags"',
            '    shop_Shoe ||--o{ taggables : "tags"',
            '    shop_Tag ||--o{ taggables : ""',
        ]

    def test_a_diagram_of_other_kinds(self):
        rows = [
            Declared(f"shop.Order.{name}", kind, f"shop.{target}", "orders", "x_id", "-", "-")
            for name, kind, target in (
                ("customer", "belongs_to", "Customer"),
                ("invoice", "has_one", "Invoice"),
                ("lines", "has_many", "Line"),
            )
        ]

        assert as_mermaid(rows).splitlines()[5:] == [
            '    shop_Order }o--|| shop_Customer : "customer"',
            '    shop_Order ||--o| shop_Invoice : "invoice"',
            '    shop_Order ||--o{ shop_Line : "lines"',
        ]

    def test_every_many2many_and_belongs_to(self):
        lines = associations().splitlines()

        named = {line.split()[0]: line.split()[1:3] for line in lines[1:]}
        assert named["guides.Language.users"] == ["many2many", "guides.User"]
        assert named["guides.PersonAddress.person"] == ["belongs_to", "guides.Person"]
        assert [line for line in lines if "ON DELETE CASCADE ON UPDATE CASCADE" in line and "user_speaks" in line]

    def test_a_model_without_relations(self):
        assert associations("--model", "auth.Group") == "No relations.\n"

    def test_no_such_model(self):
        with self.assertRaisesMessage(CommandError, "There is no model 'guides.Blgo'; write app.Model."):
            associations("--model", "guides.Blgo")

    def test_options_that_go_with_check_db(self):
        with self.assertRaisesMessage(CommandError, "--sql and --strict go with --check-db."):
            associations("--sql")
        with self.assertRaisesMessage(CommandError, "--format goes without --check-db."):
            associations("--check-db", "--format", "json")


class GraphTests(SimpleTestCase):
    """django-extensions' graph_models."""

    PREFIX = "example_project_guides_models_"

    def edges(self, *args: Any) -> list[str]:
        out = io.StringIO()
        call_command("graph_models", "guides", "--no-inheritance", *args, stdout=out)
        return [line.strip().replace(self.PREFIX, "") for line in out.getvalue().splitlines() if " -> " in line]

    def test_without_the_theme_it_knows_none_of_our_relations(self):
        assert self.edges() == []

    def test_with_the_theme_it_shows_them_and_the_keys_of_join_models_each_once(self):
        edges = self.edges("--theme", "gorm_assoc")

        both = "[arrowhead=dot, arrowtail=dot, dir=both];"
        key = "[arrowhead=none, arrowtail=dot, dir=both];"
        assert f'User -> Language [label=" languages (users)"] {both}' in edges
        assert f'User -> User [label=" friends"] {both}' in edges
        assert f'Blog -> Tag [label=" tags"] {both}' in edges
        assert f'UserLanguage -> Language [label=" language"] {key}' in edges
        assert f'PersonAddress -> Person [label=" person"] {key}' in edges
        assert len(edges) == len(set(edges)) == 27

    def test_a_model_that_is_left_out_is_named(self):
        out = io.StringIO()
        call_command("graph_models", "guides", "--theme", "gorm_assoc", "--include-models", "User", stdout=out)

        assert f'{self.PREFIX}Language [label="Language"]' in out.getvalue()
        assert f"{self.PREFIX}UserLanguage" not in out.getvalue()


class CheckTests(TestCase):
    def test_the_example_projects_tables_have_what_is_declared(self):
        sentence = "The database 'default' has what the relations need.\n"

        assert associations("--check-db", "--strict") == sentence
        assert associations("--check-db", "--sql") == f"-- {sentence}"


class DifferenceTests(TransactionTestCase):
    MISSING = "languages: index idx_languages_deleted_at (deleted_at) is missing."

    def setUp(self):
        on = " ON languages" if connection.vendor == "mysql" else ""
        self.execute(f"DROP INDEX idx_languages_deleted_at{on}")
        self.addCleanup(self.execute, "CREATE INDEX idx_languages_deleted_at ON languages (deleted_at)")

    def execute(self, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    def test_it_is_listed_and_the_exit_code_is_1(self):
        out = io.StringIO()

        with pytest.raises(SystemExit) as exit_:
            call_command("associations", "--check-db", stdout=out)

        assert exit_.value.code == 1
        assert out.getvalue() == f"{self.MISSING}\n"

    def test_with_sql_it_is_a_comment_before_the_statements(self):
        out = io.StringIO()

        with pytest.raises(SystemExit) as exit_:
            call_command("associations", "--check-db", "--sql", stdout=out)

        comment, *statements = out.getvalue().splitlines()
        assert exit_.value.code == 1
        assert comment == f"-- {self.MISSING}"
        name = connection.ops.quote_name
        # On MariaDB DDL has no transaction, and so must not mind being run again.
        create = "CREATE INDEX IF NOT EXISTS" if connection.vendor == "mysql" else "CREATE INDEX"
        index = f"{create} {name('idx_languages_deleted_at')} ON {name('languages')} ({name('deleted_at')});"
        assert index in statements

    def test_a_model_without_the_difference(self):
        assert associations("--check-db", "--model", "guides.Blog").startswith("The database 'default' has")


@pytest.mark.parametrize(
    ("type_", "vendor", "sort"),
    [
        ("character varying(191)", "postgresql", "text"),
        ("varchar(191)[3]", "postgresql", "text[]"),
        ("boolean[]", "sqlite", "number[]"),
        ("numeric(5, 2)", "postgresql", "decimal"),
        ("tinyint(1)", "mysql", "boolean"),
        ("json", "mysql", "text"),
        ("json", "postgresql", "json"),
        ("timestamp without time zone", "postgresql", "time without zone"),
        ("timestamp with time zone", "postgresql", "time"),
        ("time without time zone", "postgresql", "time of day"),
        ("interval", "postgresql", "interval"),
        ("UUID", "postgresql", "uuid"),
        ("geometry (Point, 4326)", "postgresql", "geometry"),
    ],
)
def test_types_are_compared_by_their_sort(type_, vendor, sort):
    assert type_class(type_, vendor) == sort


class TableTests(TransactionTestCase):
    """What is read of tables that no model makes."""

    def made(self, *statements):
        with connection.cursor() as cursor:
            for table, columns in statements:
                cursor.execute(f"CREATE TABLE {table} ({columns})")
                self.addCleanup(self.dropped, table)

    def dropped(self, table):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {table}")

    def test_a_table_without_a_primary_key(self):
        self.made(("bare", "a integer"))

        assert read(connection, "bare").primary_key == ()

    def test_a_generated_column_is_there_and_needs_no_value(self):
        self.made(("doubled", "a integer, b integer GENERATED ALWAYS AS (a * 2) STORED"))

        column = read(connection, "doubled").column("b")

        assert (type_class(column.type, ""), column.is_filled) == ("integer", True)
        assert "GENERATED" not in column.type

    @skipUnless(connection.vendor == "sqlite", "the other databases write the columns down themselves")
    def test_a_foreign_key_without_columns_refers_to_the_primary_key(self):
        self.made(
            ("one", "a integer, b integer, PRIMARY KEY (b, a)"),
            ("many", "x integer, y integer, FOREIGN KEY (x, y) REFERENCES one"),
        )

        (key,) = read(connection, "many").foreign_keys

        assert (key.columns, key.to_table, key.to_columns) == (("x", "y"), "one", ("b", "a"))
