"""What the system checks say of the two sides of one join table: whole messages and hints."""

from __future__ import annotations

from tests.checking import CheckTestCase

AGREE = "Say the same on both, or remove it from one: it holds for both."


class SidesAgreeTests(CheckTestCase):
    def test_E008_every_option_on_which_the_sides_differ(self):
        self.assert_finds(
            """
            class User(models.Model):
                refer = models.IntegerField(unique=True)
                spoken = Many2Many(
                    "Tongue",
                    "many2many:user_tongues;foreignKey:refer;joinReferences:TongueID;constraint:fk_a,OnDelete:CASCADE",
                    join_model="Spoken",
                )

            class Tongue(models.Model):
                users = Many2Many(
                    "User",
                    "many2many:user_tongues;references:id;joinForeignKey:LanguageID;constraint:-",
                    join_model="Link",
                    back_reference=True,
                )
            """,
            *(
                (
                    "E008",
                    "testapp.User.spoken",
                    f"testapp.User.spoken says {mine}, but testapp.Tongue.users, over the same join table, says "
                    f"{theirs}.",
                    AGREE,
                )
                for mine, theirs in (
                    ("foreignKey:refer", "references:id"),
                    ("joinReferences:TongueID", "joinForeignKey:LanguageID"),
                    ("constraint:fk_a,OnDelete:CASCADE", "constraint:-"),
                    ('join_model="Spoken"', 'join_model="Link"'),
                )
            ),
            (
                "W004",
                "testapp.Tongue.users",
                "testapp.Tongue.users says constraint:-, so the database lets it name rows that do not exist.",
                "Remove it to get a foreign key. If it is meant, add 'gorm_assoc.W004' to SILENCED_SYSTEM_CHECKS.",
            ),
        )

    def test_E008_is_silent_about_the_same_in_another_spelling(self):
        self.assert_finds(
            """
            class User(Model):
                refer = models.IntegerField(unique=True)
                spoken = Many2Many("Tongue", "many2many:user_tongues;foreignKey:Refer;joinForeignKey:UserRefer")

            class Tongue(Model):
                users = Many2Many("User", "many2many:user_tongues;references:refer;joinReferences:user_refer")
            """
        )


class PrimaryTests(CheckTestCase):
    def test_E009_both_sides_are_the_back_reference(self):
        self.assert_finds(
            """
            class User(Model):
                spoken = Many2Many("Tongue", "many2many:user_tongues", back_reference=True)

            class Tongue(Model):
                users = Many2Many("User", "many2many:user_tongues", back_reference=True)
            """,
            (
                "E009",
                "testapp.User.spoken",
                "testapp.User.spoken and testapp.Tongue.users both say back_reference=True.",
                "Remove it from the side that decides the join model's app, class and order of columns.",
            ),
        )


class AlphabetTests(CheckTestCase):
    def test_W005_nothing_tells_which_side_is_primary(self):
        self.assert_finds(
            """
            class User(Model):
                spoken = Many2Many("Tongue", "many2many:spoken_by")

            class Tongue(Model):
                users = Many2Many("User", "many2many:spoken_by")
            """,
            (
                "W005",
                "testapp.Tongue.users",
                "Only the alphabet makes testapp.Tongue.users, and not testapp.User.spoken, decide their join model.",
                "Write back_reference=True on testapp.User.spoken, or on testapp.Tongue.users if the other is to "
                "decide.",
            ),
        )

    def test_W005_two_ways_through_a_given_self_reference(self):
        self.assert_finds(
            """
            class User(Model):
                following = Many2Many("self", through="Follow")
                followers = Many2Many("self", through="Follow")

            class Follow(JoinTable):
                user = BelongsTo("User")
                follow = BelongsTo("User")
            """,
            (
                "W005",
                "testapp.User.followers",
                "Only the alphabet makes testapp.User.followers, and not testapp.User.following, decide their join "
                "model.",
                "Write back_reference=True on testapp.User.following, or on testapp.User.followers if the other is to "
                "decide.",
            ),
        )

    def test_W005_is_silent_where_a_given_join_model_tells_the_ends(self):
        self.assert_finds(
            """
            class User(Model):
                spoken = Many2Many("Tongue", through="Link")

            class Tongue(Model):
                users = Many2Many("User", through="Link")

            class Link(JoinTable):
                user = BelongsTo("User")
                tongue = BelongsTo("Tongue")
            """
        )


class OtherSideTests(CheckTestCase):
    def test_W006_the_other_side_has_another_table(self):
        self.assert_finds(
            """
            class User(Model):
                spoken = Many2Many("Tongue", "many2many:user_tongues")

            class Tongue(Model):
                users = Many2Many("User", "many2many:user_tongue", back_reference=True)
            """,
            (
                "W006",
                "testapp.Tongue.users",
                "testapp.Tongue.users says back_reference=True, but no relation of testapp.User is over its join "
                "table 'user_tongue'.",
                "Give it the join table of testapp.User.spoken.",
            ),
        )

    def test_W006_there_is_no_other_side(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages", back_reference=True)
            """,
            (
                "W006",
                "testapp.User.languages",
                "testapp.User.languages says back_reference=True, but no relation of testapp.Language is over its "
                "join table 'user_languages'.",
                "Declare the other side, or remove it.",
            ),
        )

    def test_W006_is_silent_about_one_that_outlived_the_other_side(self):
        declared = self.declare(
            """
            class User(Model):
                languages = Many2Many("Language", "many2many:l", back_reference=True, join_model="LanguageUser")
            """
        )

        assert self.messages() == []
        through = declared.User.languages.through
        assert [field.name for field in through._meta.pk_fields] == ["language_id", "user_id"]
        assert [index.fields for index in through._meta.indexes] == [["user_id"]]
