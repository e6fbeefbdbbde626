"""preload() of has one and has many: over relations, plain columns, composite keys, and polymorphic ones."""

from __future__ import annotations

import unittest

from django.db import connection
from django.test import TestCase

from example_project.guides.models import SpokenLanguage, User
from gorm_assoc.models import ALL, preload
from tests.testapp.models import Author, Badge, Crate, Desk, Essay, Firm, Keeper, Letter, Office, Sticker, Tool


def texts(rows):
    return [row.text for row in rows]


class HasTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ann, cls.bob = Author.objects.create(name="ann", code="a"), Author.objects.create(name="bob", code="b")
        for title in ("x", "y", "z"):
            Essay.objects.create(title=title, author=cls.ann)
        Essay.objects.create(title="b", author=cls.bob)
        Essay.objects.get(title="x").delete()
        Letter.objects.create(writer_code="a", text="dear")
        Desk.objects.create(author_id=cls.ann.pk, room="first")
        Desk.objects.create(author_id=cls.ann.pk, room="last")
        Badge.objects.create(holder=cls.ann, number=7)

    def test_has_many(self):
        with self.assertNumQueries(3):
            ann, bob = Author.objects.order_by("name").preload("essays", "letters", order_by="-pk")

        with self.assertNumQueries(0):
            assert [essay.title for essay in ann.essays.all()] == ["z", "y"]
            assert [essay.title for essay in bob.essays.all()] == ["b"]
            assert texts(ann.letters.all()) == ["dear"]
            assert list(bob.letters.all()) == []
            assert ann.essays.all()[0].author is ann

    def test_a_limit_counts_for_each_owner(self):
        with self.assertNumQueries(2):
            ann, bob = Author.objects.order_by("name").preload("essays", limit=1)

        with self.assertNumQueries(0):
            assert [essay.title for essay in (*ann.essays.all(), *bob.essays.all())] == ["z", "b"]

    def test_has_one_gives_the_last_of_several(self):
        with self.assertNumQueries(3):
            ann, bob = Author.objects.order_by("name").preload("desk", "badge")

        with self.assertNumQueries(0):
            assert (ann.desk.room, ann.badge.number) == ("last", 7)
            assert ann.badge.holder is ann
            assert not hasattr(bob, "desk")
        assert Author.objects.get(name="ann").desk.room == "last"

    def test_all_names_them(self):
        (ann,) = Author.objects.filter(name="ann").preload(ALL)

        with self.assertNumQueries(0):
            assert len(ann.essays.all()) == 2
            assert texts(ann.letters.all()) == ["dear"]
            assert (ann.desk.room, ann.badge.number, list(ann.jottings.all())) == ("last", 7, [])

    def test_counts(self):
        ann, bob = Author.objects.order_by("name").preload_count("essays", "letters")

        assert (ann.essays_count, ann.letters_count, bob.essays_count, bob.letters_count) == (2, 1, 1, 0)

    def test_composite_keys(self):
        firm = Firm.objects.create(number=1, country="fr", name="f")
        Firm.objects.create(number=1, country="de", name="g")
        Office.objects.create(firm=firm, city="paris")
        Keeper.objects.create(firm_number=1, firm_country="de", name="k")

        german, french = firms = list(Firm.objects.order_by("country"))
        preload(firms, "offices", "keeper", limit=5)

        with self.assertNumQueries(0):
            assert [office.city for office in french.offices.all()] == ["paris"]
            assert list(german.offices.all()) == []
            assert german.keeper.name == "k"

    def test_polymorphic_ones_are_of_their_own_type(self):
        crate, tool = Crate.objects.create(id=1, name="c"), Tool.objects.create(id=1, name="t")
        crate.stickers.append(Sticker(text="on the crate"))
        tool.stickers.append(Sticker(text="on the tool"))
        Sticker.objects.create(subject_id=1, kind="crate_label", text="label")

        crate, tool = Crate.objects.preload("stickers", "label").get(), Tool.objects.preload("stickers", limit=1).get()
        counted = Crate.objects.preload_count("stickers").get()

        with self.assertNumQueries(0):
            assert texts(crate.stickers.all()) == ["on the crate"]
            assert texts(tool.stickers.all()) == ["on the tool"]
            assert crate.label.text == "label"
            assert counted.stickers_count == 1

    @unittest.skipUnless(connection.vendor == "mysql", "the other databases tell A and a apart")
    def test_text_keys_are_the_same_as_for_the_database(self):
        Letter.objects.create(writer_code="A", text="loud")
        SpokenLanguage.objects.create(code="en")
        user = User.objects.create(name="u")
        User.speaks.through(user_id=user.pk, spoken_language_code="EN").save()

        ann, user = Author.objects.preload("letters").get(name="ann"), User.objects.preload("speaks").get()

        assert sorted(texts(ann.letters.all())) == ["dear", "loud"]
        assert [language.code for language in user.speaks.all()] == ["en"]

    def test_of_several_rows_for_one_the_last_is_taken_in_the_order_that_is_asked_for(self):
        author = Author.objects.create(name="two desks")
        for room in "bca":
            Desk.objects.create(author_id=author.pk, room=room)
        authors = Author.objects.filter(pk=author.pk)

        assert authors.preload("desk").get().desk.room == "a"
        assert authors.preload("desk", order_by="room").get().desk.room == "c"

    def test_unscoped(self):
        ann = Author.objects.preload("essays", unscoped=True, order_by="title").get(name="ann")

        assert [essay.title for essay in ann.essays.all()] == ["x", "y", "z"]
