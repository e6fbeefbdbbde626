from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gorm_assoc.options import ConstraintOptions, Mistake, RelationOptions, parse, parse_constraint


def test_nothing_given_says_nothing():
    assert parse() == RelationOptions()
    assert parse().constraint is None


def test_a_tag_gives_each_option():
    options = parse(
        "many2many:user_profiles;foreignKey:Refer;joinForeignKey:UserReferID;References:UserRefer;"
        "joinReferences:ProfileRefer;constraint:OnUpdate:CASCADE,OnDelete:SET NULL"
    )

    assert options == RelationOptions(
        many2many="user_profiles",
        foreign_key=("Refer",),
        references=("UserRefer",),
        join_foreign_key=("UserReferID",),
        join_references=("ProfileRefer",),
        constraint=ConstraintOptions(on_delete="SET NULL", on_update="CASCADE"),
    )


def test_keywords_give_the_same_as_the_tag():
    keywords = parse(
        many2many="locale_blog_tags",
        foreign_key=["id", "locale"],
        references=("id",),
        join_foreign_key="BlogID, BlogLocale",
        join_references="TagID",
        constraint="-",
    )

    assert keywords == parse(
        "many2many:locale_blog_tags;foreignKey:id,locale;references:id;joinForeignKey:BlogID,BlogLocale;"
        "joinReferences:TagID;constraint:-"
    )


def test_tag_and_keywords_can_be_mixed():
    options = parse("many2many:user_languages", constraint="OnDelete:CASCADE")

    assert options.many2many == "user_languages"
    assert options.constraint == ConstraintOptions(on_delete="CASCADE")
    assert options.mistakes == ()


@pytest.mark.parametrize("tag", ["FOREIGNKEY:id;;", " ForeignKey :id", "foreignkey: id ;", ";foreignKey:id; ;"])
def test_case_spaces_and_empty_settings_in_a_tag_do_not_matter(tag):
    assert parse(tag) == RelationOptions(foreign_key=("id",))


def test_a_join_table_is_kept_verbatim():
    assert parse("many2many: x ").many2many == " x "
    assert parse(r"many2many:a\;b:c").many2many == "a;b:c"


@pytest.mark.parametrize("empty", ["", [], ()])
def test_an_empty_keyword_says_nothing(empty):
    assert parse("references:id", references=empty) == RelationOptions(references=("id",))


TAG_KEYS = (
    "The options are many2many, foreignKey, references, joinForeignKey, joinReferences, polymorphic, "
    "polymorphicType, polymorphicId, polymorphicValue, constraint."
)
KEYWORDS = (
    "The options are many2many, foreign_key, references, join_foreign_key, join_references, polymorphic, "
    "polymorphic_type, polymorphic_id, polymorphic_value, constraint."
)
ACTIONS = "CASCADE, SET NULL, SET DEFAULT, RESTRICT, NO ACTION"


@pytest.mark.parametrize(
    ("tag", "mistake"),
    [
        ("reference:id", ("reference", "A relation's tag has no option 'reference'.", "Write 'references'.")),
        (
            "joinForiegnKey:x",
            ("joinForiegnKey", "A relation's tag has no option 'joinForiegnKey'.", "Write 'joinForeignKey'."),
        ),
        ("foreign_key:x", ("foreign_key", "A relation's tag has no option 'foreign_key'.", "Write 'foreignKey'.")),
        (
            "-",
            ("-", "A relation's tag has no option '-'.", TAG_KEYS),
        ),
        (
            ":x",
            ("", "':x' has no key before the colon.", TAG_KEYS),
        ),
        ("many2many", ("many2many", "'many2many' has no value.", "Write a value after 'many2many:' or remove it.")),
        (
            "FOREIGNKEY: ",
            ("foreignKey", "'foreignKey' has no value.", "Write a value after 'foreignKey:' or remove it."),
        ),
        (
            "foreignKey:id,,locale",
            ("foreignKey", "'foreignKey' has an empty item in 'id,,locale'.", "Write foreignKey:id,locale."),
        ),
        (
            "references:,",
            ("references", "'references' has an empty item in ','.", "Name the fields or remove the option."),
        ),
        (
            "references:a;References:b",
            ("references", "'references' is given twice in the tag.", "Remove one of the two."),
        ),
        (
            5,
            (
                "tag",
                "'tag' is of type int, not a string.",
                'Write the options in one string, "many2many:user_languages".',
            ),
        ),
    ],
)
def test_a_mistake_in_a_tag_is_told_in_the_tags_spelling(tag, mistake):
    assert parse(tag).mistakes == (Mistake(*mistake),)


