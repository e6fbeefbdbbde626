"""manage.py associations, on the example project."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import SimpleTestCase, TestCase, TransactionTestCase

BLOG = """\
relation                 kind       target      table             columns                                   constraint
guides.Blog.locale_tags  many2many  guides.Tag  locale_blog_tags  blog_id, blog_locale, tag_id              blog: NO ACTION; tag: -
guides.Blog.shared_tags  many2many  guides.Tag  shared_blog_tags  blog_id, tag_id                           -
guides.Blog.tags         many2many  guides.Tag  blog_tags         blog_id, blog_locale, tag_id, tag_locale  NO ACTION
"""  # noqa: E501


def associations(*args: Any) -> str:
    out = io.StringIO()
    call_command("associations", *args, stdout=out)
    return out.getvalue()


class ListTests(SimpleTestCase):
    def test_relations_of_a_model_with_both_ends_columns_and_actions(self):
        assert associations("--model", "guides.Blog") == BLOG
        assert associations("--model", "guides.tag") == BLOG

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
