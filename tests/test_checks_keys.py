"""What the system checks say of keys: whole messages and hints."""

from __future__ import annotations

from django.test import override_settings

from tests.checking import CheckTestCase, told

SET_NULL = """
    class User(Model):
        languages = Many2Many("Language", "many2many:user_languages;constraint:OnDelete:SET NULL")
"""
IN_KEY = "Use CASCADE or RESTRICT: the column is part of the primary key."


class TypesTests(CheckTestCase):
    def test_E020_text_for_a_number(self):
        self.assert_finds(
            """
            class Post(Model):
                language_id = models.TextField()
                language = BelongsTo("Language")
            """,
            (
                "E020",
                "testapp.Post.language",
                "testapp.Post.language_id is a TextField, but testapp.Language.id, which it refers to for "
                "testapp.Post.language, is a BigAutoField.",
                "Write language_id = models.BigIntegerField().",
            ),
        )

    LINK = """
        class User(Model):
            languages = Many2Many("Language", "references:code", through="Link", related_name="+")

        class Link(models.Model):
            pk = models.CompositePrimaryKey("user_id", "language_code")
            user_id = models.IntegerField()
            language_code = models.CharField(max_length=20)
    """

    def test_E020_is_silent_about_another_size(self):
        self.assert_finds(self.LINK)

    def test_E020_an_integer_of_another_size_on_mariadb(self):
        self.use_vendor("mysql")

        self.assert_finds(
            self.LINK,
            (
                "E020",
                "testapp.User.languages",
                "testapp.Link.user_id is an IntegerField, but testapp.User.id, which it refers to for "
                "testapp.User.languages, is a BigAutoField.",
                "Write user_id = models.BigIntegerField().",
            ),
        )


class IndexTests(CheckTestCase):
    COUNTRY = """
        class Country(models.Model):
            code = models.TextField(primary_key=True)

        class User(Model):
            countries = Many2Many("Country", "many2many:user_countries")
    """

    def test_E021_text_in_a_key_on_mariadb(self):
        self.use_vendor("mysql")

        self.assert_finds(
            self.COUNTRY,
            (
                "E021",
                "testapp.User.countries",
                "testapp.User.countries refers to testapp.Country.code, a TextField, which MariaDB and MySQL cannot "
                "have in a key.",
                "Write code = models.CharField(max_length=191).",
            ),
        )

    def test_E021_is_silent_elsewhere(self):
        self.assert_finds(self.COUNTRY)


class OrderTests(CheckTestCase):
    TAG = """
        class Tag(models.Model):
            pk = models.CompositePrimaryKey("id", "locale")
            id = models.BigIntegerField()
            locale = models.CharField(max_length=10)

            class Meta:
                constraints = [{constraint}]

        class User(Model):
            tags = Many2Many("Tag", "many2many:user_tags;references:Locale,ID{more}")
    """

    def test_E030_references_in_another_order_on_mariadb(self):
        self.use_vendor("mysql")

        self.assert_finds(
            self.TAG.format(constraint="", more=""),
            (
                "E030",
                "testapp.User.tags",
                "testapp.User.tags refers to testapp.Tag by (locale, id), but the key there is (id, locale): MariaDB "
                "and MySQL want the same order.",
                "Name them in that order: id,locale.",
            ),
        )

    def test_E030_is_silent_where_a_constraint_has_that_order(self):
        self.use_vendor("mysql")

        constraint = 'models.UniqueConstraint(fields=["locale", "id"], name="tag_locale")'
        self.assert_finds(self.TAG.format(constraint=constraint, more=""))

    def test_E030_is_silent_without_a_foreign_key(self):
        self.use_vendor("mysql")

        [found] = self.check(self.TAG.format(constraint="", more=";constraint:-"))
        assert found.id == "gorm_assoc.W004"

    def test_E030_is_silent_elsewhere(self):
        self.assert_finds(self.TAG.format(constraint="", more=""))


class LengthTests(CheckTestCase):
    def test_E022_more_than_768_characters_on_mariadb(self):
        self.use_vendor("mysql")

        self.assert_finds(
            """
            class Country(models.Model):
                code = models.CharField(max_length=500, primary_key=True)
                friends = Many2Many("self", "many2many:country_friends")
            """,
            (
                "E022",
                "testapp.Country.friends",
                "The key of testapp.CountryFriend takes 4000 bytes, four for each character of 'country_code' and "
                "'friend_code'; MariaDB and MySQL allow 3072.",
                "Give what testapp.Country.friends refers to a smaller max_length, such as 191.",
            ),
        )

    def test_E022_is_silent_about_a_key_that_fits(self):
        self.use_vendor("mysql")

        self.assert_finds(
            """
            class Country(models.Model):
                code = models.CharField(max_length=766, primary_key=True)
                languages = Many2Many("Language", "many2many:country_languages")
            """
        )


