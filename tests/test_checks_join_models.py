"""What the system checks say of join models: whole messages and hints."""

from __future__ import annotations

import warnings

from tests.checking import CheckTestCase, told


class ColumnsTests(CheckTestCase):
    def test_E010_a_missing_column(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", through="Link")

            class Link(models.Model):
                user_id = models.BigIntegerField(primary_key=True)
                lang_id = models.BigIntegerField()
            """,
            (
                "E010",
                "testapp.User.languages",
                "testapp.Link is the join model of testapp.User.languages, but has no column 'language_id'.",
                'Declare user = BelongsTo("User") and language = BelongsTo("Language"), or name the columns it has '
                "with joinForeignKey and joinReferences.",
            ),
        )

    def test_E010_instead_of_djangos_E336(self):
        names = self.declare("""
            class User(Model):
                languages = Many2Many("Language", through="Link")

            class Link(models.Model):
                pass
        """)

        assert names.User.check() == []

    def test_E010_is_silent_while_a_model_is_missing(self):
        found = self.check("""
            class User(Model):
                languages = Many2Many("Language", through="Link")

            class Link(JoinTable):
                user = BelongsTo("User")
                language = BelongsTo("Langage")
        """)

        assert [message.id for message in found] == ["gorm_assoc.E003"]


class UniqueTests(CheckTestCase):
    def test_E011_nothing_makes_a_pair_unique(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", through="Link")

            class Link(JoinTable):
                id = models.BigAutoField(primary_key=True)
                user = BelongsTo("User")
                language = BelongsTo("Language")
            """,
            (
                "E011",
                "testapp.User.languages",
                "testapp.Link is the join model of testapp.User.languages, but nothing in it keeps a pair from being "
                "linked twice.",
                'Add models.UniqueConstraint(fields=["user_id", "language_id"], name=...) to its Meta.constraints, or '
                "make the pair its primary key.",
            ),
        )

    def test_E011_a_unique_constraint_with_a_condition_does_not_count(self):
        found = self.check("""
            class User(Model):
                languages = Many2Many("Language", through="Link")

            class Link(models.Model):
                user = BelongsTo("User")
                language = BelongsTo("Language")
                note = models.TextField(null=True)

                class Meta:
                    constraints = [
                        models.UniqueConstraint(
                            fields=["user", "language"], condition=models.Q(note=None), name="uni_link"
                        )
                    ]
        """)

        assert [message.id for message in found] == ["gorm_assoc.E011"]

    def test_E011_is_silent_about_a_unique_part_of_the_pair(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", through="Link")

            class Link(models.Model):
                user = models.OneToOneField("User", models.CASCADE)
                language = models.ForeignKey("Language", models.CASCADE)
            """
        )


class ClassNameTests(CheckTestCase):
    TAKEN = (
        "E012",
        "testapp.User.languages",
        "The join model of testapp.User.languages would be testapp.UserLanguage, but there is a model of that name.",
        'Write through="testapp.UserLanguage" if it is the join model, else join_model="..." for another name.',
    )

    def test_E012_a_model_before_the_relation(self):
        self.assert_finds(
            """
            class UserLanguage(models.Model):
                pass

            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages")
            """,
            self.TAKEN,
        )

    def test_E012_a_model_after_the_relation(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # Django's: already registered
            self.declare("""
                class User(Model):
                    languages = Many2Many("Language", "many2many:user_languages")

                class UserLanguage(models.Model):
                    pass
            """)

        assert told(self.messages()) == [self.TAKEN]

    def test_E012_the_join_model_of_another_relation(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages", related_name="+")
                language = Many2Many("Language", "many2many:user_language", related_name="+")
            """,
            (
                "E012",
                "testapp.User.language",
                "The join model of testapp.User.language would be testapp.UserLanguage, which is that of "
                "testapp.User.languages.",
                'Name one of the two with join_model="...".',
            ),
        )


class JoinModelOptionTests(CheckTestCase):
    def test_E013_an_app_that_is_not_installed(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages", join_model="testap.Spoken")
            """,
            (
                "E013",
                "testapp.User.languages",
                "testapp.User.languages puts its join model into the app 'testap', which is not installed.",
                'Write join_model="testapp.Spoken".',
            ),
        )

    def test_E013_beside_through(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", through="Link", join_model="Spoken")

            class Link(JoinTable):
                user = BelongsTo("User")
                language = BelongsTo("Language")
            """,
            (
                "E013",
                "testapp.User.languages",
                "testapp.User.languages says join_model='Spoken', but its join model is given: through=.",
                "Remove join_model.",
            ),
        )


