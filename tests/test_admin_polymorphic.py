"""Join rows of a polymorphic many2many in the admin: owners of two models share a join table."""

from __future__ import annotations

from django.contrib.auth.models import User as Account
from django.test import TestCase, override_settings
from django.urls import reverse

from gorm_assoc.admin import AssociationAdmin, JoinRowInline
from tests.admin_site import site
from tests.pages import add_row, errors, open_page
from tests.testapp.models import Melody, Mood, MoodMark, Picture


@override_settings(ROOT_URLCONF="tests.admin_site")
class PolymorphicTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.account = Account.objects.create_superuser("admin")
        cls.picture = Picture.objects.create(pk=1, name="p")
        cls.melody = Melody.objects.create(pk=1, name="m")
        cls.glad, cls.sad, cls.calm = (Mood.objects.create(name=name) for name in ("glad", "sad", "calm"))
        cls.picture.moods.add(cls.glad)
        cls.melody.moods.add(cls.sad)

    def setUp(self):
        self.client.force_login(self.account)

    def url(self, row):
        return reverse(f"admin:testapp_{row._meta.model_name}_change", args=[row.pk])

    def moods(self, owner):
        return sorted(owner.moods.values_list("name", flat=True))

    def rows(self, model, **parameters):
        response = self.client.get(reverse(f"admin:testapp_{model._meta.model_name}_changelist"), parameters)
        return list(response.context["cl"].result_list)

    def test_an_owner_has_its_own_rows_though_another_has_the_same_key(self):
        page = open_page(self.client, self.url(self.picture))
        (shown,) = [value for name, value in page.data.items() if name.startswith("moods-0-") and "pk" not in name]
        field = next(name for name in page.choices if name.startswith("moods-0-"))
        page.data[field] = self.calm.pk
        add_row(page, "moods", **{field.removeprefix("moods-0-"): self.sad.pk})

        response = self.client.post(self.url(self.picture), page.data)

        assert shown == str(self.glad.pk)
        assert errors(response) == []
        assert self.moods(self.picture) == ["calm", "sad"]
        assert self.moods(self.melody) == ["sad"]

    def test_a_written_join_model_with_dead_rows(self):
        self.melody.marks.add(self.glad)
        page = open_page(self.client, self.url(self.picture))
        add_row(page, "marks", mood=self.glad.pk, strength="5")

        stored = self.client.post(self.url(self.picture), page.data)
        page = open_page(self.client, self.url(self.picture))
        page.data["marks-0-DELETE"] = "on"
        self.client.post(self.url(self.picture), page.data)

        assert errors(stored) == []
        assert set(MoodMark.objects.values_list("subject_id", "strength")) == {(1, 1)}
        assert list(self.melody.marks.all()) == [self.glad]
        assert MoodMark._base_manager.count() == 2
        dead = open_page(self.client, f"{self.url(self.picture)}?_dead_rows=marks")
        assert dead.data["marks-INITIAL_FORMS"] == "1"

    def test_E806_from_the_other_side(self):  # noqa: N802
        rows = type("Rows", (JoinRowInline,), {"model": Melody.moods.through, "relation": "melodies"})

        (error,) = type("Admin", (AssociationAdmin,), {"inlines": (rows,)})(Mood, site).check()

        assert (error.id, error.msg, error.hint) == (
            "gorm_assoc.E806",
            "The rows of testapp.Mood.melodies are those of a polymorphic relation of testapp.Melody: they cannot be "
            "edited below testapp.Mood.",
            "Put the inline below testapp.Melody.",
        )

    def test_counts_and_the_filter(self):
        (picture,), moods = self.rows(Picture), self.rows(Mood)

        assert picture.count_of_moods == 1
        assert {mood.name: mood.count_of_melodies for mood in moods} == {"glad": 0, "sad": 1, "calm": 0}
        assert self.rows(Picture, moods=f"[{self.glad.pk}]") == [self.picture]
        assert self.rows(Picture, moods=f"[{self.sad.pk}]") == []
        assert self.rows(Melody, moods=f"[{self.sad.pk}]") == [self.melody]
