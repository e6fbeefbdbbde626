"""MySQL has no IF [NOT] EXISTS for indexes and foreign keys: on MariaDB that takes itself for MySQL."""

from __future__ import annotations

import pytest
from django.db import connection

from gorm_assoc.constraints import ForeignKeyConstraint, Index
from tests.testapp.models import Loan

pytestmark = pytest.mark.skipif(connection.vendor != "mysql", reason="MySQL's SQL runs on MariaDB and MySQL only")


@pytest.fixture
def editor(monkeypatch, django_db_setup, django_db_blocker):
    # Without a transaction, which DDL would end; each test leaves the table as it was.
    with django_db_blocker.unblock():
        monkeypatch.setattr(connection, "mysql_is_mariadb", False)
        with connection.schema_editor() as editor:
            yield editor


def test_an_index_is_made_and_removed_once(editor):
    index = Index(fields=["note"], name="idx_loans_note")

    for _ in range(2):
        editor.add_index(Loan, index)
        assert index.name in _indexes()
    for _ in range(2):
        editor.remove_index(Loan, index)
        assert index.name not in _indexes()


def test_a_foreign_key_is_removed_and_made_once(editor):
    key = next(each for each in Loan._meta.constraints if isinstance(each, ForeignKeyConstraint))

    for _ in range(2):
        editor.remove_constraint(Loan, key)
        assert key.name not in _foreign_keys()
    for _ in range(2):
        editor.add_constraint(Loan, key)
        assert key.name in _foreign_keys()


def test_no_statement_says_if_exists(editor):
    index = Index(fields=["note"], name="idx_loans_note")
    key = next(each for each in Loan._meta.constraints if isinstance(each, ForeignKeyConstraint))

    statements = [index.create_sql(Loan, editor), key.remove_sql(Loan, editor)]

    assert all(statements)
    assert not [each for each in statements if "EXISTS" in str(each)]


def _constraints():
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, Loan._meta.db_table)


def _indexes():
    return {name for name, each in _constraints().items() if each["index"]}


def _foreign_keys():
    return {name for name, each in _constraints().items() if each["foreign_key"]}
