"""
Join rows in Django's admin.

    class LanguageInline(JoinRowInline):       the join rows of a many-to-many, below its owner or its target
        model = User.languages.through

    class UserAdmin(AssociationAdmin):         the many-to-many as an ordinary form field
        fields = ["name", "languages"]
        inlines = [FluencyInline]

Django's own inline wants a ForeignKey and a key of one column; its form field wants a join model that nobody wrote.
"""

from __future__ import annotations

from gorm_assoc.admin.filters import AssociationFilter
from gorm_assoc.admin.inlines import JoinRowInline, StackedJoinRowInline
from gorm_assoc.admin.lists import AssociationCount
from gorm_assoc.admin.owners import AssociationAdmin, AssociationAdminMixin
from gorm_assoc.admin.registering import register

__all__ = [
    "AssociationAdmin",
    "AssociationAdminMixin",
    "AssociationCount",
    "AssociationFilter",
    "JoinRowInline",
    "StackedJoinRowInline",
    "register",
]
