"""
The other kinds of relation, on the blog: the link is a column of one of the two rows.

    declaration -> migration -> table -> verbs, each with the SQL it ran and the rows after it
"""

from __future__ import annotations

from functools import partial

from django.core.management.base import OutputWrapper
from django.core.management.color import Style
from django.db import models as django_models

from example_project.blog import models
from example_project.guides.demo import reading
from example_project.guides.demo.page import DECLARED, MADE, WRITTEN, Page, Rows


class BlogTour(Page):
    def __init__(self, stdout: OutputWrapper, style: Style) -> None:
        super().__init__(stdout, style, vars(models))

    def run(self) -> None:
        """Show the chapters on belongs to, has one, has many and polymorphic relations."""
        self.company()
        self.profile()
        self.posts()
        self.comments()
        self.graphs()

    # Chapters

    def company(self) -> None:
        self.chapter("7. Belongs to: the owner's row names its target")
        self.show(DECLARED, reading.declaration(models.User, "company"))
        self.show("and its mirror, whose foreign key it is", reading.declaration(models.Company, "employees"))
        self.written(models.User, "company")
        self.show(MADE, reading.table("blog_user"))
        rows = self.rows(models.User, "id", "name", "company_id")
        self.people = self.rows(models.User, "id", "name", "manager_id")
        self.do("mia, noa = User.objects.create(name='mia'), User.objects.create(name='noa')")
        self.do("press, books = Company.objects.create(name='press'), Company.objects.create(name='books')")
        self.ask("The column of the owner is set, and the object's.", "mia.association('company').append(press)", rows)
        self.ask("An owner has one: another takes its place.", "mia.association('company').replace(books)", rows)
        self.ask("Reading is Django's, or the verbs'.", "mia.company, mia.association('company').count()")
        self.ask("Only what is linked is taken away.", "mia.association('company').delete(press)", rows)
        self.ask("The mirror moves rows to an owner.", "press.employees.append(mia, noa)", rows)
        self.ask("Nobody is named; the company stays.", "mia.association('company').clear()", rows)

    def profile(self) -> None:
        self.chapter("8. Has one: the target's row names its owner")
        self.show(DECLARED, reading.declaration(models.User, "profile"))
        self.show("", reading.declaration(models.Profile))
        self.written(models.Profile, "user")
        self.show(MADE, reading.table("blog_profile"))
        rows = self.rows(models.Profile, "id", "bio", "user_id")
        self.ask(
            "A new object is stored with its owner's key.",
            "mia.association('profile').append(Profile(bio='writes'))",
            rows,
        )
        self.ask("One object, by Django's accessor.", "mia.profile")
        self.ask(
            "Another would take its place, but this key may not be NULL. Nothing has changed.",
            "mia.association('profile').replace(Profile(bio='edits'))",
            rows,
        )
        self.ask(
            "unscoped() deletes what is let go; first the old goes, then the new comes, as the key is unique.",
            "mia.association('profile').unscoped().replace(Profile(bio='edits'))",
            rows,
        )
        self.ask("It moves to another owner.", "noa.association('profile').append(mia.profile)", rows)

    def posts(self) -> None:
        self.chapter("9. Has many")
        self.show(DECLARED, reading.declaration(models.User, "posts"))
        self.show("", reading.declaration(models.Post, "author"))
        self.written(models.Post, "author")
        self.show(MADE, reading.table("blog_post"))
        rows = self.rows(models.Post, "id", "title", "author_id", "deleted_at")
        self.do("one, two = Post.objects.create(title='one'), Post.objects.create(title='two')")
        self.ask(
            "Stored rows get the key, new ones are stored with it.",
            "mia.posts.append(one, two, Post(title='three'))",
            rows,
        )
        self.ask("A post has one author: it moves.", "noa.posts.append(two)", rows)
        self.ask("A queryset, and Django's own lookups.", "list(mia.posts.find(title='one'))")
        self.ask("", "User.objects.filter(posts__title='two').get(), mia.posts.count()")
        self.ask("Links what is given; the rest is let go.", "mia.posts.replace(two, Post(title='four'))", rows)
        self.ask("Let go; the post stays.", "mia.posts.delete(two)", rows)
        self.do("mia.posts.append(one, two)")
        self.do("one.delete()")
        self.ask("A dead post is read by nobody, and keeps its author.", "mia.posts.clear()", rows)
        self.ask(
            "unscoped() sees it, and deletes for good.",
            "mia.association('posts').unscoped().clear()",
            rows,
        )
        self.show("A relation to itself", reading.declaration(models.User, "manager"))
        self.show("", reading.declaration(models.User, "team"))
        self.ask("From both sides.", "mia.team.append(noa), noa.manager", self.people)
        self.ask(
            "Several owners, one value or list each.",
            "Association([mia, noa], 'posts').replace([two], [Post(title='five')])",
            rows,
        )

    def comments(self) -> None:
        self.chapter("10. Polymorphic: posts and profiles have comments")
        self.show(DECLARED, reading.declaration(models.Post, "comments"))
        self.show("", reading.declaration(models.Profile, "comments"))
        self.show("", reading.declaration(models.Comment))
        self.show(MADE, reading.table("blog_comment"))
        rows = self.rows(models.Comment, "id", "text", "owner_type", "owner_id")
        self.ask("The type is the owner's table.", "two.comments.append(Comment(text='clear'))", rows)
        self.ask("", "noa.profile.comments.append(Comment(text='welcome'))", rows)
        self.ask("Each owner sees its own.", "list(two.comments.all())")
        self.ask("It moves to an owner of another model.", "noa.profile.comments.append(two.comments.get())", rows)
        self.ask("The id is emptied; the type stays, as in GORM.", "noa.profile.comments.clear()", rows)

    def graphs(self) -> None:
        self.chapter("11. Whole graphs, saved and deleted at once")
        people = self.rows(models.User, "id", "name", "company_id", "deleted_at")
        posts = self.rows(models.Post, "id", "title", "author_id", "deleted_at")
        tags = self.rows(models.PostTag, "post_id", "tag_id")
        self.do(
            "pia = User(name='pia', company=Company(name='mill'), profile=Profile(bio='sings'),\n"
            "               posts=[Post(title='six', tags=[Tag(name='go'), Tag(name='sql')]), Post(title='seven')])"
        )
        self.ask("What a user belongs to, the user, then what belongs to it.", "pia.save()", posts)
        self.ask("", "pia.company, pia.profile, [len(post.tags.all()) for post in pia.posts.order_by('title')]", tags)
        self.do("pia.posts = [Post(title='eight')]")
        self.ask("Assigned is added, and nothing is removed.", "pia.save()", posts)
        self.do("rob = User(name='rob', company=Company(name='shed'), posts=[Post(title='nine')])")
        self.ask("Some of it only.", "rob.save(select=['name', 'posts'])", people)
        self.ask(
            "Many at once are as many statements as one.",
            "User.objects.create_many([User(name=name, posts=[Post(title=name)]) for name in ('sue', 'tom')])",
            posts,
        )
        self.ask(
            "Deletes along: posts softly, their links for good.", "pia.delete(select=['posts', 'posts.tags'])", posts
        )
        self.ask("", "User.objects.filter(name='pia').exists(), Tag.objects.filter(name='go').exists()", tags)
        self.ask("All relations, for good.", "rob.delete(select=ALL, unscoped=True)", people)

    # Parts

    def written(self, model: type[django_models.Model], name: str) -> None:
        """The operations for one relation field of the model and the foreign key over it."""
        found = [
            text
            for operation, text in reading.operations(model)
            if getattr(operation, "name", "") == name
            or (f"fields=('{name}',)" in text and "ForeignKeyConstraint" in text)
        ]
        self.show(WRITTEN, "\n".join(found))

    def rows(self, model: type[django_models.Model], *columns: str) -> Rows:
        """The rows that the tour makes from now on."""
        last = model._base_manager.order_by("pk").last()
        return partial(reading.rows_of, model, *columns, after=last.pk if last else 0)
