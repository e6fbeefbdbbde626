"""Sides, apps and whole relations that come and go: rows stay, or a check says what to write."""

from __future__ import annotations

from typing import Any

import pytest

from tests.migrations.project import Project

USER = """
    class User(Model):
        name = models.CharField(max_length=50)
        {relation}
"""
LANGUAGE = """
    class Language(Model):
        name = models.CharField(max_length=50)
        {relation}
"""
LANGUAGES = 'languages = Many2Many("Language", "many2many:{table}"{more})'
USERS = 'users = Many2Many("User", "many2many:{table}"{more})'
ROWS = """
        from shop.models import *
        ann, bob = (User.objects.create(pk=pk, name=name) for pk, name in ((1, "ann"), (2, "bob")))
        en, fr = (Language.objects.create(pk=pk, name=name) for pk, name in ((1, "en"), (2, "fr")))
        for user, language in ((ann, en), (ann, fr), (bob, fr)):
            user.languages.append(language) if hasattr(user, "languages") else language.users.append(user)
"""
LINKS = [(1, 1), (1, 2), (2, 2)]
CHECKS = """
        from gorm_assoc.checks import check_gorm_assoc
        result = [(each.id.removeprefix("gorm_assoc."), each.msg, each.hint) for each in check_gorm_assoc()]
"""


def declare(project: Project, languages: str = "", users: str = "", table: str = "user_languages") -> None:
    both = [text.format(table=table, more="{more}") for text in (LANGUAGES, USERS)]
    project.write(
        shop="\n".join(
            model.format(relation=relation.format(more=more.removeprefix("yes")) if more else "pass")
            for model, relation, more in ((USER, both[0], languages), (LANGUAGE, both[1], users))
        )
    )


def links(project: Project, table: str = "user_languages") -> list[tuple[Any, ...]]:
    return sorted(project.rows(f"SELECT user_id, language_id FROM {table}"))


def messages(project: Project) -> list[tuple[str, str, str]]:
    [found] = project.run(CHECKS)
    return [tuple(each) for each in found]  # type: ignore[misc]


def test_a_new_side_that_would_decide_is_told_to_be_the_back_reference(project: Project) -> None:
    declare(project, users="yes")
    project.deploy(ROWS)
    before = project.schema()

    declare(project, languages="yes", users="yes")
    found = messages(project)

    assert found == [
        (
            "E027",
            "The last migration has the join model shop.LanguageUser of shop.Language.users; now "
            "shop.User.languages would decide, and its table would be made again.",
            "Write back_reference=True on shop.User.languages.",
        )
    ]
    declare(project, languages="yes, back_reference=True", users="yes")
    [count] = project.deploy(
        """
        from shop.models import *
        result = User.objects.get(name="ann").languages.count()
        """
    )
    assert count == 2
    assert project.schema() == before
    declare(project, users="yes")
    project.deploy()
    project.run("migrate shop 0001 --noinput", "migrate --noinput")
    assert project.schema() == before
    assert links(project) == LINKS


def test_when_the_side_that_decides_goes_the_other_takes_its_join_model(project: Project) -> None:
    declare(project, languages="yes", users="yes")
    project.deploy(ROWS)
    before = project.schema()

    declare(project, users="yes")
    [(id_, message, hint)] = messages(project)

    assert (id_, hint) == (
        "E028",
        'Write join_model="shop.UserLanguage", back_reference=True on shop.Language.users: the table stays as it is.',
    )
    assert message.startswith("The last migration has the join model shop.UserLanguage, and the relation that decided")
    declare(project, users='yes, join_model="shop.UserLanguage", back_reference=True')
    assert messages(project) == []
    project.deploy()
    assert project.operations("shop") == ["RemoveField", "AlterField"]  # users is nobody's reverse any more
    assert project.schema() == before
    assert links(project) == LINKS
    project.run("migrate shop 0001 --noinput", "migrate --noinput")
    assert project.schema() == before
    assert links(project) == LINKS


FOLLOWS = """
    class User(Model):
        followers = Many2Many("self", {followers})
        {following}
"""
TAG = '"many2many:user_follows;joinForeignKey:{};joinReferences:{}"'.format
FOLLOWERS = TAG("FollowedID", "FollowerID") + ", back_reference=True"
FOLLOWING = f"following = Many2Many('self', {TAG('FollowerID', 'FollowedID')})"
FOLLOWING_CLASS = """
    class UserFollowing(JoinTable):
        user = BelongsTo("User", "foreignKey:FollowerID")
        following = BelongsTo("User", "foreignKey:FollowedID")

        class Meta:
            db_table = "user_follows"
"""


def test_when_the_side_that_decides_of_a_self_reference_goes_its_join_model_is_written(project: Project) -> None:
    project.write(shop=FOLLOWS.format(followers=FOLLOWERS, following=FOLLOWING))
    project.deploy(
        """
        from shop.models import *
        ann, bob = User.objects.create(pk=1), User.objects.create(pk=2)
        ann.following.append(bob)
        """
    )
    before = project.schema()

    project.write(shop=FOLLOWS.format(followers=FOLLOWERS, following=""))
    [(id_, _, hint)] = messages(project)

    assert (id_, hint) == (
        "E028",
        "Write shop.UserFollowing as a JoinTable over this table, and through= on shop.User.followers: the table "
        "stays as it is.",
    )
    through = 'through="UserFollowing", through_fields=("following", "user")'
    project.write(shop=FOLLOWS.format(followers=through, following="") + FOLLOWING_CLASS)
    assert messages(project) == []
    [found] = project.deploy(
        """
        from shop.models import *
        result = [user.pk for user in User.objects.get(pk=2).followers.all()]
        """
    )
    assert found == [1]
    assert project.schema() == before


