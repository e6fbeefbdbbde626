"""What runs inside a verb besides its SQL: hooks, vetoes, Django's signals; and revived rows."""

from __future__ import annotations

from contextlib import contextmanager
from unittest import mock

import pytest
from django.db import connection, transaction
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save
from django.test import TestCase

from example_project.guides.models import Blog, Language, User
from gorm_assoc.models import Association, Changes
from tests.factories import (
    BlogFactory,
    ClubFactory,
    CourseFactory,
    HandFactory,
    LanguageFactory,
    MemberFactory,
    StudentFactory,
    TagFactory,
    TaskFactory,
    UserFactory,
)
from tests.testapp.models import Course, Disc, Enrolment, Member, Membership, Rack, Slot, Task


@contextmanager
def received(signal, sender):
    """Everything that `signal` sends for `sender` while this is open."""
    calls = []

    def receive(**kwargs):
        calls.append(kwargs)

    signal.connect(receive, sender=sender, weak=False)
    try:
        yield calls
    finally:
        signal.disconnect(receive, sender=sender)


class HookTests(TestCase):
    def setUp(self):
        Membership.calls.clear()

    def test_create_hooks_get_only_rows_that_are_inserted(self):
        member, (old, new) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(old)
        Membership.calls.clear()

        member.clubs.append(old, new)

        assert Membership.calls == [("before_create", member.pk, new.pk), ("after_create", member.pk, new.pk)]

    def test_a_create_hook_may_fill_extra_columns(self):
        member, club = MemberFactory(), ClubFactory()

        def promote(row):
            row.role = "host"

        before, Membership.before_create = Membership.before_create, promote
        try:
            member.clubs.append(club)
        finally:
            Membership.before_create = before

        assert Membership.objects.get().role == "host"

    def test_a_veto_undoes_the_whole_verb_and_leaves_an_outer_transaction_usable(self):
        member, clubs = MemberFactory(), ClubFactory.create_batch(2)
        roles = {clubs[0].pk: "guest", clubs[1].pk: "banned"}

        with pytest.raises(PermissionError):
            member.clubs.append(*clubs, through_defaults=lambda club: {"role": roles[club.pk]})

        assert Membership.objects.count() == 0
        assert Member.objects.count() == 1  # a query still runs

    def test_a_veto_takes_back_new_targets_too(self):
        member = MemberFactory()

        with pytest.raises(PermissionError):
            member.clubs.append({"name": "new"}, through_defaults={"role": "banned"})

        assert Association(member, "clubs").count() == 0
        assert not member.clubs.model.objects.filter(name="new").exists()

    def test_save_hooks_of_a_new_row_come_around_those_of_create(self):
        seen, names = [], ["before_save", "before_create", "after_create", "after_save"]
        for name in names:
            setattr(Enrolment, name, lambda row, name=name: seen.append(name))
            self.addCleanup(delattr, Enrolment, name)

        StudentFactory().courses.append(CourseFactory())

        assert seen == names

    def test_hooks_get_the_rows_of_a_queryset_too(self):
        seen, student, courses = [], StudentFactory(), CourseFactory.create_batch(2)
        Enrolment.after_create = lambda row: seen.append(row.course_id)
        self.addCleanup(delattr, Enrolment, "after_create")

        student.courses.append(Course.objects.all())

        assert sorted(seen) == [course.pk for course in courses]

    def test_dead_rows_get_no_delete_hooks(self):
        member, (dead, live) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(dead, live)
        member.clubs.delete(dead)
        Membership.calls.clear()

        member.clubs.clear()

        assert Membership.calls == [("before_delete", member.pk, live.pk), ("after_delete", member.pk, live.pk)]

    def test_delete_hooks_get_each_real_row(self):
        member, clubs = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(*clubs)
        Membership.calls.clear()

        member.clubs.clear()

        assert sorted(Membership.calls) == sorted(
            (name, member.pk, club.pk) for name in ("before_delete", "after_delete") for club in clubs
        )

    def test_a_delete_veto_undoes_a_replace(self):
        member, (old, new) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(old, through_defaults={"role": "founder"})

        with pytest.raises(PermissionError):
            member.clubs.replace(new)

        assert list(member.clubs.all()) == [old]

    def test_save_and_delete_of_a_join_row_call_them_too(self):
        member, club = MemberFactory(), ClubFactory()

        row = Membership.objects.create(member=member, club=club)
        row.delete()

        assert [call[0] for call in Membership.calls] == [
            "before_create",
            "after_create",
            "before_delete",
            "after_delete",
        ]
        assert {call[1:] for call in Membership.calls} == {(member.pk, club.pk)}

    def test_a_row_deleted_for_good_is_real_in_its_hooks(self):
        member, club = MemberFactory(), ClubFactory()
        row = Membership.objects.create(member=member, club=club)
        Membership.calls.clear()

        row.delete(unscoped=True)

        assert Membership.calls == [("before_delete", member.pk, club.pk), ("after_delete", member.pk, club.pk)]
        assert row.pk == (None, None)


