"""
README.md and docs/ as data: their Python blocks, and the parts that are made and not written.

    ```python             is run, block after block, in one namespace a page
    ```python models      declares models: in a registry of their own, where system checks find nothing
    ```python compiled    is only compiled: settings, migrations and the like

In a block that is run `expression  # -> text` must have that repr, and `expression  # raises Name` that
exception. A part between `<!-- made: name -->` and `<!-- end -->` is written by `make docs`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test.utils import isolate_apps

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("", "models", "compiled")

_BLOCK = re.compile(r"^```python[ \t]*(?P<kind>.*?)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_MADE = re.compile(r"(?<=<!-- made: )(?P<name>\w+) -->\n(?P<text>.*?)(?=<!-- end -->)", re.DOTALL)
_EXPECTED = re.compile(r"  # (?P<how>->|raises) (?P<what>.+)$")


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    kind: str
    code: str

    def compiled(self, source: Any, mode: str) -> Any:
        return compile(source, f"{self.page}:{self.line}", mode)


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text()
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found["kind"], found["code"])
        for found in _BLOCK.finditer(text)
    ]


def run(block: Block, names: dict[str, Any]) -> None:
    """Run a block; what it says of a value or an exception must hold."""
    lines = block.code.splitlines()
    for statement in ast.parse(block.code).body:
        expected = _EXPECTED.search(lines[(statement.end_lineno or 0) - 1])
        if expected is None or not isinstance(statement, ast.Expr):
            assert expected is None, (
                f"{block.page}:{block.line}: only an expression has a value: {ast.unparse(statement)}"
            )
            exec(block.compiled(ast.Module([statement], []), "exec"), names)
            continue
        found = _value(block, statement, names)
        wanted = expected["how"], expected["what"]
        assert found == wanted, f"{block.page}:{block.line}: {ast.unparse(statement)}: {found}, not {wanted}"


def _value(block: Block, statement: ast.Expr, names: dict[str, Any]) -> tuple[str, str]:
    try:
        return "->", repr(eval(block.compiled(ast.Expression(statement.value), "eval"), names))
    except Exception as error:
        return "raises", type(error).__name__


def declare(block: Block) -> list[Any]:
    """Declare the block's models as a module of the example app would; the messages of their system checks."""
    with isolate_apps("example_project.guides") as registry:
        exec(block.compiled(block.code, "exec"), {"__name__": "example_project.guides.documented"})
        found = list(registry.get_models())
        assert found, f"{block.page}:{block.line} declares nothing"
        assert not registry._pending_operations, f"{block.page}:{block.line}: {list(registry._pending_operations)}"
        return [message for model in found for message in model.check(databases=["default"])]


def made(page: str) -> dict[str, str]:
    """The made parts by name."""
    return {found["name"]: found["text"].rstrip("\n") for found in _MADE.finditer((ROOT / page).read_text())}


def rewrite(page: str, texts: dict[str, str]) -> None:
    """Write the made parts anew."""
    path = ROOT / page
    path.write_text(_MADE.sub(lambda found: f"{found['name']} -->\n{texts[found['name']]}\n", path.read_text()))
