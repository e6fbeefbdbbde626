from __future__ import annotations

import pytest

from gorm_assoc import conf
from gorm_assoc.naming import NamingStrategy
from gorm_assoc.options import ConstraintOptions


class Shouting(NamingStrategy):
    def table_name(self, model: str) -> str:
        return super().table_name(model).upper()


class Broken(NamingStrategy):
    def __init__(self) -> None:
        raise RuntimeError("no")


shouting = Shouting(table_prefix="x_")


@pytest.mark.parametrize("given", [{}, None])
def test_without_keys_all_is_as_gorm_has_it(settings, given):
    settings.GORM_ASSOC = given
    if given is None:
        del settings.GORM_ASSOC

    assert conf.naming() == NamingStrategy()
    assert conf.default_constraint() == ConstraintOptions()
    assert conf.deferrable() is True
    assert conf.mistakes() == ()


def test_naming_is_built_from_the_keys_of_a_strategy(settings):
    settings.GORM_ASSOC = {
        "TABLE_PREFIX": "t_",
        "SINGULAR_TABLE": True,
        "NO_LOWER_CASE": True,
        "IDENTIFIER_MAX_LENGTH": 30,
    }

    assert conf.naming() == NamingStrategy("t_", True, True, 30)
    assert conf.mistakes() == ()


@pytest.mark.parametrize("naming", ["tests.test_conf.Shouting", Shouting])
def test_a_class_gets_the_keys_of_a_strategy(settings, naming):
    settings.GORM_ASSOC = {"NAMING": naming, "TABLE_PREFIX": "t_"}

    assert conf.naming() == Shouting(table_prefix="t_")
    assert conf.mistakes() == ()


@pytest.mark.parametrize("naming", ["tests.test_conf.shouting", shouting])
def test_an_instance_is_used_as_it_is(settings, naming):
    settings.GORM_ASSOC = {"NAMING": naming}

    assert conf.naming() is shouting
    assert conf.mistakes() == ()


def test_keys_that_an_instance_ignores_are_a_mistake(settings):
    settings.GORM_ASSOC = {"NAMING": shouting, "TABLE_PREFIX": "t_", "SINGULAR_TABLE": True}

    assert conf.naming() is shouting
    assert told() == [
        (
            "NAMING",
            'GORM_ASSOC["NAMING"] is an instance, so TABLE_PREFIX, SINGULAR_TABLE is not used.',
            "Give these to the instance, or write its class.",
        )
    ]


def test_a_default_constraint_and_immediate_keys(settings):
    settings.GORM_ASSOC = {"DEFAULT_CONSTRAINT": "OnDelete:CASCADE", "DEFERRABLE": False}

    assert conf.default_constraint() == ConstraintOptions(on_delete="CASCADE")
    assert conf.deferrable() is False


def test_no_constraint_can_be_the_default(settings):
    settings.GORM_ASSOC = {"DEFAULT_CONSTRAINT": "-"}

    assert conf.default_constraint() == ConstraintOptions(enabled=False)


def test_a_changed_setting_is_read_anew(settings):
    settings.GORM_ASSOC = {"TABLE_PREFIX": "a_"}
    before = conf.naming()

    settings.GORM_ASSOC = {"TABLE_PREFIX": "b_"}

    assert (before.table_prefix, conf.naming().table_prefix) == ("a_", "b_")


def test_another_setting_that_changes_is_no_reason_to_read_anew(settings):
    settings.GORM_ASSOC = {"NAMING": Shouting}
    before = conf.naming()

    settings.USE_I18N = not settings.USE_I18N

    assert conf.naming() is before


