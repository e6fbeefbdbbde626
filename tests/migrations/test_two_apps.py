"""Apps that point at each other, in any order."""

from __future__ import annotations

import pytest

from tests.catalogue import ForeignKey, Index
from tests.migrations.project import KIND, Project

DEFERRABLE = KIND != "mariadb"

ACCOUNTS = """
    class User(Model):
        name = models.CharField(max_length=50)
        languages = Many2Many("langs.Language", "many2many:user_languages;constraint:OnDelete:CASCADE")
"""
LANGS = """
    class Language(Model):
        name = models.CharField(max_length=50)
        inventor = models.ForeignKey("accounts.User", models.CASCADE, null=True)
        users = Many2Many("accounts.User", "many2many:user_languages")
"""


@pytest.mark.parametrize("installed", [("accounts", "langs"), ("langs", "accounts")])
def test_both_sides_declared_in_two_apps_share_one_table(project: Project, installed: tuple[str, str]) -> None:
    project.write(installed, accounts=ACCOUNTS, langs=LANGS)

    [names] = project.deploy(
        """
        from accounts.models import *
        from langs.models import *
        ann, english = User.objects.create(name="ann"), Language.objects.create(name="English")
        english.users.append(ann)
        result = [ann.languages.get().name, User.languages.through._meta.label, Language.users.through._meta.label,
                  list(User.objects.filter(languages__name="English").values_list("name", flat=True))]
        """
    )

    assert names == ["English", "accounts.UserLanguage", "accounts.UserLanguage", ["ann"]]
    table = project.table("user_languages")
    assert table.column_names == table.primary_key == ("user_id", "language_id")
    assert table.foreign_keys == (
        ForeignKey(
            "fk_user_languages_language",
            ("language_id",),
            "languages",
            ("id",),
            on_delete="CASCADE",
            deferrable=DEFERRABLE,
        ),
        ForeignKey(
            "fk_user_languages_user", ("user_id",), "users", ("id",), on_delete="CASCADE", deferrable=DEFERRABLE
        ),
    )
    assert table.indexes == (Index("idx_user_languages_language_id", ("language_id",)),)
    project.back_and_forth("accounts")
    project.back_and_forth("langs")