class DestroyedTargetTests(TestCase):
    """Rows that a verb of unscoped() deletes where they hold the link."""

    def setUp(self):
        self.hand, self.tasks = HandFactory(), TaskFactory.create_batch(2)
        self.hand.association("tasks").append(*self.tasks)
        self.association = self.hand.association("tasks").unscoped()

    def test_hooks_get_each_real_row(self):
        seen = []
        hooks = {
            name: lambda row, name=name: seen.append((name, row.pk)) for name in ("before_delete", "after_delete")
        }

        with mock.patch.multiple(Task, create=True, **hooks):
            assert self.association.clear() == Changes(removed=2)

        first, second = sorted(task.pk for task in self.tasks)
        assert [name for name, _ in seen] == ["before_delete"] * 2 + ["after_delete"] * 2
        assert {key for _, key in seen[:2]} == {key for _, key in seen[2:]} == {first, second}

    def test_the_signals_tell_the_queryset_that_is_deleted(self):
        with received(pre_delete, Task) as before, received(post_delete, Task) as after:
            self.association.clear()

        assert len(before) == len(after) == 2
        assert {(call["origin"].model, call["using"]) for call in (*before, *after)} == {(Task, "default")}

    def test_of_nothing_none_is_counted(self):
        self.association.clear()

        assert self.association.clear() == Changes()


class ReviveTests(TestCase):
    def test_a_dead_pair_that_is_appended_again_lives_with_its_columns(self):
        member, club = MemberFactory(), ClubFactory()
        member.clubs.append(club, through_defaults={"role": "host"})
        member.clubs.delete(club)

        changes = member.clubs.append(club)

        assert changes == Changes(revived=1)
        assert Membership.objects.get().role == "host"

    def test_given_join_columns_are_set_on_a_revived_row(self):
        member, club = MemberFactory(), ClubFactory()
        member.clubs.append(club, through_defaults={"role": "host"})
        member.clubs.clear()

        member.clubs.replace(club, through_defaults={"role": "guest"})

        assert Membership.objects.get().role == "guest"

    def test_revived_rows_get_no_create_hook(self):
        member, club = MemberFactory(), ClubFactory()
        member.clubs.append(club)
        member.clubs.clear()
        Membership.calls.clear()

        member.clubs.append(club)

        assert Membership.calls == []

    def test_unscoped_verbs_remove_rows_for_good_dead_ones_too(self):
        member, (dead, live) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(dead, live)
        member.clubs.delete(dead)

        changes = Association(member, "clubs").unscoped().clear()

        assert changes == Changes(removed=2)
        assert Membership._base_manager.count() == 0

    def test_a_dry_run_counts_what_would_go_and_tells_pairs_on_request_only(self):
        member, (dead, live) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(dead, live)
        member.clubs.delete(dead)

        scoped = member.clubs.clear(dry_run=True)

        assert (scoped, scoped.pairs) == (Changes(removed=1), None)
        assert Association(member, "clubs").unscoped().clear(dry_run=True) == Changes(removed=2)

    def test_unscoped_verbs_tell_the_pairs_of_dead_rows_too(self):
        member, clubs = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(*clubs)
        member.clubs.delete(clubs[0])
        association = Association(member, "clubs").unscoped()

        planned, changes = association.clear(dry_run=True, pairs=True), association.clear(pairs=True)

        assert changes.pairs == planned.pairs
        assert set(changes.pairs["removed"]) == {(member.pk, club.pk) for club in clubs}

    def test_unscoped_replace_keeps_a_live_pair_and_really_removes_the_rest(self):
        member, (first, second) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(first, second)

        changes = Association(member, "clubs").unscoped().replace(second)

        assert changes == Changes(removed=1, kept=1)
        assert [row.club for row in Membership._base_manager.all()] == [second]


