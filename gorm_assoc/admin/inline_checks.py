"""What the system checks say about an inline of join rows, and how it finds its relation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.admin import checks as admin_checks
from django.core import checks
from django.db import models

from gorm_assoc import relationship as relationships
from gorm_assoc.exceptions import UnsupportedRelation
from gorm_assoc.relationship import Relationship


def relationships_through(parent: type[models.Model], through: type[models.Model]) -> list[Relationship]:
    """The parent's many-to-manys over this join model, each way of using its columns once."""
    found: dict[tuple[str, str], Relationship] = {}
    for relation in parent._meta.get_fields():
        if not relation.many_to_many:
            continue
        field: Any = relation if isinstance(relation, models.Field) else relation.field
        if field.remote_field.through is through:
            read = relationships.from_django(parent, relation)
            found.setdefault((read.owner_key.name, read.target_key.name), read)
    return list(found.values())


def with_visible_target(relationship: Relationship) -> Relationship:
    """The same, with the relation to the target that a form can show: a polymorphic one reads by a key of its own."""
    key = relationship.target_key
    for field in relationship.through._meta.local_fields:
        if isinstance(field, models.ForeignObject) and field.local_related_fields == key.local_related_fields:
            return replace(relationship, target_key=field)
    return relationship


class JoinRowInlineChecks(admin_checks.InlineModelAdminChecks):
    """Django's checks, with our relation in place of a ForeignKey."""

    def _check_relation(self, obj: Any, parent_model: type[models.Model]) -> list[checks.CheckMessage]:
        """gorm_assoc.E801, E802, E806"""
        return self._check_found(obj, parent_model) or self._check_target(obj)

    def _check_target(self, obj: Any) -> list[checks.CheckMessage]:
        found: Relationship = obj.relationship
        if found.target_key not in found.through._meta.private_fields:
            return []
        return [
            checks.Error(
                f"The rows of {found.label} are those of a polymorphic relation of {found.target._meta.label}: they "
                f"cannot be edited below {found.owner._meta.label}.",
                hint=f"Put the inline below {found.target._meta.label}.",
                obj=obj.__class__,
                id="gorm_assoc.E806",
            )
        ]

    def _check_found(self, obj: Any, parent_model: type[models.Model]) -> list[checks.CheckMessage]:
        if obj.relation:
            try:
                found = relationships.of(parent_model, obj.relation)
            except UnsupportedRelation as error:
                return [checks.Error(str(error), obj=obj.__class__, id="gorm_assoc.E801")]
            if found.through is not obj.model:
                return [
                    checks.Error(
                        f"{found.label} joins by {found.through._meta.label}, not by {obj.model._meta.label}.",
                        hint=f"Say model = {found.owner.__name__}.{found.name}.through.",
                        obj=obj.__class__,
                        id="gorm_assoc.E801",
                    )
                ]
            return []
        known = relationships_through(parent_model, obj.model)
        if len(known) == 1:
            return []
        names = ", ".join(repr(each.name) for each in known)
        if known:
            message = f"{parent_model._meta.label} joins by {obj.model._meta.label} more than once: {names}."
            hint = "Say which is meant: relation = " + repr(known[0].name) + "."
        else:
            message = f"{parent_model._meta.label} has no many-to-many that joins by {obj.model._meta.label}."
            hint = "Say model = <Model>.<relation>.through, of a relation that this model is an end of."
            if any(field.related_model is parent_model for field in obj.model._meta.fields):
                name = type(obj).__name__
                hint = f"Rows of a has-one or has-many are Django's own: class {name}(admin.TabularInline)."
        return [checks.Error(message, hint=hint, obj=obj.__class__, id="gorm_assoc.E802")]

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: Any) -> list[checks.CheckMessage]:
        return []  # the parent's key is never a field of the form

    # The target is chosen as by a ForeignKey, and is none.

    def _check_autocomplete_fields_item(self, obj: Any, field_name: str, label: str) -> list[checks.CheckMessage]:
        if not _is_target(obj, field_name):
            return super()._check_autocomplete_fields_item(obj, field_name, label)  # type: ignore[misc,no-any-return]
        target = obj.relationship.target
        if not obj.admin_site.is_registered(target):
            return [
                checks.Error(
                    f'An admin for model "{target.__name__}" has to be registered to be referenced by '
                    f"{type(obj).__name__}.autocomplete_fields.",
                    obj=obj.__class__,
                    id="admin.E039",
                )
            ]
        if not obj.admin_site.get_model_admin(target).search_fields:
            return [
                checks.Error(
                    f'{type(obj.admin_site.get_model_admin(target)).__name__} must define "search_fields", because '
                    f"it's referenced by {type(obj).__name__}.autocomplete_fields.",
                    obj=obj.__class__,
                    id="admin.E040",
                )
            ]
        return []

    def _check_raw_id_fields_item(self, obj: Any, field_name: str, label: str) -> list[checks.CheckMessage]:
        if _is_target(obj, field_name):
            return []
        return super()._check_raw_id_fields_item(obj, field_name, label)  # type: ignore[misc,no-any-return]


def _is_target(obj: Any, field_name: str) -> bool:
    try:
        return bool(field_name == obj.relationship.target_key.name)
    except UnsupportedRelation:
        return False  # another check says so
