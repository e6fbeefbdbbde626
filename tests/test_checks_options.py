"""What the system checks say of settings, options and the names in them: whole messages and hints."""

from __future__ import annotations

from django.core.checks.model_checks import _check_lazy_references
from django.test import override_settings

from tests.checking import CheckTestCase, told

OPTIONS = (
    "The options are many2many, foreignKey, references, joinForeignKey, joinReferences, polymorphic, "
    "polymorphicType, polymorphicId, polymorphicValue, constraint."
)


class SettingsTests(CheckTestCase):
    @override_settings(GORM_ASSOC={"TABLE_PREFX": "shop_", "DEFERRABLE": "no"})
    def test_E001_settings(self):
        assert told(self.messages()) == [
            ("E001", "None", "GORM_ASSOC has no key 'TABLE_PREFX'.", "Write 'TABLE_PREFIX'."),
            ("E001", "None", "GORM_ASSOC[\"DEFERRABLE\"] is 'no'.", "Write True or False."),
        ]


class OptionsTests(CheckTestCase):
    def test_E002_an_unknown_option_in_a_tag(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "reference:Code;;colour:red")
            """,
            ("E002", "testapp.User.languages", "A relation's tag has no option 'reference'.", "Write 'references'."),
            ("E002", "testapp.User.languages", "A relation's tag has no option 'colour'.", OPTIONS),
        )

    def test_E002_an_unknown_keyword(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", reference="code")
            """,
            ("E002", "testapp.User.languages", "A relation has no keyword 'reference'.", "Write 'references'."),
        )

    def test_E002_options_of_djangos_own_fields(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", db_table="spoken", symmetrical=True)
                friends = Many2Many("self", symmetrical=False)
                first = BelongsTo("Language", on_delete=models.CASCADE, to_field="code", related_name="+")
            """,
            (
                "E002",
                "testapp.User.languages",
                "'db_table' is not an option of a relation.",
                'Write many2many="...".',
            ),
            (
                "E002",
                "testapp.User.languages",
                "'symmetrical' is not an option of a relation.",
                "Remove it: no relation is; links are added in both directions by hand.",
            ),
            (
                "E002",
                "testapp.User.first",
                "'on_delete' is not an option of a relation.",
                'Write constraint="OnDelete:CASCADE" or another action.',
            ),
            ("E002", "testapp.User.first", "'to_field' is not an option of a relation.", 'Write references="...".'),
        )

    def test_E002_a_value_of_another_type(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", ["many2many:spoken"], through=5, join_model="a b", constraint=None)
            """,
            (
                "E002",
                "testapp.User.languages",
                "'tag' is of type list, not a string.",
                'Write the options in one string, "many2many:user_languages".',
            ),
            (
                "E002",
                "testapp.User.languages",
                "'constraint' is of type NoneType, not a string.",
                'Write constraint="...".',
            ),
            (
                "E002",
                "testapp.User.languages",
                "'through' is of type int, not a string.",
                'Write through="app.Class".',
            ),
            (
                "E002",
                "testapp.User.languages",
                "'join_model' is 'a b', which cannot name a model.",
                'Write join_model="app.Class".',
            ),
        )

    def test_E002_through_fields_that_are_not_two_names_of_a_given_join_model(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", through="Link", through_fields=5, related_name="+")
                spoken = Many2Many("Language", through_fields=("user", "language"), related_name="+")

            class Link(JoinTable):
                user = BelongsTo("User")
                language = BelongsTo("Language")
            """,
            (
                "E002",
                "testapp.User.languages",
                "'through_fields' is 5, not two names.",
                'Write through_fields=("user", "language").',
            ),
            (
                "E002",
                "testapp.User.spoken",
                "'through_fields' is given without through.",
                "Write through, or remove it.",
            ),
        )

    def test_E002_a_percent_sign_that_django_would_fail_on(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "many2many:%(klass)s_languages")
            """,
            (
                "E002",
                "testapp.User.languages",
                "'many2many' has a % in '%(klass)s_languages'.",
                "Remove it; only many2many:%(class)s_... has a meaning.",
            ),
        )

    def test_E002_an_option_of_a_many2many_on_a_belongs_to(self):
        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Language", "joinForeignKey:lang_id")
            """,
            (
                "E002",
                "testapp.Post.language",
                "testapp.Post.language has the option 'joinForeignKey', which is a Many2Many's.",
                "Remove it; a BelongsTo takes foreignKey, references and constraint.",
            ),
        )


class TargetTests(CheckTestCase):
    def test_E003_a_mistyped_model(self):
        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Langage")
            """,
            (
                "E003",
                "testapp.Post.language",
                "testapp.Post.language belongs to 'Langage', which is not an installed model.",
                "Did you mean 'testapp.Language'?",
            ),
        )

    def test_E003_is_the_only_message_on_a_mistyped_model(self):
        self.declare("""
            class Post(Model):
                language = BelongsTo("Langage")
                author = BelongsTo("User")
                drafts = HasMany("Draft")
                cover = HasOne("Cover")
                readers = Many2Many("User", through="Reading")

            class User(Model):
                posts = HasMany("Post", "foreignKey:AuthorID")
        """)

        assert _check_lazy_references(self.apps) == []
        assert [told.id for told in self.messages()] == ["gorm_assoc.E003"] * 3

    def test_E003_an_abstract_model(self):
        self.assert_finds(
            """
            class Base(models.Model):
                class Meta:
                    abstract = True

            class Post(Model):
                parent = BelongsTo(Base)
            """,
            (
                "E003",
                "testapp.Post.parent",
                "testapp.Post.parent belongs to 'testapp.Base', which is not an installed model.",
                'Write the name of one, "app.Class".',
            ),
        )

    def test_a_many2many_to_no_model_is_left_to_django(self):
        names = self.declare("""
            class User(Model):
                languages = Many2Many("Langage", "many2many:user_languages")
        """)

        assert self.messages() == []
        assert [message.id for message in names.User.check()] == ["fields.E300"]


