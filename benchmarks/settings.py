"""The example project and the benchmark's own models, on the database that BENCHMARK_DATABASE names."""

from __future__ import annotations

import os

from example_project.databases import database
from example_project.settings import *  # noqa: F403 -- all of them, as settings are extended in Django
from example_project.settings import INSTALLED_APPS

DEBUG = False
SECRET_KEY = "benchmarks"
INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
ROOT_URLCONF = "benchmarks.urls"
KIND = os.environ.get("BENCHMARK_DATABASE", "sqlite")
DATABASES = {"default": database(KIND)}
DATABASES["default"].setdefault("TEST", {})["NAME"] = os.environ.get("BENCHMARK_NAME", "gorm_assoc_benchmark")

# Not the disk is to be measured: nobody waits until it has what is committed.
QUICKLY = {
    "sqlite": {"init_command": "PRAGMA synchronous = OFF"},
    "postgres": {"options": "-c synchronous_commit=off"},
    "mariadb": {"charset": "utf8mb4"},
}
DATABASES["default"]["OPTIONS"] = QUICKLY[KIND]
