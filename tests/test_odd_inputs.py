"""What a hurried caller hands to a verb: querysets of the relation itself, generators, keys as text, late errors."""

from __future__ import annotations

import datetime
import decimal
from unittest import mock

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models.signals import post_init
from django.test import TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext

from example_project.guides.models import Blog, Language, Tag, User, UserFluency
from gorm_assoc import relationship
from gorm_assoc.asked import held_values
from gorm_assoc.exceptions import PrimaryKeyRequired, ReservedColumn, ValueTypeMismatch
from gorm_assoc.kinds.base import Links
from gorm_assoc.kinds.conditions import Sql, subquery
from gorm_assoc.kinds.join_rows import JoinRows
from gorm_assoc.models import Association, Changes
from tests.factories import (
    ClubFactory,
    CourseFactory,
    LanguageFactory,
    MemberFactory,
    ProfileFactory,
    StudentFactory,
    TagFactory,
    UserFactory,
)
from tests.testapp.models import Course, Disc, Enrolment, Mood, Picture, Rack


class QuerysetsTests(TestCase):
    def setUp(self):
        self.user = UserFactory()
        self.languages = LanguageFactory.create_batch(5)
        self.user.languages.append(*self.languages[:2])
        self.not_linked = Language.objects.exclude(users=self.user)

    def test_append_what_is_not_linked_yet(self):
        assert self.user.languages.append(self.not_linked) == Changes(added=3)

    def test_replace_by_what_is_not_linked_yet(self):
        assert self.user.languages.replace(self.not_linked) == Changes(added=3, removed=2)
        assert set(self.user.languages.all()) == set(self.languages[2:])

    def test_a_random_slice_is_read_once(self):
        changes = self.user.languages.replace(Language.objects.order_by("?")[:4])

        assert self.user.languages.count() == 4
        assert changes.kept >= 0
        assert changes.added + changes.kept == 4

    def test_no_target_is_read_into_memory(self):
        association, made = self.user.association("languages"), []
        first_two = Language.objects.order_by("pk")[:2]

        def count_targets(**kwargs):
            made.append(kwargs["instance"])

        post_init.connect(count_targets, sender=Language)
        try:
            with CaptureQueriesContext(connection) as queries:
                assert association.append(self.not_linked) == Changes(added=3)
                assert association.delete(first_two) == Changes(removed=2)
                assert association.replace(self.not_linked) == Changes(added=2, removed=3)
                assert association.replace(first_two) == Changes(kept=2)
                assert association.replace(Language.objects.order_by("?")[:3]).added >= 1
        finally:
            post_init.disconnect(count_targets, sender=Language)

        pulled = [q["sql"] for q in queries if q["sql"].startswith("SELECT") and "COUNT" not in q["sql"]]
        assert made == []
        assert not [sql for sql in pulled if "FOR UPDATE" not in sql and "FOR NO KEY UPDATE" not in sql]

    def test_their_extra_columns_are_updated_inside_the_database(self):
        self.user.fluent_in.append(self.languages[0], through_defaults={"fluency": "old"})

        changes = self.user.fluent_in.append(
            Language.objects.order_by("pk")[:2], through_defaults={"fluency": "new"}, update=True
        )

        assert changes == Changes(added=1, kept=1)
        assert set(UserFluency.objects.values_list("fluency", flat=True)) == {"new"}

    def test_an_error_leaves_nothing_behind(self):
        student, _ = StudentFactory(), CourseFactory.create_batch(2)
        slice_of_courses = Course.objects.order_by("pk")[:2]

        with pytest.raises(IntegrityError):
            student.courses.append(slice_of_courses, through_defaults={"badge": "only one"})

        assert student.courses.count() == 0
        assert student.courses.append(slice_of_courses) == Changes(added=2)

    def test_a_clash_on_another_unique_column_is_an_error(self):
        student, _ = StudentFactory(), CourseFactory.create_batch(2)

        with pytest.raises(IntegrityError):
            student.courses.append(Course.objects.all(), through_defaults={"badge": "only one"})

        assert student.courses.count() == 0

    def test_nothing_is_no_values(self):
        for nothing in (Language.objects.none(), Language.objects.filter(pk__in=[])):
            assert self.user.languages.append(nothing) == Changes()
            assert self.user.languages.delete(nothing) == Changes()
        assert self.user.languages.replace(Language.objects.none()) == Changes(removed=2)

    def test_values_that_are_dicts_are_refused(self):
        with pytest.raises(ValueTypeMismatch):
            self.user.languages.append(Language.objects.values("name"))

    def test_distinct_on_keeps_its_order(self):
        if connection.vendor != "postgresql":
            self.skipTest("only PostgreSQL has DISTINCT ON")
        Language.objects.update(name="same")
        last = Language.objects.order_by("name", "-pk").distinct("name")

        self.user.languages.replace(last)

        assert list(self.user.languages.all()) == [self.languages[-1]]


