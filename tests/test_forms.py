"""Each form of a many2many declaration, and what it resolves to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.db import models
from django.test import SimpleTestCase
from django.test.utils import isolate_apps

from gorm_assoc import relationship
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.models import BelongsTo, JoinTable, Many2Many, Model, SoftDeleteModel, TimestampedModel


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    """A registry for each test; its models count as those of testapp, in whose package this module is not."""
    testapp = apps.get_app_config("testapp")
    with isolate_apps("tests.testapp"), mock.patch.object(apps, "get_containing_app_config", return_value=testapp):
        yield


def columns(model: type[models.Model]) -> list[str]:
    return [field.column for field in model._meta.local_concrete_fields]


def key(model: type[models.Model]) -> list[str]:
    return [field.column for field in model._meta.pk_fields]


def pairs(model: type[models.Model], name: str) -> list[tuple[str, str]]:
    """(join column, referenced column) of a relation, the owner's first."""
    references = relationship.of(model, name).references
    return [(reference.foreign_key.column, reference.primary_key.column) for reference in references]


def foreign_keys(model: type[models.Model]) -> dict[str, tuple[tuple[str, ...], str, tuple[str, ...], str, str]]:
    return {
        found.name: (found.fields, found.to_table, found.to_columns, found.on_delete, found.on_update)
        for found in model._meta.constraints
        if isinstance(found, ForeignKeyConstraint)
    }


def indexes(model: type[models.Model]) -> dict[str, list[str]]:
    return {index.name: list(index.fields) for index in model._meta.indexes}


class TagTests(SimpleTestCase):
    def test_plain(self) -> None:
        class User(Model):
            languages = Many2Many("Language", "many2many:user_languages")

        class Language(Model):
            pass

        through = User.languages.through

        assert through.__name__ == "UserLanguage"
        assert through._meta.db_table == "user_languages"
        assert columns(through) == key(through) == ["user_id", "language_id"]
        assert pairs(User, "languages") == [("user_id", "id"), ("language_id", "id")]
        assert pairs(Language, "user_set") == [("language_id", "id"), ("user_id", "id")]
        assert foreign_keys(through) == {
            "fk_user_languages_user": (("user_id",), "users", ("id",), "", ""),
            "fk_user_languages_language": (("language_id",), "languages", ("id",), "", ""),
        }
        assert indexes(through) == {"idx_user_languages_language_id": ["language_id"]}

    def test_the_target_may_come_first(self) -> None:
        class Language(Model):
            pass

        class User(Model):
            languages = Many2Many(Language, "many2many:user_languages")

        assert key(User.languages.through) == ["user_id", "language_id"]

    def test_without_a_name_the_table_is_owner_and_relation(self) -> None:
        class Language(Model):
            pass

        class User(Model):
            languages = Many2Many(Language)

        class Plain(models.Model):
            languages = Many2Many(Language)

        assert User.languages.through._meta.db_table == "user_languages"
        assert Plain.languages.through._meta.db_table == "testapp_plain_languages"

    def test_a_self_reference_is_not_symmetrical(self) -> None:
        class User(Model):
            friends = Many2Many("self", "many2many:user_friends")

        through = User.friends.through

        assert key(through) == ["user_id", "friend_id"]
        assert sorted(foreign_keys(through)) == ["fk_user_friends_friends", "fk_user_friends_user"]
        assert [field.name for field in User._meta.related_objects if not field.hidden] == []

    def test_constraint_with_name_and_actions(self) -> None:
        class Language(Model):
            pass

        class User(Model):
            languages = Many2Many(Language, "many2many:ul;constraint:fk_mine,OnDelete:CASCADE,OnUpdate:SET NULL")
            others = Many2Many(Language, "many2many:uo;constraint:-", related_name="+")

        assert foreign_keys(User.languages.through) == {
            "fk_mine": (("user_id",), "users", ("id",), "CASCADE", "SET NULL"),
            "fk_mine_language": (("language_id",), "languages", ("id",), "CASCADE", "SET NULL"),
        }
        assert foreign_keys(User.others.through) == {}
        assert list(indexes(User.others.through)) == ["idx_uo_language_id"]

    def test_python_protects_what_the_database_refuses_and_leaves_the_rest_to_it(self) -> None:
        class Language(Model):
            pass

        class User(Model):
            plain = Many2Many(Language, "many2many:a", related_name="+")
            cascading = Many2Many(Language, "many2many:b;constraint:OnDelete:CASCADE", related_name="+")
            unchecked = Many2Many(Language, "many2many:c;constraint:-", related_name="+")

        actions = [
            getattr(User, name).through._meta.get_field("user").remote_field.on_delete
            for name in ("plain", "cascading", "unchecked")
        ]

        assert actions == [models.PROTECT, models.DO_NOTHING, models.DO_NOTHING]

    def test_string_keys_keep_type_and_length(self) -> None:
        class Language(models.Model):
            code = models.CharField(max_length=12, primary_key=True)

        class User(Model):
            speaks = Many2Many(Language, "many2many:user_speaks")

        field = User.speaks.through._meta.get_field("language_code")

        assert (type(field), field.max_length, field.column) == (models.CharField, 12, "language_code")


