"""
What GORM calls things in the database.

One model name, one field name, seven names out of them:

    column_name         UserReferID                 user_refer_id
    table_name          UserInfo                    user_infos
    join_table_name     UserLanguage                user_languages
    foreign_key_name    user_languages, User        fk_user_languages_user
    index_name          users, DeletedAt            idx_users_deleted_at
    unique_name         users, email                uni_users_email
    check_name          users, age                  chk_users_age

All are full names. cut() shortens one to what a database allows, when DDL is written for it.
plural() and singular() follow the rules GORM uses, oddities included: a name that reads better
than GORM's is a table that GORM does not find.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# In this order: at each place the first that fits is taken, so HTTPS is read as HTTP and S.
_INITIALISMS = re.compile(
    "API|ASCII|CPU|CSS|DNS|EOF|GUID|HTML|HTTP|HTTPS|ID|IP|JSON|LHS|QPS|RAM|RHS|RPC|SLA|SMTP|SSH|TLS|TTL"
    "|UID|UI|UUID|URI|URL|UTF8|VM|XML|XSRF|XSS"
)


@dataclass(frozen=True)
class NamingStrategy:
    """
    GORM's NamingStrategy. Subclass it to name things otherwise.

    table_prefix -- stands before every table and join table
    singular_table -- tables are not put in the plural
    no_lower_case -- names stay as they are written
    identifier_max_length -- what cut() gets where the database allows as much
    name_replacer -- applied to a name before anything else
    """

    table_prefix: str = ""
    singular_table: bool = False
    no_lower_case: bool = False
    identifier_max_length: int = 64
    name_replacer: Callable[[str], str] | None = None

    def column_name(self, field: str) -> str:
        """The column of a field: its name in snake case."""
        name = self.name_replacer(field) if self.name_replacer else field
        return name if self.no_lower_case else _snake(name)

    def table_name(self, model: str) -> str:
        """The table of a model: prefix, then the plural of its name in snake case."""
        name = self.column_name(model)
        return self.table_prefix + (name if self.singular_table else plural(name))

    def join_table_name(self, name: str) -> str:
        """The table that many2many:<name> means: as written, or as of a model if it has a capital letter."""
        if not self.no_lower_case and name == name.lower():
            return self.table_prefix + name
        return self.table_name(name)

    def join_column(self, model: str, field: str) -> str:
        """
        The column of a join table that holds a model's field, a Python name.

        >>> NamingStrategy().join_column("UserInfo", "id")
        'user_info_id'

        GORM joins the model's name and the field's Go name. A field that no Go name stands for
        (address_2 would be Address2, which is address2) is put behind the model's name as it is.
        """
        go = go_name(field)
        if _snake(go) == field:
            return self.column_name(model + go)
        return f"{self.column_name(model)}_{field}"

    def foreign_key_name(self, table: str, relation: str) -> str:
        """The foreign key for a relation: fk_<table>_<relation>, uncut."""
        return _formatted("fk", table, self.column_name(relation))

    def index_name(self, table: str, field: str) -> str:
        """The index on a field: idx_<table>_<field>, uncut."""
        return _formatted("idx", table, self.column_name(field))

    def unique_name(self, table: str, column: str) -> str:
        """The unique constraint on a column: uni_<table>_<column>, uncut."""
        return _formatted("uni", table, column)

    def check_name(self, table: str, column: str) -> str:
        """The check constraint on a column: chk_<table>_<column>, uncut."""
        return _formatted("chk", table, column)


def cut(name: str, max_length: int = 64, *, in_bytes: bool = False) -> str:
    """
    Shorten a name of more than max_length characters (or bytes, as PostgreSQL counts) as GORM does.

    The first max_length - 8 bytes stay, eight digits of the full name's SHA-1 follow. A character
    that the cut would split is left out.
    """
    encoded = name.encode()
    if len(encoded if in_bytes else name) <= max_length:
        return name
    kept = encoded[: max(max_length - 8, 0)].decode(errors="ignore")
    return kept + hashlib.sha1(encoded, usedforsecurity=False).hexdigest()[:8]


def go_name(python_name: str) -> str:
    """
    What a Go programmer calls this field.

    >>> go_name("user_refer_id")
    'UserReferID'
    """
    return "".join("ID" if part == "id" else part[:1].upper() + part[1:] for part in python_name.split("_"))


def camel_case(python_name: str) -> str:
    """
    A class name made of a Python name.

    >>> camel_case("user_languages")
    'UserLanguages'
    """
    return "".join(part[:1].upper() + part[1:] for part in python_name.split("_"))


def plural(word: str) -> str:
    """The plural by GORM's rules, which look at the end of the word. A word that ends in a digit stays."""
    return _inflect(word, _PLURAL)


def singular(word: str) -> str:
    """The singular by GORM's rules, which look at the end of the word. A singular mostly stays."""
    return _inflect(word, _SINGULAR)


def _formatted(prefix: str, table: str, name: str) -> str:
    return f"{prefix}_{table}_{name}".replace(".", "_")


