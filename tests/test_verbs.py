"""The verbs on one owner: what is linked afterwards, what they report, what they refuse."""

from __future__ import annotations

import re
from contextlib import contextmanager
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, connection, connections, transaction
from django.test import TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext

from example_project.guides.models import Blog, Language, SpokenLanguage, Tag, User, UserFluency
from gorm_assoc import storing
from gorm_assoc.exceptions import PrimaryKeyRequired, UnsupportedRelation, ValueTypeMismatch
from gorm_assoc.models import Association, Changes
from tests.checking import CheckTestCase
from tests.factories import (
    BlogFactory,
    CourseFactory,
    LanguageFactory,
    ProfileFactory,
    StudentFactory,
    TagFactory,
    UserFactory,
)
from tests.testapp.models import Author, Enrolment, Essay, Member, Seat, Shelf, Shouter, Volume

MYSQL = connection.vendor == "mysql"
LOCK = 1 if connection.features.has_select_for_update else 0  # SELECT ... FOR UPDATE of the owner


def pks(found) -> list:
    return sorted(target.pk for target in found)


class AppendTests(TestCase):
    def test_links_stored_targets(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(2)

        changes = user.association("languages").append(*languages)

        assert changes == Changes(added=2)
        assert pks(user.languages.all()) == pks(languages)

    def test_stores_new_targets_in_one_statement_and_sets_their_keys(self):
        user = UserFactory()
        new = LanguageFactory.build_batch(3)

        # INSERT languages, INSERT join rows, UPDATE updated_at; on MariaDB one locking SELECT more
        with self.assertNumQueries(6 if MYSQL else 5):  # and SAVEPOINT, RELEASE
            user.association("languages").append(*new)

        assert None not in [language.pk for language in new]
        assert not any(language._state.adding for language in new)
        assert pks(user.languages.all()) == pks(new)

    def test_keeps_what_is_linked(self):
        user, (first, second) = UserFactory(), LanguageFactory.create_batch(2)
        user.association("languages").append(first)

        changes = user.association("languages").append(first, second)

        assert changes == Changes(added=1, kept=1)
        assert user.languages.count() == 2

    def test_takes_keys_dicts_lists_sets_generators_and_querysets(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(5)
        queryset = Language.objects.filter(pk=languages[4].pk)

        changes = user.association("languages").append(
            languages[0].pk,
            [languages[1], str(languages[2].pk)],
            (one for one in {languages[3]}),
            queryset,
            {"name": "new"},
        )

        assert changes == Changes(added=6)
        assert user.languages.count(name="new") == 1

    def test_links_the_same_value_once(self):
        user, stored, new = UserFactory(), LanguageFactory(), LanguageFactory.build()

        changes = user.association("languages").append(stored, stored.pk, new, new)

        assert changes == Changes(added=2)
        assert Language.objects.count() == 2

    def test_stores_an_object_whose_key_is_not_stored_and_leaves_one_whose_key_is(self):
        user, stored = UserFactory(), LanguageFactory(name="stored")
        stored_again, absent = Language(pk=stored.pk, name="other"), Language(pk=stored.pk + 100, name="absent")

        user.association("languages").append(stored_again, absent)

        assert list(user.languages.order_by("pk").values_list("name", flat=True)) == ["stored", "absent"]

    def test_gives_each_new_target_its_own_key_beside_one_with_a_key(self):
        user = UserFactory()
        keyed, new = Language(pk=5000, name="keyed"), Language(name="new")

        user.association("languages").append(keyed, new)

        assert keyed.pk == 5000
        assert dict(user.languages.values_list("pk", "name")) == {5000: "keyed", new.pk: "new"}

    def test_does_nothing_without_values(self):
        user = UserFactory()

        with self.assertNumQueries(0):
            changes = user.association("languages").append()

        assert changes == Changes()

    def test_moves_the_owners_updated_at_and_no_targets(self):
        user, language = UserFactory(), LanguageFactory()
        before, of_language = user.updated_at, language.updated_at

        user.association("languages").append(language)

        user_now, language_now = User.objects.get(pk=user.pk), Language.objects.get(pk=language.pk)
        assert user_now.updated_at > before
        assert user_now.updated_at == user.updated_at
        assert language_now.updated_at == of_language

    def test_does_not_write_a_stored_target(self):
        user, language = UserFactory(), LanguageFactory(name="stored")
        language.name = "edited"

        user.association("languages").append(language)

        assert Language.objects.get().name == "stored"

    def test_does_not_store_a_target_with_a_taken_unique_value(self):
        student = StudentFactory()
        user = UserFactory()
        ProfileFactory(user_refer=1)

        with pytest.raises(IntegrityError), transaction.atomic():
            user.association("profiles").append(ProfileFactory.build(user_refer=1))

        assert user.profiles.count() == 0
        assert student.pk

    def test_saves_a_model_with_a_save_of_its_own_by_that(self):
        seat = Seat.objects.create(hall="a", number=1)

        Association(seat, "shouters").append(Shouter(slug="quiet"))

        assert list(seat.shouters.values_list("slug", flat=True)) == ["QUIET"]

    def test_saves_a_model_with_a_save_base_of_its_own_by_that(self):
        def save_base(self, *args, **kwargs):
            self.name = self.name.upper()
            super(Language, self).save_base(*args, **kwargs)

        user = UserFactory()
        with mock.patch.object(Language, "save_base", save_base):
            user.languages.append({"name": "quiet"})

        assert user.languages.get().name == "QUIET"

    def test_updates_no_row_for_a_new_target(self):
        seat = Seat.objects.create(hall="a", number=1)

        with CaptureQueriesContext(connection) as sent:
            Association(seat, "shouters").append(Shouter(pk=77, slug="quiet"))

        assert not [query for query in sent if query["sql"].startswith("UPDATE")]

    def test_gives_new_targets_their_keys_where_no_insert_returns_them(self):
        user = UserFactory()
        new, keyed = LanguageFactory.build_batch(2), [Language(pk=pk, name="keyed") for pk in (5000, 5001)]

        with (
            mock.patch.object(type(connection.features), "can_return_rows_from_bulk_insert", False),
            CaptureQueriesContext(connection) as sent,
        ):
            user.languages.append(*new)
            user.languages.append(*keyed)

        assert pks(user.languages.all()) == sorted(language.pk for language in (*new, *keyed))
        assert len([query for query in sent if re.match("INSERT INTO .languages. ", query["sql"])]) == 3


class ThroughDefaultsTests(TestCase):
    def test_fill_extra_columns(self):
        user, language = UserFactory(), LanguageFactory()

        user.association("fluent_in").append(language, through_defaults={"fluency": "advanced"})

        assert UserFluency.objects.get().fluency == "advanced"

    def test_a_callable_gets_each_value_as_given(self):
        user, (first, second) = UserFactory(), LanguageFactory.create_batch(2)
        given = []

        def defaults(value):
            given.append(value)
            return {"fluency": f"fluency{len(given)}"}

        user.association("fluent_in").append(first, second.pk, through_defaults=defaults)

        assert given == [first, second.pk]
        assert set(UserFluency.objects.values_list("language_id", "fluency")) == {
            (first.pk, "fluency1"),
            (second.pk, "fluency2"),
        }

    def test_leave_rows_that_exist_alone(self):
        user, language = UserFactory(), LanguageFactory()
        user.association("fluent_in").append(language, through_defaults={"fluency": "advanced"})

        user.association("fluent_in").replace(language, through_defaults={"fluency": "none"})

        assert UserFluency.objects.get().fluency == "advanced"


class ReplaceTests(TestCase):
    def test_links_exactly_the_values_and_keeps_the_rows_of_those_that_stay(self):
        user, (first, second, third) = UserFactory(), LanguageFactory.create_batch(3)
        user.association("fluent_in").append(first, second, through_defaults={"fluency": "x"})

        changes = user.association("fluent_in").replace(second, third)

        assert changes == Changes(added=1, removed=1, kept=1)
        assert pks(user.fluent_in.all()) == pks([second, third])
        assert UserFluency.objects.get(language=second).fluency == "x"
        assert Language.objects.count() == 3

    def test_without_values_clears(self):
        user = UserFactory()
        user.association("languages").append(*LanguageFactory.create_batch(2))

        changes = user.association("languages").replace()

        assert changes == Changes(removed=2)
        assert user.languages.count() == 0

    def test_touches_no_other_owner(self):
        (user, other), language = UserFactory.create_batch(2), LanguageFactory()
        other.association("languages").append(language)

        user.association("languages").replace(LanguageFactory())

        assert pks(other.languages.all()) == [language.pk]

    def test_works_on_composite_targets(self):
        blog, tags = BlogFactory(), TagFactory.create_batch(3)
        Association(blog, "tags").append(*tags[:2])

        changes = Association(blog, "tags").replace(tags[1], tags[2])

        assert changes == Changes(added=1, removed=1, kept=1)
        assert pks(blog.tags.all()) == pks(tags[1:])

    def test_frees_a_unique_column_of_the_join_rows_before_it_is_taken_again(self):
        student, (old, new) = StudentFactory(), CourseFactory.create_batch(2)
        student.association("courses").append(old, through_defaults={"badge": "only"})

        student.association("courses").replace(new, through_defaults={"badge": "only"})

        assert Enrolment.objects.get().course_id == new.pk

    def test_leaves_everything_as_it_was_when_a_later_step_fails(self):
        student, (old, new) = StudentFactory(), CourseFactory.create_batch(2)
        StudentFactory().association("courses").append(CourseFactory(), through_defaults={"badge": "taken"})
        student.association("courses").append(old)

        with pytest.raises(IntegrityError):
            student.association("courses").replace(new, through_defaults={"badge": "taken"})

        assert pks(student.courses.all()) == [old.pk]


class DeleteAndClearTests(TestCase):
    def test_delete_takes_values_off_and_leaves_their_rows(self):
        user, (first, second) = UserFactory(), LanguageFactory.create_batch(2)
        user.association("languages").append(first, second)

        changes = user.association("languages").delete(first)

        assert changes == Changes(removed=1)
        assert pks(user.languages.all()) == [second.pk]
        assert Language.objects.count() == 2

    def test_delete_ignores_what_is_not_linked_or_has_no_key(self):
        user, language = UserFactory(), LanguageFactory()

        changes = user.association("languages").delete(language, Language(name="new"), 99999)

        assert changes == Changes()

    def test_delete_and_clear_leave_updated_at(self):
        user, language = UserFactory(), LanguageFactory()
        user.association("languages").append(language)
        before = User.objects.get(pk=user.pk).updated_at

        user.association("languages").delete(language)
        user.association("languages").clear()

        assert User.objects.get(pk=user.pk).updated_at == before

    def test_delete_goes_by_the_referenced_column(self):
        user, (first, second) = UserFactory(), ProfileFactory.create_batch(2)
        user.association("profiles").append(first, second)

        changes = user.association("profiles").delete(first.pk)

        assert changes == Changes(removed=1)
        assert pks(user.profiles.all()) == [second.pk]

    def test_clear_takes_all_off_this_owner_only(self):
        (user, other), language = UserFactory.create_batch(2), LanguageFactory()
        for owner in (user, other):
            owner.association("languages").append(language)

        with self.assertNumQueries(1 + LOCK):
            changes = user.association("languages").clear()

        assert changes == Changes(removed=1)
        assert other.languages.count() == 1


class UpdatedAtTests(CheckTestCase):
    def test_one_that_saving_does_not_move_is_left(self):
        found = self.declare("""
            class Counted(models.Model):
                updated_at = models.IntegerField()

            class Dated(models.Model):
                updated_at = models.DateTimeField()
                saved_at = models.DateTimeField(auto_now=True)

            class Touched(models.Model):
                updated_at = models.DateTimeField(auto_now=True)
        """)

        owners = (found.Counted(), found.Dated(), found.Touched())

        assert [storing.is_touched(owner) for owner in owners] == [False, False, True]


class LockTests(TestCase):
    """On SQLite, which is told that it can lock rows: what it would run stands behind the query."""

    databases = {"default", "other"}

    def setUp(self):
        connection = connections["other"]
        self.patch(connection.features, "has_select_for_update", True)
        self.patch(connection.features, "has_select_for_no_key_update", True)
        self.patch(connection.ops, "for_update_sql", lambda no_key, **_: f"/* FOR {'NO KEY ' * no_key}UPDATE */")
        self.owners = [User.objects.using("other").create(pk=pk, name="ann", refer=pk) for pk in (2, 1)]

    def patch(self, *args):
        self.enterContext(mock.patch.object(*args))

    def first_of_clear(self):
        with CaptureQueriesContext(connections["other"]) as sent:
            Association(self.owners, "languages").clear()
        return sent[0]["sql"]

    def test_the_owners_are_locked_first_in_the_order_of_their_keys(self):
        first = self.first_of_clear()

        assert first.startswith('SELECT "users"."id"')
        assert " IN (1, 2)) ORDER BY " in first
        assert first.endswith(" ASC /* FOR NO KEY UPDATE */")

    def test_with_their_keys_where_there_is_no_weaker_lock(self):
        self.patch(connections["other"].features, "has_select_for_no_key_update", False)

        assert self.first_of_clear().endswith("/* FOR UPDATE */")

    def test_no_owners_take_no_statement(self):
        with self.assertNumQueries(0, using="other"):
            storing.lock([], "other")


class FailureTests(TestCase):
    """Inside a caller's transaction, which goes on."""

    @contextmanager
    def failing(self, start):
        """Statements that start so fail."""

        def fail(execute, sql, *rest):
            if re.match(start, sql):
                raise IntegrityError("as asked")
            return execute(sql, *rest)

        with connection.execute_wrapper(fail), pytest.raises(IntegrityError, match="as asked"):
            yield

    def test_what_was_unlinked_is_linked_again(self):
        shelf, (old, new) = Shelf.objects.create(code="a"), [Volume.objects.create(title=title) for title in "ab"]
        association = Association(shelf, "volumes")
        association.append(old)

        with self.failing("INSERT"):
            association.replace(new)
        with self.failing("INSERT"):
            association.toggle(old, new)

        assert association.find().get() == old

    def test_a_new_target_is_not_stored(self):
        shelf, new = Shelf.objects.create(code="a"), Volume(title="new")

        with self.failing("INSERT .*INTO .shelf_volumes. "):
            Association(shelf, "volumes").append(new)

        assert not Volume.objects.exists()
        assert new.pk is None

    def test_targets_hold_what_they_held(self):
        author, essay = Author.objects.create(name="ann"), Essay.objects.create(title="a")
        association = Association(author, "essays")

        for verb in (association.append, association.replace, association.toggle):
            with self.subTest(verb.__name__), self.failing("UPDATE .essays. SET .author_id. = %s"):
                verb(essay)

            assert essay.author_id is None
            assert author.updated_at == Author.objects.get().updated_at


class FindAndCountTests(TestCase):
    def test_find_is_lazy_and_takes_lookups(self):
        user = UserFactory()
        user.association("languages").append(LanguageFactory(name="a"), LanguageFactory(name="b"))

        with self.assertNumQueries(0):
            found = user.association("languages").find(name="a")

        assert [language.name for language in found] == ["a"]

    def test_count_counts_live_targets(self):
        user = UserFactory()
        dead, live = LanguageFactory.create_batch(2)
        user.association("languages").append(dead, live)
        dead.delete()

        assert user.association("languages").count() == 1
        assert user.association("languages").unscoped().count() == 2

    def test_a_prefetched_relation_is_forgotten_by_a_write(self):
        UserFactory()
        user = User.objects.prefetch_related("languages").get()

        user.association("languages").append(LanguageFactory())

        assert user.languages.count() == 1


class FormsOfRelationTests(TestCase):
    def test_a_self_reference_is_not_symmetrical(self):
        ann, bob = UserFactory.create_batch(2)

        ann.association("friends").append(bob)

        assert pks(ann.friends.all()) == [bob.pk]
        assert pks(bob.friends.all()) == []

    def test_both_sides_write_the_same_rows(self):
        user, language = UserFactory(), LanguageFactory()

        language.association("users").append(user)

        assert pks(user.languages.all()) == [language.pk]
        assert user.association("languages").delete(language) == Changes(removed=1)
        assert language.users.count() == 0

    def test_the_reverse_accessor_of_one_side_has_the_verbs(self):
        user, language = UserFactory(), LanguageFactory()

        language.association("fluent_users").append(user, through_defaults={"fluency": "some"})

        assert pks(user.fluent_in.all()) == [language.pk]
        assert pks(language.fluent_users.all()) == [user.pk]

    def test_string_keys(self):
        user = UserFactory()
        user.association("speaks").append(SpokenLanguage(code="en"), {"code": "fr"})

        changes = user.association("speaks").replace("fr")

        assert changes == Changes(removed=1, kept=1)
        assert pks(user.speaks.all()) == ["fr"]

    def test_composite_keys_on_both_ends(self):
        blog, tag = BlogFactory(), TagFactory()

        changes = Association(blog, "tags").append(tag, {"id": 77, "locale": "de"}, tag.pk)

        assert changes == Changes(added=2)
        assert pks(tag.blog_set.all()) == [blog.pk]
        assert pks(blog.tags.all()) == sorted([tag.pk, (77, "de")])

    def test_half_of_a_composite_key(self):
        blog = BlogFactory()
        tag = Tag.objects.create(id=1, locale="en")
        Tag.objects.create(id=1, locale="fr")

        Association(blog, "locale_tags").append(tag)

        assert pks(blog.locale_tags.all()) == [(1, "en"), (1, "fr")]  # both have the referenced id

    def test_a_composite_owner_and_a_unique_column(self):
        seat = Seat.objects.create(hall="a", number=1)
        shouter = Shouter.objects.create(slug="loud")

        Association(shouter, "seats").append(("a", 1))

        assert pks(seat.shouters.all()) == [shouter.pk]
        assert pks(shouter.seats.all()) == [("a", 1)]
        assert Association(seat, "shouters").delete(shouter) == Changes(removed=1)

    def test_keys_with_the_same_text_side_by_side_stay_apart(self):
        one, other = Blog.objects.create(id=1, locale="a_b"), Blog.objects.create(id=1, locale="a")
        tag = TagFactory()
        Association(one, "tags").append(tag)

        found = {blog.pk: pks(blog.tags.all()) for blog in Blog.objects.prefetch_related("tags")}

        assert found == {one.pk: [tag.pk], other.pk: []}


class GuardTests(TestCase):
    def test_an_unknown_relation_names_the_nearest(self):
        with pytest.raises(
            UnsupportedRelation, match="guides.User has no relation 'langauges'. Did you mean 'languages'?"
        ):
            Association(UserFactory.build(), "langauges")

    def test_every_verb_needs_a_stored_owner_and_sends_no_sql(self):
        association = User(name="new").association("languages")
        language = LanguageFactory()
        verbs = {
            "find": association.find,
            "count": association.count,
            "append": lambda: association.append(language),
            "replace": lambda: association.replace(language),
            "delete": lambda: association.delete(language),
            "clear": association.clear,
        }

        for name, verb in verbs.items():
            with self.subTest(name), self.assertNumQueries(0), pytest.raises(PrimaryKeyRequired):
                verb()

    def test_an_owner_without_the_referenced_value_is_refused(self):
        user = UserFactory(refer=None)

        with self.assertNumQueries(0), pytest.raises(PrimaryKeyRequired, match="'refer'"):
            user.association("profiles").append(ProfileFactory.build())

    def test_wrong_values_are_refused_before_any_sql(self):
        user, blog = UserFactory(), BlogFactory()
        cases = [
            (user, "languages", user),
            (user, "languages", None),
            (user, "languages", (1,)),
            (user, "languages", "not a number"),
            (user, "languages", {"nmae": "x"}),
            (user, "languages", User.objects.all()),
            (blog, "tags", 1),
            (blog, "tags", (1,)),
            (blog, "tags", (1, "en", 2)),
            (blog, "tags", ("x", "en")),
        ]

        for owner, name, value in cases:
            for verb in ("append", "replace", "delete"):
                with self.subTest(value=value, verb=verb), self.assertNumQueries(0), pytest.raises(ValueTypeMismatch):
                    getattr(Association(owner, name), verb)(value)

    def test_a_bad_value_among_good_ones_leaves_nothing_half_done(self):
        user = UserFactory()

        with pytest.raises(ValueTypeMismatch):
            user.association("languages").append(LanguageFactory.build(), object())

        assert Language.objects.count() == 0


class DjangoManagerTests(TestCase):
    def test_add_leaves_extra_columns_of_links_that_exist(self):
        user, language = UserFactory(), LanguageFactory()
        user.fluent_in.add(language, through_defaults={"fluency": "old"})

        user.fluent_in.add(language, through_defaults={"fluency": "new"})

        assert UserFluency.objects.get().fluency == "old"

    def test_add_remove_set_clear(self):
        user, (first, second, third) = UserFactory(), LanguageFactory.create_batch(3)

        user.languages.add(first, second.pk)
        user.languages.remove(first)
        user.languages.set([second, third])

        assert pks(user.languages.all()) == pks([second, third])
        user.languages.clear()
        assert user.languages.count() == 0

    def test_add_refuses_a_target_that_is_not_stored(self):
        user = UserFactory()

        with pytest.raises(ValueError, match="not stored"):
            user.languages.add(Language(name="new"))

    def test_add_leaves_updated_at_alone(self):
        user, language = UserFactory(), LanguageFactory()
        before = user.updated_at

        user.languages.add(language)

        assert User.objects.get(pk=user.pk).updated_at == before

    def test_create_get_or_create_and_update_or_create_link_what_they_make(self):
        user = UserFactory()

        created = user.languages.create(name="a")
        _, made = user.languages.get_or_create(name="b")
        _, made_again = user.languages.get_or_create(name="b")
        user.languages.update_or_create(name="c", defaults={"name": "c"})

        assert (made, made_again) == (True, False)
        assert created in user.languages.all()
        assert user.languages.count() == 3

    def test_set_takes_through_defaults_and_clear(self):
        user, (first, second) = UserFactory(), LanguageFactory.create_batch(2)
        user.fluent_in.set([first], through_defaults={"fluency": "x"})

        user.fluent_in.set([first, second], clear=True, through_defaults={"fluency": lambda: "y"})

        assert set(UserFluency.objects.values_list("fluency", flat=True)) == {"y"}

    def test_composite_targets(self):
        blog, tags = BlogFactory(), TagFactory.create_batch(3)

        blog.tags.add(*tags)
        blog.tags.remove(tags[0])
        blog.tags.set([tags[2].pk])

        assert pks(blog.tags.all()) == [tags[2].pk]
        assert blog.tags.create(id=900, locale="fr") in blog.tags.all()

    def test_an_unsaved_owner_is_refused(self):
        with pytest.raises(PrimaryKeyRequired):
            User(name="new").languages.all()

    def test_assignment_is_refused_as_djangos_where_save_is_not_ours(self):
        member = Member.objects.create(name="ann")

        with pytest.raises(TypeError, match="Direct assignment"):
            member.clubs = []


class AsyncTests(TransactionTestCase):
    async def test_each_verb_has_an_async_twin(self):
        user, language = await sync_to_async(UserFactory)(), await sync_to_async(LanguageFactory)()
        association = user.association("languages")

        changes = [
            await association.aappend(language),
            await association.areplace({"name": "other"}),
            await user.languages.adelete(language),
        ]

        assert changes == [Changes(added=1), Changes(added=1, removed=1), Changes()]
        assert await association.acount() == 1
        assert [found.name async for found in association.find()] == ["other"]
        assert await user.languages.aclear() == Changes(removed=1)