SUBSETS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "none": ("", [("user_id", "id"), ("profile_id", "id")]),
    "foreignKey": ("foreignKey:Refer", [("user_refer", "refer"), ("profile_id", "id")]),
    "references": ("references:UserRefer", [("user_id", "id"), ("profile_user_refer", "user_refer")]),
    "joinForeignKey": ("joinForeignKey:UserReferID", [("user_refer_id", "id"), ("profile_id", "id")]),
    "joinReferences": ("joinReferences:ProfileRefer", [("user_id", "id"), ("profile_refer", "id")]),
    "all": (
        "foreignKey:Refer;joinForeignKey:UserReferID;References:UserRefer;joinReferences:ProfileRefer",
        [("user_refer_id", "refer"), ("profile_refer", "user_refer")],
    ),
    "python names": (
        "foreignKey:refer;references:user_refer",
        [("user_refer", "refer"), ("profile_user_refer", "user_refer")],
    ),
}


@pytest.mark.parametrize("subset", SUBSETS)
def test_any_subset_of_the_four_key_options(subset: str) -> None:
    tag, expected = SUBSETS[subset]

    class Profile(Model):
        user_refer = models.BigIntegerField(unique=True)

    class User(Model):
        refer = models.BigIntegerField(unique=True)
        profiles = Many2Many(Profile, f"many2many:user_profiles;{tag}")

    assert pairs(User, "profiles") == expected
    assert key(User.profiles.through) == [column for column, _ in expected]
    assert len(foreign_keys(User.profiles.through)) == 2


class CompositeKeyTests(SimpleTestCase):
    def models(self) -> tuple[Any, Any]:
        class Tag(models.Model):
            pk = models.CompositePrimaryKey("id", "locale")
            id = models.BigIntegerField()
            locale = models.CharField(max_length=10)

        class Blog(models.Model):
            pk = models.CompositePrimaryKey("id", "locale")
            id = models.BigIntegerField()
            locale = models.CharField(max_length=10)
            tags = Many2Many(Tag, "many2many:blog_tags")
            locale_tags = Many2Many(
                Tag, "many2many:locale_blog_tags;ForeignKey:id,locale;References:id", related_name="+"
            )
            shared_tags = Many2Many(Tag, "many2many:shared_blog_tags;ForeignKey:id;References:id", related_name="+")

        return Blog, Tag

    def test_by_default_all_columns(self) -> None:
        blog, tag = self.models()

        assert key(blog.tags.through) == ["blog_id", "blog_locale", "tag_id", "tag_locale"]
        assert pairs(blog, "tags")[2:] == [("tag_id", "id"), ("tag_locale", "locale")]
        assert len(foreign_keys(blog.tags.through)) == 2
        assert indexes(blog.tags.through) == {"idx_blog_tags_tag": ["tag_id", "tag_locale"]}

    def test_overridden(self) -> None:
        blog, tag = self.models()

        assert key(blog.locale_tags.through) == ["blog_id", "blog_locale", "tag_id"]
        assert list(foreign_keys(blog.locale_tags.through)) == ["fk_locale_blog_tags_blog"]
        assert key(blog.shared_tags.through) == ["blog_id", "tag_id"]
        assert foreign_keys(blog.shared_tags.through) == {}

    def test_columns_given_for_a_part_of_the_key(self) -> None:
        blog, tag = self.models()

        class Site(Model):
            blogs = Many2Many(blog, "many2many:site_blogs;joinReferences:Number")

        assert key(Site.blogs.through) == ["site_id", "number", "blog_locale"]


