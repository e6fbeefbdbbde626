"""Historical models: a data migration links rows as the code of today does."""

from __future__ import annotations

import pytest

from tests.migrations.project import Project

MODELS = """
    class User(Model):
        name = models.CharField(max_length=50)
        code = models.CharField(max_length=50, unique=True)
        languages = Many2Many("Language", "many2many:user_languages")
        coded = Many2Many("Language", "many2many:coded;foreignKey:Code;references:Code;joinForeignKey:A;joinReferences:B",
                          related_name="coders")
        friends = Many2Many("self", "many2many:user_friends")
        following = Many2Many("self", "many2many:follows;joinForeignKey:FollowerID;joinReferences:FollowedID")
        followers = Many2Many("self", "many2many:follows;joinForeignKey:FollowedID;joinReferences:FollowerID",
                              back_reference=True)
        pages = Many2Many("Page", "many2many:user_pages")
        billing = Many2Many("Language", "joinReferences:BillingID", through="Invoice", related_name="+")
        soft = Many2Many("Language", through="SoftLink", related_name="soft_users")

    class Language(Model):
        name = models.CharField(max_length=50)
        code = models.CharField(max_length=50, unique=True)
        users = Many2Many("User", "many2many:user_languages")

    class Page(models.Model):
        pk = models.CompositePrimaryKey("id", "locale")
        id = models.BigIntegerField()
        locale = models.CharField(max_length=10)
        translations = Many2Many("self", "many2many:page_translations")

    class Invoice(JoinTable):
        user = BelongsTo("User")
        language = BelongsTo("Language", null=True)
        billing = BelongsTo("Language")
        pk = models.CompositePrimaryKey("user_id", "billing_id")

    class SoftLink(JoinTable, SoftDeleteModel):
        user = BelongsTo("User")
        language = BelongsTo("Language")
"""

DATA = """
    from django.db import migrations


    def forwards(apps, schema_editor):
        User, Language, Page = (apps.get_model("shop", name) for name in ("User", "Language", "Page"))
        ann, bob = User.objects.create(name="ann", code="a"), User.objects.create(name="bob", code="b")
        english = Language.objects.create(name="English", code="en")
        french = Language.objects.create(name="French", code="fr")
        ann.languages.add(english)
        ann.languages.append(french, Language(name="German", code="de"))
        ann.languages.remove(french)
        assert sorted(l.name for l in ann.languages.all()) == ["English", "German"]
        assert [u.name for u in english.users.all()] == ["ann"]
        assert ann.languages.filter(name="German").count() == 1
        assert [u.name for u in User.objects.filter(languages__code="en")] == ["ann"]
        assert [u.name for u in User.objects.exclude(languages__code="en")] == ["bob"]
        [ann, bob] = User.objects.prefetch_related("languages", "friends").order_by("name")
        assert [len(u.languages.all()) for u in (ann, bob)] == [2, 0]

        ann.coded.add(english)
        assert list(ann.coded.values_list("code", flat=True)) == ["en"]
        assert [u.name for u in english.coders.all()] == ["ann"]

        ann.friends.append(bob)
        assert [u.name for u in User.objects.get(name="ann").friends.all()] == ["bob"]
        assert not bob.friends.exists()

        ann.following.append(bob)
        assert [u.name for u in bob.followers.all()] == ["ann"]
        assert not ann.followers.exists()
        bob.followers.clear()
        assert not ann.following.exists()
        bob.followers.add(ann)
        assert [u.name for u in ann.following.all()] == ["bob"]
        through = apps.get_model("shop", User.following.through.__name__)
        row = through.objects.get()
        assert (row.follower_id if hasattr(row, "follower_id") else row.user_id) == ann.pk

        page = Page.objects.create(id=1, locale="en")
        other = Page.objects.create(id=1, locale="fr")
        ann.pages.append(page, other)
        ann.pages.remove(other)
        assert [p.locale for p in ann.pages.all()] == ["en"]
        assert [p.locale for u in User.objects.prefetch_related("pages") for p in u.pages.all()] == ["en"]
        page.translations.add(other)
        assert [p.locale for p in page.translations.all()] == ["fr"]

        ann.billing.append(french)
        assert [l.name for l in ann.billing.all()] == ["French"]

        ann.soft.append(french)
        ann.soft.remove(french)
        assert not ann.soft.exists()
        assert not french.soft_users.exists()
        assert apps.get_model("shop", "SoftLink").objects.count() == 1


    def backwards(apps, schema_editor):
        User = apps.get_model("shop", "User")
        ann = User.objects.get(name="ann")
        for name in ("languages", "coded", "friends", "following", "pages", "billing"):
            manager = getattr(ann, name)
            assert manager.count()
            manager.clear()
            assert not manager.count()
        apps.get_model("shop", "SoftLink").objects.all().delete()
        for name in ("Page_translations", ):
            apps.get_model("shop", "PageTranslation").objects.all().delete()
        User.objects.all().delete()
        apps.get_model("shop", "Language").objects.all().delete()
        apps.get_model("shop", "Page").objects.all().delete()


    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_initial")]
        operations = [migrations.RunPython(forwards, backwards)]
"""


def test_a_data_migration_uses_relations_of_every_form(project: Project) -> None:
    project.write(shop=MODELS)
    project.deploy()
    project.migration("shop", "0002_data", DATA)

    [_, _, now, _, _] = project.run(
        "migrate --noinput",
        "makemigrations --check --dry-run",
        """
        from shop.models import *
        ann = User.objects.get(name="ann")
        result = [getattr(ann, name).count() for name in
                  ("languages", "coded", "friends", "following", "followers", "pages", "billing", "soft")]
        """,
        "migrate shop 0001 --noinput",
        "migrate --noinput",
    )

    assert now == [2, 1, 1, 1, 0, 1, 1, 0]


@pytest.mark.parametrize("installed", [("people", "langs"), ("langs", "people")])
def test_a_data_migration_over_two_apps(project: Project, installed: tuple[str, str]) -> None:
    project.write(
        installed,
        people="""
        class User(models.Model):
            languages = Many2Many("langs.Language", "many2many:user_languages")
        """,
        langs="""
        class Language(models.Model):
            users = Many2Many("people.User", "many2many:user_languages")
        """,
    )
    project.deploy()
    last = project.migrations("people")[-1].stem
    project.migration(
        "people",
        "0009_data",
        f"""
        from django.db import migrations

        def forwards(apps, schema_editor):
            user = apps.get_model("people", "User").objects.create()
            language = apps.get_model("langs", "Language").objects.create()
            user.languages.append(language)
            assert language.users.get() == user
            language.users.set([])
            assert not user.languages.exists()

        class Migration(migrations.Migration):
            dependencies = [("people", "{last}"), ("langs", "{project.migrations("langs")[-1].stem}")]
            operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
        """,
    )

    project.run("migrate --noinput", "makemigrations --check --dry-run")
