"""
README.md and docs/: their Python runs, their SQL is what runs.

`make docs` writes the made parts anew.
"""

from __future__ import annotations

import io
import json
import os
import re
import unittest
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import SimpleTestCase, TestCase

from benchmarks import report
from example_project.blog import models as blog
from example_project.guides import models
from example_project.guides.demo import reading
from gorm_assoc.models import Association
from tests import documentation

# Python blocks of each page: run, models, compiled. A block that is not counted would not be run.
BLOCKS = {
    "README.md": (6, 2, 2),
    "docs/databases.md": (0, 0, 0),
    "docs/declaring.md": (0, 9, 0),
    "docs/factories.md": (4, 0, 0),
    "docs/from-gorm.md": (10, 3, 1),
    "docs/preload.md": (9, 0, 0),
    "docs/migrations.md": (0, 0, 3),
    "docs/performance.md": (0, 0, 0),
    "docs/reliability.md": (0, 0, 0),
    "docs/saving.md": (8, 0, 0),
    "docs/scaling.md": (2, 1, 1),
    "docs/soft-delete.md": (12, 0, 0),
    "docs/tables.md": (0, 0, 0),
    "docs/verbs.md": (18, 0, 0),
}
# Pages with a test of their own.
ELSEWHERE = {"docs/admin.md", "docs/checks.md", "docs/differences.md", "docs/parity.md"}

# The verbs on a user with English (1) and French (2), and on a person with one live and one dead address.
VERBS = (
    ("`find()`, a queryset", "user.languages.find(name='English')"),
    ("`count()`", "user.languages.count()"),
    ("`append()`", "user.languages.append(english, german)"),
    ("`append()` of a new object", "user.languages.append(Language(name='Dutch'))"),
    ("`append()` with a column", "user.fluent_in.append(french, through_defaults={'fluency': 'good'})"),
    ("`replace()`", "user.languages.replace(french)"),
    ("`delete()`", "user.languages.delete(french)"),
    ("`clear()`", "user.languages.clear()"),
)
SOFT = (
    ("`find()`", "person.addresses.find()"),
    ("`delete()`", "person.addresses.delete(home)"),
    ("`append()` of a dead pair", "person.addresses.append(home)"),
    ("`clear()`", "person.addresses.clear()"),
    ("`unscoped()`, then `clear()`", "Association(person, 'addresses').unscoped().clear()"),
)
KEYS = (
    ("has many: `find()`", "mia.posts.find(title='one')"),
    ("`count()`", "mia.posts.count()"),
    ("`append()`", "mia.posts.append(one, two)"),
    ("`append()` of a new object", "mia.posts.append(Post(title='three'))"),
    ("`replace()`", "mia.posts.replace(two)"),
    ("`delete()`", "mia.posts.delete(two)"),
    ("`clear()`", "mia.posts.clear()"),
    ("has one: `append()` to another owner", "noa.association('profile').append(cv)"),
    ("`unscoped()`, then `clear()`", "noa.association('profile').unscoped().clear()"),
    ("belongs to: `append()`, `replace()`", "mia.association('company').replace(books)"),
    ("`delete()`", "mia.association('company').delete(books)"),
    ("`clear()`", "noa.association('company').clear()"),
    ("polymorphic: `append()`", "one.comments.append(Comment(text='yes'))"),
    ("`clear()`", "one.comments.clear()"),
)

# AutoMigrate of GORM v1.31.2 on SQLite. It writes the foreign keys in no fixed order.
GORM = {
    "user_languages": """
CREATE TABLE `user_languages` (
    `user_id` integer,
    `language_id` integer,
    PRIMARY KEY (`user_id`,`language_id`),
    CONSTRAINT `fk_user_languages_user` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`),
    CONSTRAINT `fk_user_languages_language` FOREIGN KEY (`language_id`) REFERENCES `languages`(`id`)
);""",
    "user_profiles": """
CREATE TABLE `user_profiles` (
    `user_refer_id` integer,
    `profile_refer` integer,
    PRIMARY KEY (`user_refer_id`,`profile_refer`),
    CONSTRAINT `fk_user_profiles_user` FOREIGN KEY (`user_refer_id`) REFERENCES `users`(`refer`),
    CONSTRAINT `fk_user_profiles_profile` FOREIGN KEY (`profile_refer`) REFERENCES `profiles`(`user_refer`)
);""",
    "blog_tags": """
CREATE TABLE `blog_tags` (
    `blog_id` integer,
    `blog_locale` text,
    `tag_id` integer,
    `tag_locale` text,
    PRIMARY KEY (`blog_id`,`blog_locale`,`tag_id`,`tag_locale`),
    CONSTRAINT `fk_blog_tags_blog` FOREIGN KEY (`blog_id`,`blog_locale`) REFERENCES `blogs`(`id`,`locale`),
    CONSTRAINT `fk_blog_tags_tag` FOREIGN KEY (`tag_id`,`tag_locale`) REFERENCES `tags`(`id`,`locale`)
);""",
    "user_speaks": """
CREATE TABLE `user_speaks` (
    `user_id` integer,
    `spoken_language_code` text,
    PRIMARY KEY (`user_id`,`spoken_language_code`),
    CONSTRAINT `fk_user_speaks_user` FOREIGN KEY (`user_id`) REFERENCES `users`(`id`)
        ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT `fk_user_speaks_spoken_language` FOREIGN KEY (`spoken_language_code`)
        REFERENCES `spoken_languages`(`code`) ON DELETE CASCADE ON UPDATE CASCADE
);""",
}


