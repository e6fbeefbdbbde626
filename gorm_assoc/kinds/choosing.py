"""
Which links a verb takes away, as conditions on the rows that hold them.

    clearing   all of the owners
    naming     those to given targets
    keeping    those to other targets than the wanted: what each owner no longer has
    exactly    given links
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gorm_assoc.kinds.base import Links, Owners, Values
from gorm_assoc.kinds.conditions import Sql
from gorm_assoc.kinds.link_rows import LinkRows

Condition = Callable[[LinkRows], Sql]


def clearing(owners: Owners) -> Condition:
    """All rows of the owners."""
    return lambda rows: rows.of_owners(owners)


def naming(owners: Owners, targets: Sequence[Values] | Sql) -> Condition:
    """The owners' rows to these targets."""

    def condition(rows: LinkRows) -> Sql:
        found = rows.target.among_subquery(targets) if isinstance(targets, Sql) else rows.target.among(targets)
        return rows.of_owners(owners) & found

    return condition


def keeping(owners: Owners, wanted: Links | Sql) -> Condition:
    """The owners' rows that are not among the wanted links: what each owner no longer has."""

    def condition(rows: LinkRows) -> Sql:
        mine = rows.of_owners(owners)
        if isinstance(wanted, Sql):
            return mine & rows.target.not_among_subquery(wanted)
        width = len(rows.owner.fields)
        targets = [row[width:] for row in wanted.rows]  # in their order, which is quicker to look up
        if len(owners) > 1:
            targets = list(dict.fromkeys(targets))
        if len(wanted.rows) == len(targets) * len(owners):  # every owner gets the same
            return mine & rows.target.not_among(targets)
        return rows.of_owners_except(mine, wanted.rows)

    return condition


def exactly(links: Links) -> Condition:
    """The rows of these links."""
    return lambda rows: rows.of_rows(links.rows)
