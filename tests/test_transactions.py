"""The work of a verb is tried again when the database chose it to break a deadlock."""

from __future__ import annotations

from unittest import mock

import pytest
from django.db import OperationalError, transaction

from gorm_assoc import transactions
from gorm_assoc.transactions import TRIES, atomically, is_deadlock
from tests.factories import ClubFactory
from tests.testapp.models import Club

DEADLOCK = OperationalError(1213, "Deadlock found when trying to get lock")


class StateError(Exception):
    """What psycopg raises: Django's error has it as its cause."""

    def __init__(self, **attributes):
        super().__init__()
        self.__dict__.update(attributes)


def caused_by(**attributes):
    error = OperationalError()
    error.__cause__ = StateError(**attributes)
    return error


class Work:
    """Stores a club, then fails as often as it was told to."""

    def __init__(self, times, error=DEADLOCK):
        self.times, self.error, self.calls = times, error, 0

    def __call__(self):
        self.calls += 1
        Club.objects.create(name=f"try {self.calls}")
        if self.calls <= self.times:
            raise self.error
        return "done"


@pytest.fixture
def waits(monkeypatch):
    """How long it waited, at most; without waiting."""
    longest = []
    monkeypatch.setattr(transactions.random, "uniform", lambda shortest, most: longest.append((shortest, most)) or 0)
    return longest


@pytest.mark.django_db(transaction=True)
class TestOwnTransaction:
    def test_a_deadlock_is_tried_again_and_its_rows_are_not_stored(self, waits):
        work = Work(times=2)

        assert atomically(work, "default", savepoint=True) == "done"

        assert [club.name for club in Club.objects.all()] == ["try 3"]

    def test_the_wait_grows_with_each_try(self, waits):
        slept = []
        with mock.patch.object(transactions.time, "sleep", slept.append):
            atomically(Work(times=3), "default", savepoint=True)

        assert waits == [(0, 0.01), (0, 0.02), (0, 0.03)]
        assert slept == [0, 0, 0]

    def test_it_ends_after_so_many_tries(self, waits):
        work = Work(times=TRIES)

        with pytest.raises(OperationalError, match="Deadlock found"):
            atomically(work, "default", savepoint=True)

        assert work.calls == TRIES
        assert not Club.objects.exists()

    def test_the_last_try_counts(self, waits):
        assert atomically(Work(times=TRIES - 1), "default", savepoint=True) == "done"

    def test_another_error_is_not_tried_again(self, waits):
        work = Work(times=1, error=OperationalError("disk I/O error"))

        with pytest.raises(OperationalError, match="disk"):
            atomically(work, "default", savepoint=True)

        assert work.calls == 1
        assert not Club.objects.exists()


@pytest.mark.django_db
class TestCallersTransaction:
    def test_a_deadlock_goes_through_as_all_is_lost(self, waits):
        work = Work(times=1)

        with pytest.raises(OperationalError), transaction.atomic():
            atomically(work, "default", savepoint=True)

        assert work.calls == 1

    def test_a_savepoint_takes_back_the_work_alone(self):
        ours = ClubFactory()

        with pytest.raises(OperationalError):
            atomically(Work(times=1), "default", savepoint=True)

        assert Club.objects.get() == ours

    def test_without_a_savepoint_the_callers_transaction_is_broken(self):
        with pytest.raises(OperationalError), transaction.atomic():
            atomically(Work(times=1), "default", savepoint=False)
        assert not Club.objects.exists()

        with transaction.atomic():
            with pytest.raises(OperationalError):
                atomically(Work(times=1), "default", savepoint=False)
            assert transaction.get_rollback()
            transaction.set_rollback(False)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (OperationalError(1213, "deadlock"), True),
        (OperationalError(1020, "record has changed"), True),
        (OperationalError(1205, "lock wait timeout"), False),
        (caused_by(sqlstate="40P01"), True),
        (caused_by(sqlstate="40001"), True),
        (caused_by(pgcode="40P01"), True),
        (caused_by(sqlstate=None, pgcode="40001"), True),
        (caused_by(sqlstate="57014"), False),
        (OperationalError(), False),
    ],
)
def test_a_deadlock_is_known_by_what_the_server_calls_it(error, found):
    assert is_deadlock(error) is found
