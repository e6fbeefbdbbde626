"""
The main job, step by step: a chapter a relation.

    declaration -> migration -> table -> verbs, each with the SQL it ran and the join rows after it
"""

from __future__ import annotations

from functools import partial

from django.core.management.base import OutputWrapper
from django.core.management.color import Style

from example_project.guides import models
from example_project.guides.demo import reading
from example_project.guides.demo.page import DECLARED, MADE, WRITTEN, Page


class Tour(Page):
    def __init__(self, stdout: OutputWrapper, style: Style) -> None:
        super().__init__(stdout, style, vars(models))

    def run(self) -> None:
        """Show the chapters on many2many."""
        self.languages()
        self.profiles()
        self.fluency()
        self.addresses()
        self.tags()
        self.several()

    # Chapters

    def languages(self) -> None:
        self.chapter("1. A many2many, declared from both sides")
        self.show(DECLARED, reading.declaration(models.User, "languages"))
        self.show("", reading.declaration(models.Language, "users"))
        self.show(WRITTEN, "\n".join(text for _, text in reading.operations(models.UserLanguage)))
        self.show(MADE, reading.table("user_languages"))
        self.do("eve = User.objects.create(name='eve', refer=901)")
        self.do("english, french = Language.objects.create(name='english'), Language.objects.create(name='french')")
        rows = partial(reading.join_rows, models.UserLanguage, self.names["eve"])
        self.ask(
            "A new object is stored, then linked.", "eve.languages.append(english, Language(name='german'))", rows
        )
        self.ask("What is linked is kept. Keys will do.", "eve.languages.append(english, french.pk)", rows)
        self.ask(
            "Links what is given, unlinks the rest.", "eve.languages.replace(french, Language(name='dutch'))", rows
        )
        self.ask("A queryset of the targets.", "list(eve.languages.find(name='french'))")
        self.ask("Their number.", "eve.languages.count()")
        self.ask("From the other side, with Django's own methods.", "list(french.users.filter(name='eve'))")
        self.ask("Takes the link away; the language stays.", "eve.languages.delete(french)", rows)
        self.ask("Takes all links away.", "eve.languages.clear()", rows)
        self.do("eve.languages.append(english)")
        self.ask(
            "A linked row is not deleted for good (nor by GORM): README.md says why, and the ways out.",
            "english.delete(unscoped=True)",
        )

    def profiles(self) -> None:
        self.chapter("2. Names of your own, and keys other than the primary key")
        self.show(DECLARED, reading.declaration(models.User, "profiles"))
        self.describe(models.UserProfile)
        self.show(MADE, reading.table("user_profiles"))
        self.ask(
            "The join row holds eve.refer and profile.user_refer.",
            "eve.profiles.append(Profile(name='work', user_refer=77))",
            partial(reading.join_rows, models.UserProfile, self.names["eve"]),
        )

    def fluency(self) -> None:
        self.chapter("3. A join model of your own, with an extra column")
        self.show(DECLARED, reading.declaration(models.User, "fluent_in"))
        self.show("", reading.declaration(models.UserFluency))
        self.describe(models.UserFluency)
        self.show(MADE, reading.table("user_fluencies"))
        rows = partial(reading.join_rows, models.UserFluency, self.names["eve"])
        self.ask(
            "The column in the same call.",
            "eve.fluent_in.append(french, through_defaults={'fluency': 'advanced'})",
            rows,
        )
        self.ask(
            "A function gives each new row its own. french was linked, so its row stays as it is.",
            "eve.fluent_in.append(english, french, through_defaults=lambda value: {'fluency': f'{value}?'})",
            rows,
        )

    def addresses(self) -> None:
        self.chapter("4. Join rows that are softly deleted, and a hook")
        self.show(DECLARED, reading.declaration(models.Person, "addresses"))
        self.show("", reading.declaration(models.PersonAddress))
        self.describe(models.PersonAddress)
        self.show(MADE, reading.table("person_addresses"))
        self.do("finn, mill = Person.objects.create(name='finn'), Address.objects.create(name='mill')")
        rows = partial(reading.join_rows, models.PersonAddress, self.names["finn"])
        self.ask("before_create() fills in the note.", "finn.addresses.append(mill)", rows)
        self.ask("The row is dead: it stays, with deleted_at set.", "finn.addresses.delete(mill)", rows)
        self.ask("No query sees it ...", "list(finn.addresses.all())")
        self.ask("... unless it is asked to.", "list(finn.addresses.unscoped())")
        self.ask(
            "Appending revives it. (GORM stores nothing here and reports success.)",
            "finn.addresses.append(mill)",
            rows,
        )
        self.ask("unscoped() removes rows for good.", "Association(finn, 'addresses').unscoped().clear()", rows)

    def tags(self) -> None:
        self.chapter("5. Composite keys at both ends")
        self.show(DECLARED, reading.declaration(models.Blog, "tags"))
        self.describe(models.BlogTag)
        self.show(MADE, reading.table("blog_tags"))
        self.do("blog = Blog.objects.create(id=901, locale='en', subject='keys')")
        rows = partial(reading.join_rows, models.BlogTag, self.names["blog"])
        self.ask("The key of a new row may be given.", "blog.tags.append(Tag(id=901, locale='en', value='sql'))", rows)
        self.ask("A composite key is a tuple.", "blog.tags.delete((901, 'en'))", rows)

    def several(self) -> None:
        self.chapter("6. Several owners in one call")
        self.do("adam, greek = User.objects.create(name='adam', refer=902), Language.objects.create(name='greek')")
        self.do("both = Association([eve, adam], 'languages')")
        rows = partial(reading.join_rows, models.UserLanguage, self.names["eve"], self.names["adam"])
        self.ask("One value or list for each owner, in their order.", "both.append(french, [french, greek])", rows)
        self.ask("What would change, without changing it.", "both.replace(greek, to_all=True, dry_run=True)")
        self.ask("The same for both.", "both.replace(greek, to_all=True)", rows)
