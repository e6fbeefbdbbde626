"""The relation over plain columns as Django's own machinery sees it, and the key of a join model."""

from __future__ import annotations

import warnings

import pytest
from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.signals import class_prepared
from django.test import SimpleTestCase

from gorm_assoc.join_key import JoinKey, JoinTableKey
from tests.checking import CheckTestCase
from tests.testapp.models import Book, Loan, Stem

COLUMNS = ("page_id", "page_locale")
IMPORTS = "from django.db import models\nfrom gorm_assoc.models import *\n"


class DeconstructTests(SimpleTestCase):
    def kwargs(self, **options):
        name, path, args, kwargs = JoinKey("shop.page", from_fields=["page_id"], **options).deconstruct()
        assert (name, path, args) == (None, "gorm_assoc.join_key.JoinKey", [])
        again = JoinKey(**kwargs)
        assert again.deconstruct() == (name, path, args, kwargs)
        return kwargs

    def test_what_goes_without_saying_is_left_out(self):
        assert self.kwargs() == {"to": "shop.page", "from_fields": ("page_id",)}

    def test_what_was_said_is_kept(self):
        options = {
            "on_delete": models.CASCADE,
            "to_fields": ("code",),
            "related_name": "links",
            "null": True,
            "verbose_name": "page of the book",
        }

        assert self.kwargs(**options) == {"to": "shop.page", "from_fields": ("page_id",), **options}

    def test_a_way_back_under_djangos_name_is_told_from_none(self):
        assert self.kwargs(related_name=None)["related_name"] is None

    def test_lists_become_tuples(self):
        key = JoinKey("shop.page", from_fields=[*COLUMNS], to_fields=["id", "locale"])

        assert (key.from_fields, key.to_fields) == (COLUMNS, ("id", "locale"))


class ColumnTests(SimpleTestCase):
    """It has no column, and no part of Django takes it for one."""

    def test_dumpdata_writes_its_columns_alone(self):
        assert JoinKey("shop.page", from_fields=["page_id"]).serialize is False

    def test_no_referenced_field_is_found_in_it(self):
        key = Loan._meta.get_field("book")

        assert tuple(key.to_fields) == ("id", "locale")
        assert not [name for name in (None, "id", "locale") if name in key.to_fields]

    def test_migrations_ask_for_no_value_when_it_comes(self):
        class Asked(MigrationQuestioner):
            def ask_not_null_addition(self, field_name, model_name):
                raise AssertionError(field_name)

        id_, column = ("id", models.BigAutoField(primary_key=True)), ("page_id", models.BigIntegerField())
        page = ModelState("shop", "Page", [id_])
        key = ("page", JoinKey("shop.page", from_fields=["page_id"]))
        before, after = ProjectState(), ProjectState()
        for state, fields in ((before, [id_, column]), (after, [id_, column, key])):
            state.add_model(page.clone())
            state.add_model(ModelState("shop", "Link", fields))

        graph = MigrationGraph()
        graph.add_node(("shop", "0001_initial"), None)

        found = MigrationAutodetector(before, after, Asked()).changes(graph)

        assert [each.describe() for each in found["shop"][0].operations] == ["Add field page to link"]

    def test_on_a_model_it_has_the_default_it_was_given(self):
        assert not Loan._meta.get_field("book").has_default()

    def test_to_an_object_without_our_mixin_nothing_is_assigned(self):
        with pytest.raises(TypeError, match="Direct assignment"):
            Stem(pk=1).petal_set = []

    def test_a_form_offers_the_rows_of_the_database_that_is_asked_for(self):
        field = Loan._meta.get_field("book").formfield(using="other", label="Which book")

        assert field.queryset.db == "other"
        assert field.queryset.model is Book
        assert field.label == "Which book"


class KeyOfAJoinModelTests(CheckTestCase):
    def link(self, source):
        """The model `Link` of the source, which is declared before what it refers to."""
        link = self.declare(source).Link
        self.declare(
            """
            class Late(Model):
                pk = models.CompositePrimaryKey("a", "b")
                a = models.IntegerField()
                b = models.IntegerField()

            class Later(Model):
                pass
            """,
            shared=IMPORTS,
        )
        return link

    def key(self, source):
        return [field.name for field in self.link(source)._meta.pk_fields]

    def test_it_is_that_of_the_first_two_relations_in_the_order_of_the_class(self):
        assert self.key("""
            class Link(JoinTable):
                language = BelongsTo("Language")
                late = BelongsTo("Late")
                third = BelongsTo("Later")
        """) == ["language_id", "late_a", "late_b"]

    def test_one_that_waits_keeps_its_place(self):
        assert self.key("""
            class Link(JoinTable):
                late = BelongsTo("Late")
                language = models.ForeignKey("Language", models.CASCADE)
                other = models.ForeignKey("Language", models.CASCADE, related_name="+")
        """) == ["late_a", "late_b", "language"]

    def test_of_two_that_wait_too(self):
        assert self.key("""
            class Link(JoinTable):
                language = models.ForeignKey("Language", models.CASCADE)
                late = BelongsTo("Late")
                later = BelongsTo("Later")
        """) == ["language", "late_a", "late_b"]

    def test_of_djangos_own_relations_the_models_need_not_exist(self):
        names = self.declare("""
            class Link(JoinTable):
                later = models.ForeignKey("Later", models.CASCADE)
                language = BelongsTo("Language")
        """)

        assert [field.name for field in names.Link._meta.pk_fields] == ["later", "language_id"]

    def test_who_asked_too_early_is_told_the_right_one_later(self):
        early = []

        def ask(sender, **kwargs):
            if sender.__name__ == "Link":
                key = sender._meta.pk
                early.append((sender._meta.pk_fields, key.fields, key.columns, key.cached_col))

        class_prepared.connect(ask)
        self.addCleanup(class_prepared.disconnect, ask)

        link = self.link("""
            class Link(JoinTable):
                language = BelongsTo("Language")
                late = BelongsTo("Late")
        """)

        names = ("language_id", "late_a", "late_b")
        assert early[0][:3] == ([], (), ())
        assert tuple(field.name for field in link._meta.pk_fields) == names
        assert tuple(field.name for field in link._meta.pk.fields) == names
        assert link._meta.pk.columns == names
        assert tuple(target.name for target in link._meta.pk.cached_col.targets) == names

    def test_one_that_is_written_stays(self):
        assert self.key("""
            class Link(JoinTable):
                pk = models.CompositePrimaryKey("late_b", "late_a", "language_id")
                language = BelongsTo("Language")
                late = BelongsTo("Late")
        """) == ["late_b", "late_a", "language_id"]

    def test_to_migrations_it_is_djangos_own(self):
        name, path, args, kwargs = JoinTableKey("a", "b", verbose_name="both").deconstruct()

        assert (name, path, args) == (None, "django.db.models.CompositePrimaryKey", ("a", "b"))
        assert kwargs["verbose_name"] == "both"


class CompositeTests(CheckTestCase):
    def test_django_has_nothing_against_a_reference_to_a_composite_key(self):
        names = self.declare("""
            class Page(Model):
                pk = models.CompositePrimaryKey("id", "locale")
                id = models.IntegerField()
                locale = models.CharField(max_length=10)

            class Line(Model):
                page = BelongsTo("Page")
        """)

        with warnings.catch_warnings(action="error"):
            assert names.Line._meta.get_field("page").check() == []
