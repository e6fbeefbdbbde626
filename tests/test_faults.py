"""Connections cut, locks held, processes killed, a server restarted: the tables are as before, never between."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connection, connections
from django.test import TransactionTestCase

from tests.faults import after_statements, cases

pytestmark = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite is a file of this process: there is no connection to cut"
)

# The short form, which is part of every run; `make torture` takes all.
SHORT = [("many2many", "replace"), ("has many", "append")]


@contextmanager
def another_connection():
    """To the same database, as another client has it."""
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        yield other
    finally:
        other.close()


def run(other, sql, params=()):
    with other.cursor() as cursor:
        cursor.execute(sql, params)


def cut():
    """End this process's connection from outside, as an administrator does."""
    if connection.vendor == "postgresql":
        number, sql = connection.connection.info.backend_pid, "SELECT pg_terminate_backend(%s, 5000)"
    else:
        number, sql = connection.connection.thread_id(), "KILL CONNECTION %s"
    with another_connection() as other:
        run(other, sql, [number])


def statements_of(case, verb):
    """How many statements the verb sends, without BEGIN and COMMIT."""
    association, sent = case.association(), []

    def count(execute, sql, *rest):
        sent.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        case.verbs()[verb](association)
    return len(sent)


class FaultsTestCase(TransactionTestCase):
    def each(self, chosen):
        """The fresh rows of each case and verb, with the number of statements that it takes."""
        known = cases()
        for name, verb in chosen:
            known[name].make()
            count = statements_of(known[name], verb)
            self.empty(known[name])
            known[name].make()
            yield known[name], verb, count
            self.empty(known[name])

    def empty(self, case):
        connection.close()
        for model in reversed(case.models):
            model._base_manager.all()._raw_delete("default")

    def assert_named(self, error, case):
        label = f"{case.owner._meta.label}.{case.relation}"
        assert isinstance(error, (OperationalError, InterfaceError)), repr(error)
        assert any(label in note for note in getattr(error, "__notes__", [])), getattr(error, "__notes__", [])


def everything():
    return [(name, verb) for name, case in cases().items() for verb in case.verbs()]


class ConnectionCutTests(FaultsTestCase):
    def check(self, chosen):
        for case, verb, count in self.each(chosen):
            before = case.rows()
            for sent in range(count + 1):  # the last is just before COMMIT
                association = case.association()
                with (
                    connection.execute_wrapper(after_statements(sent, cut)),
                    pytest.raises(Error) as raised,
                ):
                    case.verbs()[verb](association)
                connection.close()

                self.assert_named(raised.value, case)
                assert case.rows() == before, (case.name, verb, sent)
            case.verbs()[verb](case.association())
            assert case.rows() != before

    def test_between_any_two_statements(self):
        self.check(SHORT)

    @pytest.mark.torture
    def test_between_any_two_statements_of_every_verb(self):
        self.check(everything())


class LockTests(FaultsTestCase):
    """Another client holds the owner's row, or the links', and lets go too late."""

    WAIT = {"postgresql": "SET lock_timeout = '300ms'", "mysql": "SET SESSION innodb_lock_wait_timeout = 1"}

    def check(self, chosen):
        for case, verb, _ in self.each(chosen):
            before = case.rows()
            association = case.association()
            run(connection, self.WAIT[connection.vendor])
            with another_connection() as other:
                other.set_autocommit(False)
                run(other, f"SELECT * FROM {connection.ops.quote_name(case.owner._meta.db_table)} FOR UPDATE")
                with pytest.raises(OperationalError) as raised:
                    case.verbs()[verb](association)
                other.rollback()

            self.assert_named(raised.value, case)
            assert case.rows() == before
            case.verbs()[verb](association)  # the same connection and object go on
            assert case.rows() != before

    def test_a_lock_that_is_held_too_long(self):
        self.check(SHORT[:1])

    @pytest.mark.torture
    def test_a_lock_that_is_held_too_long_for_every_verb(self):
        self.check(everything())


class KilledTests(FaultsTestCase):
    def check(self, chosen, every):
        for case, verb, count in self.each(chosen):
            before = case.rows()
            for sent in range(0, count + 1) if every else [count]:
                command = [sys.executable, "-m", "tests.faults", connection.settings_dict["NAME"], case.name, verb]
                worker = subprocess.Popen([*command, str(sent)], stdout=subprocess.PIPE, text=True)
                try:
                    assert worker.stdout.readline() == "ready\n"
                finally:
                    worker.kill()
                    worker.communicate(timeout=30)

                assert worker.returncode == -9
                assert case.rows() == before, (case.name, verb, sent)
            case.verbs()[verb](case.association())  # its locks went with it
            assert case.rows() != before

    def test_just_before_commit(self):
        self.check(SHORT[:1], every=False)

    @pytest.mark.torture
    def test_between_any_two_statements_of_every_verb(self):
        self.check(everything(), every=True)


@pytest.mark.torture
@pytest.mark.skipif(
    "TORTURE_RESTART" not in os.environ, reason="only a server that `make torture` has started may be restarted"
)
class RestartTests(FaultsTestCase):
    def test_the_server_goes_down_and_comes_back_in_the_middle_of_each_verb(self):
        for case, verb, count in self.each(everything()):
            before = case.rows()
            association = case.association()
            with (
                connection.execute_wrapper(after_statements(count, restart)),
                pytest.raises(Error) as raised,
            ):
                case.verbs()[verb](association)
            connection.close()

            self.assert_named(raised.value, case)
            assert case.rows() == before
            case.verbs()[verb](association)
            assert case.rows() != before


def restart():
    """As a power cut: the server is given no time. Returns when it answers."""
    subprocess.run(shlex.split(os.environ["TORTURE_RESTART"]), check=True, stdout=subprocess.DEVNULL, timeout=60)
    for _ in range(100):
        try:
            with another_connection() as other:
                run(other, "SELECT 1")
            return
        except Error:
            time.sleep(0.2)
    raise AssertionError("the server did not come back")