class JoinRowTests(TestCase):
    def test_saving_a_pair_that_exists_is_an_integrity_error(self):
        member, club = MemberFactory(), ClubFactory()
        Membership(member=member, club=club, role="host").save()

        with pytest.raises(Exception, match="(?i)unique|duplicate"), transaction.atomic():
            Membership(member=member, club=club, role="guest").save()

        assert Membership.objects.get().role == "host"

    def test_a_changed_key_on_a_loaded_row_moves_that_row(self):
        member, (old, new) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(old, through_defaults={"role": "host"})
        row = Membership.objects.get()

        row.club = new
        row.save()

        assert [(row.club, row.role) for row in Membership._base_manager.all()] == [(new, "host")]

    def test_a_moved_row_can_be_saved_again(self):
        member, (old, new) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(old)
        row = Membership.objects.get()
        row.club = new
        row.save()

        row.role = "host"
        row.save()

        assert Membership.objects.get().role == "host"


class JoinKeyTests(TestCase):
    def setUp(self):
        self.member, (self.old, self.new) = MemberFactory(), ClubFactory.create_batch(2)
        self.row = Membership.objects.create(member=self.member, club=self.old)

    def test_the_accessor_follows_a_column_that_is_set(self):
        self.row.club_id = self.new.pk

        assert self.row.club == self.new

    def test_the_accessor_follows_it_where_there_was_none(self):
        self.row.club = None
        self.row.club_id = self.new.pk

        assert self.row.club == self.new

    def test_the_accessor_follows_a_row_that_is_read_anew(self):
        student, (old, new) = StudentFactory(), CourseFactory.create_batch(2)
        row = Enrolment.objects.create(student=student, course=old)
        Enrolment.objects.update(course_id=new.pk)

        row.refresh_from_db()

        assert row.course == new

    def test_a_row_at_hand_is_not_read_again(self):
        with self.assertNumQueries(0):
            assert self.row.club is self.old


class M2MChangedTests(TestCase):
    def test_append_tells_of_the_new_pairs_only(self):
        user, (old, new) = UserFactory(), LanguageFactory.create_batch(2)
        user.association("languages").append(old)

        with received(m2m_changed, User.languages.through) as calls:
            changes = user.association("languages").append(old, new)

        assert changes.pairs is None
        assert [(call["action"], call["pk_set"]) for call in calls] == [("pre_add", {new.pk}), ("post_add", {new.pk})]
        assert calls[0]["instance"] == user
        assert calls[0]["model"] is Language
        assert calls[0]["reverse"] is False
        assert {call["using"] for call in calls} == {"default"}

    def test_replace_removes_then_adds(self):
        user, (old, kept, new) = UserFactory(), LanguageFactory.create_batch(3)
        user.association("languages").append(old, kept)

        with received(m2m_changed, User.languages.through) as calls:
            changes = user.association("languages").replace(kept, new)

        assert changes == Changes(added=1, removed=1, kept=1)
        assert [(call["action"], call["pk_set"]) for call in calls] == [
            ("pre_remove", {old.pk}),
            ("post_remove", {old.pk}),
            ("pre_add", {new.pk}),
            ("post_add", {new.pk}),
        ]

    def test_delete_tells_what_was_asked_and_clear_tells_nothing(self):
        user, language = UserFactory(), LanguageFactory()

        with received(m2m_changed, User.languages.through) as calls:
            user.languages.remove(language)
            user.languages.clear()

        assert [(call["action"], call["pk_set"]) for call in calls] == [
            ("pre_remove", {language.pk}),
            ("post_remove", {language.pk}),
            ("pre_clear", None),
            ("post_clear", None),
        ]
        assert {(call["instance"], call["using"], call["model"]) for call in calls} == {(user, "default", Language)}

    def test_the_way_back_is_told_from_its_own_side(self):
        user, language = UserFactory(), LanguageFactory()

        with received(m2m_changed, User.fluent_in.through) as calls:
            language.fluent_users.add(user)

        assert calls[0]["reverse"] is True
        assert calls[0]["instance"] == language
        assert calls[0]["model"] is User
        assert calls[0]["pk_set"] == {user.pk}

    def test_keys_are_primary_keys_also_where_another_column_is_referenced(self):
        blog, tag = BlogFactory(), TagFactory()

        with received(m2m_changed, Blog.locale_tags.through) as calls:
            Association(blog, "locale_tags").append(tag)

        assert calls[0]["pk_set"] == {tag.pk}

    def test_a_revived_pair_counts_as_added(self):
        member, club = MemberFactory(), ClubFactory()
        member.clubs.append(club)
        member.clubs.clear()

        with received(m2m_changed, Membership) as calls:
            member.clubs.append(club)

        assert [call["pk_set"] for call in calls] == [{club.pk}, {club.pk}]

    def test_a_raising_receiver_undoes_the_verb(self):
        user, language = UserFactory(), LanguageFactory()

        def refuse(action, **kwargs):
            if action == "post_add":
                raise PermissionError

        m2m_changed.connect(refuse, sender=User.languages.through)
        try:
            with pytest.raises(PermissionError):
                user.languages.add(language)
        finally:
            m2m_changed.disconnect(refuse, sender=User.languages.through)

        assert user.languages.count() == 0


