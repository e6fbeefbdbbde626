"""`associations --check-db --strict` finds nothing after migrate, whatever is declared."""

from __future__ import annotations

from tests.migrations.project import Project

LONG = "a_table_whose_name_is_long_enough_that_no_database_takes_it"
SHOP = f"""
    class Language(models.Model):
        code = models.CharField(max_length=12, primary_key=True)
        sort = models.SmallIntegerField(default=0, db_index=True)
        score = models.FloatField(null=True)
        price = models.DecimalField(max_digits=6, decimal_places=2, default=0)
        is_old = models.BooleanField(default=False)
        key = models.UUIDField(null=True, unique=True)
        data = models.JSONField(null=True)
        picture = models.BinaryField(null=True)
        born = models.DateField(null=True)
        at = models.TimeField(null=True)
        lasts = models.DurationField(null=True)
        address = models.GenericIPAddressField(null=True)
        file = models.FileField(null=True)

    class Dialect(Language):
        pass

    class Spoken(Language):
        class Meta:
            proxy = True

    class User(Model):
        name = models.CharField(max_length=50)
        languages = Many2Many("Language", "many2many:{LONG}")
        dialects = Many2Many("Dialect", related_name="+")
        spoken = Many2Many("Spoken", "constraint:-", related_name="+")
        read = Many2Many("Language", through="Reading", related_name="readers")
        written = Many2Many("Language", through="Writing", related_name="writers")
        accounts = Many2Many(settings.AUTH_USER_MODEL, related_name="persons")
        mother_tongue = BelongsTo("Language", "constraint:OnDelete:SET NULL", null=True)
        idol = BelongsTo("self", null=True)
        writing = BelongsTo("Writing", null=True, related_name="+")

        class Meta:
            indexes = [models.Index(fields=["-name", "idol"], name="by_name"),
                       models.Index(models.functions.Lower("name"), name="by_lower")]
            unique_together = [("name", "idol")]

    class Reading(models.Model):
        user = models.ForeignKey(User, models.CASCADE)
        language = models.ForeignKey(Language, models.CASCADE)

        class Meta:
            unique_together = [("user", "language")]

    class Writing(JoinTable, SoftDeleteModel, TimestampedModel):
        user = BelongsTo("User")
        language = BelongsTo("Language")
        added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
"""
CHECK = "associations --check-db --strict"
LINES = """
    import io
    from django.core.management import call_command
    out = io.StringIO()
    try:
        call_command("associations", "--check-db", stdout=out)
    except SystemExit:
        pass
    result = out.getvalue().splitlines()
"""
SENTENCE = "The database 'default' has what the relations need."


def test_tables_that_migrate_made(project: Project) -> None:
    project.configure(EXTRA_APPS=("django.contrib.auth", "django.contrib.contenttypes"))
    project.write(shop=SHOP)

    [text] = project.deploy(CHECK)

    assert text.splitlines() == [SENTENCE]


def test_prefix_singular_tables_and_keys_that_are_checked_at_once(project: Project) -> None:
    project.configure(GORM_ASSOC={"TABLE_PREFIX": "go_", "SINGULAR_TABLE": True, "DEFERRABLE": False})
    project.write(
        shop="""
        class Language(Model):
            pass

        class User(Model):
            languages = Many2Many("Language", "constraint:OnDelete:RESTRICT")
        """
    )

    [text] = project.deploy(CHECK)

    assert text.splitlines() == [SENTENCE]


def test_tables_of_unmanaged_models_are_compared_and_those_of_another_database_are_not(project: Project) -> None:
    project.write(
        shop="""
        class Language(Model):
            class Meta:
                managed = False

        class User(Model):
            languages = Many2Many("Language", "many2many:user_languages")

            class Meta:
                managed = False

        class Nowhere:
            def allow_migrate(self, *args, **hints):
                return False
        """
    )
    [found] = project.run(LINES)
    project.configure(DATABASE_ROUTERS=["shop.models.Nowhere"])
    [elsewhere] = project.run(LINES)

    assert found == [f"{table}: the table is missing." for table in ("users", "languages", "user_languages")]
    assert elsewhere == [SENTENCE]


KEYS = """
    class Language(models.Model):
        pass

    class User(Model):
        languages = Many2Many("Language", through="Speaks")

    class Speaks(JoinTable):
        {first}
        {second}
"""


def test_another_key_of_a_join_table_names_the_operation_for_it(project: Project) -> None:
    ends = ['user = BelongsTo("User")', 'language = BelongsTo("Language")']
    project.write(shop=KEYS.format(first=ends[0], second=ends[1]))
    project.deploy()

    project.write(shop=KEYS.format(first=ends[1], second=ends[0]))
    [found] = project.run(LINES.replace('"--check-db"', '"--check-db", "--sql"'))

    assert found[0] == (
        "-- speaks: the primary key is (user_id, language_id), declared as (language_id, user_id). "
        "(by hand: declare the key that is there, then change it with AlterJoinKey)"
    )
