"""migrate --fake-initial where models point at each other, so that JoinKeys are added apart from their models."""

from __future__ import annotations

from tests.migrations.project import Project
from tests.migrations.test_two_apps import ACCOUNTS, LANGS


def test_migrations_count_as_done_if_their_tables_are_there(project: Project) -> None:
    project.write(accounts=ACCOUNTS, langs=LANGS)
    project.deploy()
    before = project.schema()
    assert any("JoinKey" in text and "AddField" in text for text in _migrations(project))

    project.run(
        "migrate --fake accounts zero", "migrate --fake langs zero", "migrate --fake-initial", "migrate --check"
    )

    assert project.schema() == before


def test_migrations_run_if_a_join_table_is_missing(project: Project) -> None:
    project.write(accounts=ACCOUNTS, langs=LANGS)

    project.run("makemigrations", "migrate --fake-initial", "migrate --check")

    assert "user_languages" in project.schema()


def _migrations(project: Project) -> list[str]:
    return [path.read_text() for app in project.apps for path in project.migrations(app)]
