"""An admin change page with its join rows: Django's inline on Django's table, ours on ours."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth import get_user_model
from django.test import Client

from benchmarks import rows
from benchmarks.harness import OURS, Work
from benchmarks.models import OwnReader, OwnSubject


def works(scale: int = 1) -> Iterator[Work]:
    links, targets, made = 200 // scale, 250 // scale, []
    client = Client(HTTP_HOST="localhost")

    def prepare() -> None:
        if made:
            return
        client.force_login(get_user_model().objects.create_superuser("admin"))
        rows.make(1, targets)
        rows.link((1, target) for target in range(1, links + 1))
        subjects = (OwnSubject(pk=n, name=f"language {n}") for n in range(1, targets + 1))
        made_subjects = OwnSubject.objects.bulk_create(subjects)
        OwnReader.objects.create(pk=1, name="user 1").subjects.add(*made_subjects[:links])
        made.append(True)

    def page(url: str) -> int:
        """How many rows it has with a choice in them."""
        response = client.get(url)
        assert response.status_code == 200, response.status_code
        return response.content.count(b" selected>")

    ways = {
        "Django's `TabularInline`": lambda: page("/django/benchmarks/ownreader/1/change/"),
        OURS: lambda: page("/ours/guides/user/1/change/"),
    }
    yield Work(f"admin change page, {links} join rows", ways, prepare, rounds=3)
