"""
The delete page: what the database does to rows that refer to those deleted, and why it may refuse.

Django lists what Python deletes. Behind our foreign keys the database acts by itself (ON DELETE CASCADE, SET NULL, SET
DEFAULT), or holds on to the row (NO ACTION, RESTRICT): dead join rows hold on to it as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.sites import AdminSite
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext

from gorm_assoc import soft_delete
from gorm_assoc.constraints import ForeignKeyConstraint

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin[Any]
else:
    _ModelAdmin = ModelAdmin

Model = type[models.Model]
CHANGES = {"SET NULL": "NULL", "SET DEFAULT": "DEFAULT"}


@dataclass(frozen=True, slots=True)
class Referring:
    """Rows that refer to those deleted, by one foreign key of ours."""

    constraint: ForeignKeyConstraint
    rows: models.QuerySet[Any]
    count: int

    @property
    def model(self) -> Model:
        return self.rows.model

    @property
    def plural(self) -> str:
        return str(self.model._meta.verbose_name_plural)

    @property
    def columns(self) -> str:
        columns: list[Any] = [self.model._meta.get_field(name) for name in self.constraint.fields]
        return ", ".join(field.column for field in columns)

    def effect(self) -> str:
        """What the database does with them; of rows that hold on, why and what to do."""
        line = f"{capfirst(self.plural)}: {self.count}"
        if self.constraint.on_delete == "CASCADE":
            return line
        if self.constraint.on_delete in CHANGES:
            return f"{line} ({self.columns} = {CHANGES[self.constraint.on_delete]})"
        said = gettext(
            "%(line)s. The foreign key %(name)s on %(table)s (%(columns)s) has %(action)s: remove these rows first, "
            "or declare the relation with constraint:OnDelete:CASCADE."
        ) % {
            "line": line,
            "name": self.constraint.name,
            "table": self.model._meta.db_table,
            "columns": self.columns,
            "action": f"ON DELETE {self.constraint.on_delete or 'NO ACTION'}",
        }
        dead = self._dead()
        return f"{said} {gettext('Deleted before and kept: %d.') % dead}" if dead else said

    def _dead(self) -> int:
        if soft_delete.deleted_at_field(self.model) is None:
            return 0
        return self.rows.filter(**{f"{soft_delete.DELETED_AT}__isnull": False}).count()


def referring_rows(model: Model, rows: Any, seen: set[Any] | None = None) -> Iterator[Referring]:
    """By which foreign keys of ours other rows refer to these, where any do; on and on through those that go along."""
    rows = list(rows)
    seen = set() if seen is None else seen
    seen.update((model, row.pk) for row in rows)
    for key, constraint in _keys_to(model):
        found = key.model._base_manager.filter(**{f"{key.name}__in": rows})
        if constraint.on_delete != "CASCADE" or not _keys_to(key.model):
            count = found.count()
            if count:
                yield Referring(constraint, found, count)
            continue
        others = [row for row in found if (key.model, row.pk) not in seen]
        if others:
            yield Referring(constraint, found, len(others))
            yield from referring_rows(key.model, others, seen)


def _keys_to(model: Model) -> list[tuple[Any, ForeignKeyConstraint]]:
    """The foreign keys of ours that refer to the model, each with a relation over its columns."""
    found: dict[tuple[Model, str], tuple[Any, ForeignKeyConstraint]] = {}
    for relation in model._meta.get_fields(include_hidden=True):
        key: Any = getattr(relation, "field", None)
        if relation.concrete or not isinstance(key, models.ForeignObject):
            continue
        columns = tuple(column.name for column in key.local_related_fields)
        for constraint in key.model._meta.constraints:
            if isinstance(constraint, ForeignKeyConstraint) and constraint.fields == columns:
                found.setdefault((key.model, constraint.name), (key, constraint))
    return list(found.values())


class DeletingAdminMixin(_ModelAdmin):
    """
    A ModelAdmin whose delete page tells what the database does.

    A model with deleted_at goes softly, so that nothing refers to it stands in the way.
    """

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        if soft_delete.deleted_at_field(self.model) is not None:
            return self._softly(list(objs), request)
        texts, counts, lacking, protected = super().get_deleted_objects(objs, request)
        texts, lacking, protected = list(texts), set(lacking), list(protected)
        for referring in referring_rows(self.model, objs):
            action = referring.constraint.on_delete
            if action not in CHANGES and action != "CASCADE":
                protected.append(referring.effect())
                continue
            texts.append(referring.effect())
            if action == "CASCADE":
                counts[referring.plural] = counts.get(referring.plural, 0) + referring.count
                if not _may_delete(self.admin_site, referring.model, request):
                    lacking.add(str(referring.model._meta.verbose_name))
        return texts, counts, lacking, protected

    def _softly(self, rows: Sequence[Any], request: HttpRequest) -> Any:
        # One UPDATE: no row goes with it, and none that refers to it can forbid it.
        plural = str(self.opts.verbose_name if len(rows) == 1 else self.opts.verbose_name_plural)
        allowed = all(self.has_delete_permission(request, row) for row in rows)
        texts = [f"{capfirst(str(self.opts.verbose_name))}: {row}" for row in rows]
        return texts, {plural: len(rows)}, set() if allowed else {str(self.opts.verbose_name)}, []


def _may_delete(site: AdminSite, model: Model, request: HttpRequest) -> bool:
    """Asked of models with pages of their own, as Django does."""
    return not site.is_registered(model) or site.get_model_admin(model).has_delete_permission(request)