class ValuesTests(TestCase):
    def test_a_generator_reaches_every_owner_also_with_a_callable(self):
        users, languages = UserFactory.create_batch(2), LanguageFactory.create_batch(3)

        changes = Association(users, "fluent_in").append(
            (one for one in languages), to_all=True, through_defaults=lambda value, owner: {"fluency": owner.name}
        )

        assert changes == Changes(added=6)

    def test_keys_as_text_are_keys(self):
        user, language = UserFactory(), LanguageFactory()

        assert user.languages.append({"id": str(language.pk)}, Language(pk=str(language.pk))) == Changes(added=1)
        assert Association([User(pk=str(user.pk)), UserFactory()], "languages").count() == 1

    def test_a_key_as_text_is_told_as_it_is_stored(self):
        user, language = UserFactory(), LanguageFactory()

        changes = user.languages.append(Language(pk=str(language.pk)), pairs=True)

        assert changes.pairs["added"] == ((user.pk, language.pk),)

    def test_two_objects_of_one_key_are_one_row(self):
        users = UserFactory.create_batch(2)

        changes = Association(users, "languages").append(Language(pk=9999, name="a"), Language(pk=9999, name="b"))

        assert changes == Changes(added=2)
        assert Language.objects.count() == 1

    def test_what_nobody_means_as_a_key_is_refused(self):
        user = UserFactory()

        for value in (True, 1.5, b"1"):
            with self.subTest(value), pytest.raises(ValueTypeMismatch):
                user.languages.append(value)

    def test_the_error_names_the_relation_and_the_value_and_says_what_to_pass(self):
        with pytest.raises(
            ValueTypeMismatch, match=r"^guides\.User\.languages takes guides\.Language; got 1\.5 \(float\)\. Pass"
        ):
            UserFactory().languages.append(1.5)
        with pytest.raises(
            ValueTypeMismatch, match=r"got 7 \(int\)\. .* or its key, the tuple \(published, price\)\.$"
        ):
            Association(Rack.objects.create(), "discs").append(7)

    def test_a_key_that_no_row_has_is_an_error_where_another_column_is_referenced(self):
        user = UserFactory()
        user.profiles.append(ProfileFactory())

        with pytest.raises(IntegrityError, match="no guides.Profile has that key"):
            user.profiles.replace(424242)

        assert user.profiles.count() == 1

    def test_a_target_without_the_referenced_value_is_ignored_by_delete_only(self):
        profile, user = ProfileFactory(), UserFactory()
        profile.user_refer = None

        assert user.profiles.delete(profile) == Changes()
        with transaction.atomic(), pytest.raises(PrimaryKeyRequired, match="user_refer"):
            user.profiles.append(profile)
        assert user.profiles.count() == 0


class ExtraColumnsTests(TestCase):
    def test_columns_that_a_verb_sets_are_refused(self):
        user, other, language = UserFactory(), UserFactory(), LanguageFactory()
        user.fluent_in.append(language, through_defaults={"fluency": "mine"})

        for extra in ({"user_id": other.pk}, {"user": other}):
            with pytest.raises(ReservedColumn, match="through_defaults"):
                user.fluent_in.append(language, through_defaults=extra, update=True)
        with pytest.raises(ReservedColumn):
            MemberFactory().clubs.append(ClubFactory(), through_defaults={"deleted_at": datetime.datetime.now()})

        assert UserFluency.objects.get().user == user

    def test_callables_among_the_values_are_called(self):
        user = UserFactory()

        user.fluent_in.append(LanguageFactory(), through_defaults={"fluency": lambda: "x"})

        assert UserFluency.objects.get().fluency == "x"

    def test_after_create_sees_the_key_that_the_database_gave(self):
        student, courses, seen = StudentFactory(), CourseFactory.create_batch(3), []
        StudentFactory().courses.append(*courses)  # so that their keys are not those of the courses
        Enrolment.after_create = lambda row: seen.append((row.pk, row.course_id))
        try:
            # SAVEPOINT, updated_at, what is linked, INSERT, the keys, RELEASE; on MariaDB what is stored
            with self.assertNumQueries(7 if connection.vendor == "mysql" else 6):
                student.courses.append(*courses)
        finally:
            del Enrolment.after_create

        assert sorted(seen) == sorted(Enrolment.objects.filter(student=student).values_list("pk", "course_id"))


