"""
Random querysets over the models of tests/testapp/models/soft_delete.py.

    world()          rows: a third of the links and of the children dead
    bury()           delete the dead links and children for good
    RandomQueries    a source of Question: a queryset and what to ask of it

Every question has one answer whatever the order in which a database finds rows, so that answers can
be compared; a queryset can be asked twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import (
    Avg,
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.utils import timezone

from gorm_assoc.models import SoftDeleteModel
from tests.testapp.models import Book, Friendship, Genre, Loan, Reader, Review, Shelving

DYING = (Loan, Friendship, Shelving, Review)

# Of each model: relations to walk, and columns with the values that conditions ask for.
NUMBERS = (0, 1, 2, 3)
NAMES = ("a", "b", "c")
RELATIONS: dict[type[models.Model], dict[str, type[models.Model]]] = {
    Reader: {
        "books": Book,
        "friends": Reader,
        "friend_of": Reader,
        "reviews": Review,
        "review": Review,
        "loans": Loan,
    },
    Book: {"readers": Reader, "genres": Genre, "reviews": Review, "review": Review, "loans": Loan},
    Genre: {"books": Book},
    Review: {"book": Book, "reader": Reader},
    Loan: {"book": Book, "reader": Reader},
}
COLUMNS: dict[type[models.Model], dict[str, tuple[Any, ...]]] = {
    Reader: {"name": NAMES, "age": NUMBERS},
    Book: {"title": NAMES, "year": NUMBERS, "locale": ("en", "fr")},
    Genre: {"name": NAMES},
    Review: {"stars": NUMBERS},
    Loan: {"note": NAMES, "weight": NUMBERS},
}
TO_MANY = {
    Reader: ("books", "friends", "friend_of", "reviews", "loans"),
    Book: ("readers", "genres", "reviews", "loans"),
    Genre: ("books",),
}
EXISTS = {  # model: (rows, the relation that leads back)
    Reader: [(Loan, "reader__pk"), (Review, "reader__pk"), (Book, "readers__pk"), (Reader, "friends__pk")],
    Book: [(Review, "book__pk"), (Loan, "book__pk"), (Reader, "books__pk"), (Genre, "books__pk")],
    Genre: [(Book, "genres__pk")],
    Review: [(Reader, "reviews__pk"), (Book, "reviews__pk")],
    Loan: [],
}


def world(seed: int) -> None:
    """A few rows of everything; in every table of DYING about a third is dead."""
    rng, now = random.Random(seed), timezone.now()

    def some(values: tuple[Any, ...]) -> Any:
        return rng.choice((None, *values))

    def death(likely: float = 0.35) -> Any:
        return now if rng.random() < likely else None

    readers = [
        Reader(id=number, name=rng.choice(NAMES), age=some(NUMBERS), deleted_at=death(0.2)) for number in range(1, 9)
    ]
    books = [
        Book(id=number, locale=locale, title=rng.choice(NAMES), year=some(NUMBERS))
        for number in range(1, 5)
        for locale in ("en", "fr")
    ]
    genres = [Genre(id=number, name=rng.choice(NAMES)) for number in range(1, 6)]
    for rows in (readers, books, genres):
        type(rows[0])._base_manager.bulk_create(rows)
    loans = [
        Loan(reader=reader, book=book, note=rng.choice(NAMES), weight=some(NUMBERS), deleted_at=death())
        for reader in readers
        for book in books
        if rng.random() < 0.35
    ]
    friendships = [
        Friendship(reader=reader, friend=friend, deleted_at=death())
        for reader in readers
        for friend in readers
        if rng.random() < 0.3
    ]
    shelvings = [
        Shelving(book=book, genre=genre, deleted_at=death())
        for book in books
        for genre in genres
        if rng.random() < 0.35
    ]
    reviews = [
        Review(
            id=number,
            reader=rng.choice(readers),
            book=rng.choice((None, *books)),
            stars=some(NUMBERS),
            deleted_at=death(),
        )
        for number in range(1, 19)
    ]
    for rows in (loans, friendships, shelvings, reviews):
        type(rows[0])._base_manager.bulk_create(rows)


def bury() -> int:
    """Delete what is dead among links and children for good; how many rows that was."""
    return sum(model._base_manager.filter(deleted_at__isnull=False).delete()[0] for model in DYING)


@dataclass(frozen=True)
class Question:
    """A queryset and what is asked of it."""

    rows: QuerySet[Any]
    name: str
    ask: Callable[[QuerySet[Any]], Any]

    def answer(self) -> tuple[bool, Hashable]:
        """Whether it is a valid question, and the answer in an order of its own (or what went wrong)."""
        try:
            with transaction.atomic():
                answer = self.ask(self.rows.all())
        except Exception as error:  # whatever Django or the database cannot do, composite keys above all
            return False, type(error).__name__
        return True, answer

    def __str__(self) -> str:
        try:
            return f"{self.name} of {self.rows.query}"
        except Exception as error:
            return f"{self.name} of {self.rows.model.__name__} ({type(error).__name__})"


class UndoError(Exception):
    pass


def _ordered(rows: Any) -> tuple[Any, ...]:
    return tuple(sorted(rows, key=repr))


def _keys(rows: QuerySet[Any]) -> tuple[Any, ...]:
    return _ordered(row.pk if isinstance(row, models.Model) else _frozen(row) for row in rows)


def _frozen(row: Any) -> Any:
    return tuple(sorted(row.items())) if isinstance(row, dict) else row


def _undone(change: Callable[[QuerySet[Any]], Any]) -> Callable[[QuerySet[Any]], Any]:
    def ask(rows: QuerySet[Any]) -> Any:
        answer = None
        try:
            with transaction.atomic():
                answer = change(rows)
                raise UndoError
        except UndoError:
            return answer

    return ask


class RandomQueries:
    """Questions without end, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def question(self) -> Question | None:
        """The next question; None if Django refuses to build it."""
        model = self.random.choice((Reader, Reader, Reader, Book, Book, Genre, Review, Loan))
        try:
            rows = self.rows(model, depth=2)
            return self.asked(rows)
        except Exception:
            return None

    # The queryset

    def rows(self, model: type[models.Model], depth: int) -> QuerySet[Any]:
        rows = model._default_manager.all()
        for _ in range(self.random.choices((1, 2, 3), (6, 3, 1))[0]):
            rows = self.random.choice(self.steps)(self, rows, depth)
        return rows

    def filtered(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        return rows.filter(self.condition(rows.model, depth))

    def excluded(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        return rows.exclude(self.condition(rows.model, depth))

    def having(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        aggregate = self.aggregate(rows.model)
        name = self.name(rows)
        lookup = self.random.choice(("gt", "lte", "exact", "isnull"))
        value = self.random.random() < 0.5 if lookup == "isnull" else self.random.choice((0, 1, 2))
        return rows.annotate(**{name: aggregate}).filter(**{f"{name}__{lookup}": value})

    def exists(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        choices = EXISTS[rows.model]
        if not choices or depth == 0:
            return self.filtered(rows, depth)
        model, back = self.random.choice(choices)
        inner = Exists(self.rows(model, depth - 1).filter(**{back: OuterRef("pk")}))
        if self.random.random() < 0.5:
            name = self.name(rows)
            return rows.annotate(**{name: inner}).filter(**{name: self.random.random() < 0.5})
        return rows.filter(inner if self.random.random() < 0.5 else ~inner)

    def filtered_relation(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        if rows.model not in TO_MANY:
            return self.filtered(rows, depth)
        relation = self.random.choice(TO_MANY[rows.model])
        target = RELATIONS[rows.model][relation]
        name = self.name(rows)
        condition = Q(**{f"{relation}__{lookup}": value for lookup, value in [self.lookup(target)]})
        rows = rows.annotate(**{name: FilteredRelation(relation, condition=condition)})
        lookup, value = self.lookup(target)
        if self.random.random() < 0.5:
            return rows.filter(**{f"{name}__{lookup}": value})
        return rows.filter(**{f"{name}__isnull": self.random.random() < 0.5})

    def cased(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        name = self.name(rows)
        case = Case(When(self.condition(rows.model, 1), then=Value(1)), default=Value(0))
        return rows.annotate(**{name: case}).filter(**{name: self.random.choice((0, 1))})

    def ordered(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        return rows.order_by(self.column_path(rows.model, 2), "pk")

    def either(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        return self.filtered(rows, depth) | self.excluded(rows, depth)

    def both(self, rows: QuerySet[Any], depth: int) -> QuerySet[Any]:
        return self.filtered(rows, depth) & self.filtered(rows, depth)

    steps = (
        [filtered] * 6
        + [excluded] * 5
        + [exists] * 2
        + [filtered_relation] * 2
        + [cased, ordered, either, both, having]
    )

    # Conditions

    def condition(self, model: type[models.Model], depth: int) -> Q:
        if depth == 0 or self.random.random() < 0.5:
            leaf = self.leaf(model, depth)
            return ~leaf if self.random.random() < 0.3 else leaf
        left, right = self.condition(model, depth - 1), self.condition(model, depth - 1)
        joined = left & right if self.random.random() < 0.5 else left | right
        return ~joined if self.random.random() < 0.25 else joined

    def leaf(self, model: type[models.Model], depth: int) -> Q:
        kind = self.random.random()
        path, end = self.path(model, 3)
        if path and kind < 0.2:
            return Q(**{f"{path}__isnull": self.random.random() < 0.5})
        if path and kind < 0.35 and depth:
            return Q(**{f"{path}__in": self.rows(end, depth - 1).order_by()})
        if kind < 0.45:
            numbers = [name for name, values in COLUMNS[end].items() if values is NUMBERS]
            other = self.number_path(model)
            if numbers and other:
                lookup = self.random.choice(("", "__gt", "__lte"))
                return Q(**{f"{path}__{numbers[0]}{lookup}" if path else f"{numbers[0]}{lookup}": F(other)})
        lookup, value = self.lookup(end)
        return Q(**{f"{path}__{lookup}" if path else lookup: value})

    def lookup(self, model: type[models.Model]) -> tuple[str, Any]:
        name, values = self.random.choice(list(COLUMNS[model].items()))
        kind = self.random.choice(("", "__in", "__gt", "__lt", "__isnull"))
        if kind == "__isnull":
            return name + kind, self.random.random() < 0.5
        if kind == "__in":
            return name + kind, self.random.sample(values, self.random.randint(1, len(values)))
        return name + kind, self.random.choice(values)

    def path(self, model: type[models.Model], longest: int) -> tuple[str, type[models.Model]]:
        names = []
        for _ in range(self.random.choices(range(longest + 1), (2, 5, 3, 1)[: longest + 1])[0]):
            name, model = self.random.choice(list(RELATIONS[model].items()))
            names.append(name)
        return "__".join(names), model

    def column_path(self, model: type[models.Model], longest: int) -> str:
        path, end = self.path(model, longest)
        column = self.random.choice(list(COLUMNS[end]))
        return f"{path}__{column}" if path else column

    def number_path(self, model: type[models.Model]) -> str:
        path, end = self.path(model, 2)
        numbers = [name for name, values in COLUMNS[end].items() if values is NUMBERS]
        return "__".join(filter(None, (path, numbers[0]))) if numbers else ""

    def aggregate(self, model: type[models.Model]) -> Any:
        path = self.number_path(model)
        kind = self.random.choice((Count, Count, Sum, Max, Avg) if path else (Count,))
        path = path or self.column_path(model, 2)
        options: dict[str, Any] = {}
        if kind is Count and self.random.random() < 0.5:
            options["distinct"] = True
        if self.random.random() < 0.4:
            options["filter"] = self.condition(model, 1)
        return kind(path, **options)

    def name(self, rows: QuerySet[Any]) -> str:
        return f"x{len(rows.query.annotations) + len(rows.query._filtered_relations)}"

    # What is asked

    def asked(self, rows: QuerySet[Any]) -> Question:
        kind = self.random.choice(self.asks)
        return kind(self, rows)

    def all_rows(self, rows: QuerySet[Any]) -> Question:
        return Question(rows, "rows", _keys)

    def count(self, rows: QuerySet[Any]) -> Question:
        ask = self.random.choice((QuerySet.count, QuerySet.exists, lambda rows: rows.distinct().count()))
        return Question(rows, "count", ask)

    def values(self, rows: QuerySet[Any]) -> Question:
        names = [self.column_path(rows.model, 2) for _ in range(2)]
        return Question(rows.order_by().values_list(*names), "values", _keys)

    def grouped(self, rows: QuerySet[Any]) -> Question:
        column, aggregate = self.column_path(rows.model, 1), self.aggregate(rows.model)
        return Question(rows.order_by().values(column).annotate(found=aggregate), "groups", _keys)

    def aggregated(self, rows: QuerySet[Any]) -> Question:
        aggregate = self.aggregate(rows.model)
        return Question(rows.order_by(), "aggregate", lambda rows: rows.aggregate(found=aggregate)["found"])

    def united(self, rows: QuerySet[Any]) -> Question:
        other = self.filtered(rows.model._default_manager.all(), 1).order_by().values_list("pk")
        rows = rows.order_by().values_list("pk")
        rows = rows.union(other) if self.random.random() < 0.6 else rows.intersection(other)
        return Question(rows, "union", _keys)

    def updated(self, rows: QuerySet[Any]) -> Question:
        column, values = self.random.choice(list(COLUMNS[rows.model].items()))
        if column == "locale":
            return self.all_rows(rows)
        new = {column: self.random.choice(values)}
        return Question(rows.order_by(), "update", _undone(lambda rows: rows.update(**new)))

    def deleted(self, rows: QuerySet[Any]) -> Question:
        if not issubclass(rows.model, SoftDeleteModel):
            return self.count(rows)
        return Question(rows.order_by(), "delete", _undone(lambda rows: rows.delete()[0]))

    def prefetched(self, rows: QuerySet[Any]) -> Question:
        if rows.model not in TO_MANY:
            return Question(rows.select_related("reader"), "select_related", _keys)
        first = self.random.choice(TO_MANY[rows.model])
        target = RELATIONS[rows.model][first]
        names = [first]
        if target in TO_MANY and self.random.random() < 0.5:
            names.append(self.random.choice(TO_MANY[target]))
        inner = models.Prefetch(first, self.filtered(target._default_manager.all(), 1))
        lookup = inner if self.random.random() < 0.4 else first

        def related(row: models.Model, names: list[str]) -> Any:
            found = getattr(row, names[0]).all()
            return row.pk, _ordered(related(each, names[1:]) if names[1:] else each.pk for each in found)

        return Question(
            rows.prefetch_related(lookup, "__".join(names)),
            "prefetch",
            lambda rows: _ordered(related(row, names) for row in rows),
        )

    asks = [all_rows] * 6 + [count, values, grouped, aggregated, united, updated, deleted, prefetched]
