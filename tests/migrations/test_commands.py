"""Django's other commands: sqlmigrate, dumpdata, loaddata."""

from __future__ import annotations

import json

import pytest

from tests.migrations.project import KIND, Project

MODELS = """
    class User(Model):
        name = models.CharField(max_length=50)
        languages = Many2Many("Language", "many2many:user_languages;constraint:OnDelete:CASCADE")
        pages = Many2Many("Page", "many2many:user_pages")
        addresses = Many2Many("Language", through="UserAddress", related_name="+")

    class Language(Model):
        name = models.CharField(max_length=50)

    class UserAddress(JoinTable, SoftDeleteModel):
        user = BelongsTo("User")
        address = BelongsTo("Language")

    class Page(models.Model):
        pk = models.CompositePrimaryKey("id", "locale")
        id = models.BigIntegerField()
        locale = models.CharField(max_length=10)
"""


def test_sqlmigrate_shows_the_keys(project: Project) -> None:
    project.write(shop=MODELS)
    project.deploy()

    forwards, backwards = project.run("sqlmigrate shop 0001", "sqlmigrate shop 0001 --backwards")

    quote = "`" if KIND == "mariadb" else '"'
    plain = forwards.replace(quote, "")
    assert "CREATE TABLE user_languages" in plain
    assert "PRIMARY KEY (user_id, language_id)" in plain
    assert "CONSTRAINT fk_user_languages_user FOREIGN KEY" in plain
    assert "REFERENCES shop_page (id, locale)" in plain
    assert "ON DELETE CASCADE" in plain
    assert "DROP TABLE user_languages" in backwards.replace(quote, "")


@pytest.mark.parametrize("order", [1, -1])
def test_join_rows_are_dumped_and_loaded_in_any_order(project: Project, order: int) -> None:
    project.write(shop=MODELS)
    project.deploy(
        """
        from shop.models import *
        ann = User.objects.create(name="ann")
        ann.languages.append(Language(name="en"), Language(name="fr"))
        ann.pages.append(Page(id=1, locale="en"))
        ann.addresses.append(ann.languages.get(name="en"))
        """
    )
    project.run("dumpdata shop --all --output dump.json")
    dump = project.folder / "dump.json"
    dump.write_text(json.dumps(json.loads(dump.read_text())[::order]))

    project.run(
        "flush --noinput",
        """
        from shop.models import *
        assert not User.objects.exists()
        """,
        "loaddata dump.json",
    )
    [counts] = project.run(
        """
        from shop.models import *
        ann = User.objects.get()
        result = [ann.languages.count(), ann.pages.count(), ann.addresses.count()]
        """
    )

    assert counts == [2, 1, 1]
