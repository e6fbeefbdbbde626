"""A relation is read once, and what was made of it is kept: until the models change, and for each thread."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connections
from django.test import SimpleTestCase

from example_project.guides.models import User
from gorm_assoc import relationship
from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.kinds.join_rows import JoinRows
from tests.checking import CheckTestCase
from tests.testapp.models import Mood

HEAD = "from gorm_assoc.models import *\n"


class ReadOnceTests(CheckTestCase):
    def test_a_relation_is_read_once(self) -> None:
        assert relationship.of(User, "languages") is relationship.of(User, "languages")

    def test_a_relation_declared_later_is_found(self) -> None:
        language = self.declare("").Language
        with pytest.raises(UnsupportedRelation):
            relationship.of(language, "users")

        made = self.declare('class User(Model): languages = Many2Many("Language", related_name="users")', shared=HEAD)

        found = relationship.of(language, "users")
        assert (found.target, found.through) == (made.User, made.User.languages.through)

    def test_each_model_has_its_own_of_one_name(self) -> None:
        made = self.declare("""
            class Teacher(Model):
                languages = Many2Many("Language", "many2many:teacher_languages")

            class HeadTeacher(Teacher):
                class Meta:
                    proxy = True
        """)

        assert relationship.of(made.Teacher, "languages").owner is made.Teacher
        assert relationship.of(made.HeadTeacher, "languages").owner is made.HeadTeacher


class NamesTests(CheckTestCase):
    def test_a_query_name_leads_there_too(self) -> None:
        assert relationship.of(Mood, "picture").name == "picture_set"

    def test_an_accessor_goes_before_a_query_name(self) -> None:
        made = self.declare("""
            class Author(Model): pass
            class Post(Model):
                writer = BelongsTo("Author", related_name="posts", related_query_name="drafts")
                editor = BelongsTo("Author", related_name="drafts", related_query_name="edits")
        """)

        found = {name: relationship.of(made.Author, name).key.name for name in ("posts", "drafts", "edits")}

        assert found == {"posts": "writer", "drafts": "editor", "edits": "editor"}


class KeptRowsTests(SimpleTestCase):
    def test_they_are_made_once_for_each_database(self) -> None:
        languages = relationship.of(User, "languages")

        assert JoinRows.of(languages, "default") is JoinRows.of(languages, "default")
        assert JoinRows.of(languages, "default") is not JoinRows.of(languages, "other")

    def test_they_use_the_connection_of_the_thread_that_asks(self) -> None:
        rows = JoinRows.of(relationship.of(User, "languages"), "default")
        seen = []

        def ask() -> None:
            seen.append((rows.connection, rows.pair.connection, connections["default"]))

        thread = Thread(target=ask)
        thread.start()
        thread.join()

        ((own, of_pair, its),) = seen
        assert own is of_pair is its
        assert own is not rows.connection