class BothSidesTests(SimpleTestCase):
    def test_they_share_the_join_model_of_the_side_whose_name_begins_the_table(self) -> None:
        class Language(Model):
            users = Many2Many("User", "many2many:user_languages")

        class User(Model):
            languages = Many2Many(Language, "many2many:user_languages")

        assert Language.users.through is User.languages.through
        assert User.languages.through.__name__ == "UserLanguage"
        assert key(User.languages.through) == ["user_id", "language_id"]
        assert pairs(Language, "users") == [("language_id", "id"), ("user_id", "id")]
        assert not hasattr(User, "language_set")

    def test_back_reference_decides(self) -> None:
        class Language(Model):
            users = Many2Many("User", "many2many:user_languages")

        class User(Model):
            languages = Many2Many(Language, "many2many:user_languages", back_reference=True)

        assert User.languages.through.__name__ == "LanguageUser"
        assert key(User.languages.through) == ["language_id", "user_id"]

    def test_otherwise_the_first_label(self) -> None:
        class Zebra(Model):
            apes = Many2Many("Ape", "many2many:links")

        class Ape(Model):
            zebras = Many2Many(Zebra, "many2many:links")

        assert Zebra.apes.through.__name__ == "ApeZebra"
        assert key(Zebra.apes.through) == ["ape_id", "zebra_id"]

    def test_what_one_side_says_holds_for_both(self) -> None:
        class Language(Model):
            code = models.CharField(max_length=10, unique=True)
            users = Many2Many("User", "many2many:user_languages;foreignKey:Code;constraint:OnDelete:CASCADE")

        class User(Model):
            languages = Many2Many(Language, "many2many:user_languages;joinForeignKey:Speaker")

        assert pairs(User, "languages") == [("speaker", "id"), ("language_code", "code")]
        assert pairs(Language, "users") == [("language_code", "code"), ("speaker", "id")]
        assert {found[3] for found in foreign_keys(User.languages.through).values()} == {"CASCADE"}

    def test_each_is_the_other_s_reverse_in_queries(self) -> None:
        class Language(Model):
            users = Many2Many("User", "many2many:user_languages")

        class User(Model):
            languages = Many2Many(Language, "many2many:user_languages")

        assert str(User.objects.filter(languages__users=1).query).count("user_languages") >= 2
        assert relationship.of(User, "languages").label == "testapp.User.languages"
        assert relationship.of(Language, "users").label == "testapp.Language.users"

    def test_two_relations_between_the_same_models(self) -> None:
        class User(Model):
            languages = Many2Many("Language", "many2many:user_languages")
            wishes = Many2Many("Language", "many2many:user_wishes")

        class Language(Model):
            users = Many2Many(User, "many2many:user_languages")
            wishers = Many2Many(User, "many2many:user_wishes")

        assert Language.users.through is User.languages.through
        assert Language.wishers.through is User.wishes.through
        assert User.wishes.through is not User.languages.through


class AsymmetricTests(SimpleTestCase):
    def test_columns_named_on_both_sides(self) -> None:
        class User(Model):
            following = Many2Many("self", "many2many:follows;joinForeignKey:FollowerID;joinReferences:FollowedID")
            followers = Many2Many(
                "self",
                "many2many:follows;joinForeignKey:FollowedID;joinReferences:FollowerID",
                back_reference=True,
            )

        assert User.followers.through is User.following.through
        assert key(User.following.through) == ["follower_id", "followed_id"]
        assert pairs(User, "following") == [("follower_id", "id"), ("followed_id", "id")]
        assert pairs(User, "followers") == [("followed_id", "id"), ("follower_id", "id")]

    def test_back_reference_needs_no_columns(self) -> None:
        class User(Model):
            followers = Many2Many("self", "many2many:follows", back_reference=True)
            following = Many2Many("self", "many2many:follows")

        assert key(User.following.through) == ["user_id", "following_id"]
        assert pairs(User, "followers") == [("following_id", "id"), ("user_id", "id")]


class InheritanceTests(SimpleTestCase):
    def test_children_of_an_abstract_base_have_tables_of_their_own(self) -> None:
        class Label(Model):
            pass

        class Labelled(models.Model):
            labels = Many2Many(Label, "many2many:%(class)s_labels", related_name="%(class)s_rows")
            also = Many2Many(Label, related_name="+")

            class Meta:
                abstract = True

        class Book(Labelled):
            pass

        class Film(Labelled):
            pass

        assert Book.labels.through._meta.db_table == "book_labels"
        assert Film.labels.through._meta.db_table == "film_labels"
        assert key(Film.labels.through) == ["film_id", "label_id"]
        assert Book.also.through._meta.db_table == "testapp_book_also"
        assert relationship.of(Label, "film_rows").target is Film

    def test_mixins_in_any_order(self) -> None:
        class First(SoftDeleteModel, TimestampedModel):
            languages = Many2Many("self", "many2many:firsts")

        class Second(TimestampedModel, SoftDeleteModel):
            languages = Many2Many("self", "many2many:seconds")

        for model in (First, Second):
            assert set(columns(model)) == {"id", "created_at", "updated_at", "deleted_at"}
            assert type(model._default_manager).__name__ == "AssociationManager"
            assert key(model.languages.through)[1] == "language_id"
        assert First._meta.db_table == "testapp_first"


