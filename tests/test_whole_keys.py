"""exclude() across relations whose keys have several columns: what it finds is what filter() does not."""

from __future__ import annotations

import pickle
from itertools import product

import pytest
from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet

from tests.random_queries import COLUMNS, RELATIONS, world
from tests.testapp.models import Book, Loan, Reader

pytestmark = pytest.mark.django_db

# Our querysets, and Django's own, as a plain models.Model has them.
ROWS = {"ours": lambda model: model._default_manager.all(), "django": QuerySet}


@pytest.fixture(params=ROWS)
def rows(request):
    return ROWS[request.param]


def paths(model):
    """Lookups of one and two steps, with the model at their end."""
    for name, target in RELATIONS[model].items():
        yield name, target
        for further, end in RELATIONS[target].items():
            yield f"{name}__{further}", end


def found(queryset):
    return sorted(row.pk for row in queryset)


@pytest.mark.parametrize("model", RELATIONS)
def test_exclude_finds_what_filter_does_not(rows, model):
    world(7)
    rows = rows(model)
    every = set(found(rows))
    assert len(every) > 4

    for path, end in paths(model):
        for column, values in COLUMNS[end].items():
            for lookup, value in ((column, values[0]), (f"{column}__in", values[:2]), (f"{column}__isnull", True)):
                condition = {f"{path}__{lookup}": value}
                assert set(found(rows.exclude(**condition))) == every - set(found(rows.filter(**condition))), condition


def test_a_condition_and_its_negation_on_the_same_link(rows):
    world(7)

    for name, year in product("abc", range(4)):
        readers = rows(Reader).filter(Q(books__title=name) & ~Q(books__year=year)).distinct()
        loans = Loan.objects.select_related("book")
        assert found(readers) == sorted(
            {loan.reader_id for loan in loans if loan.book.title == name and loan.book.year != year}
            & set(found(rows(Reader)))
        )


def test_a_value_of_the_outer_query(rows):
    world(7)
    inner = rows(Book).exclude(readers__name=OuterRef("name")).filter(pk=(1, "en"))

    readers = rows(Reader).filter(Exists(inner))

    names = Loan.objects.filter(book=(1, "en")).values("reader__name")
    assert found(readers) == found(rows(Reader).exclude(name__in=names))


def test_such_a_query_can_be_pickled_and_combined(rows):
    world(7)
    books = rows(Book).exclude(readers__name="a")
    copy = books.all()
    copy.query = pickle.loads(pickle.dumps(books.query))

    assert found(copy) == found(books)
    assert found(copy.exclude(genres__name="b")) == found(books.exclude(genres__name="b"))
    assert found((books | rows(Book).filter(readers__name="a")).distinct()) == found(rows(Book))


def test_a_condition_and_the_negation_of_one_further_on(rows):
    world(7)

    for name, genre in product("abc", "abc"):
        readers = rows(Reader).filter(Q(books__title=name) & ~Q(books__genres__name=genre)).distinct()
        loans = Loan.objects.filter(book__title=name).select_related("book")
        assert found(readers) == sorted(
            {loan.reader_id for loan in loans if not rows(Book).filter(pk=loan.book.pk, genres__name=genre).exists()}
            & set(found(rows(Reader)))
        )


def test_a_relation_with_a_condition_of_its_own(rows):
    world(7)

    for stars in range(3):
        books = rows(Book).annotate(given=FilteredRelation("reviews", condition=Q(reviews__stars=stars)))

        assert set(found(books.filter(given__isnull=False))) == set(found(rows(Book).filter(reviews__stars=stars)))
        assert set(found(books.filter(given__isnull=True))) == set(found(rows(Book).exclude(reviews__stars=stars)))


def test_a_condition_and_its_negation_on_a_link_between_rows_of_one_model(rows):
    ann, bob, cid = (Reader.objects.create(name=name, age=age) for name, age in (("ann", 1), ("bob", 2), ("bob", 3)))
    ann.friends.append(bob, cid)
    cid.friends.append(bob)

    friends = rows(Reader).filter(Q(friends__name="bob") & ~Q(friends__age=2)).distinct()

    assert found(friends) == [ann.pk]