def _snake(name: str) -> str:
    """
    Put an underscore before each capital letter that begins a word, then make all lower-case.

    GORM walks over bytes: only A-Z are capitals to it, and not even these right after a letter
    outside ASCII.
    """
    name = _INITIALISMS.sub(lambda found: found[0].capitalize(), name)
    upper = ["A" <= char <= "Z" and (not i or name[i - 1].isascii()) for i, char in enumerate(name)]
    last = len(name) - 1
    snake = ""
    for i, char in enumerate(name):
        if not upper[i]:
            snake += char
            continue
        after_upper = i > 0 and upper[i - 1]
        if i == last:
            begins = i > 0 and not after_upper
        else:
            inside = after_upper and (upper[i + 1] or name[i + 1] in "0123456789")
            begins = i > 0 and not inside and "_" not in (name[i - 1], name[i + 1])
        snake += "_" + char.lower() if begins else char.lower()
    return snake


# Inflection. A rule is a pattern for the end of a word and what comes in its place; the first
# rule that fits is the only one applied.
_Rules = tuple[tuple[re.Pattern[str], str], ...]

_UNCOUNTABLE = (
    "equipment|information|rice|money|species|series|fish|sheep|jeans|police|milk|salt|time|water|paper|food|art"
    "|cash|music|help|luck|oil|progress|rain|research|shopping|software|traffic"
)

_IRREGULAR = (
    ("person", "people"),
    ("man", "men"),
    ("child", "children"),
    ("sex", "sexes"),
    ("move", "moves"),
    ("ombie", "ombies"),
    ("goose", "geese"),
    ("foot", "feet"),
    ("moose", "moose"),
    ("tooth", "teeth"),
    ("leaf", "leaves"),
    ("chassis", "chassis"),
)

_PLURAL_ENDINGS = (
    (r"(drive)", r"\1s"),
    (r"(quiz)", r"\1zes"),
    (r"^(oxen)", r"\1"),
    (r"^(ox)", r"\1en"),
    (r"^(m|l)ice", r"\1ice"),
    (r"^(m|l)ouse", r"\1ice"),
    (r"(matr|vert|ind)(?:ix|ex)", r"\1ices"),
    (r"(x|ch|ss|sh)", r"\1es"),
    (r"([^aeiouy]|qu)y", r"\1ies"),
    (r"(hive)", r"\1s"),
    (r"(?:([^f])fe|([lr])f)", r"\1\2ves"),
    (r"sis", r"ses"),
    (r"([ti])a", r"\1a"),
    (r"([ti])um", r"\1a"),
    (r"(buffal|tomat)o", r"\1oes"),
    (r"(bu)s", r"\1ses"),
    (r"(alias|status|campus)", r"\1es"),
    (r"(octop|vir)i", r"\1i"),
    (r"(octop|vir)us", r"\1i"),
    (r"^(ax|test)is", r"\1es"),
    (r"s", r"s"),
    (r"([a-z])", r"\1s"),
)

_SINGULAR_ENDINGS = (
    (r"(drive|database|shoe|hive|tive)s", r"\1"),
    (r"(quiz)zes", r"\1"),
    (r"(matr)ices", r"\1ix"),
    (r"(vert|ind)ices", r"\1ex"),
    (r"^(ox)en", r"\1"),
    (r"(alias|status|campus)(?:es)?", r"\1"),
    (r"(octop|vir)(?:us|i)", r"\1us"),
    (r"^(a)x[ie]s", r"\1xis"),
    (r"(cris|test)(?:is|es)", r"\1is"),
    (r"(o)es", r"\1"),
    (r"(bus)(?:es)?", r"\1"),
    (r"^(m|l)ice", r"\1ouse"),
    (r"(x|ch|ss|sh)es", r"\1"),
    (r"(movie|cookie)s", r"\1"),
    (r"(series)", r"\1"),
    (r"([^aeiouy]|qu)ies", r"\1y"),
    (r"([lr])ves", r"\1f"),
    (r"([^f])ves", r"\1fe"),
    (r"(analy|ba|diagno|parenthe|progno|synop|the)(?:sis|ses)", r"\1sis"),
    (r"([ti])a", r"\1um"),
    (r"(news)", r"\1"),
    (r"(ss)", r"\1"),
    (r"s", r""),
)


def _rules(irregular: Iterable[tuple[str, str]], endings: Iterable[tuple[str, str]]) -> _Rules:
    """
    All rules of one direction, most special first.

    Each stands there for a word in capitals and in lower-case letters; irregular words also with one
    capital in front, the others in any mixture of letters at last.
    """
    rules = [(rf"^({_UNCOUNTABLE})", r"\1", re.IGNORECASE)]
    for old, new in irregular:
        rules += [(write(old), write(new), re.NOFLAG) for write in (str.upper, str.capitalize, str.lower)]
    for old, new in endings:
        rules += [(old.upper(), new.upper(), re.NOFLAG), (old, new, re.NOFLAG), (old, new, re.IGNORECASE)]
    return tuple((re.compile(old + r"\Z", flags | re.ASCII), new) for old, new, flags in rules)


def _inflect(word: str, rules: _Rules) -> str:
    for pattern, replacement in rules:
        if pattern.search(word):
            return pattern.sub(replacement, word)
    return word


_PLURAL = _rules(_IRREGULAR, _PLURAL_ENDINGS)
_SINGULAR = _rules([(many, one) for one, many in _IRREGULAR], _SINGULAR_ENDINGS)
