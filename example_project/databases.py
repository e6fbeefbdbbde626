"""
Which of the three databases to use, and where its server is.

The servers' own variables say where: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE for PostgreSQL,
MYSQL_HOST, MYSQL_TCP_PORT, MYSQL_USER, MYSQL_PWD, MYSQL_DATABASE for MariaDB and MySQL.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

NAME = "gorm_assoc"
SQLITE_FILE = Path(__file__).resolve().parent.parent / "db.sqlite3"


def database(kind: str) -> dict[str, Any]:
    """One entry of Django's DATABASES. kind -- "sqlite", "postgres" or "mariadb"."""
    if kind == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": SQLITE_FILE,
        }
    if kind == "postgres":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "PORT": os.environ.get("PGPORT", "5432"),
            "USER": os.environ.get("PGUSER", "postgres"),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
            "NAME": os.environ.get("PGDATABASE", NAME),
        }
    if kind == "mariadb":
        return {
            "ENGINE": "django.db.backends.mysql",
            "HOST": os.environ.get("MYSQL_HOST", "127.0.0.1"),
            "PORT": os.environ.get("MYSQL_TCP_PORT", "3306"),
            "USER": os.environ.get("MYSQL_USER", "root"),
            "PASSWORD": os.environ.get("MYSQL_PWD", ""),
            "NAME": os.environ.get("MYSQL_DATABASE", NAME),
            "OPTIONS": {"charset": "utf8mb4"},
            "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_general_ci"},
        }
    raise ValueError(f"unknown database {kind!r}: use sqlite, postgres or mariadb")
