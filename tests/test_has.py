"""Reading through has-one and has-many: accessors, lookups, caches, dead rows, composite and polymorphic keys."""

from __future__ import annotations

import pickle

import pytest
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models import Count, Prefetch, QuerySet
from django.test import TestCase
from django.utils import timezone

from gorm_assoc import relationship
from gorm_assoc.exceptions import PrimaryKeyRequired
from gorm_assoc.models import Association
from tests import catalogue
from tests.testapp.models import (
    Author,
    Badge,
    Crate,
    Desk,
    Essay,
    Firm,
    Jotting,
    Keeper,
    Letter,
    Office,
    Sticker,
    Tool,
    Worker,
)


class HasManyTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ann = Author.objects.create(name="ann", code="A")
        cls.bob = Author.objects.create(name="bob", code="B")
        cls.one, cls.two = (Essay.objects.create(title=title, author=cls.ann) for title in ("one", "two"))
        cls.other = Essay.objects.create(title="other", author=cls.bob)

    def test_the_accessor_is_a_related_manager_on_the_childs_own_manager(self):
        assert set(self.ann.essays.all()) == {self.one, self.two}
        assert self.ann.essays.filter(title="one").get() == self.one
        assert type(self.ann.essays).__mro__.index(type(Essay.objects)) > 0

    def test_the_childs_own_relation_makes_room(self):
        assert not hasattr(Author, "essay_set")
        assert [found.accessor_name for found in Author._meta.related_objects if found.related_model is Essay] == [
            "essays"
        ]
        with pytest.raises(FieldError):
            Author.objects.filter(essay__title="one")

    def test_lookups_go_by_the_relations_name(self):
        assert Author.objects.get(essays__title="one") == self.ann
        assert Author.objects.exclude(essays__title="one").get() == self.bob
        assert Author.objects.get(essays=self.one) == self.ann
        assert dict(Author.objects.annotate(n=Count("essays")).values_list("name", "n")) == {"ann": 2, "bob": 1}
        assert Essay.objects.filter(author__name="ann").count() == 2

    def test_a_loaded_child_knows_its_owner(self):
        with self.assertNumQueries(1):
            assert [essay.author is self.ann for essay in self.ann.essays.all()] == [True, True]

    def test_prefetch_fills_both_directions(self):
        with self.assertNumQueries(2):
            for author in Author.objects.prefetch_related("essays"):
                assert all(essay.author is author for essay in author.essays.all())

    def test_prefetch_with_a_sliced_queryset(self):
        newest = Prefetch("essays", Essay.objects.order_by("-pk")[:1], to_attr="newest")

        found = {author.name: [essay.title for essay in author.newest] for author in _authors(newest)}

        assert found == {"ann": ["two"], "bob": ["other"]}

    def test_a_child_that_was_loaded_with_its_owner_keeps_that_object(self):
        for essay in self.ann.essays.select_related("author"):
            assert essay.author == self.ann
            assert essay.author is not self.ann

    def test_a_moved_child_leads_to_its_new_owner(self):
        essay = self.ann.essays.first()

        essay.author = self.bob

        assert (essay.author_id, essay.author) == (self.bob.pk, self.bob)

    def test_dead_children_are_seen_by_no_read(self):
        self.one.delete()

        assert self.ann.essays.get() == self.two
        assert self.ann.essays.count() == 1
        assert not Author.objects.filter(essays__title="one")
        assert self.ann in Author.objects.exclude(essays__title="one")
        assert Author.objects.annotate(n=Count("essays")).get(pk=self.ann.pk).n == 1
        assert [len(author.essays.all()) for author in _authors("essays").order_by("name")] == [1, 1]
        assert self.ann.essays.unscoped().count() == 2
        assert Author.objects.unscoped().filter(essays__title="one").get() == self.ann
        assert [len(author.essays.all()) for author in Author.objects.unscoped().prefetch_related("essays")] == [2, 1]

    def test_dead_children_of_a_plain_model_are_not_seen_either(self):
        live = Jotting.objects.create(author=self.ann, text="live")
        Jotting.objects.create(author=self.ann, text="dead", deleted_at=timezone.now())

        assert self.ann.jottings.get() == live
        assert _authors("jottings").get(pk=self.ann.pk).jottings.get() == live
        assert Author.objects.filter(jottings__text="dead").count() == 0
        assert Author.objects.exclude(jottings__text="dead").count() == 2
        assert Author.objects.annotate(n=Count("jottings")).get(pk=self.ann.pk).n == 1
        assert self.ann.jottings.unscoped().count() == 2
        assert self.ann.jottings.get().author is self.ann

    def test_a_reference_to_another_field_than_the_key(self):
        letter = Letter.objects.create(writer_code="A", text="x")

        assert self.ann.letters.get() == letter
        assert Author.objects.get(letters__text="x") == self.ann
        assert letter.writer == self.ann
        assert Letter.objects.get(writer__name="ann") == letter

    def test_a_dead_child_finds_its_owner_by_the_key(self):
        letter = Letter.objects.create(writer_code="A", text="x")
        letter.delete()
        key = Author._meta.get_field("letters").field.name

        assert QuerySet(Letter).get(**{f"{key}__name": "ann"}) == letter

    def test_an_owner_whose_referenced_field_is_empty_has_none(self):
        Letter.objects.create(writer_code=None, text="x")
        eve = Author.objects.create(name="eve")

        assert not Author.objects.filter(letters__text="x")
        assert eve.letters.count() == 0
        with pytest.raises(PrimaryKeyRequired, match=r"no value in 'code'"):
            eve.letters.append(Letter(text="y"))

    def test_the_key_that_is_read_by_is_no_relation_of_the_child(self):
        assert "author" in [field.name for field in Essay._meta.get_fields()]
        with pytest.raises(Exception, match=r"no relation '_testapp_author_essays'"):
            Association(self.one, "_testapp_author_essays")

    def test_children_are_pickled_with_their_owner(self):
        essay = pickle.loads(pickle.dumps(self.ann.essays.get(title="one")))

        with self.assertNumQueries(0):
            assert essay.author == self.ann

    def test_a_manager_and_the_team(self):
        boss = Worker.objects.create(name="boss")
        kim = Worker.objects.create(name="kim", manager=boss)

        assert boss.team.get() == kim
        assert Worker.objects.get(team__name="kim") == boss
        assert Worker.objects.get(manager__name="boss") == kim
        assert boss.team.get().manager is boss
        assert [list(worker.team.all()) for worker in Worker.objects.prefetch_related("team").order_by("pk")] == [
            [kim],
            [],
        ]

    def test_what_the_verbs_are_told_of_it(self):
        found = relationship.of(Author, "letters")

        assert (found.kind, found.target, [each.foreign_key.column for each in found.references]) == (
            "has_many",
            Letter,
            ["writer_code"],
        )


class HasOneTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ann = Author.objects.create(name="ann")
        cls.bob = Author.objects.create(name="bob")
        cls.desk = Desk.objects.create(author=cls.ann, room="1")

    def test_the_accessor_is_one_object(self):
        ann = Author.objects.get(name="ann")

        with self.assertNumQueries(1):
            assert (ann.desk, ann.desk.author) == (self.desk, ann)
            assert ann.desk.author is ann

    def test_an_owner_without_one_raises_what_django_raises(self):
        with pytest.raises(Author.desk.RelatedObjectDoesNotExist, match=r"Author has no desk\."):
            _ = self.bob.desk
        with self.assertNumQueries(0), pytest.raises(Desk.DoesNotExist):
            _ = self.bob.desk
        assert not hasattr(self.bob, "desk")
        assert not hasattr(Author(name="new"), "desk")

    def test_of_several_rows_it_is_the_last(self):
        last = Desk.objects.create(author=self.ann, room="2")

        assert Author.objects.get(name="ann").desk == last
        assert {author.name: getattr(author, "desk", None) for author in _authors("desk")} == {
            "ann": last,
            "bob": None,
        }

    def test_exclude_looks_at_all_rows(self):
        Desk.objects.create(author=self.ann, room="2")

        assert Author.objects.exclude(desk__room="1").get() == self.bob
        assert Author.objects.filter(desk__room="1").get() == self.ann

    def test_select_related_needs_no_more_queries(self):
        with self.assertNumQueries(1):
            found = {author.name: getattr(author, "desk", None) for author in Author.objects.select_related("desk")}
            assert found["ann"].author.name == "ann"

        assert found == {"ann": self.desk, "bob": None}

    def test_prefetch_fills_both_directions(self):
        with self.assertNumQueries(2):
            ann, bob = _authors("desk").order_by("name")
            assert ann.desk.author is ann
            assert not hasattr(bob, "desk")

    def test_prefetch_with_a_queryset(self):
        Desk.objects.create(author=self.ann, room="2")

        ann = _authors(Prefetch("desk", Desk.objects.filter(room="1"))).get(name="ann")

        assert ann.desk == self.desk

    def test_a_dead_row_is_none(self):
        self.desk.delete()

        assert not hasattr(Author.objects.get(name="ann"), "desk")
        assert not hasattr(_authors("desk").get(name="ann"), "desk")
        assert not hasattr(Author.objects.select_related("desk").get(name="ann"), "desk")
        assert not Author.objects.filter(desk__room="1")
        assert Author.objects.exclude(desk__room="1").count() == 2
        assert Author.objects.unscoped().select_related("desk").get(name="ann").desk == self.desk
        assert Author.objects.unscoped().prefetch_related("desk").get(name="ann").desk == self.desk

    def test_over_djangos_own_relation(self):
        badge = Badge.objects.create(holder=self.ann, number=7)

        ann = Author.objects.select_related("badge").get(name="ann")

        with self.assertNumQueries(0):
            assert (ann.badge, ann.badge.holder) == (badge, ann)
        assert Author.objects.get(badge__number=7) == ann
        assert Badge.objects.get(holder__name="ann") == badge
        assert self.ann.badge.holder is self.ann

    def test_the_owner_of_a_one_to_one_child_knows_the_child(self):
        Badge.objects.create(holder=self.ann, number=7)
        badge = Badge.objects.get()

        with self.assertNumQueries(1):
            assert badge.holder.badge is badge

    def test_the_child_is_deleted_with_its_owner_as_its_own_relation_says(self):
        Badge.objects.create(holder=self.bob, number=7)

        self.bob.delete(unscoped=True)

        assert not Badge.objects.exists()

    def test_what_the_verbs_are_told_of_it(self):
        found = relationship.of(Author, "badge")

        assert (found.kind, found.target, found.is_single) == ("has_one", Badge, True)


class CompositeTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.german, cls.french = (Firm.objects.create(number=1, country=each, name=each) for each in ("de", "fr"))
        cls.office = Office.objects.create(firm=cls.german, city="Bonn")
        cls.keeper = Keeper.objects.create(firm=cls.french, name="kim")

    def test_every_column_counts(self):
        assert self.german.offices.get() == self.office
        assert not self.french.offices.exists()
        assert Firm.objects.get(offices__city="Bonn") == self.german
        assert Firm.objects.exclude(offices__city="Bonn").get() == self.french
        assert Office.objects.filter(firm=self.german).get() == self.office
        assert Office.objects.exclude(firm=self.french).get() == self.office
        assert Office.objects.get(firm__name="de") == self.office
        assert not hasattr(self.german, "keeper")
        assert Firm.objects.get(keeper__name="kim") == self.french
        assert Firm.objects.exclude(keeper__name="kim").get() == self.german

    def test_loading_is_one_query_each_way(self):
        with self.assertNumQueries(1):
            assert Office.objects.select_related("firm").get().firm == self.german
        with self.assertNumQueries(1):
            assert Firm.objects.select_related("keeper").get(country="fr").keeper == self.keeper
        with self.assertNumQueries(3):
            for firm in Firm.objects.prefetch_related("offices", "keeper"):
                assert all(office.firm is firm for office in firm.offices.all())
                assert getattr(firm, "keeper", None) in (None, self.keeper)

    def test_a_child_of_nobody_belongs_to_none(self):
        free = Office.objects.create(city="Rome")

        assert free.firm is None
        assert Office.objects.get(firm=None) == free
        assert Office.objects.select_related("firm").get(pk=free.pk).firm is None

    def test_half_a_key_is_no_key(self):
        half = Office.objects.create(city="Rome", firm_number=1)

        assert list(self.german.offices.all()) == [self.office]
        assert Office.objects.get(pk=half.pk).firm is None


class PolymorphicTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.crate, cls.tool = Crate.objects.create(id=77, name="crate"), Tool.objects.create(id=77, name="tool")
        cls.of_crate = Sticker.objects.create(text="a", owner_id=cls.crate.pk, owner_type="crates")
        cls.of_tool = Sticker.objects.create(text="b", owner_id=cls.crate.pk, owner_type="tools")
        cls.label = Sticker.objects.create(text="c", subject_id=cls.crate.pk, kind="crate_label")
        cls.foreign = Sticker.objects.create(text="d", subject_id=cls.crate.pk, kind="another")

    def test_an_owner_sees_only_what_is_of_its_type(self):
        assert self.crate.stickers.get() == self.of_crate
        assert self.tool.stickers.get() == self.of_tool
        assert self.crate.label == self.label
        assert self.crate.stickers.count() == 1
        assert self.crate.stickers.all().unscoped().get() == self.of_crate
        assert self.crate.stickers.get_queryset().unscoped().get() == self.of_crate
        assert not self.crate.stickers.filter(text="b")

    def test_lookups_see_only_what_is_of_the_type(self):
        assert Crate.objects.filter(stickers__text="a").count() == 1
        assert Crate.objects.filter(stickers__text="b").count() == 0
        assert Crate.objects.exclude(stickers__text="a").count() == 0
        assert Crate.objects.exclude(stickers__text="b").count() == 1
        assert Crate.objects.filter(label__text="d").count() == 0
        assert Crate.objects.exclude(label__text="c").count() == 0
        assert Crate.objects.exclude(label__text="d").count() == 1
        assert Crate.objects.annotate(n=Count("stickers")).get().n == 1
        assert Tool.objects.filter(stickers__isnull=True).count() == 0

    def test_loading_sees_only_what_is_of_the_type(self):
        crate = Crate.objects.prefetch_related("stickers", "label").get()
        with self.assertNumQueries(0):
            assert (list(crate.stickers.all()), crate.label) == ([self.of_crate], self.label)
        assert Crate.objects.select_related("label").get().label == self.label
        newest = Prefetch("stickers", Sticker.objects.order_by("-pk")[:1], to_attr="newest")
        assert Crate.objects.prefetch_related(newest).get().newest == [self.of_crate]

    def test_dead_ones_are_not_seen(self):
        self.of_crate.delete()
        self.label.delete()

        assert not self.crate.stickers.exists()
        assert not hasattr(Crate.objects.get(), "label")
        assert not Crate.objects.filter(stickers__text="a")
        assert Crate.objects.exclude(stickers__text="a").count() == 1
        assert self.crate.stickers.unscoped().get() == self.of_crate

    def test_a_new_one_gets_the_type(self):
        made = self.tool.stickers.create(text="new")

        assert (made.owner_id, made.owner_type) == (self.tool.pk, "tools")

    def test_what_the_verbs_are_told_of_it(self):
        found = relationship.of(Crate, "label")

        assert [(field.column, value) for field, value in found.fixed] == [("kind", "crate_label")]

    def test_there_is_no_foreign_key(self):
        assert catalogue.read(connection, "stickers").foreign_keys == ()


class SchemaTests(TestCase):
    def foreign_keys(self, table):
        return [
            (key.name, key.columns, key.to_table, key.to_columns, key.on_delete)
            for key in catalogue.read(connection, table).foreign_keys
        ]

    def test_the_foreign_key_has_the_owners_name_and_actions(self):
        assert self.foreign_keys("essays") == [("fk_authors_essays", ("author_id",), "authors", ("id",), "CASCADE")]
        assert self.foreign_keys("desks") == [("fk_authors_desk", ("author_id",), "authors", ("id",), "NO ACTION")]
        assert self.foreign_keys("testapp_letter") == [
            ("fk_authors_letters", ("writer_code",), "authors", ("code",), "NO ACTION")
        ]
        assert self.foreign_keys("workers") == [("fk_workers_team", ("manager_id",), "workers", ("id",), "NO ACTION")]
        columns = ("firm_number", "firm_country")
        assert self.foreign_keys("keepers") == [
            ("fk_testapp_firm_keeper", columns, "testapp_firm", ("number", "country"), "NO ACTION")
        ]

    def test_a_foreign_key_of_djangos_is_the_only_one(self):
        assert len(self.foreign_keys("testapp_badge")) == 1
        assert len(self.foreign_keys("testapp_jotting")) == 1


def _authors(*lookups):
    return Author.objects.prefetch_related(*lookups)
