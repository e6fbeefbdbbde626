"""Tables that GORM made, with the rows Go wrote, taken over by makemigrations and migrate --fake-initial."""

from __future__ import annotations

import ast
import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import gorm_tables, recordings, sets
from tests.migrations.project import KIND, Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(KIND == "mariadb", reason="the recorded tables are made for SQLite and PostgreSQL"),
]

DEFERRED = " DEFERRABLE INITIALLY DEFERRED"


@dataclass(frozen=True)
class Case:
    """
    A recorded set and what becomes of its declarations.

    column -- a text of its module, and the one that gives a join column another name
    constraint -- the same for another ON DELETE
    new -- the fields of a new target
    """

    name: str
    column: tuple[str, str]
    constraint: tuple[str, str]
    new: str = "dict(name='new')"


def option(begin: str, more: str) -> tuple[str, str]:
    return begin, f"{begin}{more};"


CASCADE = "constraint:OnDelete:CASCADE"
OTHER = "joinReferences:OtherID"
CASES = [
    Case("lang", option("many2many:user_languages;", OTHER), option("many2many:user_languages;", CASCADE)),
    Case(
        "backref",
        option('"User", "many2many:user_languages;', OTHER),
        option('"User", "many2many:user_languages;', CASCADE),
    ),
    Case(
        "refs",
        ("joinReferences:ProfileRefer", OTHER),
        option("References:UserRefer;", CASCADE),
        new="dict(user_refer=777)",
    ),
    Case(
        "person",
        ('BelongsTo("Address")', 'BelongsTo("Address", "foreignKey:OtherID")'),
        option("many2many:person_addresses;", CASCADE),
    ),
    Case("selfref", option("many2many:user_friends", f";{OTHER}"), option("many2many:user_friends", f";{CASCADE}")),
    Case("followers", ("FolloweeID", "OtherID"), option("many2many:follows;", CASCADE)),
    Case(
        "speaks",
        option("many2many:user_speaks;", OTHER),
        option("many2many:user_speaks;", CASCADE),
        new="dict(code='xx')",
    ),
    Case(
        "constraint",
        option("many2many:user_speaks;", OTHER),
        ("OnDelete:CASCADE", "OnDelete:RESTRICT"),
        new="dict(code='xx')",
    ),
    Case("joinkeys", ("joinReferences:LangReferID", OTHER), option("many2many:user_languages;", CASCADE)),
    Case(
        "compositejoin",
        option('"Shelf", "many2many:shelf_boxes;', "joinReferences:OtherHall,OtherRow"),
        option('"Shelf", "many2many:shelf_boxes;', CASCADE),
        new="dict(hall='south', row=9)",
    ),
    Case(
        "rulesbelongs", option("references:Code;", "foreignKey:OtherCode"), ("OnDelete:SET NULL", "OnDelete:CASCADE")
    ),
]
by_name = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@by_name
def test_taken_over_verbs_work_and_what_is_missing_can_be_added(case: Case, project: Project) -> None:
    take_over(project, case.name)
    before = rows(project)

    project.run(VERBS.replace("NEW", case.new))
    code, differences = check_db(project)
    mend(project)

    assert code == 1
    assert len(differences) > 1
    assert check_db(project) == (0, ["The database 'default' has what the relations need."])
    assert rows(project) == before
    project.run(VERBS.replace("NEW", case.new))


@by_name
def test_a_relation_of_taken_over_tables_changes_and_goes_with_the_other_rows_kept(
    case: Case, project: Project
) -> None:
    text = take_over(project, case.name)
    mend(project)
    before = rows(project)

    for old, new in (case.column, case.constraint):
        assert old in text
        text = text.replace(old, new)
        project.write(shop=text)
        project.deploy()
        assert rows(project) == before
        assert check_db(project)[0] == 0
    project.write(shop=without_relations(text))
    project.deploy()

    assert project.deploy("makemigrations --check --dry-run")
    kept = rows(project)
    joined = joining(case.name)
    assert kept.keys() == before.keys() - joined
    assert {table: len(found) for table, found in kept.items()} == {table: len(before[table]) for table in kept}


@pytest.mark.parametrize("name", ["composite", "content", "family", "overrides", "rules", "toys"])
def test_taken_over_keys_work_and_what_is_missing_can_be_added(name: str, project: Project) -> None:
    take_over(project, name)
    before = rows(project)

    project.run(VERBS_ON_KEYS)
    code, differences = check_db(project)
    mend(project)

    assert code == (0 if name == "toys" else 1), differences  # a polymorphic key has no foreign key
    assert check_db(project) == (0, ["The database 'default' has what the relations need."])
    assert rows(project) == before
    project.run(VERBS_ON_KEYS)


def test_what_differs_is_said_and_what_is_missing_is_printed(project: Project) -> None:
    take_over(project, "lang")
    key = "fk_user_languages_user (user_id) to users (id)"

    code, differences = check_db(project)

    assert code == 1
    assert differences == [
        f"user_languages: foreign key (user_id) is {key}, declared as {key}{DEFERRED}.",
        f"user_languages: foreign key (language_id) is {key}, declared as {key}{DEFERRED}.".replace(
            key, "fk_user_languages_language (language_id) to languages (id)"
        ),
        "user_languages: index idx_user_languages_language_id (language_id) is missing.",
    ]


def test_rows_that_go_wrote_are_read(project: Project) -> None:
    take_over(project, "lang")

    [times] = project.run(
        """
        from django.db.models import F
        from shop.models import *
        users = User.objects.unscoped().order_by("id")
        result = [[str(user.created_at), user.name] for user in users]
        """
    )

    moment = datetime.datetime(2024, 5, 1, 12, 34, 56, 789012, datetime.timezone(datetime.timedelta(hours=2)))
    *filled, [never, empty] = times
    assert len(filled) > 1
    assert {datetime.datetime.fromisoformat(time) for time, _ in filled} == {moment}
    assert (never, empty) == ("None", "")


