"""Real processes, real databases: verbs on shared owners end in a state that some order of them explains."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase

from example_project.guides.models import User
from gorm_assoc.models import Association
from tests.factories import ClubFactory, LanguageFactory, MemberFactory, UserFactory
from tests.testapp.models import Membership

PROCESSES, OWNERS, TARGETS = 8, 20, 10
VERBS = int(os.environ.get("RACE_VERBS", 500))

pytestmark = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite lets one connection write at a time: there is nothing to race for"
)


def run_processes(model: str, relation: str, owners: list, targets: list) -> list[list]:
    """What each of the processes did, in its order. Fails if one of them raised."""
    settings = connection.settings_dict
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.race_worker", settings["NAME"], str(seed), str(VERBS), model, relation]
            + [json.dumps([owner.pk for owner in owners]), json.dumps([target.pk for target in targets])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(PROCESSES)
    ]
    results = [worker.communicate(timeout=900) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES, "\n".join(
        error[-800:] for _, error in results
    )
    return [json.loads(output) for output, _ in results]


def is_explained(final: set, logs: list[list]) -> bool:
    """
    Whether some order of the verbs that keeps each process's own ends in `final`.

    Read backwards: the verb that came last must agree with the final state; what it decided no longer
    binds the verbs before it. A verb that agrees can always be taken next, as that only frees the rest.
    """
    left = [list(log) for log in logs]
    decided: set = set()
    while any(left):
        for log in left:
            if log and agrees(log[-1], final, decided):
                _, verb, values = log.pop()
                if verb in ("replace", "clear"):
                    return True  # it decides every target
                decided |= set(values)
                break
        else:
            return False
    return final <= decided  # nobody else could have linked the rest


def agrees(done: list, final: set, decided: set) -> bool:
    _, verb, values = done
    values = set(values)
    open_final = final - decided
    if verb == "append":
        return values - decided <= final
    if verb == "delete":
        return not (values - decided) & final
    return open_final == (values - decided if verb == "replace" else set())


class ExplanationTests(TransactionTestCase):
    def test_a_state_that_no_order_explains_is_found_out(self):
        logs = [[[1, "append", ["k", "n"]]], [[1, "clear", []]]]

        assert is_explained({"k", "n"}, logs)
        assert is_explained(set(), logs)
        assert not is_explained({"n"}, logs)


class OrderTests(TransactionTestCase):
    def test_a_clear_waits_for_an_append_and_then_takes_all_it_linked(self):
        member, (old, new) = MemberFactory(), ClubFactory.create_batch(2)
        member.clubs.append(old)
        waiting = threading.Thread(target=in_a_connection_of_its_own, args=(Association(member, "clubs").clear,))

        with transaction.atomic():
            member.clubs.append(old, new)  # finds `old` linked, and does not write it
            waiting.start()
            waiting.join(timeout=0.5)
            was_waiting = waiting.is_alive()
        waiting.join(timeout=30)

        assert was_waiting
        assert not waiting.is_alive()
        assert member.clubs.count() == 0


def in_a_connection_of_its_own(work):
    try:
        work()
    finally:
        connection.close()


@pytest.mark.slow
class RaceTests(TransactionTestCase):
    def check(self, model, relation, owners, targets, rows):
        logs = run_processes(model, relation, owners, targets)

        for owner in owners:
            final = {target for row_owner, target in rows() if row_owner == owner.pk}
            of_owner = [[done for done in log if done[0] == owner.pk] for log in logs]
            assert is_explained(final, of_owner), (owner.pk, final)
        assert len(rows()) == len(set(rows()))
        assert {owner for owner, _ in rows()} <= {owner.pk for owner in owners}
        assert {target for _, target in rows()} <= {target.pk for target in targets}

    def test_links_of_owners_with_a_timestamp(self):
        through = User.languages.through
        self.check(
            "guides.User",
            "languages",
            UserFactory.create_batch(OWNERS),
            LanguageFactory.create_batch(TARGETS),
            lambda: list(through.objects.values_list("user_id", "language_id")),
        )

    def test_links_that_die_and_come_back(self):
        self.check(
            "testapp.Member",
            "clubs",
            MemberFactory.create_batch(OWNERS),
            ClubFactory.create_batch(TARGETS),
            lambda: list(Membership.objects.values_list("member_id", "club_id")),
        )
