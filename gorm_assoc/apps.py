"""The Django app: what INSTALLED_APPS names."""

from __future__ import annotations

from django.apps import AppConfig


class GormAssocConfig(AppConfig):
    name = "gorm_assoc"
    verbose_name = "GORM associations"
