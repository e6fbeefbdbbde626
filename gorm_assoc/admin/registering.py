"""register(): django.contrib.admin.register() that also takes models with a composite primary key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.exceptions import AlreadyRegistered
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from gorm_assoc.admin.keys import CompositeKeyAdminMixin
from gorm_assoc.forms import is_composite

AdminClass = type["ModelAdmin[Any]"]


def register(*of_models: type[models.Model], site: AdminSite | None = None) -> Callable[[AdminClass], AdminClass]:
    """
    Register the decorated ModelAdmin for these models.

    site -- the AdminSite; django.contrib.admin.site if none is given

    AdminSite.register() refuses composite keys; this enters them itself. Their ModelAdmin must be an AssociationAdmin.
    """

    def decorated(admin_class: AdminClass) -> AdminClass:
        if not of_models:
            raise ValueError("At least one model must be passed to register.")
        for model in of_models:
            _enter(model, admin_class, site or admin.site)
        return admin_class

    return decorated


def _enter(model: type[models.Model], admin_class: AdminClass, site: AdminSite) -> None:
    if not is_composite(model):
        site.register(model, admin_class)
        return
    label = model._meta.label
    if not issubclass(admin_class, CompositeKeyAdminMixin):
        raise ImproperlyConfigured(
            f"{label} has a composite primary key: "
            f"derive {admin_class.__name__} from gorm_assoc.admin.AssociationAdmin."
        )
    if model._meta.abstract:
        raise ImproperlyConfigured(f"{label} is abstract, so it cannot be registered with admin.")
    if site.is_registered(model):
        raise AlreadyRegistered(f"{label} is registered already, with {site.get_model_admin(model)}.")
    if not model._meta.swapped:
        site._registry[model] = admin_class(model, site)
