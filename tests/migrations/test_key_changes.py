"""
The key of a join table changes while it has rows: a check prints the migration, which keeps every row.

Forwards, backwards and forwards again; and what stops it before anything is changed.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.migrations.project import KIND, Project

MODELS = """
    class User(Model):
        name = models.CharField(max_length=50)
        {pages}

    class Page(models.Model):
        pk = models.CompositePrimaryKey("id", "locale")
        id = models.BigIntegerField()
        locale = models.CharField(max_length=10)
        code = models.CharField(max_length=20, unique=True)

        class Meta:
            db_table = "pages"
"""
JOIN_MODEL = """
    class UserPage(JoinTable):
        {key}
        user = BelongsTo("User")
        page = BelongsTo("Page", "references:Code")
        note = models.CharField(max_length=20, default="")

        class Meta:
            constraints = [models.UniqueConstraint(fields=["user_id", "page_code"], name="uni_user_pages")]
"""
ROWS = """
        from shop.models import *
        ann, bob = (User.objects.create(pk=pk, name=name) for pk, name in ((1, "ann"), (2, "bob")))
        one = Page.objects.create(id=1, locale="en", code="a")
        two = Page.objects.create(id=2, locale="fr", code="b")
        ann.pages.append(one, two)
        bob.pages.append(two)
"""
HINTS = """
        from django.core import checks
        from gorm_assoc.checks import check_gorm_assoc
        result = [(each.id, each.msg, each.hint) for each in check_gorm_assoc() if each.id > "gorm_assoc.E025" and each.id < "gorm_assoc.W"]
