"""The verbs on several owners, and what they can tell: pairs, dry runs, the association_changed signal."""

from __future__ import annotations

from unittest import mock

import pytest
from django.db import connection
from django.db.models.signals import m2m_changed
from django.test import TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext

from example_project.guides.models import Language, User, UserFluency
from gorm_assoc.exceptions import CallableForQueryset, OwnersMismatch, PrimaryKeyRequired, ValuesLengthMismatch
from gorm_assoc.models import Association, Changes
from gorm_assoc.signals import association_changed
from tests.factories import (
    BlogFactory,
    ClubFactory,
    EmployerFactory,
    HandFactory,
    LanguageFactory,
    MemberFactory,
    ProfileFactory,
    TagFactory,
    UserFactory,
)
from tests.test_hooks_and_signals import received
from tests.testapp.models import Book, Hand, Loan, Membership, Reader

MYSQL = connection.vendor == "mysql"
LOCK = 1 if connection.features.has_select_for_update else 0  # SELECT ... FOR UPDATE of the owner


def links(through=User.languages.through, owner="user_id", target="language_id") -> set:
    return set(through._base_manager.values_list(owner, target))


class BatchTests(TestCase):
    def setUp(self):
        self.users = UserFactory.create_batch(3)
        self.languages = LanguageFactory.create_batch(3)

    def test_append_gives_one_value_or_list_to_each_owner(self):
        ann, bob, eve = self.users
        english, french, german = self.languages

        changes = Association(self.users, "languages").append(english, [english, french], [])

        assert changes == Changes(added=3)
        assert links() == {(ann.pk, english.pk), (bob.pk, english.pk), (bob.pk, french.pk)}
        assert eve.languages.count() == 0
        assert german.users.count() == 0

    def test_the_wrong_number_of_values_raises_with_both_numbers_before_any_sql(self):
        for verb in ("append", "replace"):
            with (
                self.subTest(verb),
                self.assertNumQueries(0),
                pytest.raises(ValuesLengthMismatch, match="3 owners.*got 2"),
            ):
                getattr(Association(self.users, "languages"), verb)(*self.languages[:2])

    def test_append_without_values_on_several_owners_raises(self):
        with pytest.raises(ValuesLengthMismatch):
            Association(self.users, "languages").append()

    def test_to_all_gives_every_value_to_every_owner(self):
        changes = Association(self.users, "languages").append(*self.languages[:2], to_all=True)

        assert changes == Changes(added=6)

    def test_a_queryset_of_owners(self):
        owners = User.objects.filter(pk__in=[user.pk for user in self.users[:2]])

        changes = owners.association("languages").append(self.languages[0], to_all=True)

        assert changes == Changes(added=2)
        assert links() == {(user.pk, self.languages[0].pk) for user in self.users[:2]}

    def test_replace_removes_exactly_what_each_owner_no_longer_has(self):
        ann, bob, _ = self.users
        english, french, _ = self.languages
        Association([ann, bob], "languages").append(english, french)

        changes = Association([ann, bob], "languages").replace(french, english)  # crosswise

        assert changes == Changes(added=2, removed=2)
        assert links() == {(ann.pk, french.pk), (bob.pk, english.pk)}

    def test_replace_without_values_clears_all_owners(self):
        Association(self.users, "languages").append(*self.languages)

        changes = Association(self.users, "languages").replace()

        assert changes == Changes(removed=3)
        assert links() == set()

    def test_delete_takes_the_values_off_every_owner(self):
        Association(self.users, "languages").append(*self.languages[:2], to_all=True)

        changes = Association(self.users, "languages").delete(self.languages[0], self.languages[2])

        assert changes == Changes(removed=3)
        assert links() == {(user.pk, self.languages[1].pk) for user in self.users}

    def test_clear_leaves_other_owners_alone(self):
        Association(self.users, "languages").append(*self.languages)

        Association(self.users[:2], "languages").clear()

        assert links() == {(self.users[2].pk, self.languages[2].pk)}

    def test_find_and_count_cover_all_owners_once_a_link(self):
        Association(self.users, "languages").append(self.languages[0], to_all=True)

        association = Association(self.users, "languages")

        assert association.count() == 3
        assert list(association.find().distinct()) == [self.languages[0]]

    def test_an_owner_given_twice_counts_once(self):
        ann = self.users[0]

        changes = Association([ann, ann], "languages").append(
            self.languages[0], [self.languages[0], self.languages[1]]
        )

        assert changes == Changes(added=2)

    def test_one_new_object_for_two_owners_is_stored_once(self):
        new = Language(name="new")

        Association(self.users[:2], "languages").append(new, new)

        assert Language.objects.filter(name="new").count() == 1
        assert new.users.count() == 2

    def test_one_owner_without_key_stops_the_whole_batch(self):
        with self.assertNumQueries(0), pytest.raises(PrimaryKeyRequired):
            Association([self.users[0], User(name="new")], "languages").append(*self.languages[:2])

        assert links() == set()

    def test_owners_of_two_models_or_none_are_refused(self):
        with pytest.raises(OwnersMismatch, match="guides.Language and guides.User"):
            Association([self.users[0], self.languages[0]], "languages")
        with pytest.raises(OwnersMismatch, match="none"):
            Association([], "languages")

    def test_no_owners_take_no_statement(self):
        association = User.objects.none().association("languages")

        with self.assertNumQueries(0):
            assert association.append(Language.objects.all(), to_all=True) == Changes()

    def test_an_empty_queryset_of_owners_does_nothing(self):
        association = User.objects.none().association("languages")

        assert association.append(self.languages[0], to_all=True) == Changes()
        assert association.replace() == Changes()
        assert association.delete(self.languages[0]) == Changes()
        assert association.count() == 0

    def test_composite_owners_and_targets(self):
        blogs, tags = BlogFactory.create_batch(2), TagFactory.create_batch(3)

        Association(blogs, "tags").append(tags[:2], tags[2])
        changes = Association(blogs, "tags").replace(tags[2], [tags[2], tags[0]])

        assert changes == Changes(added=2, removed=2, kept=1)
        assert [sorted(tag.pk for tag in blog.tags.all()) for blog in blogs] == [
            [tags[2].pk],
            sorted([tags[2].pk, tags[0].pk]),
        ]

    def test_the_number_of_statements_depends_on_neither_owners_nor_values(self):
        counts = []
        for size in (2, 40):
            users, languages = UserFactory.create_batch(size), LanguageFactory.create_batch(size)
            association = Association(users, "languages")
            with self.assertNumQueries(
                6 if MYSQL else 5
            ):  # SAVEPOINT, updated_at, INSERT targets, INSERT links, RELEASE
                association.append(*(LanguageFactory.build() for _ in users))
            with self.assertNumQueries(6 if MYSQL else 5):  # SAVEPOINT, updated_at, DELETE, INSERT, RELEASE
                association.replace(*languages)
            counts.append(association.count())

        assert counts == [2, 40]


