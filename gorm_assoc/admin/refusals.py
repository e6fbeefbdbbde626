"""What a join model, the verbs or the database refuse, in words for a page."""

from __future__ import annotations

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, models
from django.db.models.deletion import ProtectedError, RestrictedError
from django.utils.translation import gettext

from gorm_assoc.exceptions import AssociationError
from gorm_assoc.kinds import hooks


def is_refusal(error: Exception, through: type[models.Model]) -> bool:
    """Whether this is for the user to read; where the join model has hooks, whatever they raise."""
    expected = (
        ValidationError,
        AssociationError,
        ProtectedError,
        RestrictedError,
        IntegrityError,
        ObjectDoesNotExist,
    )
    return isinstance(error, expected) or hooks.has(through, (*hooks.CREATE, *hooks.DELETE))


def reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, (ProtectedError, RestrictedError)):
        return str(error.args[0])
    if isinstance(error, IntegrityError):
        return gettext("the database refused it. It may have been stored or changed in the meantime.")
    return str(error) or type(error).__name__
