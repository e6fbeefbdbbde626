"""The Django app: what INSTALLED_APPS names."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class GormAssocConfig(AppConfig):
    name = "gorm_assoc"
    verbose_name = "GORM associations"

    def ready(self) -> None:
        from gorm_assoc import fake_initial
        from gorm_assoc.checks import check_gorm_assoc

        fake_initial.install()
        checks.register(check_gorm_assoc, checks.Tags.models)