class JoinModelTests(SimpleTestCase):
    def test_a_join_table_s_key_is_its_first_two_relations(self) -> None:
        class UserLanguage(JoinTable):
            fluency = models.CharField(max_length=20)
            user = BelongsTo("User")
            language = BelongsTo("Language", constraint="OnDelete:CASCADE")
            teacher = BelongsTo("User", null=True)

        class User(Model):
            languages = Many2Many("Language", through="UserLanguage", constraint="OnDelete:SET NULL")

        class Language(Model):
            pass

        assert User.languages.through is UserLanguage
        assert columns(UserLanguage) == ["fluency", "user_id", "language_id", "teacher_id"]
        assert key(UserLanguage) == ["user_id", "language_id"]
        assert {name: found[3] for name, found in foreign_keys(UserLanguage).items()} == {
            "fk_user_languages_user": "SET NULL",  # the many2many's, where the relation says nothing
            "fk_user_languages_language": "CASCADE",
            "fk_user_languages_teacher": "",
        }
        assert list(indexes(UserLanguage).values()) == [["language_id"], ["teacher_id"]]

    def test_through_on_one_side_holds_for_both(self) -> None:
        class User(Model):
            languages = Many2Many("Language", "many2many:user_languages")

        class Language(Model):
            users = Many2Many(User, through="UserLanguage")

        class UserLanguage(JoinTable):
            user = BelongsTo(User)
            language = BelongsTo(Language)

        assert User.languages.through is Language.users.through is UserLanguage
        assert pairs(User, "languages") == [("user_id", "id"), ("language_id", "id")]
        assert pairs(Language, "users") == [("language_id", "id"), ("user_id", "id")]

    def test_plain_columns_get_relations_and_foreign_keys(self) -> None:
        class Person(Model):
            addresses = Many2Many("Address", through="PersonAddress")

        class Address(Model):
            pass

        class PersonAddress(JoinTable):
            person_id = models.BigIntegerField()
            address_id = models.BigIntegerField()

        assert key(PersonAddress) == ["person_id", "address_id"]
        assert sorted(foreign_keys(PersonAddress)) == ["fk_person_addresses_address", "fk_person_addresses_person"]
        assert list(indexes(PersonAddress).values()) == [["address_id"]]

    def test_plain_columns_with_a_key_of_their_own(self) -> None:
        class PersonAddress(models.Model):
            pk = models.CompositePrimaryKey("address_id", "person_id")
            person_id = models.BigIntegerField()
            address_id = models.BigIntegerField()

        class Address(Model):
            pass

        class Person(Model):
            addresses = Many2Many(Address, through=PersonAddress)

        assert key(PersonAddress) == ["address_id", "person_id"]
        assert pairs(Person, "addresses") == [("person_id", "id"), ("address_id", "id")]
        assert list(indexes(PersonAddress).values()) == [["person_id"]]

    def test_stock_foreign_keys(self) -> None:
        class Person(Model):
            addresses = Many2Many("Address", through="Home")

        class Address(Model):
            pass

        class Home(models.Model):
            address = models.ForeignKey(Address, models.CASCADE)
            person = models.ForeignKey(Person, models.CASCADE)

            class Meta:
                unique_together = [("person", "address")]

        assert pairs(Person, "addresses") == [("person_id", "id"), ("address_id", "id")]
        assert foreign_keys(Home) == {}

    def test_a_surrogate_key_is_left_alone(self) -> None:
        class Person(Model):
            addresses = Many2Many("Address", through="Home")

        class Address(Model):
            pass

        class Home(Model, JoinTable):
            person = BelongsTo(Person)
            address = BelongsTo(Address)

        assert key(Home) == ["id"]
        assert Home._meta.db_table == "homes"

    def test_a_self_reference_goes_by_the_order_of_its_relations(self) -> None:
        class Person(Model):
            friends = Many2Many("self", through="Friendship")
            befriended = Many2Many("self", through="Friendship", back_reference=True)

        class Friendship(JoinTable):
            person = BelongsTo(Person)
            friend = BelongsTo(Person)

        assert pairs(Person, "friends") == [("person_id", "id"), ("friend_id", "id")]
        assert pairs(Person, "befriended") == [("friend_id", "id"), ("person_id", "id")]

    def test_columns_or_through_fields_choose_among_several_relations(self) -> None:
        class Person(Model):
            homes = Many2Many("Address", through="Contact", related_name="+")
            billed = Many2Many("Address", "joinReferences:BillingID", through="Contact", related_name="+")
            shipped = Many2Many("Address", through="Contact", through_fields=("person", "shipping"), related_name="+")

        class Address(Model):
            pass

        class Contact(JoinTable):
            person = BelongsTo(Person)
            address = BelongsTo(Address)
            billing = BelongsTo(Address)
            shipping = BelongsTo(Address)

        chosen = [pairs(Person, name)[1][0] for name in ("homes", "billed", "shipped")]
        assert chosen == ["address_id", "billing_id", "shipping_id"]
        assert [
            Person._meta.get_field(name).deconstruct()[3]["through_fields"][1] for name in ("billed", "shipped")
        ] == [
            "billing",
            "shipping",
        ]


