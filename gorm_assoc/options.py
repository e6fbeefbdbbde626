"""
What a declaration asks for: GORM's tag and our keywords, one parser behind both.

Ten options, two spellings each; not every kind of relation takes all of them:

    tag                 keyword             value
    many2many           many2many           name of the join table, verbatim
    foreignKey          foreign_key         fields that hold the key (many2many: of the owner), comma list
    references          references          fields that are referenced (many2many: of the target), comma list
    joinForeignKey      join_foreign_key    join columns for the owner, comma list
    joinReferences      join_references     join columns for the target, comma list
    polymorphic         polymorphic         what the names of the type and id columns begin with
    polymorphicType     polymorphic_type    the column that says which table the owner is in
    polymorphicId       polymorphic_id      the column that says which of its rows
    polymorphicValue    polymorphic_value   what the type column holds; by default the owner's table
    constraint          constraint          "-" or [name,]OnDelete:...,OnUpdate:...

Nothing is guessed here and nothing raises: a module with a typing error in a tag can still be
imported. Each wrong thing is left out and becomes a Mistake, which a system check shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gorm_assoc.exceptions import nearest

# Every relation that a model declares (GORM: clause.Associations), where a relation's name is asked for.
ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong thing. The message says what is, the hint what to type."""

    option: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class ConstraintOptions:
    """The constraint option; enabled is False for "constraint:-". Actions are upper-case SQL, "" if not given."""

    enabled: bool = True
    name: str = ""
    on_delete: str = ""
    on_update: str = ""


@dataclass(frozen=True, slots=True)
class RelationOptions:
    """What one declaration asked for. Without a constraint option, constraint is None: the project's default holds."""

    many2many: str = ""
    foreign_key: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    join_foreign_key: tuple[str, ...] = ()
    join_references: tuple[str, ...] = ()
    polymorphic: str = ""
    polymorphic_type: str = ""
    polymorphic_id: str = ""
    polymorphic_value: str = ""
    constraint: ConstraintOptions | None = None
    mistakes: tuple[Mistake, ...] = ()


