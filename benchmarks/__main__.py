"""
Each work in several ways, on each database that answers: a process a database.

    python -m benchmarks [sqlite] [postgres] [mariadb] [--quick] [--write]

    --quick   small sizes, one round, no targets: whether it all still runs
    --write   benchmarks/results/: results.json, results.md, chart.png; of databases that are not run, as they were

Exits with 1, and names each target that SQLite or PostgreSQL missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import harness

RESULTS = Path(__file__).parent / "results"
QUICK = 100  # what sizes are divided by
HELD_TO_TARGETS = (harness.SQLITE, harness.POSTGRES)


def run(kind: str, quick: bool) -> dict[str, Any]:
    """All work on one database."""
    with harness.database(kind):
        from benchmarks import change_page, reading, report, targets, writing

        scale = QUICK if quick else 1
        found: dict[str, Any] = {
            "database": kind,
            "versions": report.versions(),
            "work": {},
            "growth": {},
            "missed": [],
        }
        measured = {}
        for module in (writing, reading, change_page):
            for work in module.works(scale):
                if quick:
                    work = dataclasses.replace(work, rounds=1)
                measured[work.name] = harness.measure(work)
                found["work"][work.name] = report.as_data(measured[work.name])
                print(report.table(work.name, measured[work.name]) + "\n", file=sys.stderr, flush=True)
        for verb, works in writing.growth(scale):
            found["growth"][verb] = [harness.measure(work)[harness.OURS].seconds for work in works]
        if not quick:
            found["missed"] = targets.missed(measured, found["growth"])
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("databases", nargs="*", choices=[[], harness.SQLITE, harness.POSTGRES, harness.MARIADB])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # in a process of its own: as JSON
    given = parser.parse_args()
    if given.quick and given.write:
        parser.error("--write is for the full sizes: leave --quick out")
    if given.one:
        json.dump(run(given.databases[0], given.quick), sys.stdout)
        return 0
    from benchmarks import report

    results = []
    for kind in given.databases or (harness.SQLITE, harness.POSTGRES, harness.MARIADB):
        if not harness.is_up(kind):
            print(f"{report.NAMES[kind]} does not answer: left out.\n")
            continue
        command = [sys.executable, "-m", "benchmarks", kind, "--one", *(["--quick"] if given.quick else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        results.append(json.loads(done.stdout))
        print(report.markdown(results[-1]) + "\n", flush=True)
    if given.write:
        report.write(results, RESULTS)
    missed = [
        f"{report.NAMES[result['database']]}: {one}"
        for result in results
        if result["database"] in HELD_TO_TARGETS
        for one in result["missed"]
    ]
    for one in missed:
        print(f"MISSED  {one}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
