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

from gorm_assoc.admin.inlines import JoinRowInline, StackedJoinRowInline
from gorm_assoc.admin.owners import AssociationAdmin, AssociationAdminMixin

__all__ = ["AssociationAdmin", "AssociationAdminMixin", "JoinRowInline", "StackedJoinRowInline"]
