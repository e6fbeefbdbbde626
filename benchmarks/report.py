"""Figures as Markdown, JSON and a chart."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.harness import OURS, Figures

NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL", "mariadb": "MariaDB"}
COMPARED = ("SQLAlchemy", "the driver")
CHARTED = (
    "append 10,000",
    "replace 10,000, half of them kept",
    "append 10 each to 2,000 owners",
    "create 1,000 owners with 10 new targets each",
    "preload 2,000 owners, 10 of 200 targets each",
)


def versions() -> dict[str, str]:
    import django
    import sqlalchemy
    from django.db import connection

    server = ".".join(map(str, connection.get_database_version()))
    return {
        "Python": platform.python_version(),
        "Django": django.__version__,
        "SQLAlchemy": sqlalchemy.__version__,
        connection.display_name: server,
    }


def table(work: str, figures: Mapping[str, Figures]) -> str:
    ours = figures[OURS]
    lines = [f"| {work} | ms | times ours | statements | MB |", "|---|---:|---:|---:|---:|"]
    for name, one in figures.items():
        shown = f"**{name}**" if name == OURS else name
        lines.append(
            f"| {shown} | {one.seconds * 1000:,.1f} | {one.seconds / ours.seconds:.2f} "
            f"| {one.statements:,} | {_megabytes(one)} |"
        )
    return "\n".join(lines)


def _megabytes(figures: Figures) -> str:
    return f"{figures.peak / 1e6:.2f}" if figures.peak else ""


def growth_table(growth: Mapping[str, Sequence[float]]) -> str:
    lines = ["| ours, ms | 1x | 10x | 100x |", "|---|---:|---:|---:|"]
    lines += [f"| {verb} | " + " | ".join(f"{one * 1000:,.1f}" for one in row) + " |" for verb, row in growth.items()]
    return "\n".join(lines)


def markdown(result: Mapping[str, Any]) -> str:
    """All of one database."""
    used = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    parts = [f"## {NAMES[result['database']]}", used]
    parts += [table(work, _figures(figures)) for work, figures in result["work"].items()]
    parts.append(growth_table(result["growth"]))
    parts.append("\n".join(f"- missed: {one}" for one in result["missed"]) or "Every target reached.")
    return "\n\n".join(parts)


def summary(results: Sequence[Mapping[str, Any]]) -> str:
    """One table: how long we take, and how many times as long each of the others."""
    names = [NAMES[result["database"]] for result in results]
    lines = [f"| | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for work in results[0]["work"]:
        cells = [_cell(_figures(result["work"][work])) if work in result["work"] else "" for result in results]
        lines.append(f"| {work} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(figures: Mapping[str, Figures]) -> str:
    ours = figures[OURS].seconds
    peers = [next((one for name, one in figures.items() if name.startswith(start)), None) for start in COMPARED]
    times = [f"{peer.seconds / ours:.1f}" if peer else "-" for peer in (next(iter(figures.values())), *peers)]
    return f"{ours * 1000:,.1f} ms: {' / '.join(times)}"


def as_data(figures: Mapping[str, Figures]) -> dict[str, Any]:
    return {name: asdict(one) for name, one in figures.items()}


def _figures(data: Mapping[str, Any]) -> dict[str, Figures]:
    return {name: Figures(**one) for name, one in data.items()}


def chart(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """How many times as long as ours the first peer takes, by database."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    works = [work for work in CHARTED if all(work in result["work"] for result in results)]
    figure, axes = pyplot.subplots(figsize=(9, 0.9 + 0.75 * len(works)))
    height = 0.8 / max(len(results), 1)
    for number, result in enumerate(results):
        ratios = []
        for work in works:
            figures = _figures(result["work"][work])
            peer = next(iter(figures))
            ratios.append(figures[peer].seconds / figures[OURS].seconds)
        places = [-place - number * height for place in range(len(works))]
        bars = axes.barh(places, ratios, height * 0.9, label=NAMES[result["database"]])
        axes.bar_label(bars, [f"{ratio:.1f}x" for ratio in ratios], padding=3, fontsize=8)
    middle = height * (len(results) - 1) / 2
    peers = [next(iter(results[0]["work"][work])) for work in works]
    labels = [f"{work}\nagainst {peer.replace('`', '')}" for work, peer in zip(works, peers, strict=True)]
    axes.set_yticks([-place - middle for place in range(len(works))], labels, fontsize=8)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("times as fast as Django's own way")
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def write(results: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """results.json, results.md and chart.png; what is there of other databases stays."""
    folder.mkdir(exist_ok=True)
    data = folder / "results.json"
    known = {result["database"]: result for result in json.loads(data.read_text())} if data.exists() else {}
    known |= {result["database"]: result for result in results}
    every = [known[name] for name in NAMES if name in known]
    data.write_text(json.dumps(every, indent=1) + "\n")
    text = "`make bench ARGS=--write`: a process for each database.\n\n" + "\n\n".join(map(markdown, every))
    (folder / "results.md").write_text(f"# Measured\n\n{text}\n")
    chart(every, folder / "chart.png")
