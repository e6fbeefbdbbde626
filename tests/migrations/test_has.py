"""Has-one and has-many in migrations: where the foreign key is put, and what happens when one changes one's mind."""

from __future__ import annotations

import pytest

from tests.catalogue import ForeignKey, Index
from tests.migrations.project import KIND, Project

DEFERRABLE = KIND != "mariadb"
ONE_APP = """
    class User(Model):
        name = models.CharField(max_length=50)
        {relation}

    class Post(Model):
        title = models.CharField(max_length=50)
        {column}
"""
PLAIN = "user_id = models.BigIntegerField(null=True)"
BELONGS_TO = 'user = BelongsTo("User", null=True)'
ROWS = """
        from shop.models import *
        ann = User.objects.create(name="ann")
        Post.objects.create(title="a", user_id=ann.pk)
        Post.objects.create(title="b")
"""
TITLES = """
        from shop.models import *
        result = [list(User.objects.get().posts.values_list("title", flat=True)), Post.objects.count()]
"""


def declare(project: Project, relation: str, column: str = PLAIN) -> None:
    project.write(shop=ONE_APP.format(relation=relation, column=column))


def key(name: str, on_delete: str = "NO ACTION", columns: tuple[str, ...] = ("user_id",), to: str = "users") -> ForeignKey:
    return ForeignKey(name, columns, to, ("id",), on_delete=on_delete, deferrable=DEFERRABLE)


def keys(project: Project, table: str = "posts") -> tuple[ForeignKey, ...]:
    return project.table(table).foreign_keys


@pytest.mark.parametrize("column", [PLAIN, BELONGS_TO])
def test_a_has_many_is_added_to_models_with_rows_changed_renamed_and_removed(project: Project, column: str) -> None:
    declare(project, "pass", column)
    project.deploy(ROWS)
    before = project.schema()

    declare(project, 'posts = HasMany("Post")', column)
    [found] = project.deploy(TITLES)
    assert found == [["a"], 2]
    assert keys(project) == (key("fk_users_posts"),)

    declare(project, 'posts = HasMany("Post", "constraint:OnDelete:CASCADE")', column)
    project.deploy()
    altered = ["AlterField"] if column == PLAIN else []
    assert sorted(project.operations("shop")) == ["AddConstraint", *altered, "RemoveConstraint"]
    assert keys(project) == (key("fk_users_posts", "CASCADE"),)

    declare(project, 'articles = HasMany("Post", "constraint:OnDelete:CASCADE")', column)
    project.deploy()
    assert project.operations("shop") == ["RemoveConstraint", "AddConstraint"]
    assert keys(project) == (key("fk_users_articles", "CASCADE"),)

    declare(project, 'articles = HasMany("Post", "constraint:-")', column)
    project.deploy()
    assert keys(project) == (() if column == PLAIN else (key("fk_posts_user"),))

    declare(project, "pass", column)
    project.deploy()
    assert project.schema() == before
    project.back_and_forth("shop", "0001")
    assert sorted(project.rows("SELECT title FROM posts")) == [("a",), ("b",)]


def test_a_plain_column_gives_way_to_a_belongs_to_and_back(project: Project) -> None:
    declare(project, 'posts = HasMany("Post", "constraint:OnDelete:CASCADE")')
    project.deploy(ROWS)
    before = project.table("posts")

    declare(project, 'posts = HasMany("Post", "constraint:OnDelete:CASCADE")', 'user_id = models.BigIntegerField(null=True)\n        user = BelongsTo("User", null=True)')
    [found] = project.deploy(TITLES)

    assert found == [["a"], 2]
    assert keys(project) == before.foreign_keys


def test_the_child_alone_gets_the_foreign_key_with_its_table(project: Project) -> None:
    declare(project, 'posts = HasMany("Post")\n        newest = HasOne("Post", "constraint:OnDelete:CASCADE")', BELONGS_TO)

    project.deploy()

    assert keys(project) == (key("fk_users_newest", "CASCADE"), key("fk_users_posts"))
    project.run("associations --check-db")
    project.back_and_forth("shop")


