"""
Factories for the blog's models.

Each looks for its row by name before it makes one, as those of the guides do.
"""

from __future__ import annotations

import factory

from example_project.blog import models
from example_project.guides.factories import FindingFactory


class CompanyFactory(FindingFactory):
    class Meta:
        model = models.Company
        django_get_or_create = ("name",)

    name = factory.Sequence("company {}".format)


class UserFactory(FindingFactory):
    class Meta:
        model = models.User
        django_get_or_create = ("name",)

    name = factory.Sequence("writer {}".format)


class ProfileFactory(FindingFactory):
    class Meta:
        model = models.Profile
        django_get_or_create = ("user",)

    user = factory.SubFactory(UserFactory)
    bio = factory.LazyAttribute("about {0.user.name}".format)


class PostFactory(FindingFactory):
    class Meta:
        model = models.Post
        django_get_or_create = ("title",)

    title = factory.Sequence("post {}".format)


class TagFactory(FindingFactory):
    class Meta:
        model = models.Tag
        django_get_or_create = ("name",)

    name = factory.Sequence("topic {}".format)


class CommentFactory(FindingFactory):
    class Meta:
        model = models.Comment
        django_get_or_create = ("text",)

    text = factory.Sequence("comment {}".format)
