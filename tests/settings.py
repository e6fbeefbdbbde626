"""
The example project's settings for the tests, on the database that TEST_DATABASE names: sqlite, postgres or mariadb.

TEST_DATABASE_NAME is the test database's name on a server, for two runs at a time; on SQLite it is in memory.
"""

from __future__ import annotations

import os

from example_project.databases import database
from example_project.settings import *  # noqa: F403
from example_project.settings import INSTALLED_APPS

DEBUG = False
DATABASES = {"default": database(os.environ.get("TEST_DATABASE") or "sqlite")}
if os.environ.get("TEST_DATABASE_NAME") and DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3":
    DATABASES["default"].setdefault("TEST", {})["NAME"] = os.environ["TEST_DATABASE_NAME"]

# A second database, for what is said of several.
DATABASES["other"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}

INSTALLED_APPS = [*INSTALLED_APPS, "tests.testapp"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
