"""A polymorphic many2many: owners of several models in one join table, which GORM refuses."""

from __future__ import annotations

from django.db import connection
from django.db.models import Count
from django.test import TestCase

from gorm_assoc import relationship
from gorm_assoc.models import Association, Changes
from tests import catalogue
from tests.testapp.models import Melody, Mood, MoodMark, Picture

Moodable = Picture.moods.through


class PolymorphicTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.picture = Picture.objects.create(id=77, name="picture")
        cls.melody = Melody.objects.create(id=77, name="melody")
        cls.sad, cls.gay, cls.odd = (Mood.objects.create(name=name) for name in ("sad", "gay", "odd"))
        cls.picture.moods.append(cls.sad, cls.gay)
        cls.melody.moods.append(cls.sad, cls.odd)

    def links(self):
        return sorted(Moodable.objects.values_list("moodable_type", "moodable_id", "mood__name"))

    def test_the_owners_share_a_table(self):
        assert Melody.moods.through is Moodable
        assert self.links() == [
            ("pictures", 77, "gay"),
            ("pictures", 77, "sad"),
            ("song", 77, "odd"),
            ("song", 77, "sad"),
        ]
        table = catalogue.read(connection, "moodables")
        assert table.column_names == ("moodable_id", "moodable_type", "mood_id")
        assert table.primary_key == ("moodable_id", "moodable_type", "mood_id")
        assert [(key.name, key.columns, key.to_table) for key in table.foreign_keys] == [
            ("fk_moodables_mood", ("mood_id",), "moods")
        ]

    def test_an_owner_sees_its_own_links(self):
        assert set(self.picture.moods.all()) == {self.sad, self.gay}
        assert set(self.melody.moods.all()) == {self.sad, self.odd}
        assert (self.picture.moods.count(), self.melody.moods.count()) == (2, 2)
        assert self.sad.picture_set.get() == self.picture
        assert self.sad.melodies.get() == self.melody
        assert not self.gay.melodies.exists()
        assert not self.odd.picture_set.all()

    def test_a_row_that_is_given_its_owner_says_which_model_that_is(self):
        key, row = relationship.of(Picture, "marks").owner_key.name, MoodMark(mood=self.sad)

        setattr(row, key, self.picture)  # as inline forms do

        assert (row.subject_id, row.subject_type) == (77, "pictures")
        with self.assertNumQueries(0):
            assert getattr(row, key) is self.picture
        setattr(row, key, None)
        assert (row.subject_id, row.subject_type) == (None, "pictures")

    def test_lookups_see_their_own_links(self):
        assert Picture.objects.filter(moods__name="odd").count() == 0
        assert Picture.objects.exclude(moods__name="odd").count() == 1
        assert Picture.objects.exclude(moods__name="gay").count() == 0
        assert Melody.objects.filter(moods=self.odd).count() == 1
        assert Melody.objects.filter(moods=self.gay).count() == 0
        assert set(Mood.objects.filter(picture__name="picture")) == {self.sad, self.gay}
        assert set(Mood.objects.filter(picture=self.picture)) == {self.sad, self.gay}
        assert set(Mood.objects.filter(melodies=self.melody)) == {self.sad, self.odd}
        assert Mood.objects.exclude(picture=self.picture).get() == self.odd
        assert Mood.objects.exclude(melodies__name="melody").get() == self.gay
        assert Mood.objects.filter(melodies__isnull=False).count() == 2
        assert Mood.objects.get(melodies__isnull=True) == self.gay
        assert Mood.objects.get(melodies=None) == self.gay
        assert Mood.objects.get(picture=self.picture, melodies=self.melody) == self.sad
        assert Mood.objects.get(picture__name="picture", melodies__name="melody") == self.sad
        assert Mood.objects.exclude(picture=self.picture, melodies=self.melody).count() == 2
        assert Picture.objects.annotate(n=Count("moods")).get().n == 2
        assert dict(Mood.objects.annotate(n=Count("melodies")).values_list("name", "n")) == {
            "sad": 1,
            "gay": 0,
            "odd": 1,
        }

    def test_loading_sees_their_own_links(self):
        for pictures in (Picture.objects.prefetch_related("moods"), Picture.objects.preload("moods")):
            assert set(pictures.get().moods.all()) == {self.sad, self.gay}
        for moods in (Mood.objects.prefetch_related("melodies"), Mood.objects.preload("melodies")):
            assert {mood.name: [each.name for each in mood.melodies.all()] for mood in moods} == {
                "sad": ["melody"],
                "gay": [],
                "odd": ["melody"],
            }

    def test_the_verbs_write_their_own_links(self):
        assert self.picture.moods.append(self.sad, self.odd) == Changes(added=1, kept=1)
        assert self.picture.moods.replace(self.odd) == Changes(added=0, removed=2, kept=1)
        assert self.melody.moods.delete(self.sad) == Changes(removed=1)
        assert self.links() == [("pictures", 77, "odd"), ("song", 77, "odd")]
        assert self.melody.moods.clear() == Changes(removed=1)
        assert self.odd.picture_set.clear() == Changes(removed=1)
        assert self.links() == []
        assert self.odd.melodies.append(self.melody) == Changes(added=1)
        assert self.links() == [("song", 77, "odd")]

    def test_several_owners_and_a_queryset(self):
        other = Melody.objects.create(name="other")

        assert Association([self.melody, other], "moods").append(Mood.objects.all(), to_all=True) == Changes(
            added=4, kept=2
        )
        assert Association([self.melody, other], "moods").clear() == Changes(removed=6)
        assert self.picture.moods.count() == 2

    def test_a_written_join_model(self):
        assert self.picture.marks.append(self.sad, through_defaults={"strength": 3}) == Changes(added=1)
        assert self.melody.marks.append(self.sad) == Changes(added=1)
        mark = MoodMark.objects.get(subject_type="pictures")
        assert (mark.subject_id, mark.mood, mark.strength) == (77, self.sad, 3)

        assert self.picture.marks.delete(self.sad) == Changes(removed=1)

        assert not self.picture.marks.exists()
        assert self.melody.marks.get() == self.sad
        assert not Picture.objects.filter(marks__name="sad")
        assert Melody.objects.filter(marks__name="sad").count() == 1
        assert self.picture.marks.append(self.sad) == Changes(revived=1)
        assert self.sad.marked_pictures.get() == self.picture

    def test_columns_that_differ_by_row_are_set_on_its_own_links(self):
        for owner in (self.picture, self.melody):
            owner.marks.append(self.sad, self.gay, self.odd)
        self.picture.marks.delete(self.odd)
        strength = {self.sad: 5, self.gay: 6, self.odd: 7}

        changes = self.picture.marks.append(
            *strength, through_defaults=lambda mood: {"strength": strength[mood]}, update=True
        )

        assert changes == Changes(kept=2, revived=1)
        marks = MoodMark.objects.values_list("subject_type", "mood__name", "strength")
        assert set(marks) == {
            *(("pictures", mood.name, number) for mood, number in strength.items()),
            *(("melodies", mood.name, 1) for mood in strength),
        }

    def test_what_the_verbs_are_told_of_it(self):
        for found in (relationship.of(Melody, "moods"), relationship.of(Mood, "melodies")):
            assert [(field.column, value) for field, value in found.fixed] == [("moodable_type", "song")]