class FieldsTests(CheckTestCase):
    def test_E004_an_unknown_field(self):
        self.assert_finds(
            """
            class User(models.Model):
                refer = models.IntegerField()
                languages = Many2Many("Language", "foreignKey:Reffer;references:colour")
            """,
            (
                "E004",
                "testapp.User.languages",
                "testapp.User.languages says foreignKey:Reffer, but the table of testapp.User has no such field.",
                "Did you mean 'refer'?",
            ),
            (
                "E004",
                "testapp.User.languages",
                "testapp.User.languages says references:colour, but the table of testapp.Language has no such field.",
                "It has: id, created_at, updated_at, deleted_at, code, name.",
            ),
        )

    def test_E004_names_the_side_that_says_it_once(self):
        self.assert_finds(
            """
            class User(models.Model):
                spoken = Many2Many("Tongue", "many2many:user_tongues")

            class Tongue(models.Model):
                users = Many2Many("User", "many2many:user_tongues;references:Idd", back_reference=True)
            """,
            (
                "E004",
                "testapp.User.spoken",
                "testapp.Tongue.users says references:Idd, but the table of testapp.User has no such field.",
                "Did you mean 'id'?",
            ),
        )

    def test_E004_a_belongs_to(self):
        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Language", "references:Cod")
            """,
            (
                "E004",
                "testapp.Post.language",
                "testapp.Post.language says references:Cod, but the table of testapp.Language has no such field.",
                "Did you mean 'code'?",
            ),
        )


class CountsTests(CheckTestCase):
    def test_E005_more_join_columns_than_keys(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "joinForeignKey:a,b")
            """,
            (
                "E005",
                "testapp.User.languages",
                "testapp.User.languages gives 2 names in joinForeignKey; the key has 1.",
                "Give 1 or fewer: names replace the default columns (user_id) in order.",
            ),
        )

    def test_E005_more_columns_of_a_belongs_to_than_keys(self):
        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Language", "foreignKey:a,b")
            """,
            (
                "E005",
                "testapp.Post.language",
                "testapp.Post.language gives 2 names in foreignKey; the key has 1.",
                "Give 1 or fewer: names replace the default columns (language_id) in order.",
            ),
        )


class TwiceTests(CheckTestCase):
    def test_E006_one_field_under_two_names(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "references:code,Code")
            """,
            (
                "E006",
                "testapp.User.languages",
                "testapp.User.languages names 'code' twice in references.",
                "Write references:code.",
            ),
        )


class ColumnsTests(CheckTestCase):
    def test_E007_a_self_reference_called_as_its_model(self):
        self.assert_finds(
            """
            class User(Model):
                users = Many2Many("self", "many2many:user_users")
            """,
            (
                "E007",
                "testapp.User.users",
                "Both ends of testapp.User.users would use the join column 'user_id'.",
                "Name one of them with joinReferences (or joinForeignKey), or give the relation another name than its "
                "model's.",
            ),
        )

    def test_E007_one_name_for_both_ends(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "joinForeignKey:RefID;joinReferences:ref_id")
            """,
            (
                "E007",
                "testapp.User.languages",
                "Both ends of testapp.User.languages would use the join column 'ref_id'.",
                "Name one of them with joinReferences (or joinForeignKey).",
            ),
        )

    def test_E007_one_name_for_two_fields_of_a_key(self):
        self.assert_finds(
            """
            class Blog(models.Model):
                pk = models.CompositePrimaryKey("id", "locale")
                id = models.BigIntegerField()
                locale = models.CharField(max_length=10)
                languages = Many2Many("Language", "joinForeignKey:ref,ref")
            """,
            (
                "E007",
                "testapp.Blog.languages",
                "testapp.Blog.languages gives the column 'ref' to two fields of the key with joinForeignKey.",
                "Name 2 different columns.",
            ),
        )
