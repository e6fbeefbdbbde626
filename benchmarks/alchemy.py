"""The same tables in SQLAlchemy 2."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Table, Text, create_engine, event, func
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import URL, Engine
from sqlalchemy.orm import DeclarativeBase, mapped_column, relationship
from sqlalchemy.types import Integer

Key = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    pass


links = Table(
    "user_languages",
    Base.metadata,
    Column("user_id", Key, ForeignKey("users.id"), primary_key=True),
    Column("language_id", Key, ForeignKey("languages.id"), primary_key=True),
)


class Language(Base):
    __tablename__ = "languages"
    id = mapped_column(Key, primary_key=True)
    created_at = mapped_column(DateTime(timezone=True), default=func.now())
    updated_at = mapped_column(DateTime(timezone=True), default=func.now())
    deleted_at = mapped_column(DateTime(timezone=True))
    name = mapped_column(Text)


class User(Base):
    __tablename__ = "users"
    id = mapped_column(Key, primary_key=True)
    created_at = mapped_column(DateTime(timezone=True), default=func.now())
    updated_at = mapped_column(DateTime(timezone=True), default=func.now())
    deleted_at = mapped_column(DateTime(timezone=True))
    name = mapped_column(Text)
    refer = mapped_column(Key)
    languages = relationship(Language, secondary=links)


person_addresses = Table(
    "person_addresses",
    Base.metadata,
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True),
    Column("address_id", Key, ForeignKey("addresses.id"), primary_key=True),
    Column("deleted_at", DateTime(timezone=True)),
)


class Address(Base):
    __tablename__ = "addresses"
    id = mapped_column(Key, primary_key=True)
    name = mapped_column(Text)


class Person(Base):
    __tablename__ = "people"
    id = mapped_column(Key, primary_key=True)
    name = mapped_column(Text)


@cache
def engine() -> Engine:
    """On the database that Django is connected to."""
    from django.db import connection

    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        made = create_engine(URL.create("sqlite", database=str(settings["NAME"])))

        @event.listens_for(made, "connect")
        def check_keys(link: Any, record: Any) -> None:  # as Django does
            link.execute("PRAGMA foreign_keys = ON")
            link.execute(settings["OPTIONS"]["init_command"])

        return made
    name = {"postgresql": "postgresql+psycopg", "mysql": "mysql+mysqldb"}[connection.vendor]
    return create_engine(
        URL.create(
            name,
            username=settings["USER"],
            password=settings["PASSWORD"] or None,
            host=settings["HOST"],
            port=int(settings["PORT"]),
            database=settings["NAME"],
        ),
        connect_args=settings["OPTIONS"],
    )


def insert_missing(dialect: str) -> Any:
    """INSERT of the links that are not there."""
    if dialect == "mysql":
        insert = mysql.insert(links)
        return insert.on_duplicate_key_update(user_id=links.c.user_id)
    return {"sqlite": sqlite, "postgresql": postgresql}[dialect].insert(links).on_conflict_do_nothing()