PATH = "Write the dotted path to a NamingStrategy that can be imported."
KEYS = (
    "NAMING, TABLE_PREFIX, SINGULAR_TABLE, NO_LOWER_CASE, IDENTIFIER_MAX_LENGTH, DEFERRABLE, STRICT, "
    "DEFAULT_CONSTRAINT"
)


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        (5, ("GORM_ASSOC", "GORM_ASSOC is of type int, not a dict.", "Write a dict.")),
        ({"TABEL_PREFIX": "t_"}, ("TABEL_PREFIX", "GORM_ASSOC has no key 'TABEL_PREFIX'.", "Write 'TABLE_PREFIX'.")),
        ({7: 1}, ("7", "GORM_ASSOC has no key 7.", f"The keys are {KEYS}.")),
        ({"TABLE_PREFIX": 5}, ("TABLE_PREFIX", 'GORM_ASSOC["TABLE_PREFIX"] is 5.', 'Write a string, "shop_".')),
        ({"SINGULAR_TABLE": 1}, ("SINGULAR_TABLE", 'GORM_ASSOC["SINGULAR_TABLE"] is 1.', "Write True or False.")),
        ({"NO_LOWER_CASE": ""}, ("NO_LOWER_CASE", "GORM_ASSOC[\"NO_LOWER_CASE\"] is ''.", "Write True or False.")),
        ({"STRICT": "no"}, ("STRICT", "GORM_ASSOC[\"STRICT\"] is 'no'.", 'Write "raise", "warn", "load" or False.')),
        ({"DEFERRABLE": None}, ("DEFERRABLE", 'GORM_ASSOC["DEFERRABLE"] is None.', "Write True or False.")),
        (
            {"IDENTIFIER_MAX_LENGTH": 8},
            ("IDENTIFIER_MAX_LENGTH", 'GORM_ASSOC["IDENTIFIER_MAX_LENGTH"] is 8.', "Write a number, at least 9."),
        ),
        (
            {"IDENTIFIER_MAX_LENGTH": True},
            ("IDENTIFIER_MAX_LENGTH", 'GORM_ASSOC["IDENTIFIER_MAX_LENGTH"] is True.', "Write a number, at least 9."),
        ),
        (
            {"DEFAULT_CONSTRAINT": []},
            (
                "DEFAULT_CONSTRAINT",
                'GORM_ASSOC["DEFAULT_CONSTRAINT"] is [].',
                'Write a constraint, "OnDelete:CASCADE".',
            ),
        ),
        (
            {"DEFAULT_CONSTRAINT": "OnDelete:CASCDE"},
            (
                "DEFAULT_CONSTRAINT",
                "GORM_ASSOC[\"DEFAULT_CONSTRAINT\"]: The constraint's 'OnDelete' has no action 'CASCDE'.",
                "Write OnDelete:CASCADE.",
            ),
        ),
        (
            {"DEFAULT_CONSTRAINT": "fk_x"},
            (
                "DEFAULT_CONSTRAINT",
                "GORM_ASSOC[\"DEFAULT_CONSTRAINT\"] has the name 'fk_x', which only one constraint can have.",
                "Remove the name.",
            ),
        ),
        (
            {"NAMING": 5},
            (
                "NAMING",
                'GORM_ASSOC["NAMING"] is 5.',
                "Write the dotted path to a subclass or an instance of NamingStrategy.",
            ),
        ),
        (
            {"NAMING": "nowhere.Naming"},
            ("NAMING", "GORM_ASSOC[\"NAMING\"] cannot be used: ModuleNotFoundError: No module named 'nowhere'.", PATH),
        ),
        ({"NAMING": Broken}, ("NAMING", 'GORM_ASSOC["NAMING"] cannot be used: RuntimeError: no.', PATH)),
    ],
)
def test_a_wrong_value_is_told_and_counts_as_not_given(settings, given, mistake):
    settings.GORM_ASSOC = given

    assert told() == [mistake]
    assert conf.naming() == NamingStrategy()
    assert conf.default_constraint() == ConstraintOptions()
    assert conf.deferrable() is True


def told() -> list[tuple[str, str, str]]:
    return [(mistake.option, mistake.message, mistake.hint) for mistake in conf.mistakes()]
