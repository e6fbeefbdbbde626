"""Factories for the models of the tests and of the example project."""

from __future__ import annotations

import factory

from example_project.guides import models as guides
from gorm_assoc.factory import Associated, AssociationFactory
from tests.testapp import models as testapp


class UserFactory(AssociationFactory):
    class Meta:
        model = guides.User

    name = factory.Sequence("user{}".format)
    refer = factory.Sequence(lambda number: 1000 + number)
    languages = Associated("tests.factories.LanguageFactory")


class LanguageFactory(AssociationFactory):
    class Meta:
        model = guides.Language

    name = factory.Sequence("language{}".format)


class ProfileFactory(AssociationFactory):
    class Meta:
        model = guides.Profile

    name = factory.Sequence("profile{}".format)
    user_refer = factory.Sequence(lambda number: 2000 + number)


class BlogFactory(AssociationFactory):
    class Meta:
        model = guides.Blog

    id = factory.Sequence(lambda number: number + 1)
    locale = "en"


class TagFactory(AssociationFactory):
    class Meta:
        model = guides.Tag

    id = factory.Sequence(lambda number: number + 1)
    locale = "en"


class MemberFactory(AssociationFactory):
    class Meta:
        model = testapp.Member

    name = factory.Sequence("member{}".format)


class ClubFactory(AssociationFactory):
    class Meta:
        model = testapp.Club

    name = factory.Sequence("club{}".format)


class StudentFactory(AssociationFactory):
    class Meta:
        model = testapp.Student

    name = factory.Sequence("student{}".format)


class CourseFactory(AssociationFactory):
    class Meta:
        model = testapp.Course

    title = factory.Sequence("course{}".format)


class EmployerFactory(AssociationFactory):
    class Meta:
        model = testapp.Employer

    name = factory.Sequence("firm{}".format)


class HandFactory(AssociationFactory):
    class Meta:
        model = testapp.Hand

    name = factory.Sequence("worker{}".format)


class BenchFactory(AssociationFactory):
    class Meta:
        model = testapp.Bench

    name = factory.Sequence("desk{}".format)


class TaskFactory(AssociationFactory):
    class Meta:
        model = testapp.Task

    title = factory.Sequence("task{}".format)


class RoomFactory(AssociationFactory):
    class Meta:
        model = testapp.Room

    name = factory.Sequence("room{}".format)
