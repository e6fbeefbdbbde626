"""Declarations made in a registry of their own, and what the system checks say of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from django.core.checks import CheckMessage
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import SimpleTestCase
from django.test.utils import isolate_apps

from gorm_assoc.checks import check_gorm_assoc

SHARED = """
from django.db import models
from gorm_assoc.models import *

class Language(Model):
    code = models.CharField(max_length=10, unique=True)
    name = models.TextField()
"""


class CheckTestCase(SimpleTestCase):
    """
    The models of a test are in the app `testapp`; a test asks for the vendor of its database.

    With `app_label = "auth"` a model is in an app that was installed, and is not the project's.
    """

    def setUp(self) -> None:
        self.apps = self.enterContext(isolate_apps("tests.testapp", "django.contrib.auth"))
        self.use_vendor("sqlite")

    def use_vendor(self, vendor: str) -> None:
        wrapper = connections[DEFAULT_DB_ALIAS]
        wrapper.vendor = vendor
        self.addCleanup(vars(wrapper).pop, "vendor", None)

    def declare(self, source: str, shared: str = SHARED) -> SimpleNamespace:
        """Run this module of models below the shared one; its names are attributes of what is returned."""
        names: dict[str, Any] = {"__name__": "tests.testapp.declared"}
        exec(shared + textwrap.dedent(source), names)
        return SimpleNamespace(**names)

    def messages(self, **kwargs: Any) -> list[CheckMessage]:
        return check_gorm_assoc(app_configs=self.apps.get_app_configs(), **kwargs)

    def check(self, source: str) -> list[CheckMessage]:
        self.declare(source)
        return self.messages()

    def assert_finds(self, source: str, *expected: tuple[str, str, str, str]) -> None:
        """The checks say exactly this: (id, obj, message, hint) each."""
        assert told(self.check(source)) == list(expected)


def told(messages: Iterable[CheckMessage]) -> list[tuple[str, str, str, str]]:
    return [
        (each.id.removeprefix("gorm_assoc."), _name(each.obj), each.msg, each.hint or "")
        for each in messages
        if each.id
    ]


def _name(obj: Any) -> str:
    meta = getattr(obj, "_meta", None)
    return meta.label if meta else str(obj)