class BelongsToTests(SimpleTestCase):
    def test_outside_a_join_model_one_column_is_a_foreign_key(self) -> None:
        class Company(Model):
            code = models.CharField(max_length=20, unique=True)

        class User(Model):
            company = BelongsTo(Company)
            former = BelongsTo(
                Company, "references:Code;constraint:fk_it,OnDelete:CASCADE", null=True, related_name="+"
            )

        company, former = User._meta.get_field("company"), User._meta.get_field("former")

        assert (company.column, company.null, company.remote_field.on_delete) == ("company_id", False, models.PROTECT)
        assert (former.column, former.null, former.remote_field.on_delete) == ("former_code", True, models.DO_NOTHING)
        assert company.deconstruct()[1] == "django.db.models.ForeignKey"
        assert foreign_keys(User) == {
            "fk_users_company": (("company",), "companies", ("id",), "", ""),
            "fk_it": (("former",), "companies", ("code",), "CASCADE", ""),
        }

    def test_a_composite_key_is_plain_columns(self) -> None:
        class Page(models.Model):
            pk = models.CompositePrimaryKey("id", "locale")
            id = models.BigIntegerField()
            locale = models.CharField(max_length=10)

        class User(Model):
            name = models.CharField(max_length=20)
            page = BelongsTo(Page, null=True)
            age = models.IntegerField()

        assert columns(User)[-4:] == ["name", "page_id", "page_locale", "age"]
        assert foreign_keys(User)["fk_users_page"][:3] == (
            ("page_id", "page_locale"),
            "testapp_page",
            ("id", "locale"),
        )
        assert indexes(User)["idx_users_page"] == ["page_id", "page_locale"]

    def test_columns_that_the_model_has_are_used(self) -> None:
        class Employee(Model):
            manager_number = models.BigIntegerField(null=True)
            manager = BelongsTo("self", foreign_key="ManagerNumber", null=True, related_name="team")

        assert "manager_id" not in columns(Employee)
        assert foreign_keys(Employee)["fk_employees_manager"][0] == ("manager_number",)
        assert indexes(Employee)["idx_employees_manager_number"] == ["manager_number"]

    def test_a_join_row_may_be_the_target(self) -> None:
        class Visit(Model):
            stay = BelongsTo("Stay")

        class Stay(JoinTable):
            guest = BelongsTo("Guest")
            house = BelongsTo("House")

        class Guest(Model):
            pass

        class House(Model):
            pass

        assert columns(Visit)[-2:] == ["stay_guest_id", "stay_house_id"]
        assert foreign_keys(Visit)["fk_visits_stay"][1:3] == ("stays", ("guest_id", "house_id"))

    def test_each_child_of_an_abstract_base_has_its_own(self) -> None:
        class Company(Model):
            pass

        class Base(models.Model):
            company = BelongsTo(Company, related_name="%(class)s_rows")

            class Meta:
                abstract = True

        class Book(Base):
            pass

        class Film(Base):
            pass

        assert list(foreign_keys(Book)) == ["fk_testapp_book_company"]
        assert list(foreign_keys(Film)) == ["fk_testapp_film_company"]
        assert {found.get_accessor_name() for found in Company._meta.related_objects} == {"book_rows", "film_rows"}
