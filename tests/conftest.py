from __future__ import annotations

import platform

import django
import pytest
from django.db import DEFAULT_DB_ALIAS, connections

# The replay's options and counts; a conftest.py of its own would come too late for them.
pytest_plugins = ["tests.conformance.plugin"]

# Marked tests that run only where `-m` names them.
ASKED_FOR = {"browser", "scale", "torture"}

NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL"}


def pytest_report_header(config: pytest.Config) -> str:
    return f"Python {platform.python_version()}, Django {django.__version__}, {database_version()}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = {mark for mark in ASKED_FOR if mark not in config.getoption("markexpr")}
    deselected = [item for item in items if any(item.get_closest_marker(mark) for mark in left_out)]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in deselected]


def database_version() -> str:
    """The server's own words. It is asked on a connection of its own, as pytest-django keeps Django's shut here."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "sqlite":
        return f"SQLite {connection.Database.sqlite_version}"
    asker = type(connection)({**connection.settings_dict, "NAME": None})
    try:
        link = asker.get_new_connection(asker.get_connection_params())
    except connection.Database.Error as error:
        return f"{NAMES[connection.vendor]} does not answer: {error}"
    try:
        cursor = link.cursor()
        cursor.execute("SELECT version()")
        version = str(cursor.fetchone()[0]).removeprefix("PostgreSQL ").split(" ")[0]
        cursor.close()
    finally:
        link.close()
    return f"{'MariaDB' if 'MariaDB' in version else NAMES[connection.vendor]} {version}"