"""


def declare(project: Project, pages: str, more: str = "") -> None:
    project.write(shop=MODELS.format(pages=pages) + more)


def tag(more: str = "") -> str:
    return f'pages = Many2Many("Page", "many2many:user_pages{more}")'


def written(key: str = "") -> tuple[str, str]:
    return 'pages = Many2Many("Page", through="UserPage")', JOIN_MODEL.format(key=key)


def write_migration(project: Project) -> str:
    """Do what the check says. Returns its message."""
    [[(id_, message, hint)]] = project.run(HINTS)
    assert id_ == "gorm_assoc.E026"
    command, _, text = hint.partition("\n\n")
    assert "makemigrations --empty shop --skip-checks --name alter_userpage_key" in command
    name = f"{len(project.migrations('shop')) + 1:04}_alter_userpage_key"
    project.migration("shop", name, text)
    return str(message)


def migrate(project: Project) -> None:
    """In processes of their own, as people do."""
    project.run("makemigrations --check --dry-run")
    project.run("migrate --noinput")


def rows(project: Project) -> list[tuple[Any, ...]]:
    columns = [name for name in project.table("user_pages").column_names if name not in ("id", "note")]
    return sorted(project.rows(f"SELECT {', '.join(sorted(columns))} FROM user_pages"))


WHOLE = [(1, "en", 1), (1, "en", 2), (2, "fr", 1), (2, "fr", 2)]
# name -> declaration before and after, key before and after, rows after (columns by name)
CHANGES = {
    "fewer columns": (
        (tag(),),
        (tag(";references:ID"),),
        ("user_id", "page_id", "page_locale"),
        ("user_id", "page_id"),
        [(1, 1), (2, 1), (2, 2)],
    ),
    "more columns": (
        (tag(";references:ID"),),
        (tag(),),
        ("user_id", "page_id"),
        ("user_id", "page_id", "page_locale"),
        [(1, "en", 1), (2, "fr", 1), (2, "fr", 2)],
    ),
    "another order": (
        written(),
        written('pk = models.CompositePrimaryKey("page_code", "user_id")'),
        ("user_id", "page_code"),
        ("page_code", "user_id"),
        [("a", 1), ("b", 1), ("b", 2)],
    ),
    "other columns": (
        (tag(),),
        (tag(";references:Code"),),
        ("user_id", "page_id", "page_locale"),
        ("user_id", "page_code"),
        [("a", 1), ("b", 1), ("b", 2)],
    ),
    "an id": (
        written(),
        written("id = models.BigAutoField(primary_key=True)"),
        ("user_id", "page_code"),
        ("id",),
        [("a", 1), ("b", 1), ("b", 2)],
    ),
    "no id": (
        written("id = models.BigAutoField(primary_key=True)"),
        written(),
        ("id",),
        ("user_id", "page_code"),
        [("a", 1), ("b", 1), ("b", 2)],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_key_is_altered_and_no_row_lost(project: Project, change: str) -> None:
    before, after, old_key, new_key, found = CHANGES[change]
    declare(project, *before)
    project.deploy(ROWS)
    old, old_rows = project.schema(), rows(project)
    assert old["user_pages"].primary_key == old_key

    declare(project, *after)
    message = write_migration(project)
    migrate(project)

    assert message.startswith(f"The key of shop.UserPage is ({', '.join(new_key)}); in the last migration, shop.0001")
    new = project.schema()
    assert new["user_pages"].primary_key == new_key
    assert rows(project) == found
    assert "user_id" in {key.columns[0] for key in new["user_pages"].foreign_keys}
    project.run("migrate shop 0001 --noinput")
    assert rows(project) == old_rows
    assert in_any_order(project.schema()) == in_any_order(old)
    project.run("migrate --noinput")
    assert rows(project) == found
    assert in_any_order(project.schema()) == in_any_order(new)


def in_any_order(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: (set(t.columns), t.primary_key, t.foreign_keys, t.indexes) for name, t in schema.items()}


def test_a_fresh_database_gets_the_schema_that_an_altered_one_has(project: Project) -> None:
    before, after, *_ = CHANGES["other columns"]
    declare(project, *before)
    project.deploy(ROWS)
    declare(project, *after)
    write_migration(project)
    migrate(project)
    altered = project.table("user_pages")

    project.run("migrate shop zero --noinput")
    for path in project.migrations("shop"):
        path.unlink()
    project.deploy()

    fresh = project.table("user_pages")
    assert (set(fresh.columns), fresh.primary_key, fresh.foreign_keys, fresh.indexes) == (
        set(altered.columns),
        altered.primary_key,
        altered.foreign_keys,
        altered.indexes,
    )


def test_a_value_that_is_ambiguous_stops_it(project: Project) -> None:
    before, after, *_ = CHANGES["more columns"]
    declare(project, *before)
    project.deploy(ROWS)
    [_] = project.run(
        """
        from shop.models import *
        result = Page.objects.create(id=2, locale="de", code="c").code
        """
    )
    old, old_rows = project.schema(), rows(project)
    declare(project, *after)
    write_migration(project)

    with pytest.raises(AssertionError, match=r"cannot get the key column 'page_locale': for 2 of its rows"):
        migrate(project)

    assert project.schema() == old
    assert rows(project) == old_rows
    with project.connection.cursor() as cursor:
        cursor.execute("DELETE FROM pages WHERE code = 'c'")
    migrate(project)
    assert rows(project) == [(1, "en", 1), (2, "fr", 1), (2, "fr", 2)]


def test_rows_that_would_collide_stop_it(project: Project) -> None:
    before, after, *_ = CHANGES["fewer columns"]
    declare(project, *before)
    project.deploy(ROWS)
    project.run(
        """
        from shop.models import *
        User.objects.get(name="ann").pages.append(Page.objects.create(id=2, locale="de", code="c"))
        """
    )
    old, old_rows = project.schema(), rows(project)
    declare(project, *after)
    write_migration(project)

    with pytest.raises(AssertionError, match=r"cannot get the key \(user_id, page_id\): 1 of its rows would be"):
        migrate(project)

    assert project.schema() == old
    assert rows(project) == old_rows


@pytest.mark.skipif(KIND != "mariadb", reason="only MariaDB's DDL has no transaction")
def test_a_migration_that_failed_after_the_key_runs_again(project: Project) -> None:
    before, after, *_, found = CHANGES["other columns"]
    declare(project, *before)
    project.deploy(ROWS)
    declare(project, *after)
    write_migration(project)
    # The name of the foreign key to come is taken, by another table.
    with project.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE user_pages DROP FOREIGN KEY fk_user_pages_page")
        cursor.execute(
            "CREATE TABLE other (page_code varchar(20), "
            "CONSTRAINT fk_user_pages_page FOREIGN KEY (page_code) REFERENCES pages (code))"
        )

    with pytest.raises(AssertionError, match="errno: 121"):
        migrate(project)

    with project.connection.cursor() as cursor:
        cursor.execute("DROP TABLE other")
    migrate(project)
    assert rows(project) == found
    assert len(project.table("user_pages").foreign_keys) == 2


def test_sqlmigrate_prints_it(project: Project) -> None:
    before, after, *_ = CHANGES["other columns"]
    declare(project, *before)
    project.deploy()
    declare(project, *after)
    write_migration(project)

    [sql] = project.run("sqlmigrate shop 0002_alter_userpage_key")

    assert "Alter the key of UserPage" in sql
    assert "page_code" in sql
