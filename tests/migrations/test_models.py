"""Kinds of models at either end: the project's user, proxies, child tables, children of abstract bases."""

from __future__ import annotations

import pytest

from tests.migrations.project import Project

USER = """
    from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager

    class User(AbstractBaseUser):
        email = models.CharField(max_length=100, unique=True)
        id = models.AutoField(primary_key=True)  # as auth.User has it
        USERNAME_FIELD = "email"
        objects = BaseUserManager()
        class Meta:
            swappable = "AUTH_USER_MODEL"
        languages = Many2Many("langs.Language", "many2many:user_languages;constraint:OnDelete:CASCADE")
"""
LANGS = """
    class Language(Model):
        name = models.CharField(max_length=50)
        speakers = Many2Many(settings.AUTH_USER_MODEL, "many2many:language_speakers")
        author = BelongsTo(settings.AUTH_USER_MODEL, null=True, related_name="+")
"""


@pytest.mark.parametrize("installed", [("accounts", "langs"), ("langs", "accounts")])
def test_the_project_s_user_as_owner_and_as_target(project: Project, installed: tuple[str, str]) -> None:
    project.write(installed, accounts=USER, langs=LANGS)
    project.configure(AUTH_USER_MODEL="accounts.User")

    [found] = project.deploy(
        """
        from accounts.models import *
        from langs.models import *
        user, language = User.objects.create(email="a"), Language.objects.create(name="b")
        user.languages.add(language)
        language.speakers.append(user)
        result = [user.languages.count(), language.speakers.count(), user.language_set.count()]
        user.languages.clear()  # or the links would outlive their languages when these are migrated away
        """
    )

    assert found == [1, 1, 1]
    text = "".join(path.read_text() for path in project.migrations("langs"))
    assert "migrations.swappable_dependency(settings.AUTH_USER_MODEL)" in text
    assert "to=settings.AUTH_USER_MODEL" in text
    assert {(key.columns, key.to_table) for key in project.table("user_languages").foreign_keys} == {
        (("user_id",), "accounts_user"),
        (("language_id",), "languages"),
    }
    assert project.table("language_speakers").primary_key == ("language_id", "user_id")
    assert [key.name for key in project.table("languages").foreign_keys] == ["fk_languages_author"]
    project.back_and_forth("langs")
    project.back_and_forth("accounts")


def test_the_stock_user_as_target_in_a_project_that_swaps_it_later(project: Project) -> None:
    """A reusable app's migrations name a user table that this project does not have."""
    project.write(accounts="\n".join(USER.splitlines()[:-1]), langs=LANGS)
    project.configure(EXTRA_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
    project.run("makemigrations langs --noinput", "makemigrations langs --check --dry-run")
    assert "to_table='auth_user'" in project.migrations("langs")[0].read_text()

    project.configure(AUTH_USER_MODEL="accounts.User")
    project.deploy()

    assert len(project.migrations("langs")) == 1
    keys = project.table("language_speakers").foreign_keys
    assert {key.to_table for key in keys} == {"accounts_user", "languages"}


INHERITANCE = """
    class Person(Model):
        name = models.CharField(max_length=50)

    class Kid(Person):
        toys = Many2Many("Toy", "many2many:kid_toys;constraint:OnDelete:CASCADE")
        badge = models.CharField(max_length=20, unique=True)
        by_badge = Many2Many("Toy", "many2many:badge_toys;foreignKey:Badge;references:Code", related_name="badges")

    class Teacher(Person):
        kids = Many2Many("Kid", "many2many:teacher_kids")
        badged = Many2Many("Kid", "many2many:badged_kids;references:Badge", related_name="+")

    class Vip(Person):
        toys = Many2Many("Toy", "many2many:vip_toys", related_name="+")
        class Meta:
            proxy = True

    class Toy(Model):
        code = models.CharField(max_length=20, unique=True)
        fans = Many2Many("Vip", "many2many:toy_fans", related_name="+")

    class Labelled(models.Model):
        labels = Many2Many("Label", "many2many:%(class)s_labels", related_name="%(class)s_rows")
        first = BelongsTo("Label", null=True, related_name="first_of_%(class)s")

        class Meta:
            abstract = True

    class Book(Labelled):
        pass

    class Film(Labelled):
        pass

    class Label(Model):
        name = models.CharField(max_length=20)
"""


def test_proxies_child_tables_and_abstract_bases(project: Project) -> None:
    project.write(shop=INHERITANCE)

    [found] = project.deploy(
        """
        from shop.models import *
        kid, toy = Kid.objects.create(name="kid", badge="k"), Toy.objects.create(code="t")
        kid.toys.append(toy)
        kid.by_badge.append(toy)
        teacher = Teacher.objects.create(name="teacher")
        teacher.kids.append(kid)
        teacher.badged.append(kid)
        vip = Vip.objects.create(name="vip")
        vip.toys.append(toy)
        toy.fans.append(vip)
        label = Label.objects.create(name="new")
        book, film = Book.objects.create(first=label), Film.objects.create()
        book.labels.append(label)
        film.labels.append(label)
        result = [
            kid.toys.count(), kid.by_badge.count(), toy.badges.count(), teacher.kids.count(), teacher.badged.count(),
            vip.toys.count(), toy.fans.count(), label.book_rows.count(), label.film_rows.count(),
            label.first_of_book.count(), Teacher.objects.filter(kids__toys__code="t").count(),
        ]
        """
    )

    assert found == [1] * 11
    keys = {
        (table, key.columns): (key.to_table, key.to_columns)
        for table, found in project.schema().items()
        for key in found.foreign_keys
        if key.name.startswith("fk_")
    }
    assert keys == {
        ("kid_toys", ("kid_person_ptr_id",)): ("kids", ("person_ptr_id",)),
        ("kid_toys", ("toy_id",)): ("toys", ("id",)),
        ("badge_toys", ("kid_badge",)): ("kids", ("badge",)),
        ("badge_toys", ("toy_code",)): ("toys", ("code",)),
        ("teacher_kids", ("teacher_person_ptr_id",)): ("teachers", ("person_ptr_id",)),
        ("teacher_kids", ("kid_person_ptr_id",)): ("kids", ("person_ptr_id",)),
        ("badged_kids", ("teacher_person_ptr_id",)): ("teachers", ("person_ptr_id",)),
        ("badged_kids", ("kid_badge",)): ("kids", ("badge",)),
        ("vip_toys", ("vip_id",)): ("people", ("id",)),
        ("vip_toys", ("toy_id",)): ("toys", ("id",)),
        ("toy_fans", ("toy_id",)): ("toys", ("id",)),
        ("toy_fans", ("vip_id",)): ("people", ("id",)),
        ("book_labels", ("book_id",)): ("shop_book", ("id",)),
        ("book_labels", ("label_id",)): ("labels", ("id",)),
        ("film_labels", ("film_id",)): ("shop_film", ("id",)),
        ("film_labels", ("label_id",)): ("labels", ("id",)),
        ("shop_book", ("first_id",)): ("labels", ("id",)),
        ("shop_film", ("first_id",)): ("labels", ("id",)),
    }
    project.back_and_forth("shop")