class ManyValuesTests(TestCase):
    def test_a_thousand_of_each_verb(self):
        user, languages = UserFactory(), Language.objects.bulk_create(LanguageFactory.build_batch(1000))
        if None in [language.pk for language in languages]:
            languages = list(Language.objects.all())
        association = user.association("languages")

        appended = association.append(*languages)
        again = association.append(*languages)
        replaced = association.replace(*languages[500:])
        deleted = association.delete(*languages[:750])

        assert appended == Changes(added=1000)
        assert again == Changes(kept=1000)
        assert replaced == Changes(removed=500, kept=500)
        assert deleted == Changes(removed=250)
        assert user.languages.count() == 250

    def test_composite_keys_by_the_thousand(self):
        blog, other = BlogFactory.create_batch(2)
        tags = TagFactory._meta.model.objects.bulk_create(TagFactory.build_batch(1000))

        appended = Association([blog, other], "tags").append(tags, tags[:300])
        replaced = Association([blog, other], "tags").replace(tags[900:], tags[:301])

        assert appended == Changes(added=1300)
        assert replaced == Changes(added=1, removed=900, kept=400)

    def test_extra_columns_that_differ_by_row(self):
        user, languages = UserFactory(), Language.objects.bulk_create(LanguageFactory.build_batch(300))

        user.association("fluent_in").append(
            *Language.objects.all(), through_defaults=lambda language: {"fluency": f"of {language.name}"}
        )

        assert UserFluency.objects.filter(fluency=f"of {languages[7].name}").count() == 1
        assert UserFluency.objects.exclude(created_at=None).count() == 300

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="the servers read a list of pairs quickly")
    def test_from_101_pairs_that_stay_on_sqlite_looks_each_up_by_its_key(self):
        (ann, bob), languages = UserFactory.create_batch(2), LanguageFactory.create_batch(101)
        both = Association([ann, bob], "languages")

        for count in (100, 101):
            both.append(languages[0], languages[1])
            with CaptureQueriesContext(connection) as ran:
                changes = both.replace(languages[1:count], languages[0])

            (deleted,) = (query["sql"] for query in ran if query["sql"].startswith("DELETE"))
            assert ("_rowid_" in deleted) == (count == 101)
            assert changes.removed == 2
            assert links() == {(bob.pk, languages[0].pk), *((ann.pk, each.pk) for each in languages[1:count])}

    def test_dead_links_by_the_thousand_are_revived(self):
        member, clubs = MemberFactory(), ClubFactory.create_batch(150)
        Membership.objects.bulk_create(
            Membership(member=member, club=club, deleted_at="2020-01-01T00:00:00Z") for club in clubs
        )

        assert member.clubs.append(*clubs) == Changes(revived=150)


