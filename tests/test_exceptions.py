from __future__ import annotations

import pickle
from types import SimpleNamespace
from uuid import UUID

import pytest

from gorm_assoc.exceptions import (
    AssociationError,
    PrimaryKeyRequired,
    RelationNotAllowed,
    ScopeError,
    UnsupportedRelation,
    ValuesLengthMismatch,
    ValueTypeMismatch,
    nearest,
)


class User:
    _meta = SimpleNamespace(label="shop.User")


class Language:
    _meta = SimpleNamespace(label="shop.Language")


class QuerySet:
    model = User

    def __repr__(self) -> str:
        raise AssertionError("a query was run for an error message")


class Opaque:
    __repr__ = QuerySet.__repr__


def test_an_unknown_relation_is_told_with_the_nearest():
    error = UnsupportedRelation(User, "langauges", ["profiles", "languages"])

    assert str(error) == "shop.User has no relation 'langauges'. Did you mean 'languages'?"
    assert error.name == "langauges"
    assert error.known == ("languages", "profiles")


def test_gorms_spelling_of_a_relation_is_near_to_ours():
    assert "Did you mean 'credit_cards'?" in str(UnsupportedRelation(User, "CreditCards", ["credit_cards"]))


@pytest.mark.parametrize(("known", "listed"), [(["b", "a"], "a, b"), ([], "none")])
def test_an_unknown_relation_without_a_near_one_lists_all(known, listed):
    assert str(UnsupportedRelation(User(), "xyz", known)) == f"shop.User has no relation 'xyz'. It has: {listed}."


def test_an_owner_without_key_is_told_which_attribute_has_no_value():
    assert str(PrimaryKeyRequired(User(), "shop.User.languages", "id", "append")) == (
        "append() on shop.User.languages needs a stored shop.User; this one has no value in 'id'. "
        "Set it or call save() first."
    )
    assert str(PrimaryKeyRequired(User(), "shop.User.profiles", "refer")) == (
        "shop.User.profiles needs a stored shop.User; this one has no value in 'refer'. Set it or call save() first."
    )


PASS = "Pass an instance, a dict of its fields, a queryset or its key."


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (User(), f"an instance of shop.User. {PASS}"),
        (User, f"the class shop.User. {PASS}"),
        (QuerySet(), f"a QuerySet of shop.User. {PASS}"),
        (None, f"None (NoneType). {PASS}"),
        (1.5, f"1.5 (float). {PASS}"),
        (b"x", f"b'x' (bytes). {PASS}"),
        (Opaque(), f"<Opaque> (Opaque). {PASS}"),
        (UUID(int=1), f"<UUID> (UUID). {PASS}"),
        ([QuerySet()], f"[<QuerySet>] (list). {PASS}"),
        ("x" * 100, f"'xxxxxxxxxxxx...xxxxxxxxxxxxx' (str). {PASS}"),
        ((1, 2), "(1, 2) (tuple). Its key is one value, 'id': pass it bare, and several in a list, not in a tuple."),
    ],
)
def test_a_wrong_value_is_described_without_its_own_repr(value, got):
    assert str(ValueTypeMismatch("shop.User.languages", value, Language, ["id"])) == (
        f"shop.User.languages takes shop.Language; got {got}"
    )


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ((1,), "(1,) (tuple). Its key has 2 values and this has 1: pass the tuple (id, locale)."),
        (5, "5 (int). Pass an instance, a dict of its fields, a queryset or its key, the tuple (id, locale)."),
    ],
)
def test_a_wrong_key_is_told_the_composite_one(value, got):
    assert str(ValueTypeMismatch("shop.Blog.tags", value, Language, ("id", "locale"))) == (
        f"shop.Blog.tags takes shop.Language; got {got}"
    )


def test_a_batch_of_another_length_is_told_both_numbers():
    error = ValuesLengthMismatch("append", 3, 2)

    assert str(error) == (
        "append() on 3 owners takes 3 values, one for each; got 2. "
        "To give several to one owner, pass a list in its place; to give the same to all, add to_all=True."
    )
    assert (error.owners, error.values) == (3, 2)


def test_a_value_of_another_database_is_told_both():
    assert str(RelationNotAllowed("shop.User.languages", User(), "replica", "default")) == (
        "shop.User.languages cannot take an instance of shop.User: it is on database 'replica', its owner's links on "
        "'default'. Pass its key, or let a router's allow_relation() say that both have the same rows."
    )


def test_unscoped_after_a_filter_is_told_to_come_first():
    assert str(ScopeError(User)) == (
        "unscoped() on a queryset of shop.User cannot reach the conditions it already has. "
        "Call unscoped() before filter(), exclude() and annotate()."
    )


ERRORS = [
    (UnsupportedRelation(User, "x", ["y"]), LookupError),
    (PrimaryKeyRequired(User, "shop.User.languages", "id"), ValueError),
    (ValueTypeMismatch("shop.User.languages", QuerySet(), Language, ["id"]), TypeError),
    (ValuesLengthMismatch("replace", 2, 1), ValueError),
    (ScopeError(User), TypeError),
    (RelationNotAllowed("shop.User.languages", User(), "replica", "default"), ValueError),
]


@pytest.mark.parametrize(("error", "builtin"), ERRORS)
def test_each_error_is_of_the_package_and_of_pythons_own_kind(error, builtin):
    assert isinstance(error, AssociationError)
    assert isinstance(error, builtin)


@pytest.mark.parametrize("error", [error for error, _ in ERRORS])
def test_an_error_survives_the_way_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize(
    ("name", "near"), [("Foreign-Key", "foreign_key"), ("refrences", "references"), ("", ""), ("x", "")]
)
def test_the_nearest_name_is_found_whatever_its_spelling(name, near):
    assert nearest(name, ["foreign_key", "references"]) == near
