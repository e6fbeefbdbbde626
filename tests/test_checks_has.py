"""Checks of HasOne and HasMany."""

from __future__ import annotations

from tests.checking import CheckTestCase, told

NO_FOREIGN_KEY = "If it is meant, add 'gorm_assoc.W004' to SILENCED_SYSTEM_CHECKS."


class HasTests(CheckTestCase):
    def ids(self, source: str) -> list[str]:
        return [id for id, *_ in told(self.check(source))]

    def test_E002_options_of_other_kinds(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post", "many2many:user_posts;joinForeignKey:UserID")
                languages = Many2Many("Language", "polymorphicValue:x")

            class Post(Model):
                user = BelongsTo("User", "polymorphicValue:x")
            """,
            (
                "E002",
                "testapp.User.languages",
                "testapp.User.languages has the option 'polymorphicValue', but is not polymorphic.",
                "Write polymorphic too, or remove it.",
            ),
            (
                "E002",
                "testapp.User.posts",
                "testapp.User.posts has the option 'many2many', which is a Many2Many's.",
                "Remove it; a HasMany takes foreignKey, references and constraint, and the polymorphic ones.",
            ),
            (
                "E002",
                "testapp.User.posts",
                "testapp.User.posts has the option 'joinForeignKey', which is a Many2Many's.",
                "Remove it; a HasMany takes foreignKey, references and constraint, and the polymorphic ones.",
            ),
            (
                "E002",
                "testapp.Post.user",
                "testapp.Post.user has the option 'polymorphicValue', which a BelongsTo does not have.",
                "Remove it; a BelongsTo takes foreignKey, references and constraint.",
            ),
        )

    def test_E002_what_a_polymorphic_relation_does_not_read(self):
        self.assert_finds(
            """
            class User(Model):
                code = models.BigIntegerField(unique=True)
                toys = HasMany("Toy", "polymorphic:Owner;references:Code;constraint:OnDelete:CASCADE")
                posts = HasMany("Post", polymorphic_value="x")

            class Toy(Model):
                owner_id = models.BigIntegerField()
                owner_type = models.CharField(max_length=50)

            class Post(Model):
                user = BelongsTo("User")
            """,
            (
                "E002",
                "testapp.User.toys",
                "testapp.User.toys has the option 'references', which a polymorphic relation does not read.",
                "Name the owner's field in foreignKey.",
            ),
            (
                "E002",
                "testapp.User.toys",
                "testapp.User.toys has the option 'constraint', but a polymorphic relation has no foreign key.",
                "Remove it.",
            ),
            (
                "E002",
                "testapp.User.posts",
                "testapp.User.posts has the option 'polymorphicValue', but is not polymorphic.",
                "Write polymorphic too, or remove it.",
            ),
        )

    def test_a_unique_key_is_a_has_ones_and_no_warning(self):
        names = self.declare("""
            class User(Model):
                profile = HasOne("Profile")

            class Profile(Model):
                user = BelongsTo("User", unique=True)
        """)

        assert names.Profile.check() == self.messages() == []

    def test_E003_the_child_is_no_model(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Pst")

            class Post(Model):
                user = BelongsTo("User")
            """,
            (
                "E003",
                "testapp.User.posts",
                "testapp.User.posts leads to 'Pst', which is not an installed model.",
                "Did you mean 'testapp.Post'?",
            ),
        )

    def test_E004_names_that_no_field_has(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post", foreign_key="autor")
                drafts = HasMany("Post", "foreignKey:AuthorID;references:Cod")
                toys = HasMany("Toy", polymorphic="Owner")

            class Post(Model):
                author = BelongsTo("User")

            class Toy(Model):
                owner_id = models.BigIntegerField()
                owner_kind = models.CharField(max_length=50)
            """,
            (
                "E004",
                "testapp.User.posts",
                "testapp.User.posts says foreignKey:autor, but the table of testapp.Post has no such field.",
                "Did you mean 'author'?",
            ),
            (
                "E004",
                "testapp.User.drafts",
                "testapp.User.drafts says references:Cod, but the table of testapp.User has no such field.",
                "It has: id, created_at, updated_at, deleted_at.",
            ),
            (
                "E004",
                "testapp.User.toys",
                "testapp.User.toys says polymorphicType:OwnerType, but the table of testapp.Toy has no such field.",
                "Did you mean 'owner_id'?",
            ),
        )

    def test_E005_as_many_columns_as_are_referenced(self):
        self.assert_finds(
            """
            class Firm(models.Model):
                pk = models.CompositePrimaryKey("number", "country")
                number = models.IntegerField()
                country = models.CharField(max_length=2)
                offices = HasMany("Office", foreign_key="firm_number")
                stickers = HasMany("Office", polymorphic="firm", polymorphic_type="kind", polymorphic_id="number")

            class Office(Model):
                firm_number = models.IntegerField()
                kind = models.CharField(max_length=50)
                number = models.IntegerField()
            """,
            (
                "E005",
                "testapp.Firm.offices",
                "testapp.Firm.offices has 1 columns in foreignKey (firm_number), but refers to 2 of testapp.Firm: "
                "number, country.",
                "Name as many fields in foreignKey as in references, or in the owner's primary key.",
            ),
            (
                "E005",
                "testapp.Firm.stickers",
                "testapp.Firm.stickers is polymorphic and refers to 2 fields of testapp.Firm: number, country.",
                'Name one: foreign_key="number".',
            ),
        )

    def test_E006_a_column_twice(self):
        self.assert_finds(
            """
            class User(Model):
                code = models.BigIntegerField(unique=True)
                posts = HasMany("Post", "foreignKey:UserID,user_id;references:ID,Code")

            class Post(Model):
                user_id = models.BigIntegerField()
            """,
            (
                "E006",
                "testapp.User.posts",
                "testapp.User.posts names a field twice in foreignKey:UserID,user_id.",
                "Write foreignKey:user_id.",
            ),
        )

    def test_E020_a_column_that_cannot_hold_the_key(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post")

            class Post(Model):
                user_id = models.CharField(max_length=20)
            """,
            (
                "E020",
                "testapp.User.posts",
                "testapp.Post.user_id is a CharField, but testapp.User.id, which it refers to for "
                "testapp.User.posts, is a BigAutoField.",
                "Write user_id = models.BigIntegerField().",
            ),
        )

    def test_E031_there_is_no_key(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post")
                drafts = HasMany("Draft")
                toys = HasMany("Toy")

            class Post(Model):
                author = BelongsTo("User")

            class Draft(Model):
                userid = models.BigIntegerField()

            class Toy(Model):
                pass
            """,
            (
                "E031",
                "testapp.User.posts",
                "testapp.User.posts finds no key in testapp.Post: there is no column user_id.",
                'Write foreign_key="author".',
            ),
            (
                "E031",
                "testapp.User.drafts",
                "testapp.User.drafts finds no key in testapp.Draft: there is no column user_id.",
                'Did you mean foreign_key="userid"?',
            ),
            (
                "E031",
                "testapp.User.toys",
                "testapp.User.toys finds no key in testapp.Toy: there is no column user_id.",
                'Write user = BelongsTo("testapp.User") in Toy, or name its key in foreign_key.',
            ),
        )

    def test_E032_only_the_second_column_of_a_composite_key(self):
        self.assert_finds(
            """
            class Firm(models.Model):
                pk = models.CompositePrimaryKey("number", "country")
                number = models.IntegerField()
                country = models.CharField(max_length=2)
                offices = HasMany("Office")

            class Office(Model):
                firm_country = models.CharField(max_length=2)
            """,
            (
                "E032",
                "testapp.Firm.offices",
                "testapp.Firm.offices looks for firm_number and firm_country in testapp.Office, which has no "
                "firm_number: it would refer to half of the key of testapp.Firm.",
                "Declare what is missing, or name the columns in foreignKey.",
            ),
        )

    def test_E033_half_of_a_polymorphic_key(self):
        self.assert_finds(
            """
            class User(Model):
                toys = HasOne("Toy", polymorphic_id="subject_id")

            class Toy(Model):
                subject_id = models.BigIntegerField()
                kind = models.CharField(max_length=50)
            """,
            (
                "E033",
                "testapp.User.toys",
                "testapp.User.toys has polymorphicId without polymorphicType.",
                "Write polymorphicType too, or polymorphic for the names of both.",
            ),
        )

    def test_E034_the_type_column(self):
        self.assert_finds(
            """
            class User(Model):
                toys = HasMany("Toy", polymorphic="owner")
                games = HasMany("Toy", polymorphic_type="Kind", polymorphic_id="OwnerID", polymorphic_value="a_game")

            class Toy(Model):
                owner_id = models.BigIntegerField()
                owner_type = models.IntegerField()
                kind = models.CharField(max_length=5)
            """,
            (
                "E034",
                "testapp.User.toys",
                "testapp.Toy.owner_type is no text column, but holds 'users' for testapp.User.toys.",
                "Write owner_type = models.CharField(max_length=50).",
            ),
            (
                "E034",
                "testapp.User.games",
                "testapp.Toy.kind holds 5 characters, but 'a_game' for testapp.User.games.",
                "Give it max_length=6 or more, or write a shorter polymorphicValue.",
            ),
        )

    def test_E035_two_names_for_one_way_back(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post")

            class Post(Model):
                user = BelongsTo("User", related_name="articles")
            """,
            (
                "E035",
                "testapp.User.posts",
                "testapp.User.posts and related_name='articles' of testapp.Post.user are two names for one way back.",
                "Remove related_name from testapp.Post.user.",
            ),
        )

    def test_the_same_name_or_none_on_the_childs_side_is_right(self):
        for name in ("posts", "+"):
            with self.subTest(name):
                self.setUp()
                assert not self.ids(f"""
                    class User(Model):
                        posts = HasMany("Post")

                    class Post(Model):
                        user = BelongsTo("User", related_name="{name}")
                """)

    def test_E036_another_way_back_has_the_name(self):
        self.assert_finds(
            """
            class User(Model):
                note = HasOne("Post")

            class Post(Model):
                user = BelongsTo("User")

            class Note(Model):
                user = BelongsTo("User")
            """,
            (
                "E036",
                "testapp.User.note",
                "testapp.User.note is also what the way back of testapp.Note.user is called.",
                'Write related_name="..." in testapp.Note.user, or give testapp.User.note another name.',
            ),
        )

    def test_E037_a_child_in_an_installed_app(self):
        self.assert_finds(
            """
            class User(Model):
                keys = HasMany("auth.ApiKey")
                entries = HasMany("auth.Entry", foreign_key="writer")

            class ApiKey(models.Model):
                user_id = models.BigIntegerField()

                class Meta:
                    app_label = "auth"

            class Entry(models.Model):
                writer = models.ForeignKey("testapp.User", models.CASCADE)

                class Meta:
                    app_label = "auth"
            """,
            (
                "E037",
                "testapp.User.keys",
                "testapp.User.keys would put a foreign key on auth.ApiKey, whose migrations are those of the "
                "installed app 'auth'.",
                "Write constraint:- to read and write it without one.",
            ),
        )

    def test_W001_a_reference_that_is_not_unique(self):
        self.assert_finds(
            """
            class User(Model):
                code = models.BigIntegerField()
                posts = HasMany("Post", references="Code")

            class Post(Model):
                user_code = models.BigIntegerField()
            """,
            (
                "W001",
                "testapp.User.posts",
                "testapp.User.posts refers to testapp.User by 'code', which may be the same in two rows: no foreign "
                "key is made to it.",
                "Make 'code' unique, or refer to the whole key.",
            ),
        )

    def test_W002_set_null_on_a_column_that_cannot_be_null(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post", "constraint:OnDelete:SET NULL")

            class Post(Model):
                user = BelongsTo("User")
            """,
            (
                "W002",
                "testapp.User.posts",
                "testapp.User.posts says SET NULL, but testapp.Post.user cannot be NULL.",
                "Give user null=True, or use CASCADE or RESTRICT.",
            ),
        )

    def test_W004_no_foreign_key(self):
        source = """
            class User(Model):
                posts = HasMany("Post", "constraint:-")

            class Post(Model):
                {column}
        """
        assert self.ids(source.format(column="user_id = models.BigIntegerField()")) == ["W004"]

        self.setUp()
        assert self.ids(source.format(column='user = BelongsTo("User")')) == []

        self.setUp()
        assert self.ids(source.format(column='user = models.ForeignKey("User", models.CASCADE)')) == []

    def test_W008_a_constraint_option_that_reaches_no_foreign_key(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post", "constraint:OnDelete:CASCADE")
                user_languages = HasMany("UserLanguage", "constraint:OnDelete:CASCADE")

            class Post(Model):
                user = models.ForeignKey("User", models.CASCADE)

            class UserLanguage(JoinTable):
                user = BelongsTo("User")
                language = BelongsTo("Language")
            """,
            (
                "W008",
                "testapp.User.posts",
                "testapp.User.posts has a constraint option, which does not reach testapp.Post.user: a ForeignKey has "
                "Django's own foreign key.",
                'Write user = BelongsTo("User") in its place.',
            ),
            (
                "W008",
                "testapp.User.user_languages",
                "testapp.User.user_languages has a constraint option, which does not reach testapp.UserLanguage.user: "
                "a join model has the foreign keys of its own relations.",
                "Write the option on testapp.UserLanguage.user.",
            ),
        )

    def test_W009_a_belongs_to_that_says_something_else(self):
        self.assert_finds(
            """
            class User(Model):
                posts = HasMany("Post")

            class Post(Model):
                user = BelongsTo("User", "constraint:OnDelete:CASCADE")
            """,
            (
                "W009",
                "testapp.User.posts",
                "testapp.Post.user has a constraint option of its own, but that of testapp.User.posts holds for both.",
                "Write what is meant in testapp.User.posts, and remove it from testapp.Post.user.",
            ),
        )

    def test_two_relations_over_one_key_are_two_foreign_keys(self):
        assert not self.ids("""
            class User(Model):
                posts = HasMany("Post")
                newest_post = HasOne("Post")

            class Post(Model):
                user = BelongsTo("User")
        """)