class SaveSignalTests(TestCase):
    def test_new_targets_and_join_rows_send_save_signals_when_listened_to(self):
        member = MemberFactory()

        with received(pre_save, Membership) as before, received(post_save, Membership) as after:
            member.clubs.append({"name": "a"}, {"name": "b"})

        assert len(before) == 2
        assert [call["created"] for call in after] == [True, True]
        assert not after[0]["instance"]._state.adding

    def test_receivers_are_told_what_django_tells_of_a_row_that_is_saved(self):
        member, clubs = MemberFactory(), ClubFactory.create_batch(2)

        with received(pre_save, Membership) as before, received(post_save, Membership) as after:
            member.clubs.append(clubs[0])
            row = Membership.objects.create(member=member, club=clubs[1])

        for ours, djangos in (before, after):
            assert ours.pop("instance").club == clubs[0]
            assert djangos.pop("instance") == row
            assert ours == djangos

    def test_receivers_are_told_which_rows_are_removed_where_and_by_what(self):
        member, club = MemberFactory(), ClubFactory()
        member.clubs.append(club)

        with received(pre_delete, Membership) as before, received(post_delete, Membership) as after:
            member.clubs.clear()

        (before,), (after,) = before, after
        for call in (before, after):
            assert (call["instance"].pk, call["using"]) == ((member.pk, club.pk), "default")
            assert call["origin"].model is Membership

    def test_each_signal_is_sent_though_nobody_listens_to_another(self):
        for signal in (pre_save, post_save, pre_delete, post_delete):
            rack = Rack.objects.create()
            disc = Disc.objects.create(published="2020-01-01", price=Disc.objects.count())

            with received(signal, Slot) as calls:
                rack.discs.append(disc)
                rack.discs.clear()

            assert len(calls) == 1

    def test_a_verb_that_removes_nothing_says_so_while_somebody_listens(self):
        member = MemberFactory()

        with received(pre_delete, Membership) as calls:
            assert Association(member, "clubs").unscoped().clear() == Changes(removed=0)

        assert calls == []

    def test_a_row_that_is_told_gets_all_given_columns_beside_defaults_of_the_database(self):
        rack, disc, member = (
            Rack.objects.create(),
            Disc.objects.create(published="2020-01-01", price=1),
            MemberFactory(),
        )

        with received(pre_save, Slot):
            rack.discs.append(disc, through_defaults={"lent_to": member, "is_lent": True})

        slot = Slot.objects.get()
        assert (slot.copies, slot.is_lent, slot.lent_to) == (1, True, member)

    def test_new_targets_send_save_signals(self):
        user = UserFactory()

        with received(post_save, Language) as calls:
            user.languages.append({"name": "a"}, LanguageFactory())

        assert [call["instance"].name for call in calls if call["created"]][-1] == "a"

    def test_for_new_targets_they_say_what_they_say_of_save(self):
        user, language = UserFactory(), LanguageFactory.build()

        with received(pre_save, Language) as before, received(post_save, Language) as after:
            user.languages.append(language)

        told = {"sender": Language, "instance": language, "raw": False, "using": "default", "update_fields": None}
        assert before == [{**told, "signal": pre_save}]
        assert after == [{**told, "signal": post_save, "created": True}]

    def test_removed_join_rows_send_delete_signals(self):
        member, club = MemberFactory(), ClubFactory()
        member.clubs.append(club)

        with received(pre_delete, Membership) as before, received(post_delete, Membership) as after:
            member.clubs.clear()
            Association(member, "clubs").unscoped().clear()

        assert before[0]["instance"].club_id == club.pk
        assert (len(before), len(after)) == (2, 2)


class StatementTests(TestCase):
    def test_without_hooks_or_receivers_nothing_is_looked_up_first(self):
        user, languages = UserFactory(), LanguageFactory.create_batch(3)

        lock = 1 if connection.features.has_select_for_update else 0  # of the owner
        with self.assertNumQueries(lock + (2 if connection.vendor == "mysql" else 1)):  # (locking SELECT and) INSERT
            user.languages.add(*languages)

        with self.assertNumQueries(lock + 1):  # DELETE
            user.languages.clear()
