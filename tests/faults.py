"""
What the tests of faults share: verbs of each kind of relation, and what is in the tables.

    python -m tests.faults DATABASE RELATION VERB STATEMENTS

does that verb, says "ready" on standard output after so many statements, and waits to be killed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any


class Case:
    """An owner with two targets linked, and a third that is not; keys only, so that another process finds them."""

    OWNER, TARGETS = 1_000_001, (1_000_001, 1_000_002, 1_000_003)  # far from what the database gives

    def __init__(self, name: str, owner: str, relation: str, target: str, through: str = "") -> None:
        from django.apps import apps

        self.name, self.relation = name, relation
        self.owner, self.target = apps.get_model(owner), apps.get_model(target)
        self.models = [self.owner, self.target, *([apps.get_model(through)] if through else [])]

    def make(self) -> None:
        self.owner._base_manager.create(pk=self.OWNER, **self.named(self.owner, "owner"))
        for key in self.TARGETS:
            self.target._base_manager.create(pk=key, **self.named(self.target, f"target {key}"))
        # One at a time, so that a belongs-to and a has-one are linked with the last.
        for key in self.TARGETS[:2]:
            self.association().append(key)

    def association(self) -> Any:
        from gorm_assoc.models import Association

        return Association(self.owner._base_manager.get(pk=self.OWNER), self.relation)

    def named(self, model: Any, text: str) -> dict[str, str]:
        return {next(name for name in ("title", "name", "room") if hasattr(model, name)): text}

    def verbs(self) -> dict[str, Callable[[Any], Any]]:
        """Each changes something."""
        new = self.named(self.target, "new")
        _, linked, free = self.TARGETS
        return {
            "append": lambda association: association.append(free, new),
            "replace": lambda association: association.replace(free, new),
            "delete": lambda association: association.delete(linked),
            "clear": lambda association: association.clear(),
            "toggle": lambda association: association.toggle(linked, free),
            "unscoped clear": lambda association: association.unscoped().clear(),
        }

    def rows(self) -> list[list[tuple[Any, ...]]]:
        """All that is in the tables."""
        return [
            sorted(
                model._base_manager.values_list(*(field.attname for field in model._meta.concrete_fields)), key=repr
            )
            for model in self.models
        ]


def cases() -> dict[str, Case]:
    made = [
        Case("many2many", "guides.User", "languages", "guides.Language", "guides.UserLanguage"),
        Case("many2many with soft delete and hooks", "testapp.Member", "clubs", "testapp.Club", "testapp.Membership"),
        Case("has many", "testapp.Author", "essays", "testapp.Essay"),
        Case("has one", "testapp.Author", "desk", "testapp.Desk"),
        Case("belongs to", "testapp.Essay", "author", "testapp.Author"),
    ]
    return {case.name: case for case in made}


def after_statements(number: int, then: Callable[[], None]) -> Callable[..., Any]:
    """A wrapper for Django's connection: `then` is called once, when so many statements have been sent."""
    sent = 0

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal sent
        if number == sent == 0:
            then()
        result = execute(sql, params, many, context)
        sent += 1
        if sent == number:
            then()
        return result

    return wrapper


def main() -> None:
    database, case, verb, statements = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = database

    def wait() -> None:
        print("ready", flush=True)
        time.sleep(60)

    chosen = cases()[case]
    association = chosen.association()
    with connection.execute_wrapper(after_statements(int(statements), wait)):
        chosen.verbs()[verb](association)


if __name__ == "__main__":
    main()
