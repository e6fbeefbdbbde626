"""The rows of new objects hold what Django's save() would have put there."""

from __future__ import annotations

import datetime
import decimal

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection
from django.db.models import Value
from django.db.models.functions import Upper

from example_project.guides.models import Language, User
from gorm_assoc.kinds import insertion
from gorm_assoc.models import Association
from tests.factories import UserFactory
from tests.testapp.models import Chit, Coupon, Depot, Disc, Locker, Parcel, Rack, Sign

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("count", [1, 3, 150])]


def numbered(count: int) -> list[Language]:
    return [Language(name=f"language {number}") for number in range(count)]


def test_each_object_gets_the_key_of_its_own_row(count):
    created = numbered(count)

    UserFactory().languages.append(*created)

    assert {language.pk: language.name for language in created} == dict(Language.objects.values_list("pk", "name"))
    assert not any(language._state.adding for language in created)


def test_objects_with_a_key_and_without_one_go_in_together(count):
    keyed = [Language(pk=10_000 + number, name=f"keyed {number}") for number in range(count)]
    created = [one for pair in zip(numbered(count), keyed, strict=True) for one in pair]

    UserFactory().languages.append(*created)

    assert {language.pk: language.name for language in created} == dict(Language.objects.values_list("pk", "name"))


def test_each_object_gets_the_key_of_its_own_row_over_several_statements(count, monkeypatch):
    monkeypatch.setattr(insertion, "_most_rows", lambda width, using: 2)
    monkeypatch.setattr(insertion, "FEW", 1000)
    created = numbered(count)

    UserFactory().languages.append(*created)

    assert {language.pk: language.name for language in created} == dict(Language.objects.values_list("pk", "name"))


def test_all_objects_of_a_call_have_one_time(count):
    users = User.objects.create_many(User(name=f"user {number}", languages=numbered(2)) for number in range(count))

    languages = [language for user in users for language in user.languages.all()]
    assert len({language.created_at for language in languages}) == 1
    assert {language.created_at for language in languages} == {language.updated_at for language in languages}


def test_update_modified_is_heeded(count):
    created = numbered(count)
    for language in created:
        language.update_modified = False

    UserFactory().languages.append(*created)

    assert set(Language.objects.values_list("updated_at", flat=True)) == {None}
    assert None not in set(Language.objects.values_list("created_at", flat=True))


def test_days_that_django_fills_in_are_on_the_object_as_in_its_row(count):
    parcels = [Parcel(name="x") for _ in range(count)]

    Depot.objects.create().parcels.append(*parcels)

    days = {(parcel.sent_on, parcel.seen_on) for parcel in parcels}
    assert {type(day) for both in days for day in both} == {datetime.date}
    assert set(Parcel.objects.values_list("sent_on", "seen_on")) == days


def test_files_are_stored_with_their_rows(count):
    bills = [ContentFile(b"%d" % number, name="bill.txt") for number in range(count)]

    Depot.objects.create().parcels.append(*(Parcel(name="x", bill=bill) for bill in bills))

    assert {int(parcel.bill.read()) for parcel in Parcel.objects.all()} == set(range(count))


def test_a_target_without_the_whole_key_is_refused(count):
    discs = [Disc(published="2020-01-01") for _ in range(count)]

    with pytest.raises(IntegrityError, match=r"^testapp\.Rack\.discs cannot be saved"):
        Association(Rack.objects.create(), "discs").append(*discs)

    assert not Disc.objects.exists()


def test_a_generated_column_is_left_to_the_database(count):
    Depot.objects.create().parcels.append(*(Parcel(name=f"x{number}") for number in range(count)))

    assert set(Parcel.objects.values_list("label", flat=True)) == {f"X{number}" for number in range(count)}


def test_a_default_of_the_database_stands_beside_values_that_are_given(count):
    coupons = [Coupon(), *(Coupon(worth=number) for number in range(count))]

    Depot.objects.create().coupons.append(*coupons)

    stored = Coupon.objects.in_bulk([coupon.pk for coupon in coupons])
    assert [stored[coupon.pk].worth for coupon in coupons] == [7, *range(count)]


