"""What the relation fields share: which keywords are Django's, and which would make its fields raise."""

from __future__ import annotations

from typing import Any, Final

# Of Django's own keywords those that say nothing about columns or keys.
TAKEN: Final = frozenset(
    "blank choices db_comment db_tablespace default editable error_messages help_text limit_choices_to null "
    "related_query_name serialize swappable unique validators verbose_name".split()
)
TAKEN_WITH_COLUMN: Final = TAKEN | frozenset(
    "db_default db_index unique_for_date unique_for_month unique_for_year".split()
)


def split(keywords: dict[str, Any], taken: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Keywords for Django's field, and the rest.

    The rest goes to parse(), which makes Mistakes of it: a wrong keyword must not stop an import.
    """
    mine = {keyword: value for keyword, value in keywords.items() if keyword in taken}
    return mine, {keyword: value for keyword, value in keywords.items() if keyword not in taken}
