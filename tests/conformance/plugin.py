"""
The counts of a replay, and what they must keep to.

    --recordings DIR   replay the scenarios of another folder
    --write-parity     write the counts into docs/parity.md

A run of all scenarios fails when a rule covers more than 5% of a verb's steps or more than 2% of the
steps cannot be expressed; one of the repository's own recordings also when a rule is never hit or
docs/parity.md says something else.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance import recordings

PROPERTY = "conformance"
KINDS = ("equal", "ruled", "not expressible", "different")
MOST_BY_A_RULE, MOST_NOT_EXPRESSIBLE = 0.05, 0.02
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
PARITY = Path(__file__).parents[2] / "docs" / "parity.md"
TITLE = """# The replay of recorded GORM, counted

GORM was recorded: what its associations do, step by step. The tests play each step with this library, from the
recorded tables, and compare the tables afterwards, results and errors. The run itself writes this page
(`pytest tests/conformance --write-parity`) and fails when it says something else.

- **equal**: as recorded.
- **ruled**: otherwise, and exactly as a rule of [differences.md](differences.md) promises.
- **not expressible**: has no counterpart here; [differences.md](differences.md) says why.
"""


def folder(config: pytest.Config) -> Path:
    """Where the scenarios are read from."""
    given = config.getoption("--recordings")
    return Path(given) if given else recordings.HERE


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--recordings", metavar="DIR", help="Replay the scenarios of this folder.")
    group.addoption("--write-parity", action="store_true", help="Write the counts into docs/parity.md.")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Counts(config), "conformance-counts")


class Counts:
    """What came of the steps, gathered where the run's reports come together."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.seen: set[str] = set()
        self.verdicts: Counter[tuple[str, str, str]] = Counter()
        self.problems: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call":
            return
        for name, value in report.user_properties:
            if name == PROPERTY:
                scenario, verdicts = value  # type: ignore[misc]
                self.seen.add(scenario)
                self.verdicts.update((verb, kind, detail) for verb, kind, detail in verdicts)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.seen or self.seen != {each.name for each in recordings.scenarios(folder(self.config))}:
            return
        self.problems = [*self._shares()]
        if folder(self.config) == recordings.HERE:
            self.problems += [*self._idle_rules(), *self._parity()]
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.seen:
            terminalreporter.section(f"replay of {len(self.seen)} scenarios")
            terminalreporter.write_line(self.section())
            for problem in self.problems:
                terminalreporter.write_line(f"FAILED replay: {problem}", red=True)

    # The rules about rules

    def _shares(self) -> list[str]:
        steps, hits = self._by_verb(), self._hits()
        problems = [
            f"the rule {rule} covers {count} of {steps[verb]} steps of {verb}"
            for (rule, verb), count in sorted(hits.items())
            if count > max(1, MOST_BY_A_RULE * steps[verb])
        ]
        total, lost = sum(steps.values()), self._of_kind("not expressible")
        if lost > MOST_NOT_EXPRESSIBLE * total:
            problems.append(f"{lost} of {total} steps are not expressible")
        return problems

    def _idle_rules(self) -> list[str]:
        from tests.conformance.rules import RULES  # models: not before Django is set up

        hit = {rule for rule, _ in self._hits()}
        return [
            f"the rule {rule.id} was never needed"
            for rule in RULES
            if rule.id not in hit | rule.not_needed_on(self._vendor())
        ]

    def _parity(self) -> list[str]:
        written = PARITY.read_text() if PARITY.exists() else TITLE
        sections = dict(each.split("\n", 1) for each in written.split("\n## ")[1:])
        sections[self._database()] = self.section() + "\n"
        text = "\n## ".join(
            [TITLE, *(f"{name}\n{sections[name].rstrip()}\n" for name in DATABASES.values() if name in sections)]
        )
        if text == written:
            return []
        if self.config.getoption("--write-parity"):
            PARITY.write_text(text)
            return []
        return ["docs/parity.md is out of date: run pytest tests/conformance --write-parity on this database"]

    # Counting

    def _by_verb(self) -> Counter[str]:
        steps: Counter[str] = Counter()
        for (verb, _, _), count in self.verdicts.items():
            steps[verb] += count
        return steps

    def _hits(self) -> Counter[tuple[str, str]]:
        return Counter(
            {(detail, verb): count for (verb, kind, detail), count in self.verdicts.items() if kind == "ruled"}
        )

    def _of_kind(self, kind: str, verb: str = "") -> int:
        return sum(n for (of, found, _), n in self.verdicts.items() if found == kind and (not verb or of == verb))

    @staticmethod
    def _vendor() -> str:
        from django.db import connection

        return connection.vendor

    def _database(self) -> str:
        return DATABASES[self._vendor()]

    def section(self) -> str:
        """The counts as Markdown."""
        steps = self._by_verb()
        kinds = [kind for kind in KINDS if kind != "different" or self._of_kind(kind)]
        lines = ["", f"| verb | steps | {' | '.join(kinds)} |", "|---|" + "---:|" * (len(kinds) + 1)]
        for verb in (*sorted(steps, key=lambda each: (-steps[each], each)), ""):
            counts = [steps[verb] if verb else sum(steps.values()), *(self._of_kind(kind, verb) for kind in kinds)]
            lines.append(f"| {verb or '**all**'} | {' | '.join(map(str, counts))} |")
        for kind, title in (("not expressible", "Not expressible"), ("ruled", "Rule")):
            found: Counter[str] = Counter()
            for (_, of, detail), count in self.verdicts.items():
                if of == kind:
                    found[detail] += count
            if found:
                lines += ["", f"| {title} | steps |", "|---|---:|"]
                lines += [f"| {detail} | {count} |" for detail, count in sorted(found.items())]
        return "\n".join(lines)
