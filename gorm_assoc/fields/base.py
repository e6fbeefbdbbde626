"""
What the relation fields share: which keywords are Django's, and how a declaration waits for its target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.db import models
from django.db.models.fields import related as related_fields
from django.db.models.fields.related import lazy_related_operation, resolve_relation

from gorm_assoc.join_plan import Problem
from gorm_assoc.options import RelationOptions

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field

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


def when_declared(work: Callable[..., object], model: type[models.Model], *related: Any) -> None:
    """
    Call `work` with the models once all of them exist; for the project, a check names one that never does.

    Django's own check adds a message for whatever waits in vain, and shows the callable in it; it is silent
    about its own `set_managed`, whose name this one bears.
    """

    def set_managed(*found: type[models.Model]) -> None:
        work(*found)

    set_managed.__module__ = related_fields.__name__
    lazy_related_operation(set_managed, model, *related)


class Declaration(_Field):
    """
    A relation as it is written, which is no field of its model: it puts some in its place when it is settled.

    That needs the target, which may not exist yet when Python makes the class. Of the declarations of a
    model those are in `belongs_to_fields` or `has_fields`, as `listed_in` says.
    """

    listed_in: str
    to: type[models.Model] | str
    options: RelationOptions
    settled = False
    problems: Sequence[Problem] = ()

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        if cls._meta.abstract:
            # Private fields are what an abstract base hands down without a column.
            super().contribute_to_class(cls, name, private_only=True)
            return
        self.set_attributes_from_name(name)
        self.model = cls
        setattr(cls, self.listed_in, (*getattr(cls, self.listed_in, ()), self))
        when_declared(self._attach, cls, self.to)

    def target(self) -> type[models.Model] | None:
        """The model it leads to; None if that does not exist (yet)."""
        to = resolve_relation(self.model, self.to)
        if not isinstance(to, str):
            return to
        app_label, _, name = to.rpartition(".")
        return self.model._meta.apps.all_models[app_label].get(name.lower())

    def _attach(self, *_: type[models.Model]) -> None:
        raise NotImplementedError


def awaited(model: type[models.Model] | None) -> list[type[models.Model] | str]:
    """The models that this one's own BelongsTo wait for: of a join model the key is known when they are there."""
    return [field.to for field in getattr(model, "belongs_to_fields", ()) if not field.settled]
