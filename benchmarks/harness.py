"""
What the benchmarks share.

    database()   an empty database with the example project's tables
    measure()    candidates side by side: one process, interleaved rounds, the median of each, results compared
    table()      the figures as Markdown, with ratios to the first candidate
    write()      a text into its place in README.md
"""

from __future__ import annotations

import gc
import os
import platform
import re
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Candidate = Callable[[], Any]
README = Path(__file__).resolve().parent.parent / "README.md"


@dataclass(frozen=True)
class Figures:
    """seconds -- the median; peak -- bytes that Python held at most, in a run of its own"""

    seconds: float
    peak: int


@contextmanager
def database() -> Iterator[Path]:
    """Django set up on an empty SQLite file, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.sqlite3"
        os.environ["BENCHMARK_DATABASE"] = str(path)
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        try:
            yield path
        finally:
            connections.close_all()


def measure(candidates: Mapping[str, Candidate], rounds: int = 15) -> dict[str, Figures]:
    """
    Run every candidate once a round, each time after a full garbage collection.

    Raises AssertionError if one gives another result than the first.
    """
    results = {name: run() for name, run in candidates.items()}  # warms up, too
    expected = next(iter(results.values()))
    for name, result in results.items():
        assert result == expected, f"{name} gives {result!r}, not {expected!r}"
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            gc.collect()
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: Figures(statistics.median(times[name]), _peak(run)) for name, run in candidates.items()}


def _peak(run: Candidate) -> int:
    gc.collect()
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def table(title: str, figures: Mapping[str, Figures]) -> str:
    """One line a candidate: milliseconds, how many times as fast as the first, and megabytes."""
    first = next(iter(figures.values()))
    lines = [f"| {title} | ms | speed | MB |", "|---|---:|---:|---:|"]
    for name, figure in figures.items():
        times, size = f"{figure.seconds * 1000:.0f}", f"{figure.peak / 1e6:.1f}"
        lines.append(f"| {name} | {times} | {first.seconds / figure.seconds:.1f}x | {size} |")
    return "\n".join(lines)


def versions() -> str:
    import sqlite3

    import django

    return f"Python {platform.python_version()}, Django {django.__version__}, SQLite {sqlite3.sqlite_version}"


def write(name: str, text: str) -> None:
    """Put a text between README.md's marks `<!-- made: name -->` and `<!-- end -->`."""
    page = README.read_text()
    new, count = re.subn(rf"(<!-- made: {name} -->\n).*?(<!-- end -->)", rf"\g<1>{text}\n\g<2>", page, flags=re.DOTALL)
    assert count == 1, f"README.md has no place for {name}"
    README.write_text(new)