@pytest.mark.skipif(KIND != "sqlite", reason="a time of PostgreSQL is no text")
def test_the_documented_update_makes_gos_times_texts_that_django_compares_rightly(project: Project) -> None:
    take_over(project, "lang")
    earlier = """
        from datetime import UTC, datetime
        from shop.models import *
        result = User.objects.filter(created_at__lt=datetime(2024, 5, 1, 11, tzinfo=UTC)).count()
        """  # it was 10:34 in UTC
    documented = (Path(__file__).parents[2] / "docs" / "from-gorm.md").read_text()
    [update] = [block.split("```")[0] for block in documented.split("```sql\n") if block.startswith("UPDATE")]

    [wrong] = project.run(earlier)
    with project.connection.cursor() as cursor:
        cursor.execute(update)
    [right] = project.run(earlier)

    assert (wrong, right) == (0, len(rows(project)["users"]) - 1)
    assert project.rows("SELECT created_at FROM users")[0] == (datetime.datetime(2024, 5, 1, 10, 34, 56, 789012),)


VERBS = """
    from django.apps import apps
    from django.db import transaction
    from gorm_assoc.models import *

    for model in list(apps.get_app_config("shop").get_models()):
        for field in model._meta.many_to_many:
            owner, target = model.objects.first(), field.related_model
            links = Association(owner, field.name)
            targets = [each for each in target.objects.all()]
            keys = lambda: sorted(each.pk for each in links.find())
            with transaction.atomic():
                links.append(targets)
                assert keys() == sorted(each.pk for each in targets), (field, keys())
                assert links.count() == len(targets) == getattr(owner, field.name).count()
                assert model.objects.filter(**{f"{field.name}__pk": targets[0].pk}).filter(pk=owner.pk).count() == 1
                links.replace(targets[0])
                assert keys() == [targets[0].pk]
                links.delete(targets[0])
                assert keys() == []
                links.toggle(targets[0])
                assert keys() == [targets[0].pk]
                if field is next(iter(model._meta.many_to_many)) and not field.back_reference:
                    links.append(target(**NEW))
                    assert links.count() == 2
                links.clear()
                assert links.count() == 0
                transaction.set_rollback(True)
    """


VERBS_ON_KEYS = """
    from django.apps import apps
    from django.db import transaction
    from gorm_assoc.models import *

    played = 0
    for model in list(apps.get_app_config("shop").get_models()):
        for declared in (*getattr(model, "has_fields", ()), *getattr(model, "belongs_to_fields", ())):
            name, targets = declared.name, list(declared.target().objects.order_by("pk"))
            owner = model.objects.order_by("pk").first()
            if owner is None or not targets:
                continue
            links, first, last = Association(owner, name), targets[0], targets[-1]
            keys = lambda: {each.pk for each in links.find()}
            with transaction.atomic():
                links.clear()
                assert links.count() == 0
                links.append(first)
                links.append(last)
                assert keys() == ({first.pk, last.pk} if isinstance(declared, HasMany) else {last.pk}), name
                assert owner in model.objects.filter(**{f"{name}__pk": last.pk})
                links.replace(first)
                assert keys() == {first.pk}
                links.delete(first)
                assert links.count() == 0
                played += 1
                transaction.set_rollback(True)
    assert played
    """


def take_over(project: Project, name: str) -> str:
    """A project with the set's models and database, as the docs tell to begin; the text of its models."""
    text = Path(sets.__file__).with_name(f"{name}.py").read_text().replace("from __future__ import annotations", "")
    gorm_tables.make(project.connection, name)
    project.write(shop=text)
    before = rows(project)
    project.run("makemigrations --noinput", "makemigrations --check --dry-run", "migrate --fake-initial --noinput")
    assert rows(project) == before
    return text


def check_db(project: Project, more: str = "") -> tuple[int, list[str]]:
    """Exit code and lines of `associations --check-db`."""
    [[code, text]] = project.run(
        f"""
        import io
        from django.core.management import call_command

        out, code = io.StringIO(), 0
        try:
            call_command("associations", "--check-db", *{more.split()!r}, stdout=out)
        except SystemExit as error:
            code = error.code
        result = [code, out.getvalue()]
        """
    )
    return code, text.splitlines()


def mend(project: Project) -> None:
    """Run what `associations --check-db --sql` prints, as the database's own shell would."""
    _, lines = check_db(project, "--sql")
    script = "\n".join(lines)
    project.connection.ensure_connection()
    if KIND == "sqlite":
        project.connection.connection.executescript(script)
    else:
        project.connection.connection.execute(script)


def rows(project: Project) -> dict[str, list[Any]]:
    """What stands in each table, whatever its columns are called."""
    return {table: sorted(project.rows(f'SELECT * FROM "{table}"'), key=repr) for table in project.schema()}


def joining(name: str) -> set[str]:
    relations = (
        relation for model in recordings.sets()[name].models.values() for relation in model.relations.values()
    )
    return {relation.join_table for relation in relations if relation.join_table}


def without_relations(text: str) -> str:
    """The models without their relations, and without written join models."""
    module = ast.parse(text)
    module.body = [
        node
        for node in module.body
        if not (isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "JoinTable" for base in node.bases))
    ]
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            node.body = [each for each in node.body if not _is_relation(each)]
    return ast.unparse(module)


def _is_relation(node: ast.stmt) -> bool:
    call = isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func)
    return call in ("Many2Many", "BelongsTo")