def test_a_team_and_its_manager(project: Project) -> None:
    project.write(
        shop="""
        class Worker(Model):
            manager_id = models.BigIntegerField(null=True)
            team = HasMany("self", "foreignKey:ManagerID;constraint:OnDelete:SET NULL")
        """
    )

    [found] = project.deploy(
        """
        from shop.models import *
        boss = Worker.objects.create()
        boss.team.append(Worker(), Worker())
        result = [boss.team.count(), Worker.objects.filter(manager=boss).count(), Worker.objects.filter(team=2).count()]
        """
    )

    assert found == [2, 2, 1]
    assert keys(project, "workers") == (key("fk_workers_team", "SET NULL", ("manager_id",), "workers"),)
    assert Index("idx_workers_manager_id", ("manager_id",)) in project.table("workers").indexes


ACCOUNTS = """
    class User(Model):
        name = models.CharField(max_length=50)
        posts = HasMany("blog.Post", "constraint:OnDelete:CASCADE")
        {back}
"""
BLOG = """
    class Post(Model):
        title = models.CharField(max_length=50)
        {column}
        {readers}
"""


@pytest.mark.parametrize("installed", [("accounts", "blog"), ("blog", "accounts")])
@pytest.mark.parametrize("column", [PLAIN, 'user = BelongsTo("accounts.User", null=True)'])
def test_the_childs_app_depends_on_the_owners(project: Project, installed: tuple[str, str], column: str) -> None:
    project.write(installed, accounts=ACCOUNTS.format(back="pass"), blog=BLOG.format(column=column, readers="pass"))

    [found] = project.deploy(
        """
        from accounts.models import *
        from blog.models import *
        from django.db.migrations.loader import MigrationLoader
        User.objects.create(name="ann").posts.append(Post(title="a"))
        loader = MigrationLoader(None)
        result = [User.objects.filter(posts__title="a").count(),
                  sorted({dependency[0] for node, found in loader.disk_migrations.items() if node[0] == "blog"
                          for dependency in found.dependencies if dependency[0] != "blog"}),
                  sorted({dependency[0] for node, found in loader.disk_migrations.items() if node[0] == "accounts"
                          for dependency in found.dependencies})]
        """
    )

    assert found == [1, ["accounts"], []]
    assert keys(project) == (key("fk_users_posts", "CASCADE"),)
    project.back_and_forth("blog")
    project.back_and_forth("accounts")


@pytest.mark.parametrize("installed", [("accounts", "blog"), ("blog", "accounts")])
def test_two_apps_that_point_at_each_other_with_plain_columns(project: Project, installed: tuple[str, str]) -> None:
    project.write(
        installed,
        accounts=ACCOUNTS.format(back="favourite_id = models.BigIntegerField(null=True)"),
        blog=BLOG.format(
            column=PLAIN, readers='readers = HasMany("accounts.User", "foreignKey:FavouriteID;constraint:OnDelete:SET NULL")'
        ),
    )

    [found] = project.deploy(
        """
        from accounts.models import *
        from blog.models import *
        ann, post = User.objects.create(name="ann"), Post.objects.create(title="a")
        ann.posts.append(post)
        post.readers.append(ann)
        ann.refresh_from_db()
        post.refresh_from_db()
        result = [User.objects.filter(posts__readers=ann).count(), ann.favourite.title, post.user.name]
        """
    )

    assert found == [1, "a", "ann"]
    assert keys(project) == (key("fk_users_posts", "CASCADE"),)
    assert keys(project, "users") == (key("fk_posts_readers", "SET NULL", ("favourite_id",), "posts"),)
    project.back_and_forth("accounts")
    project.back_and_forth("blog")


def test_a_composite_key_of_plain_columns(project: Project) -> None:
    project.write(
        shop="""
        class Firm(models.Model):
            pk = models.CompositePrimaryKey("number", "country")
            number = models.IntegerField()
            country = models.CharField(max_length=2)
            offices = HasMany("Office", "constraint:OnDelete:CASCADE,OnUpdate:CASCADE")

            class Meta:
                db_table = "firms"

        class Office(Model):
            firm_number = models.IntegerField()
            firm_country = models.CharField(max_length=2)
        """
    )

    project.deploy()

    assert keys(project, "offices") == (
        ForeignKey(
            "fk_firms_offices",
            ("firm_number", "firm_country"),
            "firms",
            ("number", "country"),
            "CASCADE",
            "CASCADE",
            DEFERRABLE,
        ),
    )
    assert Index("idx_offices_firm", ("firm_number", "firm_country")) in project.table("offices").indexes
    project.back_and_forth("shop")


