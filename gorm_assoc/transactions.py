"""One transaction a verb, and another try when the database chose it to break a deadlock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connections, transaction

Result = TypeVar("Result")

TRIES = 10
# PostgreSQL: deadlock_detected, serialization_failure. MariaDB/MySQL: ER_LOCK_DEADLOCK, ER_CHECKREAD.
_SQLSTATES = {"40P01", "40001"}
_CODES = {1213, 1020}


def atomically(work: Callable[[], Result], using: str, *, savepoint: bool) -> Result:
    """
    The result of `work`, done in one transaction.

    savepoint -- inside a caller's transaction: whether an error is to undo the work alone

    In a transaction of its own the work is tried again after a deadlock, up to TRIES times. Inside a
    caller's the error goes through, as all of that transaction is lost.
    """
    owns = not connections[using].in_atomic_block
    attempt = 1
    while True:
        try:
            with transaction.atomic(using=using, savepoint=savepoint):
                return work()
        except OperationalError as error:
            if not owns or attempt == TRIES or not is_deadlock(error):
                raise
            time.sleep(random.uniform(0, 0.01 * attempt))
            attempt += 1


def is_deadlock(error: OperationalError) -> bool:
    """Whether the database gave this transaction up so that another could go on."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state in _SQLSTATES or (bool(error.args) and error.args[0] in _CODES)