class ClashTests(TestCase):
    """MariaDB passes over a clash with another row on another unique column, and has to be asked what it stored."""

    def rows(self, owner, name):
        found = relationship.of(type(owner), name)
        targets = found.target.objects.order_by("pk")
        pairs = [
            (*held_values(found.owner_fields, owner), *held_values(found.target_fields, each)) for each in targets
        ]
        return JoinRows.of(found, "default"), Links(pairs, [{}], {}, {})

    def test_rows_that_were_not_stored_are_counted(self):
        student, courses = StudentFactory(), CourseFactory.create_batch(3)
        rows, links = self.rows(student, "courses")
        student.courses.append(courses[1])

        text = "^2 new rows of enrolments clash with rows of other pairs on a unique column.$"
        with pytest.raises(IntegrityError, match=text):
            rows.require_stored(links)

        student.courses.append(*courses)
        rows.require_stored(links)

    def test_each_owner_has_each_row_of_a_subquery_once(self):
        students, _ = StudentFactory.create_batch(3), CourseFactory.create_batch(2)
        rows, _ = self.rows(students[0], "courses")
        once = subquery(Course.objects.filter(pk__gt=0), ["id"], "default")
        twice = Sql(f"{once.text} UNION ALL {once.text}", (*once.params, *once.params))
        owners = [(student.pk,) for student in students[:2]]

        for found in (once, twice):
            rows.require_selected(owners, found, 4)
            with pytest.raises(IntegrityError, match="^1 new rows of enrolments clash"):
                rows.require_selected(owners, found, 3)

    def test_where_only_the_pair_is_unique_nothing_is_asked(self):
        user, _ = UserFactory(), LanguageFactory()
        disc = Disc.objects.create(published=datetime.date(2020, 1, 1), price="9.50")
        picture, _ = Picture.objects.create(), Mood.objects.create()
        of_pair = models.UniqueConstraint(fields=["moodable_id", "moodable_type", "mood_id"], name="pair")

        with mock.patch.object(Picture.moods.through._meta, "total_unique_constraints", [of_pair]):
            for owner, name in ((user, "fluent_in"), (disc, "racks"), (picture, "moods")):
                rows, links = self.rows(owner, name)
                with self.subTest(name), self.assertNumQueries(0):
                    rows.require_stored(links)
                    rows.require_selected([(1,)], Sql("SELECT 1"), 0)

    def test_columns_that_are_unique_together_clash_too(self):
        LanguageFactory()
        rows, links = self.rows(UserFactory(), "fluent_in")
        constraint = models.UniqueConstraint(fields=["fluency", "language"], name="other")
        options = {"unique_together": [("user", "fluency")], "total_unique_constraints": [constraint]}

        for name, unique in options.items():
            with (
                self.subTest(name),
                mock.patch.object(UserFluency._meta, name, unique),
                pytest.raises(IntegrityError, match="^1 new rows of user_fluencies"),
            ):
                rows.require_stored(links)


