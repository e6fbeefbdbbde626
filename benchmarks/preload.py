"""
Eager loading: 2,000 owners with 10 targets each, the accessor of every owner read.

    python -m benchmarks.preload [--write]     --write: the table into README.md

The candidates: Django's prefetch_related on a ManyToManyField, SQLAlchemy's selectinload, our preload.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks import harness

OWNERS, EACH = 2000, 10
CASES = (
    ("2,000 owners, 10 of 200 targets each", OWNERS, EACH, 200, 21),
    ("2,000 owners, 10 targets each, all distinct", OWNERS, EACH, OWNERS * EACH, 11),
    ("10,000 owners, 10 of 200 targets each: 100,000 links", 10_000, 10, 200, 5),
)


def fill(owners: int, each: int, targets: int) -> None:
    """Rows: owner n is linked with the targets from n * each on, round and round."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for name in ("user_languages", "users", "languages"):
            cursor.execute(f"DELETE FROM {name}")
        now = "2024-01-01 00:00:00"
        cursor.executemany(
            "INSERT INTO users (id, created_at, updated_at, name) VALUES (%s, %s, %s, %s)",
            [(n, now, now, f"user {n}") for n in range(1, owners + 1)],
        )
        cursor.executemany(
            "INSERT INTO languages (id, created_at, updated_at, name) VALUES (%s, %s, %s, %s)",
            [(n, now, now, f"language {n}") for n in range(1, targets + 1)],
        )
        links = [(n, (n * each + k) % targets + 1) for n in range(1, owners + 1) for k in range(each)]
        cursor.executemany("INSERT INTO user_languages (user_id, language_id) VALUES (%s, %s)", links)


def read(users: Any) -> int:
    return sum(user.id * language.id for user in users for language in user.languages.all())


def candidates(path: Path) -> dict[str, harness.Candidate]:
    from benchmarks.models import PlainUser
    from example_project.guides.models import User

    return {
        "Django's `prefetch_related`": lambda: read(PlainUser.objects.prefetch_related("languages")),
        "SQLAlchemy's `selectinload`": sqlalchemy(path),
        "`preload`": lambda: read(User.objects.preload("languages")),
    }


def sqlalchemy(path: Path) -> harness.Candidate:
    from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Table, Text, create_engine, select
    from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, relationship, selectinload

    class Base(DeclarativeBase):
        pass

    links = Table(
        "user_languages",
        Base.metadata,
        Column("user_id", BigInteger, ForeignKey("users.id"), primary_key=True),
        Column("language_id", BigInteger, ForeignKey("languages.id"), primary_key=True),
    )

    class Language(Base):
        __tablename__ = "languages"
        id = mapped_column(BigInteger, primary_key=True)
        created_at = mapped_column(DateTime)
        updated_at = mapped_column(DateTime)
        deleted_at = mapped_column(DateTime)
        name = mapped_column(Text)

    class User(Base):
        __tablename__ = "users"
        id = mapped_column(BigInteger, primary_key=True)
        created_at = mapped_column(DateTime)
        updated_at = mapped_column(DateTime)
        deleted_at = mapped_column(DateTime)
        name = mapped_column(Text)
        refer = mapped_column(BigInteger)
        languages = relationship(Language, secondary=links)

    engine = create_engine(f"sqlite:///{path}")

    def run() -> int:
        with Session(engine) as session:
            users = session.scalars(select(User).options(selectinload(User.languages)))
            return sum(user.id * language.id for user in users for language in user.languages)

    return run


def main() -> None:
    tables = []
    with harness.database() as path:
        ways = candidates(path)
        for title, owners, each, targets, rounds in CASES:
            fill(owners, each, targets)
            tables.append(harness.table(title, harness.measure(ways, rounds)))
            print(f"{tables[-1]}\n", flush=True)
        if "--write" in sys.argv:
            harness.write("preload", "\n\n".join((*tables, f"{harness.versions()}, one run.")))


if __name__ == "__main__":
    main()
