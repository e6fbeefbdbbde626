"""The Django app: what INSTALLED_APPS names."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import pre_migrate


class GormAssocConfig(AppConfig):
    name = "gorm_assoc"
    verbose_name = "GORM associations"

    def ready(self) -> None:
        from gorm_assoc import fake_initial, removals
        from gorm_assoc.checks import check_gorm_assoc

        fake_initial.install()
        pre_migrate.connect(removals.drop_foreign_keys_first)
        checks.register(check_gorm_assoc, checks.Tags.models)
