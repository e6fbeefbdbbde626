"""Each module imports only what stands below it (docs: the rows of the design), and the public surface is whole."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gorm_assoc
from gorm_assoc import models

PACKAGE = Path(gorm_assoc.__file__).parent

# Row by row from the bottom; inside a row a module may import those to its left.
ROWS = [
    ["exceptions", "signals", "options", "naming", "conf"],
    ["relationship", "join_plan", "has_plan"],
    [
        "soft_delete",
        "scoped_query",
        "whole_keys",
        "many_keys",
        "constraints",
        "operations",
        "pending",
        "join_key",
        "has_key",
        "through",
        "polymorphic",
        "fields",
    ],
    [
        "kinds",
        "selection",
        "query_writes",
        "query",
        "preloading",
        "preload",
        "transactions",
        "values",
        "restoring",
        "inserting",
        "storing",
        "asked",
        "writing",
        "saving",
        "deleting",
        "work",
        "async_verbs",
        "association",
        "managers",
        "models",
    ],
    [
        "factory",
        "forms",
        "checks",
        "catalogue",
        "templatetags",
        "admin",
        "management",
        "fake_initial",
        "removals",
        "apps",
    ],
]
ORDER = {name: (row, place) for row, names in enumerate(ROWS) for place, name in enumerate(names)}

# Late imports, each inside a function: (importing module, imported module).
LATE = {
    ("fields", "managers"),  # a descriptor builds its manager class when it is first used
    ("fields", "forms"),  # a form field is built when a form asks for it
    ("join_key", "forms"),
    ("join_key", "managers"),  # as fields
    ("query", "association"),
    ("query_writes", "saving"),
    ("query_writes", "deleting"),
    ("query", "preloading"),  # a queryset asks for it when it is run
    ("constraints", "conf"),
    ("apps", "checks"),
    ("apps", "removals"),
    ("apps", "fake_initial"),  # before the registry is ready there are no fields to import
}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def top(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """Names of the package's modules that this code imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "gorm_assoc":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_below_or_from_its_left(path):
    module = top(path)
    body = [node for node in ast.parse(path.read_text()).body if not is_type_checking(node)]
    late = set().union(
        *(imports(inner) for node in body for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef)), set()
    )
    at_once = imports(ast.Module([node for node in body if isinstance(node, ast.ImportFrom)], []))

    breaches = {name for name in at_once if name != module and name in ORDER and ORDER[name] >= ORDER[module]}
    unlisted = {name for name in late if name != module and (module, name) not in LATE}

    assert module == "__init__" or module in ORDER, f"{module} has no row"
    assert not breaches
    assert not unlisted


def test_the_public_surface_is_what_models_lists():
    assert models.__all__ == sorted(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)
