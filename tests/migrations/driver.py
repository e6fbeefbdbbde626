"""
One process of a throw-away project: runs the steps on standard input, so that each has a clean app registry.

A step is ["manage", command line] or ["python", source]; what a source leaves in `result` is handed back.
Runs as a script, with the project as working directory.
"""

from __future__ import annotations

import importlib
import io
import json
import shlex
import sys
import traceback
from typing import Any


def manage(line: str) -> str:
    from django.core.management import call_command

    out = io.StringIO()
    try:
        call_command(*shlex.split(line), stdout=out, stderr=out, no_color=True)
    except SystemExit as error:
        if error.code:
            raise RuntimeError(f"{line}: exit {error.code}\n{out.getvalue()}") from error
    importlib.invalidate_caches()
    return out.getvalue()


def python(source: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(compile(source, "<step>", "exec"), namespace)
    return namespace.get("result")


def main(answer: str) -> int:
    steps = json.load(sys.stdin)
    results: list[Any] = []
    error = ""
    try:
        import django

        django.setup()
        for kind, text in steps:
            results.append({"manage": manage, "python": python}[kind](text))
    except BaseException:
        error = traceback.format_exc()
    with open(answer, "w", encoding="utf-8") as file:
        json.dump({"results": results, "error": error}, file)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, ".")
    sys.exit(main(sys.argv[1]))