class PolymorphicMany2ManyTests(CheckTestCase):
    def test_E002_an_option_that_is_not_read(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "polymorphic:Speaker;joinForeignKey:UserID")
            """,
            (
                "E002",
                "testapp.User.languages",
                "testapp.User.languages has the option 'joinForeignKey', which a polymorphic relation does not read.",
                "Name the column in polymorphicId.",
            ),
        )

    def test_E004_a_written_join_model_without_the_columns(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", polymorphic="speaker", through="Speech")

            class Speech(JoinTable):
                pk = models.CompositePrimaryKey("speaker_id", "language_id")
                speaker_id = models.BigIntegerField()
                language = BelongsTo("Language")
            """,
            (
                "E004",
                "testapp.User.languages",
                "The join table of testapp.User.languages is that of testapp.Speech, which has no column "
                "'speaker_type'.",
                "Declare it, or name the columns with polymorphicType, polymorphicId and joinReferences.",
            ),
        )

    def test_E005_an_owner_with_a_composite_key(self):
        self.assert_finds(
            """
            class Firm(models.Model):
                pk = models.CompositePrimaryKey("number", "country")
                number = models.IntegerField()
                country = models.CharField(max_length=2)
                languages = Many2Many("Language", polymorphic="speaker")
            """,
            (
                "E005",
                "testapp.Firm.languages",
                "testapp.Firm.languages is polymorphic and refers to 2 fields of testapp.Firm: number, country.",
                'Name one: foreign_key="number".',
            ),
        )

    def test_E011_a_written_join_model_whose_key_leaves_out_the_type(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", polymorphic="speaker", through="Speech")

            class Speech(models.Model):
                speaker_id = models.BigIntegerField()
                speaker_type = models.CharField(max_length=50)
                language = BelongsTo("Language")
            """,
            (
                "E011",
                "testapp.User.languages",
                "testapp.Speech is the join model of testapp.User.languages, but nothing in it keeps a pair from "
                "being linked twice.",
                'Add models.UniqueConstraint(fields=["speaker_id", "language", "speaker_type"], name=...) to its '
                "Meta.constraints, or make the pair its primary key.",
            ),
        )

    def test_E020_an_owner_whose_key_is_of_another_type(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", polymorphic="speaker")

            class Visitor(models.Model):
                id = models.UUIDField(primary_key=True)
                languages = Many2Many("Language", polymorphic="speaker")
            """,
            (
                "E020",
                "testapp.Visitor.languages",
                "testapp.Speaker.speaker_id is a BigIntegerField, but testapp.Visitor.id, which it refers to for "
                "testapp.Visitor.languages, is an UUIDField.",
                "Write speaker_id = models.UUIDField(max_length=32).",
            ),
        )

    def test_E033_half_of_a_polymorphic_key(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", polymorphic_id="speaker_id")
            """,
            (
                "E033",
                "testapp.User.languages",
                "testapp.User.languages has polymorphicId without polymorphicType.",
                "Write polymorphicType too, or polymorphic for the names of both.",
            ),
        )

    def test_E038_the_owners_disagree(self):
        self.assert_finds(
            """
            class User(Model):
                languages = Many2Many("Language", "polymorphic:Speaker;constraint:OnDelete:CASCADE")

            class Visitor(Model):
                languages = Many2Many("Language", "polymorphic:Speaker")
            """,
            (
                "E038",
                "testapp.Visitor.languages",
                "testapp.Visitor.languages says nothing of a constraint, but testapp.User.languages, over the same "
                "join table, says constraint:OnDelete:CASCADE.",
                "Say the same on each: the table has one foreign key to the targets.",
            ),
        )