class BlocksTests(TestCase):
    def test_every_python_block_of_every_page_is_counted(self):
        pages = [documentation.ROOT / "README.md", *sorted((documentation.ROOT / "docs").glob("*.md"))]
        names = {str(page.relative_to(documentation.ROOT)) for page in pages} - ELSEWHERE

        kinds = {page: [block.kind for block in documentation.blocks(page)] for page in names}

        assert {page: tuple(map(found.count, documentation.KINDS)) for page, found in kinds.items()} == BLOCKS
        assert {page: len(found) for page, found in kinds.items()} == {page: sum(BLOCKS[page]) for page in BLOCKS}

    def test_blocks_run_and_give_what_they_say(self):
        for page in BLOCKS:
            names: dict[str, Any] = {}
            for block in documentation.blocks(page):
                if block.kind == "":
                    with self.subTest(page=page, line=block.line):
                        documentation.run(block, names)
            self._fixture_teardown()
            self._fixture_setup()

    def test_declarations_pass_the_system_checks(self):
        for page in BLOCKS:
            for block in documentation.blocks(page):
                if block.kind == "models":
                    with self.subTest(page=page, line=block.line):
                        assert documentation.declare(block) == []

    def test_the_rest_compiles(self):
        for page in BLOCKS:
            for block in documentation.blocks(page):
                if block.kind == "compiled":
                    with self.subTest(page=page, line=block.line):
                        block.compiled(block.code, "exec")

    def test_links_between_the_pages_lead_somewhere(self):
        for page in BLOCKS:
            path = documentation.ROOT / page
            for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
                with self.subTest(page=page, link=link):
                    assert (path.parent / link).exists()


class FromGormTests(SimpleTestCase):
    PAGE = "docs/from-gorm.md"
    FEATURES = 164
    ELSEWHERE = ("Django: ", "left out: ")

    def rows(self) -> list[list[str]]:
        lines = (documentation.ROOT / self.PAGE).read_text().splitlines()
        return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| F")]

    def test_every_feature_has_one_line(self):
        assert [row[0] for row in self.rows()] == [f"F{number}" for number in range(1, self.FEATURES + 1)]
        assert {len(row) for row in self.rows()} == {3}

    def test_what_is_spelt_here_stands_in_a_block_that_runs(self):
        code = "".join(block.code for block in documentation.blocks(self.PAGE))

        for number, _, answer in self.rows():
            if not answer.startswith(self.ELSEWHERE):
                with self.subTest(feature=number):
                    spelt = re.findall(r"`([^`]+)`", answer)
                    assert spelt or "](" in answer
                    assert [each for each in spelt if each not in code and "](" not in answer] == []


class RunTests(SimpleTestCase):
    """The runner notices what is wrong."""

    def test_another_value_fails(self):
        with self.assertRaisesMessage(AssertionError, "page.md:3: 1 + 1: ('->', '2'), not ('->', '3')"):
            documentation.run(documentation.Block("page.md", 3, "", "1 + 1  # -> 3\n"), {})

    def test_an_exception_that_does_not_come_fails(self):
        with self.assertRaisesMessage(AssertionError, "not ('raises', 'ValueError')"):
            documentation.run(documentation.Block("page.md", 3, "", "int('1')  # raises ValueError\n"), {})

    def test_a_value_after_a_statement_fails(self):
        with self.assertRaisesMessage(AssertionError, "only an expression has a value"):
            documentation.run(documentation.Block("page.md", 3, "", "a = 1  # -> 1\n"), {})


@unittest.skipUnless(connection.vendor == "sqlite", "README.md has the SQL of SQLite")
class VerbsTests(TestCase):
    def setUp(self):
        """The first object gets 1, whatever tests ran before."""
        sequences = connection.introspection.sequence_list()
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_by_name_sql(no_style(), sequences):
                cursor.execute(statement)

    def test_the_readme_has_the_sql_that_each_verb_runs(self):
        user = models.User.objects.create(id=1, name="ann", refer=1)
        languages = [models.Language.objects.create(name=name) for name in ("English", "French", "German")]
        user.languages.append(languages[:2])
        person = models.Person.objects.create(id=1, name="jinzhu")
        addresses = [models.Address.objects.create(name=name) for name in ("home", "office")]
        person.addresses.append(addresses)
        names = {**vars(models), "Association": Association, "user": user, "person": person}
        names |= {language.name.lower(): language for language in languages}
        names |= {address.name: address for address in addresses}

        assert_made(verbs=as_table(VERBS, names), soft=as_table(SOFT, names))

    def test_the_readme_has_the_sql_of_the_other_kinds(self):
        press, books = (blog.Company.objects.create(name=name) for name in ("press", "books"))
        mia, noa = (blog.User.objects.create(name=name, company=press) for name in ("mia", "noa"))
        one, two = (blog.Post.objects.create(title=title) for title in ("one", "two"))
        mia.posts.append(one)
        cv = blog.Profile.objects.create(user=mia, bio="cv")
        names = {**vars(blog), "mia": mia, "noa": noa, "one": one, "two": two, "cv": cv, "books": books}

        assert_made(keys=as_table(KEYS, names))