class SetNullTests(CheckTestCase):
    def messages_of(self, column: str) -> str:
        return f"testapp.User.languages says SET NULL, but testapp.UserLanguage.{column} cannot be NULL."

    def test_E023_on_mariadb(self):
        self.use_vendor("mysql")

        self.assert_finds(
            SET_NULL,
            *(
                (
                    "E023",
                    "testapp.User.languages",
                    f"{self.messages_of(column)} MariaDB and MySQL refuse such a foreign key.",
                    IN_KEY,
                )
                for column in ("user_id", "language_id")
            ),
        )

    def test_W002_elsewhere(self):
        self.assert_finds(
            SET_NULL,
            *(
                ("W002", "testapp.User.languages", self.messages_of(column), IN_KEY)
                for column in ("user_id", "language_id")
            ),
        )

    def test_W002_a_belongs_to(self):
        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Language", "constraint:OnUpdate:SET NULL")
            """,
            (
                "W002",
                "testapp.Post.language",
                "testapp.Post.language says SET NULL, but testapp.Post.language cannot be NULL.",
                "Give language null=True, or use CASCADE or RESTRICT.",
            ),
        )

    @override_settings(GORM_ASSOC={"DEFAULT_CONSTRAINT": "OnDelete:SET NULL"})
    def test_W002_the_projects_default(self):
        found = self.check("""
            class Post(Model):
                language = BelongsTo("Language")
        """)

        assert [message.id for message in found] == ["gorm_assoc.W002"]


class SetDefaultTests(CheckTestCase):
    def test_E024_a_join_model_that_is_made(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages;constraint:OnDelete:SET DEFAULT")
            """,
            *(
                (
                    "E024",
                    "testapp.User.languages",
                    f"testapp.User.languages says SET DEFAULT, but testapp.UserLanguage.{column} has no default in "
                    "the database.",
                    "Use another action, or write the join model (through=) and its columns.",
                )
                for column in ("user_id", "language_id")
            ),
        )

    def test_E024_a_written_join_model(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "constraint:OnDelete:SET DEFAULT", through="Link")

            class Link(JoinTable):
                user_id = models.BigIntegerField(db_default=1)
                user = BelongsTo("User")
                language = BelongsTo("Language", constraint="OnDelete:CASCADE")
                note = BelongsTo("Language", constraint="OnDelete:SET DEFAULT")
            """,
            (
                "E024",
                "testapp.Link.note",
                "testapp.Link.note says SET DEFAULT, but testapp.Link.note_id has no default in the database.",
                "Declare note_id with db_default=..., or use another action.",
            ),
        )

    def test_E025_on_mariadb(self):
        self.use_vendor("mysql")

        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Language", "constraint:OnDelete:SET DEFAULT", db_default=1)
            """,
            (
                "E025",
                "testapp.Post.language",
                "testapp.Post.language says SET DEFAULT, which MariaDB and MySQL do not have.",
                "Use CASCADE or RESTRICT.",
            ),
        )


class ReferencedTests(CheckTestCase):
    def test_W001_part_of_a_key(self):
        self.assert_finds(
            """
            class Blog(models.Model):
                pk = models.CompositePrimaryKey("id", "locale")
                id = models.BigIntegerField()
                locale = models.CharField(max_length=10)
                languages = Many2Many("Language", "foreignKey:id;references:code,name")
            """,
            (
                "W001",
                "testapp.Blog.languages",
                "testapp.Blog.languages refers to testapp.Blog by 'id', which may be the same in two rows: no foreign "
                "key is made to it.",
                "Make 'id' unique, or refer to the whole key.",
            ),
            (
                "W001",
                "testapp.Blog.languages",
                "testapp.Blog.languages refers to testapp.Language by 'code' and 'name', which may be the same in two "
                "rows: no foreign key is made to it.",
                "Make 'code' and 'name' unique together, or refer to the whole key.",
            ),
        )

    def test_W001_is_silent_where_no_foreign_key_is_asked_for(self):
        found = self.check("""
            class User(Model):
                languages = Many2Many("Language", "references:name;constraint:-")
        """)

        assert [message.id for message in found] == ["gorm_assoc.W004"]


class OnUpdateTests(CheckTestCase):
    def test_W003_oracle(self):
        self.use_vendor("oracle")

        self.assert_finds(
            """
            class Post(Model):
                language = BelongsTo("Language", "constraint:OnUpdate:CASCADE,OnDelete:CASCADE")
            """,
            (
                "W003",
                "testapp.Post.language",
                "testapp.Post.language says OnUpdate:CASCADE, but Oracle has no ON UPDATE: it is left out.",
                "Remove OnUpdate, or do not change keys there.",
            ),
        )


class NoConstraintTests(CheckTestCase):
    def test_W004_no_foreign_key(self):
        found = self.check("""
            class User(Model):
                languages = Many2Many("Language", "many2many:user_languages;constraint:-", related_name="+")
                first = BelongsTo("Language", constraint="-", related_name="+")
        """)

        assert told(found) == [
            (
                "W004",
                f"testapp.User.{name}",
                f"testapp.User.{name} says constraint:-, so the database lets it name rows that do not exist.",
                "Remove it to get a foreign key. If it is meant, add 'gorm_assoc.W004' to SILENCED_SYSTEM_CHECKS.",
            )
            for name in ("languages", "first")
        ]