@pytest.mark.parametrize(
    ("keywords", "mistake"),
    [
        ({"reference": "id"}, ("reference", "A relation has no keyword 'reference'.", "Write 'references'.")),
        (
            {"joinForeignKey": "x"},
            ("joinForeignKey", "A relation has no keyword 'joinForeignKey'.", "Write 'join_foreign_key'."),
        ),
        (
            {"colour": "red"},
            ("colour", "A relation has no keyword 'colour'.", KEYWORDS),
        ),
        (
            {"foreign_key": " "},
            ("foreign_key", "'foreign_key' is blank.", "Write a value or remove it."),
        ),
        (
            {"foreign_key": ["id", ""]},
            ("foreign_key", "'foreign_key' has an empty item in 'id,'.", 'Write foreign_key="id".'),
        ),
        (
            {"foreign_key": ["id", 5]},
            (
                "foreign_key",
                "'foreign_key' has an item of type int, not a string.",
                'Write foreign_key="id" or a list of strings.',
            ),
        ),
        (
            {"foreign_key": None},
            (
                "foreign_key",
                "'foreign_key' is of type NoneType, not a string.",
                'Write foreign_key="id" or a list of strings.',
            ),
        ),
        ({"many2many": ["x"]}, ("many2many", "'many2many' is of type list, not a string.", 'Write many2many="...".')),
        (
            {"constraint": False},
            ("constraint", "'constraint' is of type bool, not a string.", 'Write constraint="...".'),
        ),
        (
            {"tag": "references:a", "references": "b"},
            ("references", "'references' is given in the tag and as a keyword.", "Remove one of the two."),
        ),
    ],
)
def test_a_mistake_in_a_keyword_is_told_in_the_keywords_spelling(keywords, mistake):
    assert parse(**keywords).mistakes == (Mistake(*mistake),)


def test_the_options_of_a_polymorphic_relation():
    tag = parse("polymorphic: Owner ;polymorphicType:Kind;PolymorphicID:SubjectID;polymorphicValue:users toys")

    assert not tag.mistakes
    assert tag == parse(
        polymorphic="Owner", polymorphic_type="Kind", polymorphic_id="SubjectID", polymorphic_value="users toys"
    )
    assert (tag.polymorphic, tag.polymorphic_id) == ("Owner", "SubjectID")


def test_what_is_right_is_kept_beside_a_mistake():
    options = parse("reference:id;many2many:a;foreignKey:id,,locale;constraint:OnDelete:CASCADE,OnUpdate:X")

    assert len(options.mistakes) == 3
    assert dataclasses.replace(options, mistakes=()) == RelationOptions(
        many2many="a", foreign_key=("id", "locale"), constraint=ConstraintOptions(on_delete="CASCADE")
    )


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", ConstraintOptions()),
        (" - ", ConstraintOptions(enabled=False)),
        ("fk_owner-1", ConstraintOptions(name="fk_owner-1")),
        ("OnDelete:CASCADE", ConstraintOptions(on_delete="CASCADE")),
        (
            "fk_owner, ondelete : set   null ,ONUPDATE:no action",
            ConstraintOptions(True, "fk_owner", "SET NULL", "NO ACTION"),
        ),
        ("OnDelete:Restrict,OnUpdate:set\tdefault", ConstraintOptions(True, "", "RESTRICT", "SET DEFAULT")),
    ],
)
def test_a_constraint_has_a_name_and_two_actions(text, options):
    assert parse_constraint(text) == (options, ())


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("OnDelete:CASCDE", "The constraint's 'OnDelete' has no action 'CASCDE'.", "Write OnDelete:CASCADE."),
        ("onupdate:SET_NULL", "The constraint's 'OnUpdate' has no action 'SET_NULL'.", "Write OnUpdate:SET NULL."),
        ("OnDelete:xyz", "The constraint's 'OnDelete' has no action 'xyz'.", f"Write one of {ACTIONS}."),
        ("OnDelete", "The constraint's 'OnDelete' has no action.", f"Write OnDelete:CASCADE or another of {ACTIONS}."),
        ("cascade", "The constraint says 'cascade', but not when.", "Write OnDelete:CASCADE or OnUpdate:CASCADE."),
        ("OnDelet:CASCADE", "The constraint has no setting 'OnDelet'.", "Write 'OnDelete'."),
        (
            "OnDelete:CASCADE,fk_x",
            "The constraint has no setting 'fk_x'.",
            "Write OnDelete:<action> or OnUpdate:<action>; a name comes first.",
        ),
        (
            "fk é",
            "The constraint has no setting 'fk é'.",
            "Write OnDelete:<action> or OnUpdate:<action>; a name comes first.",
        ),
        ("OnDelete:CASCADE,", "The constraint has an empty item.", "Remove the comma that is too many."),
        ("OnDelete:CASCADE,onDelete:RESTRICT", "The constraint says 'OnDelete' twice.", "Remove one of the two."),
    ],
)
def test_a_mistake_in_a_constraint_names_what_to_write(text, message, hint):
    assert parse_constraint(text)[1] == (Mistake("constraint", message, hint),)


def test_the_mistakes_of_a_constraint_are_those_of_the_declaration():
    assert parse("constraint:CASCADE").mistakes == parse_constraint("CASCADE")[1]


tag_like = st.lists(
    st.sampled_from(
        [
            "many2many",
            "ForeignKey",
            "references",
            "constraint",
            "OnDelete",
            "CASCADE",
            "-",
            ":",
            ";",
            ",",
            "\\",
            " ",
            "é",
        ]
    )
).map("".join)


@given(st.text() | tag_like)
def test_no_text_makes_parse_raise(text):
    options = parse(text, foreign_key=text, constraint=text)

    assert all(mistake.message.endswith(".") and mistake.hint.endswith(".") for mistake in options.mistakes)
    assert all(options.foreign_key)


values = st.none() | st.integers() | st.text() | st.binary() | st.lists(st.text() | st.integers())


@given(st.dictionaries(st.sampled_from(["tag", "many2many", "references", "constraint", "", "nope"]), values))
def test_no_value_makes_parse_raise(keywords):
    assert isinstance(parse(**keywords), RelationOptions)