def test_the_owners_table_gets_another_name(project: Project) -> None:
    declare(project, 'posts = HasMany("Post")')
    project.deploy(ROWS)

    declare(project, 'posts = HasMany("Post")\n\n        class Meta:\n            db_table = "people"')
    [found] = project.deploy(TITLES)

    assert found == [["a"], 2]
    assert keys(project) == (key("fk_people_posts", to="people"),)
    project.back_and_forth("shop", "0001")


def test_what_the_project_does_not_own_is_not_changed(project: Project) -> None:
    project.configure(EXTRA_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.admin"])
    project.configure(AUTH_USER_MODEL="shop.User")
    project.write(
        shop="""
        from django.contrib.auth.models import AbstractUser

        class User(AbstractUser):
            entries = HasMany("admin.LogEntry", foreign_key="user")
            permissions_of = HasMany("auth.Permission", "foreignKey:ContentTypeID;constraint:-")
        """
    )

    [found] = project.deploy(
        """
        from shop.models import *
        user = User.objects.create(username="ann")
        result = [user.entries.count(), user.logentry_set.count(), User.objects.filter(entries__action_flag=1).count()]
        """
    )

    assert found == [0, 0, 0]
    assert not list((project.folder / "shop/migrations").glob("0002*"))


def test_a_join_model_keeps_its_own_foreign_keys(project: Project) -> None:
    project.write(
        shop="""
        class Language(Model):
            pass

        class User(Model):
            languages = Many2Many("Language", "many2many:user_languages")
            spoken = Many2Many("Language", through="Spoken", related_name="speakers")
            user_languages = HasMany("UserLanguage")
            spokens = HasMany("Spoken")

        class Spoken(JoinTable):
            user = BelongsTo("User", "constraint:OnDelete:CASCADE")
            language = BelongsTo("Language")
        """
    )

    [found] = project.deploy(
        """
        from shop.models import *
        user = User.objects.create()
        user.languages.append(Language(), Language())
        user.spoken.append(Language())
        result = [user.user_languages.count(), user.spokens.get().user is user]
        """
    )

    assert found == [2, True]
    assert [each.name for each in keys(project, "user_languages")] == [
        "fk_user_languages_language",
        "fk_user_languages_user",
    ]
    assert [(each.name, each.on_delete) for each in keys(project, "spokens")] == [
        ("fk_spokens_language", "NO ACTION"),
        ("fk_spokens_user", "CASCADE"),
    ]


TAGS = """
    class Tag(Model):
        name = models.CharField(max_length=50)
"""
BLOG_TAGS = """
    class Post(Model):
        tags = Many2Many("tags.Tag", "many2many:taggables;polymorphic:Taggable")
"""
FILMS = """
    class Film(Model):
        tags = Many2Many("tags.Tag", "many2many:taggables;polymorphic:Taggable", related_name="films")
"""


@pytest.mark.parametrize("installed", [("tags", "blog", "films"), ("films", "blog", "tags")])
def test_a_polymorphic_join_table_is_in_the_targets_app(project: Project, installed: tuple[str, str, str]) -> None:
    project.write(installed, tags=TAGS, blog=BLOG_TAGS, films=FILMS)

    [found] = project.deploy(
        """
        from blog.models import *
        from films.models import *
        from tags.models import *
        red, blue = Tag.objects.create(name="red"), Tag.objects.create(name="blue")
        Post.objects.create(id=1).tags.append(red)
        Film.objects.create(id=1).tags.append(blue)
        from django.db.migrations.loader import MigrationLoader
        from django.db import connection
        past = MigrationLoader(connection).project_state().apps
        result = [Post.tags.through._meta.label, [tag.name for tag in past.get_model("blog.Post").objects.get().tags.all()],
                  [tag.name for tag in past.get_model("films.Film").objects.get().tags.all()]]
        """
    )

    assert found == ["tags.Taggable", ["red"], ["blue"]]
    table = project.table("taggables")
    assert table.column_names == table.primary_key == ("taggable_id", "taggable_type", "tag_id")
    assert table.foreign_keys == (key("fk_taggables_tag", columns=("tag_id",), to="tags"),)
    project.run("associations --check-db")

    for app in installed:
        project.back_and_forth(app)
