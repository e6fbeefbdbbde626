"""
The recorded sets of models, as a project with this library would write them.

Each set is a module here, an app of its own in a registry of its own, as sets share class and
table names. A set without a module is one that GORM refuses: no step of it was recorded.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from django.apps import AppConfig
from django.apps import apps as installed
from django.db import models
from django.test.utils import isolate_apps


@cache
def load(name: str) -> dict[str, type[models.Model]]:
    """The models of a set by class name, join models made for tags included, in the order they were made."""
    module = f"{__name__}.{name}"
    with isolate_apps() as registry:
        config = type("SetConfig", (AppConfig,), {"path": __file__, "label": name})(module, None)
        config.apps, config.models = registry, registry.all_models[name]
        registry.app_configs[name] = config
        # A model finds its app's label among the installed apps; only for the time of the import.
        installed.app_configs[module] = config
        try:
            import_module(module)
        finally:
            del installed.app_configs[module]
        registry.clear_cache()
    return {model.__name__: model for model in registry.all_models[name].values()}
