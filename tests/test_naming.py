from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from gorm_assoc.naming import NamingStrategy, camel_case, cut, go_name, plural, singular

VECTORS = json.loads(gzip.decompress((Path(__file__).parent / "conformance" / "naming.json.gz").read_bytes()))


def test_every_recorded_name_is_what_gorm_makes_of_it():
    strategy = NamingStrategy()

    made = [
        {
            "name": name,
            "column": strategy.column_name(name),
            "table": strategy.table_name(name),
            "join_table": strategy.join_table_name(name),
            "index_of_four_times_the_name": cut(strategy.index_name(name * 4, name)),
        }
        for name in (vector["name"] for vector in VECTORS)
    ]

    assert len(VECTORS) == 3000
    assert [(want, got) for want, got in zip(VECTORS, made, strict=True) if want != got] == []


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("", ""),
        ("X", "x"),
        ("ID", "id"),
        ("UserID", "user_id"),
        ("User_ID", "user_id"),
        ("user_id", "user_id"),
        ("SHA256Hash", "sha256_hash"),
        ("A1B2", "a1_b2"),
        ("iPhone", "i_phone"),
        ("MyHTTPSUrl", "my_http_s_url"),
        ("GRAMMAR", "g_ram_mar"),
        ("NaïveName", "naïve_name"),
        ("CaféBar", "caféBar"),
    ],
)
def test_a_column_is_the_field_in_snake_case(field, column):
    assert NamingStrategy().column_name(field) == column


@pytest.mark.parametrize(
    ("strategy", "column", "table", "join_table", "lower_join_table"),
    [
        (NamingStrategy(), "user_info", "user_infos", "user_infos", "user_info"),
        (NamingStrategy(table_prefix="t_"), "user_info", "t_user_infos", "t_user_infos", "t_user_info"),
        (NamingStrategy(singular_table=True), "user_info", "user_info", "user_info", "user_info"),
        (NamingStrategy(no_lower_case=True), "UserInfo", "UserInfos", "UserInfos", "user_infos"),
        (
            NamingStrategy(name_replacer=lambda name: name.replace("Info", "Data")),
            "user_data",
            "user_data",
            "user_data",
            "user_info",
        ),
    ],
)
def test_each_knob_changes_what_gorms_changes(strategy, column, table, join_table, lower_join_table):
    assert strategy.column_name("UserInfo") == column
    assert strategy.table_name("UserInfo") == table
    assert strategy.join_table_name("UserInfo") == join_table
    assert strategy.join_table_name("user_info") == lower_join_table


def test_a_lower_case_join_table_is_taken_as_it_is():
    assert NamingStrategy().join_table_name(" user_language ") == " user_language "


def test_constraints_and_indexes_are_named_for_table_and_column():
    strategy = NamingStrategy()

    assert strategy.foreign_key_name("user_languages", "User") == "fk_user_languages_user"
    assert strategy.foreign_key_name("users", "CreditCard") == "fk_users_credit_card"
    assert strategy.index_name("users", "DeletedAt") == "idx_users_deleted_at"
    assert strategy.unique_name("users", "Email") == "uni_users_Email"
    assert strategy.check_name("users", "age") == "chk_users_age"


def test_a_dot_in_a_table_is_an_underscore_in_the_names_of_its_constraints():
    strategy = NamingStrategy()

    assert strategy.foreign_key_name("shop.users", "Company") == "fk_shop_users_company"
    assert strategy.index_name("shop.users", "Name") == "idx_shop_users_name"
    assert strategy.unique_name("shop.users", "name") == "uni_shop_users_name"
    assert strategy.check_name("shop.users", "name") == "chk_shop_users_name"


def test_a_name_is_never_cut_by_the_strategy():
    assert len(NamingStrategy(identifier_max_length=20).index_name("t" * 40, "F" * 40)) == 85


def test_a_name_as_long_as_allowed_is_not_cut():
    assert cut("n" * 64) == "n" * 64
    assert cut("n" * 63, 63) == "n" * 63


