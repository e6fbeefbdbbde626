"""The example project is in step with itself."""

from __future__ import annotations

import io

from django.core.management import call_command
from django.test import TestCase


class ExampleProjectTests(TestCase):
    def test_a_second_makemigrations_finds_nothing(self):
        out = io.StringIO()

        call_command("makemigrations", "guides", check_changes=True, dry_run=True, stdout=out)

        assert "No changes detected" in out.getvalue()
