"""
Options that change while rows are present.

Names and class names never follow the table, so stock makemigrations --noinput writes what alters the
table; no row is lost, forwards or backwards.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.migrations.project import Project

MODELS = """
    class User(Model):
        name = models.CharField(max_length=50)
        languages = Many2Many("Language", "{tag}")

    class Language(Model):
        name = models.CharField(max_length=50)

        class Meta:
            db_table = "{target}"
"""
FIRST = "many2many:user_languages"
LINKS = [(1, 1), (1, 2), (2, 2)]
REMOVED_ADDED = {"RemoveConstraint", "AddConstraint"}


def write(project: Project, tag: str, target: str = "languages") -> None:
    project.write(shop=MODELS.format(tag=tag, target=target))


def with_rows(project: Project, tag: str = FIRST) -> None:
    write(project, tag)
    project.deploy(
        """
        from shop.models import *
        ann, bob = (User.objects.create(pk=pk, name=name) for pk, name in ((1, "ann"), (2, "bob")))
        en, fr = (Language.objects.create(pk=pk, name=name) for pk, name in ((1, "en"), (2, "fr")))
        ann.languages.append(en, fr)
        bob.languages.append(fr)
        """
    )


def links(project: Project, table: str = "user_languages") -> list[tuple[Any, ...]]:
    return sorted(project.rows(f"SELECT * FROM {table}"))


CHANGES = {
    "table": ("many2many:speaks", "speaks", ("user_id", "language_id"), {"AlterModelTable"}),
    "column": (FIRST + ";joinReferences:Tongue", "user_languages", ("user_id", "tongue"), {"AlterField"}),
    "key column": (FIRST + ";joinForeignKey:Speaker", "user_languages", ("speaker", "language_id"), {"AlterField"}),
    "table and columns": (
        "many2many:speaks;joinForeignKey:Speaker;joinReferences:Tongue",
        "speaks",
        ("speaker", "tongue"),
        {"AlterModelTable", "AlterField"},
    ),
    "action": (FIRST + ";constraint:OnDelete:CASCADE", "user_languages", ("user_id", "language_id"), REMOVED_ADDED),
    "name": (
        FIRST + ";constraint:fk_mine,OnDelete:CASCADE",
        "user_languages",
        ("user_id", "language_id"),
        REMOVED_ADDED,
    ),
    "no constraint": (FIRST + ";constraint:-", "user_languages", ("user_id", "language_id"), {"RemoveConstraint"}),
    "table and action": (
        "many2many:speaks;constraint:OnDelete:CASCADE",
        "speaks",
        ("user_id", "language_id"),
        {"AlterModelTable"} | REMOVED_ADDED,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_option_alters_the_table_and_loses_no_row(project: Project, change: str) -> None:
    tag, table, columns, operations = CHANGES[change]
    with_rows(project)
    before = project.schema()

    write(project, tag)
    [found] = project.deploy(
        """
        from shop.models import *
        result = sorted(User.objects.values_list("name", "languages__name"))
        """
    )

    written = set(project.operations("shop"))
    assert operations <= written
    assert not written & {"CreateModel", "DeleteModel", "RemoveField", "AddField"}
    assert found == [["ann", "en"], ["ann", "fr"], ["bob", "fr"]]
    assert links(project, table) == LINKS
    after = project.schema()
    assert after[table].column_names == after[table].primary_key == columns
    project.run("migrate shop 0001 --noinput")
    assert links(project) == LINKS
    assert project.schema() == before
    project.run("migrate --noinput")
    assert links(project, table) == LINKS
    assert project.schema() == after
    # And the same change the other way round, as one more migration.
    write(project, FIRST)
    project.deploy()
    assert links(project) == LINKS
    assert project.schema() == before


def test_actions_reach_the_database(project: Project) -> None:
    with_rows(project)

    write(project, FIRST + ";constraint:OnDelete:CASCADE,OnUpdate:CASCADE")
    project.deploy()

    keys = project.table("user_languages").foreign_keys
    assert [(key.name, key.on_delete, key.on_update) for key in keys] == [
        ("fk_user_languages_language", "CASCADE", "CASCADE"),
        ("fk_user_languages_user", "CASCADE", "CASCADE"),
    ]
    write(project, FIRST + ";constraint:-")
    project.deploy()
    assert project.table("user_languages").foreign_keys == ()
    project.back_and_forth("shop", "0002")


def test_a_target_s_table_is_renamed(project: Project) -> None:
    with_rows(project)

    write(project, FIRST, target="tongues")
    project.deploy()

    assert "AlterModelTable" in project.operations("shop")
    assert {key.to_table for key in project.table("user_languages").foreign_keys} == {"users", "tongues"}
    project.back_and_forth("shop", "0001")
    write(project, FIRST + ";constraint:OnDelete:CASCADE", target="tongues")
    project.deploy()
    assert {(key.to_table, key.on_delete) for key in project.table("user_languages").foreign_keys} == {
        ("users", "CASCADE"),
        ("tongues", "CASCADE"),
    }
    project.back_and_forth("shop", "0001")
    assert links(project) == LINKS


def test_a_target_s_key_changes_its_type(project: Project) -> None:
    with_rows(project)
    before = project.table("user_languages").foreign_keys

    project.write(
        shop=MODELS.format(tag=FIRST, target="languages").replace(
            "    class Language(Model):", "    class Language(Model):\n        id = models.AutoField(primary_key=True)"
        )
    )
    project.deploy()

    assert project.table("user_languages").foreign_keys == before
    assert links(project) == LINKS
    project.back_and_forth("shop", "0001")
    assert project.table("user_languages").foreign_keys == before
    assert links(project) == LINKS


TAKEN_OVER = """
    class User(Model):
        name = models.CharField(max_length=50)
        languages = Many2Many("Language", through="UserLanguage")

    class Language(Model):
        name = models.CharField(max_length=50)

    class UserLanguage(JoinTable):
        user = BelongsTo("User")
        language = BelongsTo("Language")
        fluency = models.CharField(max_length=20, default="")
"""


def test_a_written_join_model_takes_the_table_over(project: Project) -> None:
    with_rows(project)

    project.write(shop=TAKEN_OVER)
    project.deploy()

    assert project.operations("shop") == ["AddField"]
    assert links(project) == [(*pair, "") for pair in LINKS]
    project.back_and_forth("shop", "0001")
    assert links(project) == [(*pair, "") for pair in LINKS]
    write(project, FIRST)
    project.deploy()
    assert links(project) == LINKS


def test_a_second_side_and_its_removal_change_nothing_in_the_database(project: Project) -> None:
    with_rows(project)
    before = project.schema()

    both = MODELS.format(tag=FIRST, target="languages").replace(
        "class Meta", f'users = Many2Many("User", "{FIRST}")\n\n        class Meta'
    )
    project.write(shop=both)
    [found] = project.deploy(
        """
        from shop.models import *
        result = Language.objects.get(name="fr").users.count()
        """
    )

    assert found == 2
    assert set(project.operations("shop")) <= {"AddField", "AlterField"}
    assert project.schema() == before
    write(project, FIRST)
    project.deploy()
    assert project.schema() == before
    assert links(project) == LINKS