def test_a_longer_name_ends_in_eight_digits_of_its_hash():
    assert cut("n" * 65) == "n" * 56 + "9a518505"
    assert cut("n" * 64, 63) == "n" * 55 + "49f71cc1"


def test_characters_are_counted_and_bytes_are_cut():
    assert cut("é" * 64) == "é" * 64
    assert cut("é" * 65)[:-8] == "é" * 28
    assert cut("n" + "é" * 64)[:-8] == "n" + "é" * 27  # 55 bytes: the 56th is half a character


@pytest.mark.parametrize(
    ("model", "field", "column"),
    [
        ("User", "id", "user_id"),
        ("Blog", "locale", "blog_locale"),
        ("UserInfo", "id", "user_info_id"),
        ("User", "user_refer_id", "user_user_refer_id"),
        ("API", "id", "api_id"),
        ("User", "name2", "user_name2"),
        ("User", "address_2", "user_address_2"),
        ("User", "idea", "user_idea"),
        ("User", "Name", "user_Name"),
    ],
)
def test_a_join_column_is_the_model_and_the_field(model, field, column):
    assert NamingStrategy().join_column(model, field) == column


def test_a_join_column_keeps_its_go_name_without_lower_case():
    assert NamingStrategy(no_lower_case=True).join_column("User", "user_refer_id") == "UserUserReferID"


@pytest.mark.parametrize(
    ("python", "go", "camel"),
    [
        ("id", "ID", "Id"),
        ("user_refer_id", "UserReferID", "UserReferId"),
        ("id_card", "IDCard", "IdCard"),
        ("user_languages", "UserLanguages", "UserLanguages"),
        ("UserReferID", "UserReferID", "UserReferID"),
        ("_hidden__name_", "HiddenName", "HiddenName"),
    ],
)
def test_a_python_name_becomes_a_go_name_and_a_class_name(python, go, camel):
    assert (go_name(python), camel_case(python)) == (go, camel)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("person", "people"),
        ("child", "children"),
        ("mouse", "mice"),
        ("index", "indices"),
        ("matrix", "matrices"),
        ("status", "statuses"),
        ("bus", "buses"),
        ("box", "boxes"),
        ("quiz", "quizzes"),
        ("category", "categories"),
        ("address", "addresses"),
        ("hero", "heros"),
        ("tomato", "tomatoes"),
        ("leaf", "leaves"),
        ("wife", "wives"),
        ("half", "halves"),
        ("hive", "hives"),
        ("drive", "drives"),
        ("analysis", "analyses"),
        ("crisis", "crises"),
        ("axis", "axes"),
        ("octopus", "octopi"),
        ("datum", "data"),
        ("news", "news"),
        ("series", "series"),
        ("movie", "movies"),
        ("cookie", "cookies"),
        ("database", "databases"),
        ("language", "languages"),
        ("friend", "friends"),
        ("follower", "followers"),
        ("move", "moves"),
        ("sex", "sexes"),
        ("ox", "oxen"),
        ("tooth", "teeth"),
        ("woman", "women"),
        ("best_friend", "best_friends"),
        ("Salesperson", "Salespeople"),
        ("PERSON", "PEOPLE"),
        ("CATEGORY", "CATEGORIES"),
        ("FancyBox", "FancyBoxes"),
    ],
)
def test_singular_takes_back_plural(one, many):
    assert plural(one) == many
    assert singular(many) == one
    assert singular(one) == one


def test_a_plural_of_other_origin_has_a_singular():
    assert singular("heroes") == "hero"
    assert singular("feet") == "foot"


def test_a_word_that_is_no_plural_is_its_own_singular():
    assert singular("following") == "following"
    assert singular("") == ""


@pytest.mark.parametrize("word", ["name2", "series", "Sheep", "MONEY", "news", "data", "people2", "oxen", "mice", ""])
def test_some_words_have_no_plural_of_their_own(word):
    assert plural(word) == word


def test_only_a_whole_word_is_uncountable():
    assert plural("user_equipment") == "user_equipments"
