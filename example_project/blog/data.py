"""The blog's demo rows; filling them in again changes nothing."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from example_project.blog.factories import (
    CommentFactory,
    CompanyFactory,
    PostFactory,
    ProfileFactory,
    TagFactory,
    UserFactory,
)
from example_project.guides.factories import LanguageFactory

# name: (company, manager, bio)
USERS = {
    "mara": ("Press", None, "Edits the blog"),
    "noah": ("Press", "mara", "Writes on databases"),
    "olga": ("Books", "mara", "Writes on Go"),
}
# title: (author, language, tags, comments)
POSTS = {
    "Keys of several columns": ("noah", "English", ["databases"], ["Clear at last", "And on MySQL?"]),
    "A link is a row": ("noah", "English", ["databases", "associations"], []),
    "Des associations": ("olga", "French", ["associations", "go"], ["Merci"]),
}
PROFILE_COMMENTS = {"mara": ["Welcome"]}


@transaction.atomic
def fill() -> None:
    """Make what is missing of the demo's rows and links; bring back what was softly deleted."""
    for name, (company, manager, bio) in USERS.items():
        user = _live(UserFactory, name=name)
        user.association("company").append(_live(CompanyFactory, name=company))
        if manager:
            _live(UserFactory, name=manager).team.append(user)
        profile = _live(ProfileFactory, user=user, bio=bio)
        profile.comments.append(_live(CommentFactory, text=text) for text in PROFILE_COMMENTS.get(name, []))
    for title, (author, language, tags, comments) in POSTS.items():
        post = _live(PostFactory, title=title)
        _live(UserFactory, name=author).posts.append(post)
        post.association("language").append(LanguageFactory(name=language))
        post.tags.append(_live(TagFactory, name=tag) for tag in tags)
        post.comments.append(_live(CommentFactory, text=text) for text in comments)


def _live(factory: Any, **values: Any) -> Any:
    """The factory's row, restored if it is dead."""
    wanted = {name: values[name] for name in factory._meta.django_get_or_create}
    factory._meta.model.objects.unscoped().filter(**wanted).update(deleted_at=None)
    return factory(**values)