TAG_KEYS: Final = {
    "many2many": "many2many",
    "foreign_key": "foreignKey",
    "references": "references",
    "join_foreign_key": "joinForeignKey",
    "join_references": "joinReferences",
    "polymorphic": "polymorphic",
    "polymorphic_type": "polymorphicType",
    "polymorphic_id": "polymorphicId",
    "polymorphic_value": "polymorphicValue",
    "constraint": "constraint",
}
_LISTS: Final = frozenset({"foreign_key", "references", "join_foreign_key", "join_references"})
_KEYWORDS: Final = {key.lower(): keyword for keyword, key in TAG_KEYS.items()}
_EVENTS: Final = {"ondelete": "OnDelete", "onupdate": "OnUpdate"}
_ACTIONS: Final = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")
# How the options of Django's own relations are said here.
_DJANGO: Final = {
    "db_column": 'Write foreign_key="...".',
    "db_constraint": 'Write constraint="-" for no foreign key.',
    "db_table": 'Write many2many="...".',
    "related_name": "Remove it: a has-one or has-many is the way back itself.",
    "on_delete": 'Write constraint="OnDelete:CASCADE" or another action.',
    "symmetrical": "Remove it: no relation is; links are added in both directions by hand.",
    "through_fields": "Remove it; it is for a Many2Many with through.",
    "to_field": 'Write references="...".',
}
# Django fills these in for each child of an abstract model, and fails on any other %.
_PLACEHOLDER: Final = re.compile(r"%\((class|app_label)\)s")
_CONSTRAINT_NAME: Final = re.compile(r"[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Setting:
    """One option as it was given: its keyword, its text, and where it stood."""

    keyword: str
    text: str
    in_tag: bool

    @property
    def option(self) -> str:
        return TAG_KEYS[self.keyword] if self.in_tag else self.keyword

    def written(self, text: str) -> str:
        return f"{self.option}:{text}" if self.in_tag else f'{self.option}="{text}"'


def parse(tag: str = "", **keywords: str | Sequence[str]) -> RelationOptions:
    r"""
    Turn a GORM tag, keywords or a mixture into RelationOptions.

    >>> parse("many2many:user_teams;joinForeignKey:UserID, TeamID").join_foreign_key
    ('UserID', 'TeamID')
    >>> parse(foreign_key=["id", "locale"]) == parse("ForeignKey:id,locale")
    True

    In a tag keys ignore case and \; is a semicolon that does not separate. As keywords the list
    options also take a list or tuple of strings; an empty string, list or tuple says nothing.
    Never raises: what is wrong stands in the result's mistakes, what is right in the rest.
    """
    mistakes: list[Mistake] = []
    given: dict[str, _Setting] = {}
    for setting in (*_tag_settings(tag, mistakes), *_keyword_settings(keywords, mistakes)):
        if "%" in _PLACEHOLDER.sub("", setting.text):
            message = f"{setting.option!r} has a % in {setting.text!r}."
            mistakes.append(Mistake(setting.option, message, "Remove it; only many2many:%(class)s_... has a meaning."))
            continue
        first = given.setdefault(setting.keyword, setting)
        if first is not setting:
            where = "twice in the tag" if setting.in_tag else "in the tag and as a keyword"
            mistakes.append(Mistake(setting.option, f"{setting.option!r} is given {where}.", "Remove one of the two."))

    def text(keyword: str) -> str:
        return given[keyword].text if keyword in given else ""

    def names(keyword: str) -> tuple[str, ...]:
        return _names(given[keyword], mistakes) if keyword in given else ()

    def constraint() -> ConstraintOptions | None:
        if "constraint" not in given:
            return None
        options, found = parse_constraint(text("constraint"))
        mistakes.extend(found)
        return options

    return RelationOptions(
        many2many=text("many2many"),
        foreign_key=names("foreign_key"),
        references=names("references"),
        join_foreign_key=names("join_foreign_key"),
        join_references=names("join_references"),
        polymorphic=text("polymorphic").strip(),
        polymorphic_type=text("polymorphic_type").strip(),
        polymorphic_id=text("polymorphic_id").strip(),
        polymorphic_value=text("polymorphic_value"),
        constraint=constraint(),
        mistakes=tuple(mistakes),
    )


def parse_constraint(text: str) -> tuple[ConstraintOptions, tuple[Mistake, ...]]:
    """
    Turn a constraint option into ConstraintOptions and what is wrong with it.

    >>> parse_constraint("fk_owner, OnDelete: set null")[0]
    ConstraintOptions(enabled=True, name='fk_owner', on_delete='SET NULL', on_update='')

    "-" is no constraint, "" one without name and actions. Never raises.
    """
    if text.strip() == "-":
        return ConstraintOptions(enabled=False), ()
    if not text.strip():
        return ConstraintOptions(), ()
    mistakes: list[Mistake] = []
    name = ""
    actions: dict[str, str] = {}
    for position, item in enumerate(text.split(",")):
        key, colon, action = (part.strip() for part in item.partition(":"))
        event = _EVENTS.get(key.lower(), "")
        if not position and not colon and _is_constraint_name(key):
            name = key
        elif problem := _constraint_problem(key, event, action, actions):
            mistakes.append(Mistake("constraint", *problem))
        else:
            actions[event] = _folded(action)
    options = ConstraintOptions(
        name=name, on_delete=actions.get("OnDelete", ""), on_update=actions.get("OnUpdate", "")
    )
    return options, tuple(mistakes)


def label_mistakes(option: str, value: object) -> tuple[Mistake, ...]:
    """What is wrong with a value that should name a model: "Class", "app.Class", a class, or nothing."""
    if not value or hasattr(value, "_meta"):
        return ()
    hint = f'Write {option}="app.Class".'
    if not isinstance(value, str):
        return (_not_a_string(option, value, hint),)
    parts = value.split(".")
    if len(parts) > 2 or not all(part.isidentifier() for part in parts):
        return (Mistake(option, f"{option!r} is {value!r}, which cannot name a model.", hint),)
    return ()


def ends_mistakes(through_fields: object, through: object) -> tuple[Mistake, ...]:
    """What is wrong with a value that should be the names of two relations of a given join model, or nothing."""
    if not through_fields:
        return ()
    if not through:
        return (
            Mistake("through_fields", "'through_fields' is given without through.", "Write through, or remove it."),
        )
    if (
        isinstance(through_fields, (list, tuple))
        and len(through_fields) == 2
        and all(isinstance(name, str) and name for name in through_fields)
    ):
        return ()
    message = f"'through_fields' is {through_fields!r}, not two names."
    return (Mistake("through_fields", message, 'Write through_fields=("user", "language").'),)


def _tag_settings(tag: object, mistakes: list[Mistake]) -> Iterator[_Setting]:
    if not isinstance(tag, str):
        mistakes.append(_not_a_string("tag", tag, 'Write the options in one string, "many2many:user_languages".'))
        return
    for part in re.split(r"(?<!\\);", tag):
        key, _, text = part.replace(r"\;", ";").partition(":")
        key = key.strip()
        keyword = _KEYWORDS.get(key.lower())
        if not part.strip():
            continue
        if not key:
            mistakes.append(Mistake("", f"{part.strip()!r} has no key before the colon.", _one_of(TAG_KEYS.values())))
        elif keyword is None:
            mistakes.append(_unknown(key, TAG_KEYS.values(), f"A relation's tag has no option {key!r}."))
        elif not text.strip():
            key = TAG_KEYS[keyword]
            mistakes.append(Mistake(key, f"{key!r} has no value.", f"Write a value after '{key}:' or remove it."))
        else:
            yield _Setting(keyword, text, in_tag=True)


def _keyword_settings(keywords: Mapping[str, object], mistakes: list[Mistake]) -> Iterator[_Setting]:
    for keyword, value in keywords.items():
        is_list = keyword in _LISTS
        hint = f'Write {keyword}="id" or a list of strings.' if is_list else f'Write {keyword}="...".'
        if keyword in _DJANGO:
            # Never symmetrical, and so says Django of itself where it is not.
            if (keyword, value) != ("symmetrical", False):
                mistakes.append(Mistake(keyword, f"{keyword!r} is not an option of a relation.", _DJANGO[keyword]))
        elif keyword not in TAG_KEYS:
            mistakes.append(_unknown(keyword, TAG_KEYS, f"A relation has no keyword {keyword!r}."))
        elif is_list and isinstance(value, (list, tuple)):
            odd = [type(item).__name__ for item in value if not isinstance(item, str)]
            if odd:
                mistakes.append(Mistake(keyword, f"{keyword!r} has an item of type {odd[0]}, not a string.", hint))
            elif value:
                yield _Setting(keyword, ",".join(value), in_tag=False)
        elif not isinstance(value, str):
            mistakes.append(_not_a_string(keyword, value, hint))
        elif value.strip():
            yield _Setting(keyword, value, in_tag=False)
        elif value:
            mistakes.append(Mistake(keyword, f"{keyword!r} is blank.", "Write a value or remove it."))


def _names(setting: _Setting, mistakes: list[Mistake]) -> tuple[str, ...]:
    items = [item.strip() for item in setting.text.split(",")]
    names = tuple(item for item in items if item)
    if len(names) < len(items):
        hint = f"Write {setting.written(','.join(names))}." if names else "Name the fields or remove the option."
        mistakes.append(Mistake(setting.option, f"{setting.option!r} has an empty item in {setting.text!r}.", hint))
    return names


def _is_constraint_name(text: str) -> bool:
    """Whether GORM would take this for a name. OnDelete or CASCADE alone is a half-written action instead."""
    return bool(_CONSTRAINT_NAME.fullmatch(text) and text.lower() not in _EVENTS and _folded(text) not in _ACTIONS)


def _constraint_problem(key: str, event: str, action: str, actions: Mapping[str, str]) -> tuple[str, str] | None:
    """Message and hint for one item of a constraint that is not its name, None if the item is right."""
    if not key and not action:
        return "The constraint has an empty item.", "Remove the comma that is too many."
    if not event and _folded(key) in _ACTIONS and not action:
        return (
            f"The constraint says {key!r}, but not when.",
            f"Write OnDelete:{_folded(key)} or OnUpdate:{_folded(key)}.",
        )
    if not event:
        near = nearest(key, _EVENTS.values())
        hint = f"Write {near!r}." if near else "Write OnDelete:<action> or OnUpdate:<action>; a name comes first."
        return f"The constraint has no setting {key!r}.", hint
    if event in actions:
        return f"The constraint says {event!r} twice.", "Remove one of the two."
    if not action:
        return (
            f"The constraint's {event!r} has no action.",
            f"Write {event}:CASCADE or another of {', '.join(_ACTIONS)}.",
        )
    if _folded(action) not in _ACTIONS:
        near = nearest(action, _ACTIONS)
        hint = f"Write {event}:{near}." if near else f"Write one of {', '.join(_ACTIONS)}."
        return f"The constraint's {event!r} has no action {action!r}.", hint
    return None


def _folded(action: str) -> str:
    return " ".join(action.upper().split())


def _unknown(option: str, known: Iterable[str], message: str) -> Mistake:
    near = nearest(option, known)
    return Mistake(option, message, f"Write {near!r}." if near else _one_of(known))


def _one_of(known: Iterable[str]) -> str:
    return f"The options are {', '.join(known)}."


def _not_a_string(option: str, value: object, hint: str) -> Mistake:
    return Mistake(option, f"{option!r} is of type {type(value).__name__}, not a string.", hint)
