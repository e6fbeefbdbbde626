"""Factories for the models of the tests and of the example project."""

from __future__ import annotations

import factory

from example_project.guides import models as guides
from tests.testapp import models as testapp


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = guides.User

    name = factory.Sequence("user{}".format)
    refer = factory.Sequence(lambda number: 1000 + number)


class LanguageFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = guides.Language

    name = factory.Sequence("language{}".format)


class ProfileFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = guides.Profile

    name = factory.Sequence("profile{}".format)
    user_refer = factory.Sequence(lambda number: 2000 + number)


class BlogFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = guides.Blog

    id = factory.Sequence(lambda number: number + 1)
    locale = "en"


class TagFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = guides.Tag

    id = factory.Sequence(lambda number: number + 1)
    locale = "en"


class MemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Member

    name = factory.Sequence("member{}".format)


class ClubFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Club

    name = factory.Sequence("club{}".format)


class StudentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Student

    name = factory.Sequence("student{}".format)


class CourseFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Course

    title = factory.Sequence("course{}".format)


class EmployerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Employer

    name = factory.Sequence("firm{}".format)


class HandFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Hand

    name = factory.Sequence("worker{}".format)


class BenchFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Bench

    name = factory.Sequence("desk{}".format)


class TaskFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Task

    title = factory.Sequence("task{}".format)


class RoomFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = testapp.Room

    name = factory.Sequence("room{}".format)
