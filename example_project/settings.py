"""
The example project: the models of GORM's guides, on SQLite unless DATABASE says postgres or mariadb.

For a developer's own machine only: nothing here is fit for a server that others can reach.
"""

from __future__ import annotations

import os

from example_project.databases import database

SECRET_KEY = "demo-only, not a secret"
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

DATABASES = {"default": database(os.environ.get("DATABASE", "sqlite"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "django_extensions",
    "gorm_assoc",
    "example_project.guides",
    "example_project.blog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The guides' locale_tags and shared_tags refer to half a key on purpose.
SILENCED_SYSTEM_CHECKS = ["gorm_assoc.W001"]

ROOT_URLCONF = "example_project.urls"
STATIC_URL = "static/"
USE_TZ = True
