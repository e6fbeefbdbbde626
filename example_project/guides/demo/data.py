"""The demo's rows and its login; filling them in again changes nothing."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import transaction

from example_project.guides.factories import (
    BlogFactory,
    LanguageFactory,
    PersonFactory,
    UserFactory,
)
from example_project.guides.models import Language, Profile, User

LOGIN = "admin"

# name: (refer, languages, friends, codes of spoken languages)
USERS = {
    "ann": (101, ["English", "French"], ["ben", "cleo"], ["en", "fr"]),
    "ben": (102, ["English", "German"], ["ann"], ["de"]),
    "cleo": (103, ["Chinese"], ["dan"], ["zh"]),
    "dan": (104, [], [], ["en"]),
}
SPOKEN = {"en": "English", "fr": "French", "de": "German", "zh": "Chinese"}
PEOPLE = {"jinzhu": ["home", "office"], "mia": ["home"]}
TAGS = {1: {"en": "database", "fr": "base de données"}, 2: {"en": "news", "fr": "actualités"}}


@transaction.atomic
def fill() -> None:
    """Make what is missing of the demo's rows and links; bring back what was softly deleted."""
    refers = {name: refer for name, (refer, *_) in USERS.items()}
    User.objects.unscoped().filter(refer__in=refers.values()).update(deleted_at=None)
    Profile.objects.unscoped().filter(user_refer__in=refers.values()).update(deleted_at=None)
    Language.objects.unscoped().filter(name__in=SPOKEN.values()).update(deleted_at=None)
    for name, (refer, languages, friends, codes) in USERS.items():
        spoken = [LanguageFactory(name=language) for language in languages]
        user = UserFactory(
            refer=refer,
            name=name,
            languages=spoken,
            friends=[{"refer": refers[friend], "name": friend} for friend in friends],
            profiles={"user_refer": refer, "name": f"profile of {name}"},
            speaks=[{"code": code, "name": SPOKEN[code]} for code in codes],
        )
        user.fluent_in.append(
            spoken,
            through_defaults=lambda language: {"fluency": "native" if language.name == "English" else "advanced"},
        )
    for name, addresses in PEOPLE.items():
        PersonFactory(name=name, addresses=[{"name": address} for address in addresses])
    for locale in ("en", "fr"):
        tags = [{"id": number, "locale": locale, "value": value[locale]} for number, value in TAGS.items()]
        BlogFactory(id=1, locale=locale, subject=f"Associations ({locale})", tags=tags)


def login() -> None:
    """Make the superuser admin with the password admin; an existing one gets that password again."""
    user, _ = get_user_model().objects.get_or_create(username=LOGIN)
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(LOGIN)
    user.save()