class ThroughFieldsTests(CheckTestCase):
    def test_E014_names_that_are_no_relation_to_the_end(self):
        names = self.declare("""
            class User(Model):
                languages = Many2Many("Language", through="Link", through_fields=("usr", "user"))

            class Link(JoinTable):
                user = BelongsTo("User")
                language = BelongsTo("Language")
        """)
        says = "testapp.User.languages says through_fields=('usr', 'user'), but testapp.Link has no relation"

        assert told(self.messages()) == [
            ("E014", "testapp.User.languages", f"{says} 'usr' to testapp.User.", "It has: user."),
            ("E014", "testapp.User.languages", f"{says} 'user' to testapp.Language.", "It has: language."),
        ]
        assert names.User.check() == []


class JoinTableTests(CheckTestCase):
    def test_E015_one_relation(self):
        self.assert_finds(
            """
            class Link(JoinTable):
                language = BelongsTo("Language")
            """,
            (
                "E015",
                "testapp.Link",
                "testapp.Link is a JoinTable without a primary key: two relations make it, and it has 1.",
                "Declare two BelongsTo, or a primary key.",
            ),
        )

    def test_E015_is_silent_about_a_key_of_its_own(self):
        self.assert_finds(
            """
            class Link(JoinTable):
                id = models.BigAutoField(primary_key=True)
                language = BelongsTo("Language")
            """
        )

    def test_E015_is_silent_about_two_foreign_keys(self):
        self.assert_finds(
            """
            class User(Model):
                pass

            class Link(JoinTable):
                user = models.ForeignKey("User", models.CASCADE)
                language = models.ForeignKey("Language", models.CASCADE)
            """
        )


class MetaTests(CheckTestCase):
    def test_E016_relations_in_constraints_indexes_unique_together_and_key(self):
        found = self.check("""
            class User(Model):
                pass

            class Link(JoinTable):
                pk = models.CompositePrimaryKey("user", "language_id")
                user = BelongsTo("User")
                language = BelongsTo("Language")

                class Meta:
                    unique_together = [("user", "language_id")]
                    indexes = [models.Index(fields=["-language"], name="idx_link")]
                    constraints = [models.UniqueConstraint(fields=["user", "language_id"], name="uni_link")]
        """)
        says = "of testapp.Link names the relation"

        assert told(found) == [
            (
                "E016",
                "testapp.Link",
                f"{where} {says} {name!r}, which has no column of its own.",
                f"Write '{name}_id'.",
            )
            for where, name in (
                ("The primary key", "user"),
                ("unique_together", "user"),
                ("The index 'idx_link'", "language"),
                ("The constraint 'uni_link'", "user"),
            )
        ]


class DeadRowsTests(CheckTestCase):
    LINK = """
        class User(Model):
            languages = Many2Many("Language", through="Link")

        class Live(models.Manager):
            def get_queryset(self):
                return super().get_queryset().filter(deleted_at=None)

        class Broken(models.Manager):
            def get_queryset(self):
                raise ValueError

        class Link(models.Model):
            user = BelongsTo("User")
            language = BelongsTo("Language")
            deleted_at = models.DateTimeField(null=True)
            objects = {manager}()

            class Meta:
                unique_together = [("user", "language")]
    """

    def test_W007_a_default_manager_that_shows_dead_rows(self):
        self.assert_finds(
            self.LINK.format(manager="models.Manager"),
            (
                "W007",
                "testapp.Link",
                "testapp.Link has deleted_at, but its default manager shows dead rows, which the relations over it "
                "hide.",
                "Derive it from SoftDeleteModel, or write objects = AssociationManager().",
            ),
        )

    def test_W007_is_silent_about_a_manager_that_hides_them(self):
        self.assert_finds(self.LINK.format(manager="Live"))

    def test_W007_is_silent_about_a_manager_that_cannot_be_asked(self):
        self.assert_finds(self.LINK.format(manager="Broken"))


class ConstraintTests(CheckTestCase):
    def test_W008_a_foreign_key_in_the_join_model(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "constraint:OnDelete:CASCADE", through="Link")

            class Link(JoinTable):
                user = models.ForeignKey("User", models.CASCADE)
                language = BelongsTo("Language")
            """,
            (
                "W008",
                "testapp.User.languages",
                "testapp.User.languages has a constraint option, which does not reach testapp.Link.user: a ForeignKey "
                "has Django's own foreign key.",
                'Write user = BelongsTo("User") in its place.',
            ),
        )

    def test_a_constraint_option_reaches_a_belongs_to_of_any_model(self):
        names = self.declare("""
            class User(Model):
                languages = Many2Many("Language", "constraint:OnDelete:CASCADE", through="Link")

            class Link(models.Model):
                user = BelongsTo("User")
                language = BelongsTo("Language", "constraint:OnDelete:RESTRICT")

                class Meta:
                    unique_together = [("user", "language")]
        """)

        assert self.messages() == []
        assert {(c.name, c.on_delete) for c in names.Link._meta.constraints} == {
            ("fk_testapp_link_user", "CASCADE"),
            ("fk_testapp_link_language", "RESTRICT"),
        }
