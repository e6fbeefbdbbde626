"""Links and new objects written: each verb, and what one would write without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from django.db import connection, transaction
from django.utils import timezone
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from benchmarks import alchemy, rows
from benchmarks.driver import Driver
from benchmarks.harness import OURS, Way, Work
from benchmarks.models import PlainLanguage, PlainLink, PlainUser
from example_project.guides.models import Language, User
from gorm_assoc.models import Association

ADD, SET, REMOVE, CLEAR = "Django's `add()`", "Django's `set()`", "Django's `remove()`", "Django's `clear()`"
ADD_LOOP, SET_LOOP, CREATE_LOOP = "a loop of `add()`", "a loop of `set()`", "a loop of `create()` and `add()`"
ADD_AND_TOUCH = "`add()`, and the owner's `updated_at`"
BULK, SAME_TABLE = "`through.bulk_create`", "`add()` on our table"
ALCHEMY, DRIVER, FLOOR = "SQLAlchemy", "the driver's `executemany`", "the driver, one list of keys"


def works(scale: int = 1) -> Iterator[Work]:
    """`scale` -- divides the sizes, for a quick look."""
    peers = Peers()
    for links, rounds in ((1, 31), (100, 15), (10_000, 7), (1_000_000, 0)):
        yield peers.append(max(links // scale, 1), rounds)
    yield peers.replace(10_000 // scale)
    yield peers.delete(10_000 // scale)
    yield peers.clear(10_000 // scale)
    yield peers.batch_append(2_000 // scale, 10)
    yield peers.batch_replace(2_000 // scale, 10)
    yield peers.nested_create(1_000 // scale, 10)


def growth(scale: int = 1) -> Iterator[tuple[str, list[Work]]]:
    """Each verb on 1, 10 and 100 times as many links; ours alone."""
    peers = Peers()
    sizes = [max(size // scale, 1) for size in (1_000, 10_000, 100_000)]
    for name, make in (
        ("append", lambda size: peers.append(size, 5)),
        ("replace", peers.replace),
        ("delete", peers.delete),
        ("clear", peers.clear),
        ("batch append", lambda size: peers.batch_append(size // 10 or 1, 10)),
        ("batch replace", lambda size: peers.batch_replace(size // 10 or 1, 10)),
        ("nested create", lambda size: peers.nested_create(size // 100 or 1, 10)),
    ):
        yield name, [_ours_alone(make, size) for size in sizes]


def _ours_alone(make, size: int) -> Work:
    work = make(size)
    return Work(work.name, {OURS: work.ways[OURS]}, work.prepare, work.left, rounds=3)


class Peers:
    def __init__(self) -> None:
        self.driver = Driver()
        self.engine = alchemy.engine()
        self.insert = alchemy.insert_missing(self.engine.dialect.name)
        self.made: tuple[int, int] = (0, 0)

    def rows(self, owners: int, targets: int) -> None:
        if self.made != (owners, targets):
            rows.make(owners, targets)
            self.made = (owners, targets)

    # One owner

    def append(self, links: int, rounds: int) -> Work:
        keys = list(range(1, links + 1))

        def prepare() -> None:
            self.rows(1, links)
            rows.link([])

        ways: dict[str, Way] = {
            ADD: lambda: PlainUser(pk=1).own_languages.add(*keys),
            ADD_AND_TOUCH: lambda: self.add_and_touch(keys),
            SAME_TABLE: lambda: PlainUser(pk=1).languages.add(*keys),
            BULK: lambda: self.bulk_create([(1, key) for key in keys]),
            ALCHEMY: lambda: self.sqlalchemy_insert([(1, key) for key in keys]),
            DRIVER: lambda: self.driver.link([(1, key) for key in keys]),
            FLOOR: lambda: self.driver.link_at_once(1, keys),
            OURS: lambda: given(User(pk=1).association("languages").append(*keys)),
        }
        if rounds == 0:
            ways = {name: way for name, way in ways.items() if name in (ADD, DRIVER, FLOOR, OURS)}
        return Work(f"append {links:,}", with_floor(ways), prepare, rows.linked, rounds)

    def replace(self, links: int) -> Work:
        """Half of what is linked stays."""
        old, new = range(1, links + 1), list(range(links // 2 + 1, links + links // 2 + 1))

        def prepare() -> None:
            self.rows(1, links + links // 2)
            rows.link((1, key) for key in old)

        ways: dict[str, Way] = {
            SET: lambda: PlainUser(pk=1).own_languages.set(new),
            ALCHEMY: lambda: self.sqlalchemy_replace({1: new}),
            DRIVER: lambda: self.driver.replace({1: new}),
            FLOOR: lambda: self.driver.replace_at_once(1, new),
            OURS: lambda: given(User(pk=1).association("languages").replace(*new)),
        }
        return Work(f"replace {links:,}, half of them kept", with_floor(ways), prepare, rows.linked)

    def delete(self, links: int) -> Work:
        gone = list(range(1, links + 1, 2))

        def prepare() -> None:
            self.rows(1, links)
            rows.link((1, key) for key in range(1, links + 1))

        ways: dict[str, Way] = {
            REMOVE: lambda: PlainUser(pk=1).own_languages.remove(*gone),
            ALCHEMY: lambda: self.sqlalchemy_delete([(1, key) for key in gone]),
            DRIVER: lambda: self.driver.unlink([(1, key) for key in gone]),
            OURS: lambda: given(User(pk=1).association("languages").delete(*gone)),
        }
        return Work(f"delete {len(gone):,} of {links:,}", ways, prepare, rows.linked)

    def clear(self, links: int) -> Work:
        def prepare() -> None:
            self.rows(1, links)
            rows.link((1, key) for key in range(1, links + 1))

        ways: dict[str, Way] = {
            CLEAR: lambda: PlainUser(pk=1).own_languages.clear(),
            ALCHEMY: self.sqlalchemy_clear,
            "the driver's `execute`": lambda: self.driver.clear(1),
            OURS: lambda: given(User(pk=1).association("languages").clear()),
        }
        return Work(f"clear {links:,}", ways, prepare, rows.linked)

    # Many owners

    def batch_append(self, owners: int, each: int) -> Work:
        wanted = spread(owners, each, 0)
        pairs = [(owner, target) for owner, targets in wanted.items() for target in targets]

        def prepare() -> None:
            self.rows(owners, 2 * each + 200)
            self.owners(wanted)
            rows.link([])

        ways: dict[str, Way] = {
            ADD_LOOP: lambda: self.loop(lambda owner: owner.own_languages.add(*wanted[owner.pk])),
            BULK: lambda: self.bulk_create(pairs),
            ALCHEMY: lambda: self.sqlalchemy_insert(pairs),
            DRIVER: lambda: self.driver.link(pairs),
            OURS: lambda: given(Association(self.users, "languages").append(*wanted.values())),
        }
        return Work(f"append {each} each to {owners:,} owners", ways, prepare, rows.linked, rounds=3)

    def batch_replace(self, owners: int, each: int) -> Work:
        old, wanted = spread(owners, each, 0), spread(owners, each, each // 2)

        def prepare() -> None:
            self.rows(owners, 2 * each + 200)
            self.owners(wanted)
            rows.link((owner, target) for owner, targets in old.items() for target in targets)

        ways: dict[str, Way] = {
            SET_LOOP: lambda: self.loop(lambda owner: owner.own_languages.set(wanted[owner.pk])),
            ALCHEMY: lambda: self.sqlalchemy_replace(wanted),
            DRIVER: lambda: self.driver.replace(wanted),
            OURS: lambda: given(Association(self.users, "languages").replace(*wanted.values())),
        }
        return Work(f"replace 10 each of {owners:,} owners, half of them kept", ways, prepare, rows.linked, rounds=3)

    def owners(self, keys: Iterable[int]) -> None:
        """The owners are at hand, as objects."""
        self.users = [User(pk=key) for key in keys]
        self.plain_users = [PlainUser(pk=user.pk) for user in self.users]

    def loop(self, verb) -> None:
        with transaction.atomic():
            for owner in self.plain_users:
                verb(owner)

    # Objects and links

    def nested_create(self, owners: int, each: int) -> Work:
        def prepare() -> None:
            self.made = (0, 0)
            rows.empty()

        def django() -> None:
            with transaction.atomic():
                for n in range(owners):
                    user = PlainUser.objects.create(name=f"user {n}")
                    user.own_languages.add(*[PlainLanguage.objects.create(name=f"{n} {k}") for k in range(each)])

        def bulk() -> None:
            with transaction.atomic():
                users = PlainUser.objects.bulk_create(PlainUser(name=f"user {n}") for n in range(owners))
                made = [PlainLanguage(name=f"{n} {k}") for n in range(owners) for k in range(each)]
                PlainLanguage.objects.bulk_create(made)
                PlainLink.objects.bulk_create(
                    PlainLink(user_id=users[number // each].pk, language_id=language.pk)
                    for number, language in enumerate(made)
                )

        def sqlalchemy() -> None:
            with Session(self.engine) as session, session.begin():
                session.add_all(
                    alchemy.User(name=f"user {n}", languages=[alchemy.Language(name=f"{n} {k}") for k in range(each)])
                    for n in range(owners)
                )

        def driver() -> None:  # keys are counted here
            with self.driver.transaction() as cursor:
                for table, names in (
                    ("users", [f"user {n}" for n in range(owners)]),
                    ("languages", [f"{n} {k}" for n in range(owners) for k in range(each)]),
                ):
                    self.driver.executemany(
                        cursor,
                        f"INSERT INTO {table} (id, created_at, updated_at, name) VALUES (%s, %s, %s, %s)",
                        [(10**9 + number, rows.NOW, rows.NOW, name) for number, name in enumerate(names)],
                    )
                self.driver.executemany(
                    cursor,
                    "INSERT INTO user_languages (user_id, language_id) VALUES (%s, %s)",
                    [(10**9 + number // each, 10**9 + number) for number in range(owners * each)],
                )

        def ours() -> None:
            User.objects.create_many(
                User(name=f"user {n}", languages=[Language(name=f"{n} {k}") for k in range(each)])
                for n in range(owners)
            )

        ways: dict[str, Way] = {CREATE_LOOP: django}
        if connection.features.can_return_rows_from_bulk_insert:  # else its objects do not know their keys
            ways["`bulk_create`, three times"] = bulk
        ways |= {"SQLAlchemy's `add_all`": sqlalchemy, DRIVER: driver, OURS: ours}
        return Work(f"create {owners:,} owners with {each} new targets each", ways, prepare, created, rounds=3)

    # The peers' ways

    def add_and_touch(self, keys: Sequence[int]) -> None:
        """What append() does: the owner of changed links has changed, as in GORM."""
        with transaction.atomic():
            PlainUser.objects.filter(pk=1).update(updated_at=timezone.now())
            PlainUser(pk=1).own_languages.add(*keys)

    def bulk_create(self, pairs: Sequence[tuple[int, int]]) -> None:
        made = [PlainLink(user_id=owner, language_id=target) for owner, target in pairs]
        PlainLink.objects.bulk_create(made, ignore_conflicts=True)

    def sqlalchemy_insert(self, pairs: Sequence[tuple[int, int]]) -> None:
        with self.engine.begin() as link:
            link.execute(self.insert, [{"user_id": owner, "language_id": target} for owner, target in pairs])

    def sqlalchemy_delete(self, pairs: Sequence[tuple[int, int]]) -> None:
        targets = [target for _, target in pairs]
        with self.engine.begin() as link:
            link.execute(
                delete(alchemy.links).where(
                    alchemy.links.c.user_id == pairs[0][0], alchemy.links.c.language_id.in_(targets)
                )
            )

    def sqlalchemy_clear(self) -> None:
        with self.engine.begin() as link:
            link.execute(delete(alchemy.links).where(alchemy.links.c.user_id == 1))

    def sqlalchemy_replace(self, wanted: Mapping[int, Sequence[int]]) -> None:
        """What is linked is read, and the difference written."""
        table = alchemy.links
        with self.engine.begin() as link:
            held = link.execute(select(table).where(table.c.user_id.in_(wanted)))
            old = {(owner, target) for owner, target in held}
            new = {(owner, target) for owner, targets in wanted.items() for target in targets}
            by_owner: dict[int, list[int]] = {}
            for owner, target in old - new:
                by_owner.setdefault(owner, []).append(target)
            for owner, targets in by_owner.items():
                link.execute(delete(table).where(table.c.user_id == owner, table.c.language_id.in_(targets)))
            if missing := [{"user_id": owner, "language_id": target} for owner, target in new - old]:
                link.execute(self.insert, missing)


def with_floor(ways: dict[str, Way]) -> dict[str, Way]:
    """MariaDB takes no list as one parameter."""
    return {name: way for name, way in ways.items() if name != FLOOR or connection.vendor != "mysql"}


def spread(owners: int, each: int, shift: int) -> dict[int, list[int]]:
    """Owner -> its targets: `each` of them, others for each owner, `shift` further on."""
    return {n: [(n % 200) + k + shift + 1 for k in range(each)] for n in range(1, owners + 1)}


def given(changes) -> None:
    assert changes


def created() -> tuple[int, ...]:
    """How many users, languages and links between two of the same name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM languages), COUNT(*) FROM "
            f"({rows.both()}) AS links JOIN users ON users.id = user_id JOIN languages ON languages.id = language_id "
            "WHERE languages.name LIKE "
            + ("CONCAT" if connection.vendor == "mysql" else "")
            + ("(SUBSTR(users.name, 6), ' %')" if connection.vendor == "mysql" else "SUBSTR(users.name, 6) || ' %'")
        )
        return tuple(chain(cursor.fetchone()))
