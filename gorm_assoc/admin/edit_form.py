"""The form of the action "edit associations": which relation, which verb, which targets; and what it would change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminRadioSelect, FilteredSelectMultiple, ManyToManyRawIdWidget
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from gorm_assoc.admin.widgets import KeyListRawIdWidget, target_rel
from gorm_assoc.association import Association, Changes
from gorm_assoc.forms import TargetMultipleChoiceField, among, is_composite
from gorm_assoc.relationship import Relationship

# What the join model's permissions must allow.
PERMISSIONS = {"append": ("add",), "replace": ("add", "delete"), "delete": ("delete",)}
VERBS = {
    "append": gettext_lazy("Append: link the targets, keep what is linked"),
    "replace": gettext_lazy("Replace: link exactly the targets; without any, unlink all"),
    "delete": gettext_lazy("Delete: unlink the targets"),
}
SHOWN_PAIRS = 100


class EditForm(forms.Form):
    """
    relation, verb, targets; `previewed` names what the last preview told, so that nothing else is applied.

    allowed -- relationship -> the verbs that the user may use on it, by the relation's name
    by_key -- names of relations whose targets are written by their keys: too many for a list of choices
    """

    relation = forms.ChoiceField(label=gettext_lazy("Relation"))
    verb = forms.ChoiceField(label=gettext_lazy("What to do"), widget=AdminRadioSelect({"class": "radiolist"}))
    previewed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        relationships: Mapping[str, Relationship],
        verbs: Mapping[str, Sequence[str]],
        site: Any,
        by_key: Sequence[str] = (),
    ) -> None:
        super().__init__(data)
        self.relationships = relationships
        asked = data.get("relation", "") if data else ""
        name = asked if asked in relationships else next(iter(relationships))
        self.relationship = relationships[name]
        self.shown_relation = name
        choices: Any = self.fields["relation"], self.fields["verb"]
        choices[0].choices = [(each, capfirst(each.replace("_", " "))) for each in relationships]
        choices[1].choices = [(verb, VERBS[verb]) for verb in verbs[name]]
        self.initial = {"relation": name, "verb": verbs[name][0]}
        self.fields["targets"] = targets_field(self.relationship, site, by_key=name in by_key)
        self.order_fields(["relation", "verb", "targets"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("verb") in ("append", "delete") and "targets" in cleaned and not cleaned["targets"]:
            self.add_error("targets", gettext("Choose at least one."))
        return cleaned

    def run(self, owners: Sequence[models.Model], *, dry_run: bool) -> Changes:
        """The verb on all owners. Raises what it raises."""
        association = Association(owners, self.relationship.name)
        targets, verb = list(self.cleaned_data["targets"]), self.cleaned_data["verb"]
        if verb == "delete":
            return association.delete(*targets, dry_run=dry_run, pairs=True)
        if verb == "replace":
            return association.replace(*targets, to_all=True, dry_run=dry_run, pairs=True)
        return association.append(*targets, to_all=True, dry_run=dry_run, pairs=True)


def targets_field(relationship: Relationship, site: Any, *, by_key: bool) -> forms.Field:
    """Chooses targets; it works without JavaScript as well."""
    target = relationship.target
    label = capfirst(str(target._meta.verbose_name_plural))
    rows = target._default_manager.all()
    if site.is_registered(target):
        rows = rows.order_by(*site.get_model_admin(target).get_ordering(None) or rows.query.order_by)
    if not relationship.reverse:
        field: Any = relationship.owner._meta.get_field(relationship.name)
        rows = rows.complex_filter(field.get_limit_choices_to())
    widget: Any = FilteredSelectMultiple(label, is_stacked=False)
    if by_key:
        raw = KeyListRawIdWidget if is_composite(target) else ManyToManyRawIdWidget
        widget = raw(target_rel(target, relationship.target_key), site)
    chooser = TargetMultipleChoiceField if is_composite(target) else forms.ModelMultipleChoiceField
    return chooser(rows, required=False, label=label, widget=widget)


@dataclass(frozen=True, slots=True)
class Pair:
    """A link that changes: its ends, or their keys where they are gone."""

    change: str
    owner: Any
    target: Any

    def __str__(self) -> str:
        return f"{self.owner} – {self.target}"


def pairs_of(
    relationship: Relationship, changes: Changes, owners: Sequence[models.Model], limit: int | None = None
) -> list[Pair]:
    """The pairs behind the numbers, with the rows themselves."""
    found = [(change, *pair) for change, pairs in (changes.pairs or {}).items() for pair in pairs][:limit]
    by_key = {owner.pk: owner for owner in owners}
    target = relationship.target
    keys = {key if isinstance(key, tuple) else (key,) for _, _, key in found}
    targets = {row.pk: row for row in target._base_manager.filter(among(target, keys))}
    return [Pair(change, by_key.get(owner, owner), targets.get(key, key)) for change, owner, key in found]


def fingerprint(changes: Changes) -> str:
    """A short text that is another for any other change."""
    pairs = {name: sorted(map(str, found)) for name, found in (changes.pairs or {}).items()}
    return hashlib.sha256(repr((changes, pairs)).encode()).hexdigest()


def summary(changes: Changes) -> str:
    """The numbers in words."""
    return gettext("%(added)d added, %(revived)d revived, %(removed)d removed, %(kept)d kept") % {
        "added": changes.added,
        "revived": changes.revived,
        "removed": changes.removed,
        "kept": changes.kept,
    }
