"""The two admin sites."""

from __future__ import annotations

from django.urls import path

from benchmarks.admin import django_site, our_site

urlpatterns = [path("django/", django_site.urls), path("ours/", our_site.urls)]