def test_an_object_gets_the_default_of_the_database_as_from_bulk_create(count):
    ours, djangos = [Coupon() for _ in range(count)], [Coupon() for _ in range(count)]

    Depot.objects.create().coupons.append(*ours)
    Coupon.objects.bulk_create(djangos)

    assert {type(coupon.__dict__.get("worth")) for coupon in ours} == {
        type(coupon.__dict__.get("worth")) for coupon in djangos
    }


def test_rows_that_have_nothing_but_a_key(count):
    chits = [Chit() for _ in range(count)]

    Depot.objects.create().chits.append(*chits)

    assert {chit.pk for chit in chits} == set(Chit.objects.values_list("pk", flat=True))
    assert len({chit.pk for chit in chits} - {None}) == count


def test_a_field_that_sets_its_parameter_in_other_sql(count):
    Depot.objects.create().signs.append(*(Sign(text=f"stop {number}") for number in range(count)))

    assert set(Sign.objects.values_list("text", flat=True)) == {f"STOP {number}" for number in range(count)}


def test_an_expression_is_computed_by_the_database(count):
    created = [Language(name=Upper(Value("x"))), *numbered(count)]

    UserFactory().languages.append(*created)

    assert Language.objects.get(pk=created[0].pk).name == "X"
    assert Language.objects.count() == count + 1


def test_values_are_converted_as_by_their_fields(count):
    rack = Rack.objects.create()
    day = datetime.date(2020, 1, 1)
    texts = [str(day + datetime.timedelta(days=number)) for number in range(count)]

    Association(rack, "discs").append(*(Disc(published=text, price="9.5") for text in texts))

    stored = Disc.objects.order_by("published")
    assert [str(disc.published) for disc in stored] == texts
    assert {disc.price for disc in stored} == {decimal.Decimal("9.50")}


@pytest.mark.skipif(connection.vendor == "postgresql", reason="PostgreSQL has no texts with a null character")
def test_a_text_with_a_null_character_is_not_cut(count):
    created = [Language(name=f"a\0{number}") for number in range(count)]

    UserFactory().languages.append(*created)

    assert set(Language.objects.values_list("name", flat=True)) == {f"a\0{number}" for number in range(count)}


def test_nothing_is_stored_if_one_row_is_refused(count):
    created = [*numbered(count), Language(name=None)]

    with pytest.raises(Exception, match=r"guides\.User\.languages cannot be saved"):
        UserFactory().languages.append(*created)

    assert not Language.objects.exists()
    assert all(language.pk is None and language._state.adding for language in created)


def test_an_object_knows_the_times_of_its_row(count):
    created = numbered(count)

    UserFactory().languages.append(*created)

    stored = dict(Language.objects.values_list("pk", "created_at"))
    assert {language.pk: language.created_at for language in created} == stored


def test_a_key_that_was_taken_away_is_made_by_its_default(count):
    disc = Disc.objects.create(published="2020-01-01", price="9.5")
    racks = [Rack(pk=None) for _ in range(count)]

    Association(disc, "racks").append(*racks)

    assert {rack.pk for rack in racks} == set(Rack.objects.values_list("pk", flat=True))
    assert len({rack.pk for rack in racks} - {None}) == count


def test_so_is_a_whole_number(count):
    lockers = [Locker(pk=None) for _ in range(count)]

    Depot.objects.create().lockers.append(*lockers)

    assert {locker.pk for locker in lockers} == set(Locker.objects.values_list("pk", flat=True))
    assert len({locker.pk for locker in lockers}) == count
    assert min(locker.pk for locker in lockers) >= 1000


@pytest.mark.django_db(databases=["default", "other"])
def test_new_objects_go_to_the_database_that_is_written(count):
    user = User.objects.using("other").create(name="ann", refer=1)
    expression, created = Language(name=Upper(Value("x"))), numbered(count)

    Association(user, "languages").append(*created, expression)

    assert Language.objects.using("other").count() == count + 1
    assert not Language.objects.using("default").exists()
    assert {language._state.db for language in (*created, expression)} == {"other"}
