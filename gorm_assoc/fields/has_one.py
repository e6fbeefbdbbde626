"""HasOne: one row of another model belongs to this one's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.fields.related_descriptors import ReverseOneToOneDescriptor

from gorm_assoc import pending
from gorm_assoc.fields.has import Has
from gorm_assoc.has_key import HasKey, HasKeyRel
from gorm_assoc.relationship import HAS_ONE, are_unique_together
from gorm_assoc.whole_keys import with_whole_key

if TYPE_CHECKING:
    _OneDescriptor = ReverseOneToOneDescriptor[Any, Any]
else:
    _OneDescriptor = ReverseOneToOneDescriptor


class HasOneDescriptor(_OneDescriptor):
    """Accessor of the child: of several the last by primary key, as GORM's preload has it."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is not None and not self.is_cached(instance) and instance._is_pk_set():
            fetch_mode = getattr(instance._state, "fetch_mode", None)  # from Django 6.1 on
            if fetch_mode is None:
                self.fetch_one(instance)
            else:
                fetch_mode.fetch(self, instance)
        return super().__get__(instance, cls)

    def __set__(self, instance: Any, value: Any) -> None:
        name = str(self.related.accessor_name)
        if not pending.takes(instance):
            super().__set__(instance, value)
        elif value is not None:
            super().__set__(instance, value)
            pending.keep(instance, name, value)
        elif name in pending.held(instance):  # an assignment adds and never removes
            pending.drop(instance, [name])
            self.related.delete_cached_value(instance)

    def fetch_one(self, instance: Any) -> None:
        key: Any = self.related.field
        row = None
        if None not in key.get_foreign_related_value(instance):
            rows = key.own_rows(self.get_queryset(instance=instance).filter(**{key.name: instance}))
            row = rows.order_by("-pk").first()
        if row is not None:
            key.set_cached_value(row, instance)
        self.related.set_cached_value(instance, row)

    def get_prefetch_querysets(self, instances: Any, querysets: Any = None) -> Any:
        if querysets and len(querysets) != 1:
            raise ValueError("querysets argument of get_prefetch_querysets() should have a length of 1.")
        key: Any = self.related.field
        rows: Any = querysets[0] if querysets else self.get_queryset(instance=instances[0])
        rows._add_hints(instance=instances[0])
        rows = key.own_rows(rows).filter(**{f"{key.name}__in": instances}).order_by("-pk")
        owners = {key.get_foreign_related_value(owner): owner for owner in instances}
        for row in rows:
            key.set_cached_value(row, owners[key.get_local_related_value(row)])
        cache_name = self.related.cache_name
        return rows, key.get_local_related_value, key.get_foreign_related_value, True, cache_name, False


class HasOneKeyRel(HasKeyRel):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.multiple = False


class HasOneKey(HasKey):
    rel_class = HasOneKeyRel
    related_accessor_class = HasOneDescriptor  # type: ignore[assignment]
    # What Django asks before it joins a child in select_related().
    many_to_one = False
    one_to_one = True
    unique = True

    def get_reverse_path_info(self, filtered_relation: Any = None) -> list[Any]:
        # Where nothing keeps a second row from having the key, exclude() must look at them all.
        paths = super().get_reverse_path_info(filtered_relation)
        if are_unique_together(self.model, self.local_related_fields):
            return paths
        return with_whole_key([path._replace(m2m=True) for path in paths])


class HasOne(Has):
    """
    The row of another model that belongs to this one's, with GORM's options.

    tag -- GORM's tag: foreignKey, references, constraint, polymorphic, polymorphicType, polymorphicId,
        polymorphicValue; each is a keyword as well

    foreign_key names the child's relation, field or column; by default it is <this model>_<its key>.
    The accessor is that of a OneToOneField's other side, but of several rows it gives the last. The foreign key
    takes the place of the one that the child's BelongsTo has. Mistakes do not raise; `manage.py check` reports them.
    """

    kind = HAS_ONE
    key_class = HasOneKey
