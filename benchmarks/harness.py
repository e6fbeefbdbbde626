"""
What the benchmarks share.

    database()   an empty database with the example project's tables, gone afterwards
    Work         something to do, the ways to do it, how each round is prepared and its result looked at
    measure()    the ways side by side: one process, interleaved rounds, the median of each
    counted()    how many statements are sent meanwhile
"""

from __future__ import annotations

import gc
import os
import socket
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Way = Callable[[], Any]

SQLITE, POSTGRES, MARIADB = "sqlite", "postgres", "mariadb"
OURS = "gorm_assoc"


@dataclass(frozen=True)
class Figures:
    """seconds -- the median; statements; peak -- bytes that Python held at most, in a run of its own"""

    seconds: float
    statements: int
    peak: int


@dataclass(frozen=True)
class Work:
    """
    ways -- by name, ours under OURS; all leave the same in the database and return the same
    prepare -- puts the database where each way starts from, before each run; not measured
    left -- what to compare of the database after a run; not measured
    """

    name: str
    ways: Mapping[str, Way]
    prepare: Callable[[], None] = lambda: None
    left: Callable[[], Any] = lambda: None
    rounds: int = 7  # after one that warms up; 0: that one alone
    figures: dict[str, Figures] = field(default_factory=dict)


def is_up(kind: str) -> bool:
    """Whether the database answers; SQLite always does."""
    from example_project.databases import database as settings_of

    if kind == SQLITE:
        return True
    settings = settings_of(kind)
    try:
        socket.create_connection((settings["HOST"], int(settings["PORT"])), timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def database(kind: str) -> Iterator[None]:
    """Django set up on an empty database of that kind."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BENCHMARK_DATABASE"] = kind
        if kind == SQLITE:
            os.environ["BENCHMARK_NAME"] = str(Path(folder) / "benchmark.sqlite3")
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
        import django
        from django.db import connection, connections

        django.setup()
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        from benchmarks.models import PlainUser

        with connection.schema_editor() as editor:  # its owner is unmanaged, and so is it
            editor.create_model(PlainUser.own_languages.through)
        try:
            yield
        finally:
            from benchmarks import alchemy

            alchemy.engine().dispose()
            connection.creation.destroy_test_db("", verbosity=0)
            connections.close_all()


def measure(work: Work) -> Mapping[str, Figures]:
    """
    Run every way once a round, each time on the prepared database and after a full garbage collection.

    Raises AssertionError if one returns or leaves something else than the first.
    """
    names = list(work.ways)
    times: dict[str, list[float]] = {name: [] for name in names}
    statements: dict[str, int] = {}
    expected: list[Any] = []

    def run(name: str) -> float:
        work.prepare()
        gc.collect()
        with counted() if name not in statements else nullcontext() as count:
            start = time.perf_counter()
            returned = work.ways[name]()
            seconds = time.perf_counter() - start
        if count is not None:
            statements[name] = count()
        result = (returned, work.left())
        expected.append(result)
        assert result == expected[0], f"{work.name}: {name} gives {result!r}, {names[0]} {expected[0]!r}"
        return seconds

    for name in names:
        first = run(name)  # warms up, too
        if work.rounds == 0:
            times[name].append(first)
    for number in range(work.rounds):
        start = number % len(names)  # nobody is always the one after the slowest
        for name in names[start:] + names[:start]:
            times[name].append(run(name))
    for name in names:
        peak = _peak(work, name) if work.rounds or name == OURS else 0  # what is long is not done twice
        work.figures[name] = Figures(statistics.median(times[name]), statements[name], peak)
    return work.figures


def _peak(work: Work, name: str) -> int:
    work.prepare()
    gc.collect()
    tracemalloc.start()
    work.ways[name]()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


_sent = 0


def sent() -> None:
    """One statement more; executemany() is one."""
    global _sent
    _sent += 1


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """How many statements Django, SQLAlchemy and the bare driver send meanwhile; BEGIN and COMMIT do not count."""
    from django.db import connection
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent()
        return execute(sql, params, many, context)

    def listener(*args: Any) -> None:
        sent()

    before = _sent
    event.listen(Engine, "before_cursor_execute", listener)
    try:
        with connection.execute_wrapper(wrapper):
            yield lambda: _sent - before
    finally:
        event.remove(Engine, "before_cursor_execute", listener)
