"""What the system checks say of names in the database that are taken: whole messages and hints."""

from __future__ import annotations

from django.test import override_settings

from tests.checking import CheckTestCase

TAKEN = """
    class User(Model):
        spoken = Many2Many("Language", "many2many:languages")
"""


class TableTests(CheckTestCase):
    def test_E017_the_table_of_a_model(self):
        self.assert_finds(
            TAKEN,
            (
                "E017",
                "testapp.User.spoken",
                "The join table of testapp.User.spoken would be 'languages', which is the table of testapp.Language.",
                'Give many2many another name, or write through="testapp.Language" if that is the join model.',
            ),
        )

    def test_E017_the_table_of_another_relation(self):
        self.assert_finds(
            """
            class User(Model):
                spoken = Many2Many("Language", "many2many:user_languages", related_name="+")
                learned = Many2Many("Language", "many2many:user_languages", related_name="+")
            """,
            (
                "E017",
                "testapp.User.spoken",
                "The join table of testapp.User.spoken would be 'user_languages', which is that of "
                "testapp.User.learned.",
                "Give one of the two another many2many.",
            ),
        )

    def test_E017_is_silent_about_models_that_share_no_database(self):
        with override_settings(DATABASE_ROUTERS=[NoJoinTables()]):
            self.assert_finds(TAKEN)


class AbstractBaseTests(CheckTestCase):
    def test_E018_two_children_of_one_declaration(self):
        self.assert_finds(
            """
            class Speaker(Model):
                languages = Many2Many("Language", "many2many:speaker_languages", related_name="+")

                class Meta:
                    abstract = True

            class Teacher(Speaker):
                pass

            class Pupil(Speaker):
                pass
            """,
            (
                "E018",
                "testapp.Teacher.languages",
                "testapp.Pupil.languages and testapp.Teacher.languages are one declaration of Speaker, and both would "
                "make the join table 'speaker_languages'.",
                "Write many2many:%(class)s_languages in Speaker.",
            ),
        )


class ForeignKeyNameTests(CheckTestCase):
    def test_E019_two_relations_of_one_constraint_name(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages;constraint:fk_user")
                first = BelongsTo("Language", "constraint:fk_user", related_name="+")
            """,
            (
                "E019",
                "testapp.User.languages",
                "testapp.User.languages and testapp.User.first both call a foreign key 'fk_user'; a database may "
                "allow each name once.",
                "Give one of the two another name: constraint:<name>, before OnDelete and OnUpdate.",
            ),
        )

    def test_E019_a_constraint_written_in_meta(self):
        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Language")

            class Draft(models.Model):
                language_id = models.BigIntegerField()

                class Meta:
                    constraints = [
                        ForeignKeyConstraint(
                            name="fk_posts_language", fields=["language_id"], to_table="languages", to_columns=["id"]
                        )
                    ]
            """,
            (
                "E019",
                "testapp.Post.language",
                "testapp.Post.language and testapp.Draft both call a foreign key 'fk_posts_language'; a database may "
                "allow each name once.",
                "Give one of the two another name: constraint:<name>, before OnDelete and OnUpdate.",
            ),
        )


class NoJoinTables:
    def allow_migrate(self, db: str, app_label: str, model_name: str = "", **hints: object) -> bool:
        return model_name != "userspoken"