class ParityTests(SimpleTestCase):
    def test_the_readme_has_the_counts_of_the_replay(self):
        # docs/parity.md is compared with what the replay counts by the replay itself.
        page = (documentation.ROOT / "docs/parity.md").read_text()
        table = page.split("## SQLite\n\n")[1].split("\n\n")[0]

        assert_made(parity=table)


class SpeedTests(SimpleTestCase):
    def test_the_readme_has_what_the_last_full_benchmark_measured(self):
        results = json.loads((documentation.ROOT / "benchmarks/results/results.json").read_text())

        assert_made(speed=report.summary(results))


def as_table(steps: tuple[tuple[str, str], ...], names: dict[str, Any]) -> str:
    lines = ["| verb | call | SQL |", "|---|---|---|"]
    for title, code in steps:
        with reading.statements() as ran:
            result = eval(code, names)
            if hasattr(result, "query"):
                list(result)
        sql = "<br>".join(f"`{shortened(statement)}`" for statement in ran)
        lines.append(f"| {title} | `{code}` | {sql} |")
    return "\n".join(lines)


def shortened(sql: str) -> str:
    """Without the list of columns, and each column without its table where there is only one."""
    tables = set(re.findall(r"(?:FROM|JOIN|UPDATE|INTO) (\w+)", sql))
    if len(tables) == 1:
        sql = sql.replace(f"{tables.pop()}.", "")
    return re.sub(r"^SELECT (?!COUNT).*? FROM", "SELECT ... FROM", sql)


@unittest.skipUnless(connection.vendor == "sqlite", "README.md has the tables of SQLite")
class TablesTests(SimpleTestCase):
    databases = {"default"}  # not in a transaction, where SQLite's schema editor refuses to work

    def test_the_pages_have_the_tables_of_sqlmigrate_beside_gorms(self):
        written = written_tables()

        assert_made(table=both("user_languages", written["user_languages"]))
        assert_made("docs/tables.md", tables="\n\n".join(both(name, written[name]) for name in GORM))

    def test_sqlmigrate_says_what_is_in_the_database(self):
        written = written_tables()

        assert {name: written[name] for name in GORM} == {name: reading.table(name) for name in GORM}

    def test_names_keys_and_actions_are_gorms(self):
        written = written_tables()

        for name, gorm in GORM.items():
            with self.subTest(table=name):
                assert facts(written[name]) == facts(reading.plain(gorm))


def written_tables() -> dict[str, str]:
    """Table name -> the last CREATE TABLE for it in sqlmigrate's output, and its indexes."""
    output = io.StringIO()
    for app_label, name in sorted(MigrationLoader(None).disk_migrations):
        if app_label == "guides":
            call_command("sqlmigrate", app_label, name, stdout=output)
    tables: dict[str, str] = {}
    for line in reading.plain(output.getvalue()).splitlines():
        # SQLite makes a table anew, as new__..., to add a constraint.
        line = line.removesuffix(";").replace("new__", "")
        if found := re.match(r"CREATE TABLE (\w+) ", line):
            tables[found[1]] = f"{reading.pretty_table(line)};"
        elif (found := re.match(r"CREATE INDEX \w+ ON (\w+) ", line)) and f"\n{line};" not in tables[found[1]]:
            tables[found[1]] += f"\n{line};"
    return tables


def both(name: str, ours: str) -> str:
    return f"```sql\n-- GORM{reading.plain(GORM[name])}\n-- gorm_assoc\n{ours}\n```"


def facts(ddl: str) -> dict[str, Any]:
    """What both sides of a shared table rely on: columns, primary key, foreign keys with names and actions."""
    ddl = re.sub(r"\s+", " ", ddl).replace(" (", "(").replace(", ", ",")
    columns = re.findall(r"[(,](\w+) (?:bigint|integer|text|varchar)", ddl)
    keys = re.findall(r"CONSTRAINT (\w+) FOREIGN KEY\((.*?)\) REFERENCES (\w+\(.*?\))((?: ON \w+ CASCADE)*)", ddl)
    return {"columns": columns, "key": re.findall(r"PRIMARY KEY\((.*?)\)", ddl), "foreign keys": sorted(keys)}


def assert_made(page: str = "README.md", **texts: str) -> None:
    found = documentation.made(page)
    if os.environ.get("REWRITE_DOCS"):
        documentation.rewrite(page, found | texts)
        return
    for name, text in texts.items():
        assert found[name] == text, f"{page} is out of date: run `make docs`. It should have:\n{text}"
