"""
Factories for the guides' models.

Each looks for its row by name or key before it makes one, so that demo data can be filled in twice.
"""

from __future__ import annotations

from typing import Any

import factory
from django.db import models as django_models

from example_project.guides import models
from gorm_assoc.factory import Associated, AssociationFactory


class FindingFactory(AssociationFactory):
    """Takes the first row that has the values of django_get_or_create: names need not be unique."""

    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> django_models.Model:
        rows = cls._get_manager(model_class)
        wanted = {name: kwargs[name] for name in cls._meta.django_get_or_create}
        return rows.filter(**wanted).order_by("pk").first() or rows.create(*args, **kwargs)


class UserFactory(FindingFactory):
    class Meta:
        model = models.User
        django_get_or_create = ("refer",)

    refer = factory.Sequence(lambda number: 1000 + number)
    name = factory.LazyAttribute("user {0.refer}".format)
    languages = Associated("example_project.guides.factories.LanguageFactory")
    friends = Associated("example_project.guides.factories.UserFactory")
    profiles = Associated("example_project.guides.factories.ProfileFactory")
    speaks = Associated("example_project.guides.factories.SpokenLanguageFactory")


class LanguageFactory(FindingFactory):
    class Meta:
        model = models.Language
        django_get_or_create = ("name",)

    name = factory.Sequence("language {}".format)


class ProfileFactory(FindingFactory):
    class Meta:
        model = models.Profile
        django_get_or_create = ("user_refer",)

    user_refer = factory.Sequence(lambda number: 1000 + number)
    name = factory.LazyAttribute("profile {0.user_refer}".format)


class SpokenLanguageFactory(FindingFactory):
    class Meta:
        model = models.SpokenLanguage
        django_get_or_create = ("code",)

    code = factory.Sequence("x-{}".format)
    name = ""


class PersonFactory(FindingFactory):
    class Meta:
        model = models.Person
        django_get_or_create = ("name",)

    name = factory.Sequence("person {}".format)
    addresses = Associated("example_project.guides.factories.AddressFactory")


class AddressFactory(FindingFactory):
    class Meta:
        model = models.Address
        django_get_or_create = ("name",)

    name = factory.Sequence("address {}".format)


class BlogFactory(FindingFactory):
    class Meta:
        model = models.Blog
        django_get_or_create = ("id", "locale")

    id = factory.Sequence(lambda number: number + 1)
    locale = "en"
    subject = factory.LazyAttribute("blog {0.id}".format)
    tags = Associated("example_project.guides.factories.TagFactory")


class TagFactory(FindingFactory):
    class Meta:
        model = models.Tag
        django_get_or_create = ("id", "locale")

    id = factory.Sequence(lambda number: number + 1)
    locale = "en"
    value = factory.LazyAttribute("tag {0.id}".format)
