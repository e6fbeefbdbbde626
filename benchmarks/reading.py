"""Links read: eager loading, find, count, a filter across."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from benchmarks import alchemy, rows
from benchmarks.driver import Driver
from benchmarks.harness import OURS, Work
from benchmarks.models import PlainPerson, PlainUser
from benchmarks.writing import ALCHEMY
from example_project.guides.models import Person, User

PREFETCH = "Django's `prefetch_related`"


def works(scale: int = 1) -> Iterator[Work]:
    owners = 2_000 // scale
    yield preload(owners, 10, 200, 9)
    yield preload(owners, 10, owners * 10, 5)
    yield preload(owners * 5, 10, 200, 3)
    yield from one_owner(1_000 // scale)
    yield across(owners)


def preload(owners: int, each: int, targets: int, rounds: int) -> Work:
    engine, made = alchemy.engine(), []

    def prepare() -> None:
        if not made:
            rows.make(owners, targets)
            rows.link((n, (n * each + k) % targets + 1) for n in range(1, owners + 1) for k in range(each))
            made.append(True)

    def read(users: Any, relation: str = "languages") -> int:
        return sum(user.id * language.id for user in users for language in getattr(user, relation).all())

    def sqlalchemy() -> int:
        with Session(engine) as session:
            users = session.scalars(select(alchemy.User).options(selectinload(alchemy.User.languages)))
            return sum(user.id * language.id for user in users for language in user.languages)

    ways = {
        PREFETCH: lambda: read(PlainUser.objects.prefetch_related("own_languages"), "own_languages"),
        "SQLAlchemy's `selectinload`": sqlalchemy,
        OURS: lambda: read(User.objects.preload("languages")),
    }
    shared = "all distinct" if targets == owners * each else f"of {targets:,} targets"
    return Work(f"preload {owners:,} owners, {each} {shared} each", ways, prepare, rounds=rounds)


def one_owner(targets: int) -> Iterator[Work]:
    engine, driver, made = alchemy.engine(), Driver(), []
    joined = "FROM languages JOIN user_languages ON language_id = languages.id WHERE user_id = %s"

    def prepare() -> None:
        if not made:
            rows.make(20, targets)
            rows.link((owner, target) for owner in range(1, 21) for target in range(1, targets + 1))
            made.append(True)

    def sqlalchemy(what: Any) -> Any:
        return select(what).join(alchemy.links).where(alchemy.links.c.user_id == 7)

    def found() -> int:
        with Session(engine) as session:
            return sum(language.id for language in session.scalars(sqlalchemy(alchemy.Language)))

    def counted() -> Any:
        with Session(engine) as session:
            return session.scalar(sqlalchemy(func.count()).select_from(alchemy.Language))

    yield Work(
        f"find {targets:,}",
        {
            "Django's `all()`": lambda: sum(language.pk for language in PlainUser(pk=7).own_languages.all()),
            ALCHEMY: found,
            "the driver": lambda: sum(row[0] for row in driver.all(f"SELECT languages.* {joined}", [7])),
            OURS: lambda: sum(language.pk for language in User(pk=7).association("languages").find()),
        },
        prepare,
        rounds=31,
    )
    yield Work(
        f"count {targets:,}",
        {
            "Django's `count()`": lambda: PlainUser(pk=7).own_languages.count(),
            ALCHEMY: counted,
            "the driver": lambda: driver.all(f"SELECT COUNT(*) {joined}", [7])[0][0],
            OURS: lambda: User(pk=7).association("languages").count(),
        },
        prepare,
        rounds=31,
    )


def across(people: int) -> Work:
    """The people who live at an address, where half of the join rows are dead."""
    engine, driver, made, addresses = alchemy.engine(), Driver(), [], 100

    def prepare() -> None:
        if made:
            return
        rows.empty()
        with transaction.atomic():
            rows.insert("people", "id, name", ((n, f"person {n}") for n in range(1, people + 1)))
            rows.insert("addresses", "id, name", ((n, f"address {n}") for n in range(1, addresses + 1)))
            rows.insert(
                "person_addresses",
                "person_id, address_id, note, deleted_at",
                (
                    (n, (n + k) % addresses + 1, "", rows.NOW if k % 2 else None)
                    for n in range(1, people + 1)
                    for k in range(10)
                ),
            )
        made.append(True)

    links = alchemy.person_addresses
    query = (
        select(alchemy.Person)
        .join(links, links.c.person_id == alchemy.Person.id)
        .join(alchemy.Address, links.c.address_id == alchemy.Address.id)
        .where(links.c.deleted_at.is_(None), alchemy.Address.name == "address 7")
    )

    def sqlalchemy() -> int:
        with Session(engine) as session:
            return sum(person.id for person in session.scalars(query))

    live = PlainPerson.objects.filter(links__deleted_at=None, links__address__name="address 7")
    text = (
        "SELECT people.id, people.name FROM people JOIN person_addresses ON person_id = people.id "
        "JOIN addresses ON address_id = addresses.id WHERE person_addresses.deleted_at IS NULL AND addresses.name = %s"
    )
    return Work(
        f"filter {people:,} owners across {people * 10:,} links, half of them dead",
        {
            "Django's `filter()`": lambda: sum(person.pk for person in live.all()),
            ALCHEMY: sqlalchemy,
            "the driver": lambda: sum(row[0] for row in driver.all(text, ["address 7"])),
            OURS: lambda: sum(person.pk for person in Person.objects.filter(addresses__name="address 7")),
        },
        prepare,
        rounds=15,
    )