class FindTests(TestCase):
    def test_of_several_owners_by_each_links_own_columns(self):
        users, language = [UserFactory(name=name) for name in ("ann", "bob")], LanguageFactory()
        Association(users, "fluent_in").append(
            language, to_all=True, through_defaults=lambda value, owner: {"fluency": f"of {owner.name}"}
        )
        association = Association(users, "fluent_in")

        assert association.find(through={"fluency": f"of {users[0].name}"}).count() == 1
        assert [found.join_row.user for found in association.find(join_rows=True, order_by_through="-fluency")] == (
            users[::-1]
        )

    def test_the_manager_takes_the_same(self):
        user = UserFactory()
        user.fluent_in.append(LanguageFactory(), through_defaults={"fluency": "x"})

        assert [found.join_row.fluency for found in user.fluent_in.find(join_rows=True)] == ["x"]

    def test_the_manager_finds_what_the_association_finds(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(3)
        user.fluent_in.append(*languages, through_defaults=lambda language: {"fluency": language.name[::-1]})
        user.fluent_in.append(languages[0], through_defaults={"fluency": "zz"}, update=True)
        name = languages[0].name
        options = [
            {},
            {"name": name},
            {"through": {"fluency": "zz"}},
            {"through": {"fluency": "zz"}, "name": "none"},
            {"through": {"fluency__lt": "zz"}, "order_by_through": "-fluency"},
            {"order_by_through": ["-fluency", "language_id"], "join_rows": True},
            {"join_rows": True, "name": name},
        ]

        for owner in (user, User.objects.prefetch_related("fluent_in").get(pk=user.pk)):
            association = owner.association("fluent_in")
            for given in options:
                with self.subTest(given):
                    ours, theirs = owner.fluent_in.find(**given), association.find(**given)
                    assert [*ours] == [*theirs] if "order_by_through" in given else {*ours} == {*theirs}
                    assert owner.fluent_in.count(**given) == association.count(**given) == len(theirs)
                    assert [getattr(one, "join_row", None) for one in ours.order_by("pk")] == [
                        getattr(one, "join_row", None) for one in theirs.order_by("pk")
                    ]

    def test_another_manager_keeps_its_rows_with_options(self):
        user, language = UserFactory(), LanguageFactory()
        user.fluent_in.append(language, through_defaults={"fluency": "x"})

        found = user.fluent_in(manager="objects").find(through={"fluency": "x"}, join_rows=True)

        assert [one.join_row.fluency for one in found] == ["x"]

    def test_a_condition_on_the_way_back_is_about_the_same_link(self):
        user, other, language = UserFactory(), UserFactory(), LanguageFactory()
        Association([user, other], "languages").append(language, to_all=True)

        assert user.languages.find(users__name=other.name).count() == 0
        assert user.association("languages").find(users__name=other.name).count() == 0


class ManyOwnersTests(TestCase):
    """SQLite takes no expression of more than 1000 levels, which Django's condition on so many keys would be."""

    def test_with_composite_keys_are_found_at_once(self):
        Blog.objects.bulk_create(Blog(id=number, locale="en") for number in range(1_500))
        blogs, tag = list(Blog.objects.all()), TagFactory()
        Association(blogs, "tags").append(tag, to_all=True)

        assert Association(blogs, "tags").find().count() == 1_500
        assert all(blog.tags.all()[0] == tag for blog in Blog.objects.prefetch_related("tags"))
        assert Tag.objects.filter(blog__in=blogs[:200]).count() == 200
        assert Tag.objects.exclude(blog__in=blogs[:200]).count() == 0

    def test_with_keys_that_are_no_numbers(self):
        discs = [Disc(published=datetime.date(2020, 1, 1), price=price) for price in range(1_100)]
        Disc.objects.bulk_create(discs)
        Association(discs, "racks").append(rack := Rack.objects.create(), to_all=True)

        assert Association(discs, "racks").count() == 1_100
        assert [list(disc.racks.all()) for disc in Disc.objects.prefetch_related("racks")] == [[rack]] * 1_100


class LateErrorTests(TransactionTestCase):
    def test_an_error_at_commit_leaves_the_objects_as_they_were(self):
        user, new = UserFactory(), Language(name="new")
        before = user.updated_at

        with pytest.raises(IntegrityError):
            user.languages.append(new, 424242)

        assert (new.pk, new._state.adding) == (None, True)
        assert user.updated_at == before
        assert user.languages.append(new) == Changes(added=1)


class CompositeTests(TestCase):
    def test_pairs_that_are_removed_have_the_whole_key(self):
        rack, disc = Rack.objects.create(), Disc.objects.create(published=datetime.date(2020, 1, 1), price="9.50")
        Association(rack, "discs").append(disc)

        changes = Association(rack, "discs").clear(pairs=True)

        assert changes.pairs["removed"] == ((rack.pk, (disc.published, decimal.Decimal("9.50"))),)

    def test_decimal_and_date_keys_given_as_text(self):
        disc = Disc.objects.create(published=datetime.date(2020, 1, 1), price="9.50")

        assert Association(Rack.objects.create(), "discs").append(("2020-01-01", "9.5"), disc) == Changes(added=1)