class QuerysetValueTests(TestCase):
    def test_stay_in_the_database(self):
        user = UserFactory()
        LanguageFactory.create_batch(5)
        named = Language.objects.filter(name__startswith="language").order_by("name")

        with self.assertNumQueries(6 if MYSQL else 5):  # SAVEPOINT, updated_at, INSERT, COUNT, RELEASE
            appended = user.association("languages").append(named)
        replaced = user.association("languages").replace(named[:2])
        with self.assertNumQueries(1 + LOCK):
            deleted = user.association("languages").delete(named[:1])

        assert appended == Changes(added=5)
        assert replaced == Changes(removed=3, kept=2)
        assert deleted == Changes(removed=1)

    def test_stay_there_beside_extra_columns_too(self):
        user = UserFactory()
        LanguageFactory.create_batch(3)

        with self.assertNumQueries(6 if MYSQL else 5):  # SAVEPOINT, updated_at, INSERT, COUNT, RELEASE
            changes = user.association("fluent_in").append(Language.objects.all())

        assert changes == Changes(added=3)

    def test_leave_the_extra_columns_of_links_that_stay(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(2)
        user.fluent_in.append(languages[0], through_defaults={"fluency": "old"})

        user.fluent_in.replace(Language.objects.all(), through_defaults={"fluency": "new"})

        assert list(UserFluency.objects.order_by("language").values_list("fluency", flat=True)) == ["old", "new"]

    def test_for_several_owners_and_with_extra_columns(self):
        users = UserFactory.create_batch(2)
        LanguageFactory.create_batch(3)

        changes = Association(users, "fluent_in").append(
            Language.objects.all(), to_all=True, through_defaults={"fluency": "x"}
        )

        assert changes == Changes(added=6)
        assert set(UserFluency.objects.values_list("fluency", flat=True)) == {"x"}

    def test_dead_links_are_revived_with_the_given_columns(self):
        reader = Reader.objects.create(name="ann")
        books = [Book.objects.create(id=number, locale="en", title=str(number)) for number in range(3)]
        reader.books.append(*books[:2], through_defaults={"note": "old"})
        reader.books.delete(books[0])

        changes = reader.association("books").append(Book.objects.all(), through_defaults={"note": "new"})

        assert changes == Changes(added=1, revived=1, kept=1)
        assert dict(Loan.objects.values_list("book_id", "note")) == {0: "new", 1: "old", 2: "new"}

    def test_the_columns_of_links_that_are_there_are_updated_and_not_of_others(self):
        readers = [Reader.objects.create(name=name) for name in ("ann", "bob")]
        book = Book.objects.create(id=1, locale="en", title="x")
        Association(readers, "books").append(book, to_all=True, through_defaults={"note": "old"})

        changes = (
            readers[0].association("books").append(Book.objects.all(), through_defaults={"note": "new"}, update=True)
        )

        assert changes == Changes(kept=1)
        assert dict(Loan.objects.values_list("reader__name", "note")) == {"ann": "new", "bob": "old"}

    def test_over_referenced_columns_and_composite_keys(self):
        user, blog = UserFactory(), BlogFactory()
        ProfileFactory.create_batch(2)
        TagFactory.create_batch(2)

        assert user.association("profiles").append(user.profiles.model.objects.all()) == Changes(added=2)
        assert Association(blog, "tags").append(blog.tags.model.objects.all()) == Changes(added=2)
        assert Association(blog, "tags").replace(blog.tags.model.objects.all()[:1]) == Changes(removed=1, kept=1)

    def test_of_the_relation_itself(self):
        user = UserFactory(languages=3)

        assert user.languages.delete(user.languages.all()) == Changes(removed=3)

    def test_unions_and_slices_and_values(self):
        user = UserFactory()
        one, other, third = LanguageFactory.create_batch(3)
        union = Language.objects.filter(pk=one.pk).union(Language.objects.filter(pk=other.pk))

        assert user.languages.append(union) == Changes(added=2)
        assert user.languages.append(Language.objects.filter(pk=third.pk).values_list("pk", flat=True)) == Changes(
            added=1
        )

    def test_a_callable_through_defaults_is_refused(self):
        user = UserFactory()

        with self.assertNumQueries(0), pytest.raises(CallableForQueryset):
            user.association("fluent_in").append(Language.objects.all(), through_defaults=lambda value: {})


class OptionTests(TestCase):
    def test_update_sets_extra_columns_of_links_that_exist(self):
        user, (old, new) = UserFactory(), LanguageFactory.create_batch(2)
        user.fluent_in.append(old, through_defaults={"fluency": "none"})

        changes = user.fluent_in.append(old, new, through_defaults={"fluency": "some"}, update=True)

        assert changes == Changes(added=1, kept=1)
        assert set(UserFluency.objects.values_list("fluency", flat=True)) == {"some"}

    def test_update_sets_columns_that_differ_by_row_with_one_statement(self):
        users, languages = UserFactory.create_batch(2), LanguageFactory.create_batch(3)
        Association(users, "fluent_in").append(*languages[:2], to_all=True, through_defaults={"fluency": "old"})

        # SAVEPOINT, updated_at, UPDATE links, INSERT, RELEASE; on MariaDB a locking SELECT
        with self.assertNumQueries(6 if MYSQL else 5):
            changes = users[0].fluent_in.append(
                *languages, through_defaults=lambda language: {"fluency": f"of {language.pk}"}, update=True
            )

        assert changes == Changes(added=1, kept=2)
        fluencies = UserFluency.objects.values_list("user_id", "language_id", "fluency")
        assert set(fluencies) == {
            *((users[0].pk, language.pk, f"of {language.pk}") for language in languages),
            *((users[1].pk, language.pk, "old") for language in languages[:2]),
        }

    def test_only_mariadb_is_given_many_rows_in_several_statements(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(6)
        user.fluent_in.append(*languages)
        own = {language: {"fluency": f"of {language.pk}"} for language in languages}

        with mock.patch("gorm_assoc.kinds.link_rows.CHUNK", 2), CaptureQueriesContext(connection) as ran:
            changes = user.fluent_in.append(*languages, through_defaults=own.get, update=True)

        updates = [query for query in ran if query["sql"].lstrip().startswith("UPDATE") and "given" in query["sql"]]
        assert (len(updates), changes) == (3 if MYSQL else 1, Changes(kept=6))
        fluencies = set(UserFluency.objects.values_list("fluency", flat=True))
        assert fluencies == {one["fluency"] for one in own.values()}

    def test_dead_links_to_what_other_owners_get_stay_dead(self):
        readers = [Reader.objects.create(name=name) for name in ("ann", "bob")]
        books = [Book.objects.create(id=number, locale="en", title=str(number)) for number in range(2)]
        both = Association(readers, "books")
        both.append(*books, to_all=True)
        both.clear()

        assert both.append(books[0], books[1]) == Changes(revived=2)
        assert set(Loan.objects.values_list("reader__name", "book_id")) == {("ann", 0), ("bob", 1)}

    def test_update_does_not_touch_dead_links(self):
        reader = Reader.objects.create(name="ann")
        books = [Book.objects.create(id=number, locale="en", title=str(number)) for number in range(3)]
        reader.books.append(*books, through_defaults={"note": "old", "weight": 1})
        reader.books.delete(books[2])

        changes = reader.books.append(*books[:2], through_defaults=lambda book: {"note": book.title}, update=True)

        assert changes == Changes(kept=2)
        assert list(Loan.objects.unscoped().order_by("book_id").values_list("note", "weight")) == [
            ("0", 1),
            ("1", 1),
            ("old", 1),
        ]
        assert reader.books.append(*books, through_defaults=lambda book: {"weight": book.pk[0] + 10}) == Changes(
            kept=2, revived=1
        )
        assert list(Loan.objects.order_by("book_id").values_list("note", "weight")) == [
            ("0", 1),
            ("1", 1),
            ("old", 12),
        ]

    def test_dead_links_are_revived_with_columns_that_differ_by_row(self):
        reader = Reader.objects.create(name="ann")
        books = [Book.objects.create(id=number, locale="en", title=str(number)) for number in range(5)]
        reader.books.append(*books, through_defaults={"note": "old", "weight": 9})
        reader.books.clear()
        extra = dict(zip(books, [{"note": "0"}, {"note": "1"}, {"weight": 2}, {"weight": 3}, {}], strict=True))

        changes = reader.books.append(*books, through_defaults=extra.get)

        assert changes == Changes(revived=5)
        assert list(Loan.objects.order_by("book_id").values_list("note", "weight")) == [
            ("0", 9),
            ("1", 9),
            ("old", 2),
            ("old", 3),
            ("old", 9),
        ]

    def test_full_save_writes_given_targets_too(self):
        user, language = UserFactory(), LanguageFactory(name="old")
        language.name = "new"

        user.languages.append(language, full_save=True)

        assert Language.objects.get().name == "new"

    def test_full_save_writes_what_replaces_others_too(self):
        user, language = UserFactory(languages=1), LanguageFactory(name="old")
        language.name = "new"

        user.languages.replace(language, full_save=True)

        assert user.languages.get().name == "new"

    def test_they_hold_where_an_owner_has_one_target(self):
        hand, firm = HandFactory(firm=None), EmployerFactory(name="old")
        firm.name = "new"
        association = Association(hand, "firm")
        before = hand.updated_at

        assert association.append(firm, dry_run=True) == Changes(added=1)
        assert Hand.objects.get().firm is None
        changes = association.append(firm, full_save=True, pairs=True)

        assert changes.pairs == {"added": ((hand.pk, firm.pk),), "removed": (), "revived": ()}
        assert Hand.objects.get().firm.name == "new"
        assert Hand.objects.get().updated_at > before

    def test_they_hold_for_a_queryset(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(2)

        assert user.languages.append(Language.objects.all(), dry_run=True) == Changes(added=2)
        changes = user.languages.append(Language.objects.all(), pairs=True)

        assert set(changes.pairs["added"]) == {(user.pk, language.pk) for language in languages}

    def test_pairs_are_told_on_request(self):
        old, kept, new = LanguageFactory.create_batch(3)
        user = UserFactory(languages=[old, kept])

        changes = user.languages.replace(kept, new, pairs=True)

        assert changes == Changes(added=1, removed=1, kept=1)
        assert changes.pairs == {"added": ((user.pk, new.pk),), "removed": ((user.pk, old.pk),), "revived": ()}

    def test_where_nothing_is_given_or_changes_there_are_no_pairs(self):
        language = LanguageFactory()
        user = UserFactory(languages=[language])
        nobody = User.objects.none().association("languages")
        verbs = {
            "append": lambda **options: user.languages.append(**options),
            "append of none": lambda **options: user.languages.append(Language.objects.none(), **options),
            "append of what is linked": lambda **options: user.languages.append(language, **options),
            "delete": lambda **options: user.languages.delete(**options),
            "toggle": lambda **options: user.languages.toggle(**options),
            "append to nobody": lambda **options: nobody.append(language, to_all=True, **options),
            "replace of nobody": lambda **options: nobody.replace(language, to_all=True, **options),
            "clear of nobody": lambda **options: nobody.clear(**options),
        }

        for name, verb in verbs.items():
            with self.subTest(name):
                assert verb(pairs=True).pairs == {"added": (), "removed": (), "revived": ()}
                assert verb().pairs is None

    def test_the_keys_of_targets_are_looked_up_once_and_for_pairs_alone(self):
        user = UserFactory()
        profiles = ProfileFactory.create_batch(2)
        user.profiles.append(*profiles)

        with self.assertNumQueries(3 + LOCK):  # the links, the keys of their targets, DELETE
            changes = user.profiles.clear(pairs=True)

        assert set(changes.pairs["removed"]) == {(user.pk, profile.pk) for profile in profiles}
        user.profiles.append(*profiles)
        with self.assertNumQueries(1 + LOCK):
            assert user.profiles.clear().pairs is None

    def test_toggle_of_what_is_linked_tells_the_pairs(self):
        language = LanguageFactory()
        user = UserFactory(languages=[language])

        changes = user.languages.toggle(language, pairs=True)

        assert changes.pairs == {"added": (), "removed": ((user.pk, language.pk),), "revived": ()}

    def test_a_dry_run_tells_and_writes_nothing(self):
        old, kept = LanguageFactory.create_batch(2)
        user = UserFactory(languages=[old, kept])
        before, new = links(), Language(name="new")

        planned = user.languages.append(kept, new, dry_run=True)
        assert (planned, planned.pairs) == (Changes(added=1, kept=1), None)
        assert user.languages.replace(kept, new, dry_run=True) == Changes(added=1, removed=1, kept=1)
        assert user.languages.delete(old, new, dry_run=True) == Changes(removed=1)
        assert user.languages.clear(dry_run=True) == Changes(removed=2)
        assert links() == before
        assert new.pk is None
        assert Language.objects.count() == 2

    def test_a_dry_run_pairs_owners_with_targets_that_have_no_key(self):
        users, stored, new = UserFactory.create_batch(2), LanguageFactory(), LanguageFactory.build()

        changes = Association(users, "languages").append([stored, new], new, dry_run=True, pairs=True)

        assert changes == Changes(added=3)
        assert changes.pairs["added"] == ((users[0].pk, stored.pk), (users[0].pk, new), (users[1].pk, new))
        assert new.pk is None

    def test_a_dry_run_tells_the_pairs(self):
        member, (dead, live) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(dead, live)
        member.clubs.delete(dead)

        changes = Association(member, "clubs").replace(dead, dry_run=True, pairs=True)

        assert changes == Changes(revived=1, removed=1)
        assert changes.pairs == {"added": (), "removed": ((member.pk, live.pk),), "revived": ((member.pk, dead.pk),)}

        changes = member.clubs.clear(dry_run=True, pairs=True)

        assert changes.pairs == {"added": (), "removed": ((member.pk, live.pk),), "revived": ()}

    def test_a_dry_run_of_an_unscoped_verb_counts_dead_links_too(self):
        member, (dead, live) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(dead, live)
        member.clubs.delete(dead)

        association = Association(member, "clubs").unscoped()

        assert association.clear(dry_run=True) == association.clear() == Changes(removed=2)

    def test_toggle_turns_each_value_over(self):
        linked, other = LanguageFactory.create_batch(2)
        user = UserFactory(languages=[linked])

        changes = user.languages.toggle(linked, other)

        assert changes == Changes(added=1, removed=1)
        assert list(user.languages.all()) == [other]

    def test_toggle_revives_a_dead_link(self):
        member, club = MemberFactory(), ClubFactory()

        assert member.clubs.toggle(club) == Changes(added=1)
        assert member.clubs.toggle(club) == Changes(removed=1)
        assert member.clubs.toggle(club) == Changes(revived=1)

    def test_an_unknown_extra_column_is_refused_before_any_sql(self):
        user = UserFactory()

        with self.assertNumQueries(0), pytest.raises(TypeError, match="fluancy"):
            user.association("fluent_in").append(LanguageFactory.build(), through_defaults={"fluancy": "x"})

    def test_a_failed_verb_takes_back_the_keys_it_gave(self):
        member, new = MemberFactory(), ClubFactory.build()

        with pytest.raises(PermissionError):
            member.clubs.append(new, through_defaults={"role": "banned"})

        assert new.pk is None
        assert new._state.adding


class FindByJoinRowsTests(TestCase):
    def setUp(self):
        self.user = UserFactory()
        self.languages = LanguageFactory.create_batch(3)
        for number, language in enumerate(self.languages):
            self.user.fluent_in.append(language, through_defaults={"fluency": f"level{3 - number}"})

    def test_through_filters_by_join_columns(self):
        found = self.user.association("fluent_in").find(through={"fluency__in": ["level1", "level3"]})

        assert set(found) == {self.languages[0], self.languages[2]}

    def test_order_by_through_orders_by_join_columns(self):
        association = self.user.association("fluent_in")

        assert list(association.find(order_by_through="fluency")) == self.languages[::-1]
        assert list(association.find(order_by_through=["-fluency"])) == self.languages

    def test_dead_join_rows_are_seen_by_unscoped_only(self):
        reader = Reader.objects.create(name="ann")
        books = [Book.objects.create(id=number, locale="en", title=str(number)) for number in range(2)]
        reader.books.append(*books, through_defaults=lambda book: {"note": f"of {book.title}"})
        reader.books.delete(books[0])
        association = reader.association("books")

        assert [book.join_row.note for book in association.find(join_rows=True)] == ["of 1"]
        assert not association.find(through={"note": "of 0"})
        unscoped = association.unscoped().find(join_rows=True, order_by_through="note")
        assert [book.join_row.note for book in unscoped] == ["of 0", "of 1"]
        assert association.unscoped().find(through={"note": "of 0"}).get() == books[0]
        with CaptureQueriesContext(connection) as ran:
            list(association.find(join_rows=True))
        assert all("IS NULL" in query["sql"] for query in ran)  # dead ones are not even read

    def test_the_targets_own_order_holds_where_no_other_is_asked_for(self):
        with mock.patch.object(Language._meta, "ordering", ["-name"]):
            found = self.user.association("fluent_in").find(through={"fluency__startswith": "level"})

            assert list(found) == self.languages[::-1]

    def test_join_rows_are_carried_on_request(self):
        with self.assertNumQueries(2):
            found = self.user.association("fluent_in").find(join_rows=True)
            fluencies = {language.pk: language.join_row.fluency for language in found}

        assert fluencies == {language.pk: f"level{3 - number}" for number, language in enumerate(self.languages)}


class AssociationChangedTests(TestCase):
    def test_carries_the_exact_pairs_once_a_verb(self):
        old, kept, new = LanguageFactory.create_batch(3)
        user = UserFactory(languages=[old, kept])

        with received(association_changed, User.languages.through) as calls:
            user.languages.replace(kept, new)

        (call,) = calls
        assert (call["added"], call["removed"], call["revived"]) == (((user.pk, new.pk),), ((user.pk, old.pk),), ())
        assert call["relationship"].label == "guides.User.languages"

    def test_is_not_sent_when_nothing_changed(self):
        user, language = UserFactory(), LanguageFactory()
        user.languages.append(language)

        with received(association_changed, User.languages.through) as calls:
            user.languages.append(language)
            user.languages.delete(LanguageFactory())

        assert calls == []

    def test_tells_of_revived_pairs_and_of_batches(self):
        members, club = MemberFactory.create_batch(2), ClubFactory()
        members[0].clubs.append(club)
        members[0].clubs.clear()

        with received(association_changed, Membership) as calls:
            Association(members, "clubs").append(club, to_all=True)

        assert calls[0]["revived"] == ((members[0].pk, club.pk),)
        assert calls[0]["added"] == ((members[1].pk, club.pk),)


class LockTests(TransactionTestCase):
    def test_a_dry_run_needs_no_transaction(self):
        user, language = UserFactory(), LanguageFactory()

        assert user.languages.append(language, dry_run=True, pairs=True) == Changes(added=1)

    @pytest.mark.skipif(not LOCK, reason="SQLite locks no rows")
    def test_what_is_linked_is_locked_where_it_is_read_before_it_is_written(self):
        user, language = UserFactory(), LanguageFactory()

        with CaptureQueriesContext(connection) as ran:
            user.languages.append(language, pairs=True)

        (read,) = (query["sql"] for query in ran if query["sql"].startswith("SELECT"))
        assert "FOR UPDATE" in read


class ToggleTests(TestCase):
    def setUp(self):
        self.user, (self.on, self.off) = UserFactory(), LanguageFactory.create_batch(2)
        self.association = Association(self.user, "languages")
        self.association.append(self.on)

    def test_tells_the_pairs_of_both_ways(self):
        changes = self.association.toggle(self.on, self.off, pairs=True)

        assert changes.pairs == {
            "added": ((self.user.pk, self.off.pk),),
            "removed": ((self.user.pk, self.on.pk),),
            "revived": (),
        }

    def test_moves_the_owners_updated_at(self):
        before = self.user.updated_at

        self.association.toggle(self.off)

        assert self.user.updated_at > before
        self.user.refresh_from_db()
        assert self.user.updated_at > before

    def test_takes_a_queryset(self):
        assert self.association.toggle(Language.objects.all()) == Changes(added=1, removed=1)
        assert self.association.find().get() == self.off

    def test_a_failure_leaves_nothing_stored_and_new_objects_new(self):
        def refuse(action, **kwargs):
            if action == "post_add":
                raise PermissionError

        new = LanguageFactory.build()
        m2m_changed.connect(refuse, sender=User.languages.through)
        try:
            with pytest.raises(PermissionError):
                self.association.toggle(self.on, new)
        finally:
            m2m_changed.disconnect(refuse, sender=User.languages.through)

        assert (new.pk, new._state.adding) == (None, True)
        assert self.association.find().get() == self.on


class OneForAllTests(TestCase):
    def test_targets_that_all_owners_keep_are_named_once_in_the_statement(self):
        for count in (1, 2, 3):
            users = UserFactory.create_batch(count)
            kept = [LanguageFactory(id=1_000_000 + 10 * count + number) for number in range(2)]
            Association(users, "languages").append(*[kept] * count)

            with CaptureQueriesContext(connection) as queries:
                Association(users, "languages").replace(*[kept] * count)

            (deleted,) = [query["sql"] for query in queries if query["sql"].startswith("DELETE")]
            assert [deleted.count(str(language.pk)) for language in kept] == [1, 1]


class BareKeysTests(TestCase):
    """Owners that are given keys, some of them the same."""

    def setUp(self):
        self.users, self.languages = UserFactory.create_batch(2), LanguageFactory.create_batch(3)
        self.keys = [language.pk for language in self.languages]

    def test_each_owner_gets_its_own_keys(self):
        ann, bob = self.users

        changes = Association(self.users, "languages").append(self.keys[:2], self.keys[1:])

        assert changes == Changes(added=4)
        assert set(ann.languages.all()) == set(self.languages[:2])
        assert set(bob.languages.all()) == set(self.languages[1:])

    def test_each_join_row_gets_the_extra_columns(self):
        Association(self.users, "fluent_in").append(self.keys[:2], self.keys[1:], through_defaults={"fluency": "good"})

        ann, bob = self.users
        first, second, third = self.keys
        rows = UserFluency.objects.values_list("user_id", "language_id", "fluency")
        assert set(rows) == {
            (ann.pk, first, "good"),
            (ann.pk, second, "good"),
            (bob.pk, second, "good"),
            (bob.pk, third, "good"),
        }

    def test_the_pairs_have_the_keys_as_they_are(self):
        changes = Association(self.users, "languages").append(self.keys[:1], self.keys[:1], pairs=True)

        assert set(changes.pairs["added"]) == {(user.pk, self.keys[0]) for user in self.users}