def test_an_owner_that_is_renamed_without_a_name_for_its_join_model(project: Project) -> None:
    declare(project, languages="yes")
    project.deploy(ROWS)
    models = (project.folder / "shop/models.py").read_text().partition("import *\n")[2]

    project.write(shop=models.replace("User(", "Person("))
    found = messages(project)

    assert found == [
        (
            "E029",
            "The last migration has the join model shop.UserLanguage with the table 'user_languages'; now "
            "shop.PersonLanguage would make this table again.",
            'Write join_model="shop.UserLanguage" on shop.Person.languages: the table keeps its rows.',
        )
    ]
    with pytest.raises(AssertionError, match="SystemCheckError"):
        project.run("from django.core.management import call_command\ncall_command('makemigrations', skip_checks=False)")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("makemigrations --noinput", ["E029"]),
        ("makemigrations shop --no-in --verbosity=1", ["E029"]),
        ("makemigrations --verbosity=1", []),
        ("migrate --noinput", []),
    ],
)
def test_a_renamed_relation_is_asked_about_or_stopped(project: Project, command: str, expected: list[str]) -> None:
    declare(project, languages="yes")
    project.deploy()
    models = (project.folder / "shop/models.py").read_text().partition("import *\n")[2]

    project.write(shop=models.replace("languages =", "tongues ="))
    [found] = project.run(f"import sys\nsys.argv[1:] = {command.split()}\n" + CHECKS.replace("\n        ", "\n"))

    assert [id_ for id_, *_ in found] == expected


def test_a_join_model_of_another_name_over_the_table(project: Project) -> None:
    declare(project, languages="yes")
    project.deploy(ROWS)

    project.write(
        shop=USER.format(relation='languages = Many2Many("Language", through="Speaks")')
        + LANGUAGE.format(relation="pass")
        + """
    class Speaks(JoinTable):
        user = BelongsTo("User")
        language = BelongsTo("Language")
        level = models.IntegerField(default=1)

        class Meta:
            db_table = "user_languages"
"""
    )
    [(id_, _, hint)] = messages(project)

    assert (id_, hint) == (
        "E029",
        "Give shop.Speaks the name shop.UserLanguage, or rename it in a migration before it changes.",
    )


TWO_APPS = {
    "people": """
    class User(models.Model):
        languages = Many2Many("langs.Language", "many2many:links")
""",
    "langs": """
    class Language(models.Model):
        users = Many2Many("people.User", "many2many:links")
""",
}


def test_the_order_of_apps_changes_nothing(project: Project) -> None:
    project.configure(SILENCED_SYSTEM_CHECKS=["gorm_assoc.W005"])
    project.write(("people", "langs"), **TWO_APPS)
    project.deploy(
        """
        from people.models import *
        from langs.models import *
        User.objects.create(pk=1).languages.append(Language(pk=2))
        """
    )
    before = project.schema()

    project.write(("langs", "people"), **TWO_APPS)
    project.run("makemigrations --check --dry-run", "migrate people zero --noinput", "migrate langs zero --noinput")
    project.run("migrate --noinput")

    assert project.schema() == before


@pytest.mark.parametrize("at_once", [True, False])
def test_owner_and_relation_are_removed(project: Project, at_once: bool) -> None:
    declare(project, languages="yes")
    project.deploy(ROWS)
    before = project.schema()

    if not at_once:
        declare(project)
        project.deploy()
    project.write(shop=LANGUAGE.format(relation="pass"))
    project.deploy()

    assert list(project.schema()) == ["languages"]
    assert project.rows("SELECT COUNT(*) FROM languages") == [(2,)]
    project.run("migrate shop 0001 --noinput")
    assert project.schema() == before
    project.run("migrate --noinput")
    assert list(project.schema()) == ["languages"]


def test_a_migration_that_failed_half_way_runs_again(project: Project) -> None:
    project.write(
        shop=USER.format(relation=LANGUAGES.format(table="user_languages;constraint:-", more=""))
        + LANGUAGE.format(relation="pass")
    )
    project.deploy(ROWS)
    orphan = "user_languages (user_id, language_id) VALUES (1, 99)"
    with project.connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {orphan}")
    declare(project, languages="yes")
    project.run("makemigrations --noinput")

    with pytest.raises(AssertionError, match="IntegrityError"):
        project.run("migrate --noinput")

    with project.connection.cursor() as cursor:
        cursor.execute("DELETE FROM user_languages WHERE language_id = 99")
    project.run("migrate --noinput", "makemigrations --check --dry-run")
    assert len(project.table("user_languages").foreign_keys) == 2
    assert links(project) == LINKS


def test_migrations_that_cannot_be_read_are_left_to_their_commands(project: Project) -> None:
    declare(project, languages="yes")
    project.deploy()
    project.migration("shop", "0002_wrong", "import nothing_of_that_name\n")

    found = messages(project)

    assert found == []


def test_an_app_without_migrations_has_no_history(project: Project) -> None:
    project.configure(MIGRATION_MODULES={"shop": None})
    declare(project, users="yes")
    declare(project, languages="yes")

    found = messages(project)

    assert found == []
