"""
The action "edit associations": append, replace or delete targets of all chosen owners.

It asks, shows what a dry run of the verb says, and applies that and nothing else: if the numbers are others by then,
it shows them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin, action
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import models, router, transaction
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from gorm_assoc import relationship as relationships
from gorm_assoc.admin.edit_form import PERMISSIONS, SHOWN_PAIRS, EditForm, Pair, fingerprint, pairs_of, summary
from gorm_assoc.admin.refusals import is_refusal, reason
from gorm_assoc.association import Changes
from gorm_assoc.forms import write_values
from gorm_assoc.relationship import MANY2MANY, Relationship

if TYPE_CHECKING:
    _ModelAdmin = ModelAdmin[Any]
else:
    _ModelAdmin = ModelAdmin

# The words of the log, as Django's own messages have them.
LOGGED = {"added": "added", "revived": "added", "removed": "deleted"}


class EditAssociationsMixin(_ModelAdmin):
    """
    A ModelAdmin with the action.

    edited_associations -- names of many-to-manys, from either side; None means all that the model declares

    Who uses it may change the owners, and add (append), delete (delete) or both (replace) on the join model.
    """

    actions = ("edit_associations",)
    edited_associations: Sequence[str] | None = None
    edit_associations_template = "gorm_assoc/admin/edit_associations.html"

    def has_edit_associations_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return self.has_change_permission(request) and bool(self._verbs(request))

    @action(
        permissions=["edit_associations"], description=gettext_lazy("Edit associations of %(verbose_name_plural)s")
    )
    def edit_associations(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        owners = list(queryset)
        if not all(self.has_change_permission(request, owner) for owner in owners):
            raise PermissionDenied
        verbs = self._verbs(request)
        known = {name: relationships.of(self.model, name) for name in verbs}
        by_key = [*self.raw_id_fields, *self.get_autocomplete_fields(request)]
        is_asked = "_preview" in request.POST or "_apply" in request.POST
        form = EditForm(request.POST if is_asked else None, known, verbs, self.admin_site, by_key)
        if not is_asked and request.POST.get("relation") in known:
            form = EditForm({"relation": request.POST["relation"]}, known, verbs, self.admin_site, by_key)
            form.is_bound = False
        changes = self._preview(form, owners) if is_asked and form.is_valid() else None
        if changes is not None and "_apply" in request.POST:
            if form.cleaned_data["previewed"] == fingerprint(changes):
                return self._apply(request, form, owners)
            form.add_error(None, gettext("The rows have changed since the preview: look at it again."))
        return self._page(request, form, owners, changes)

    def _preview(self, form: EditForm, owners: Sequence[models.Model]) -> Changes | None:
        try:
            return form.run(owners, dry_run=True)
        except Exception as error:
            if not is_refusal(error, form.relationship.through):
                raise
            form.add_error(None, reason(error))
            return None

    def _apply(self, request: HttpRequest, form: EditForm, owners: Sequence[models.Model]) -> HttpResponse | None:
        relationship = form.relationship
        try:
            with transaction.atomic(using=router.db_for_write(relationship.through)):
                changes = form.run(owners, dry_run=False)
                self._log_pairs(request, relationship, pairs_of(relationship, changes, owners))
        except Exception as error:
            if not is_refusal(error, relationship.through):
                raise
            said = gettext("Nothing was changed: %(reason)s") % {"reason": reason(error)}
            self.message_user(request, said, messages.ERROR)
            return None
        said = gettext("%(relation)s of %(count)d %(owners)s: %(changes)s.") % {
            "relation": capfirst(relationship.name.replace("_", " ")),
            "count": len(owners),
            "owners": model_ngettext(self.opts, len(owners)),
            "changes": summary(changes),
        }
        self.message_user(request, said, messages.SUCCESS)
        return None

    def _log_pairs(self, request: HttpRequest, relationship: Relationship, pairs: Sequence[Pair]) -> None:
        """One entry an owner, in the words that its own page uses for join rows."""
        name = str(relationship.through._meta.verbose_name)
        by_owner: dict[Any, list[Any]] = {}
        for pair in pairs:
            entry = {LOGGED[pair.change]: {"name": name, "object": str(pair)}}
            by_owner.setdefault(pair.owner, []).append(entry)
        for owner, entries in by_owner.items():
            self.log_change(request, owner, entries)

    def _page(
        self, request: HttpRequest, form: EditForm, owners: Sequence[models.Model], changes: Changes | None
    ) -> HttpResponse:
        relationship = form.relationship
        across = request.POST.get("select_across", "0") not in ("", "0")
        given: list[Any] = request.POST.getlist(ACTION_CHECKBOX_NAME)
        selected = [write_values(self.model, key) if isinstance(key, tuple) else key for key in given]
        total = changes.added + changes.revived + changes.removed if changes is not None else 0
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Edit associations"),
            "subtitle": None,
            "opts": self.opts,
            "owners": owners,
            "form": form,
            "media": self.media + form.media + Media(js=["admin/js/core.js"]),
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "selected": selected[:1] if across else selected,
            "select_across": int(across),
            "relation": form.fields["targets"].label,
            "changes": changes,
            "previewed": fingerprint(changes) if changes is not None else "",
            "summary": summary(changes) if changes is not None else "",
            "pairs": pairs_of(relationship, changes, owners, SHOWN_PAIRS) if changes is not None else [],
            "more": max(0, total - SHOWN_PAIRS),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.edit_associations_template, context)

    def _verbs(self, request: HttpRequest) -> dict[str, list[str]]:
        """The relations that this user may edit here -> by which verbs."""
        names = self.edited_associations
        if names is None:
            names = [field.name for field in self.opts.many_to_many]
        found = {}
        for name in names:
            relationship = relationships.of(self.model, name)
            verbs = [verb for verb, needed in PERMISSIONS.items() if _may(request, relationship.through, needed)]
            if verbs and relationship.kind == MANY2MANY:
                found[name] = verbs
        return found


def _may(request: HttpRequest, through: type[models.Model], needed: Sequence[str]) -> bool:
    """What the inline asks for the same rows; a join model that Django made has no permissions of its own."""
    opts = through._meta
    if opts.auto_created:
        return True
    user: Any = request.user
    return all(user.has_perm(f"{opts.app_label}.{get_permission_codename(each, opts)}") for each in needed)
