"""Which columns a join table has and what they reference, read back from the catalogue."""

from __future__ import annotations

import pytest

from tests.catalogue import ForeignKey, Index
from tests.migrations.project import KIND, Project

DEFERRABLE = KIND != "mariadb"

COMPOSITE = """
    class Tag(models.Model):
        pk = models.CompositePrimaryKey("id", "locale")
        id = models.BigIntegerField()
        locale = models.CharField(max_length=10)
        value = models.CharField(max_length=50)

        class Meta:
            db_table = "tags"

    class Blog(models.Model):
        pk = models.CompositePrimaryKey("id", "locale")
        id = models.BigIntegerField()
        locale = models.CharField(max_length=10)
        tags = Many2Many("Tag", "many2many:blog_tags;constraint:OnDelete:CASCADE")
        locale_tags = Many2Many("Tag", "many2many:locale_blog_tags;ForeignKey:id,locale;References:id", related_name="+")
        shared_tags = Many2Many("Tag", "many2many:shared_blog_tags;ForeignKey:id;References:id", related_name="+")

        class Meta:
            db_table = "blogs"
"""


def test_composite_keys_by_default_and_overridden(project: Project) -> None:
    project.write(blog=COMPOSITE)

    [found] = project.deploy(
        """
        from blog.models import *
        tag = Tag.objects.create(id=1, locale="en", value="a")
        blog = Blog.objects.create(id=7, locale="en")
        blog.tags.add(tag)
        result = [tag.value for tag in blog.tags.all()], Blog.objects.filter(tags__locale="en").count()
        """
    )

    assert found == [["a"], 1]
    whole = project.table("blog_tags")
    assert whole.column_names == whole.primary_key == ("blog_id", "blog_locale", "tag_id", "tag_locale")
    assert whole.foreign_keys == (
        ForeignKey(
            "fk_blog_tags_blog", ("blog_id", "blog_locale"), "blogs", ("id", "locale"), "CASCADE", deferrable=DEFERRABLE
        ),
        ForeignKey(
            "fk_blog_tags_tag", ("tag_id", "tag_locale"), "tags", ("id", "locale"), "CASCADE", deferrable=DEFERRABLE
        ),
    )
    assert [index.columns for index in whole.indexes] == [("tag_id", "tag_locale")]
    half = project.table("locale_blog_tags")
    assert half.column_names == half.primary_key == ("blog_id", "blog_locale", "tag_id")
    assert [key.name for key in half.foreign_keys] == ["fk_locale_blog_tags_blog"]  # tags(id) is not unique alone
    shared = project.table("shared_blog_tags")
    assert shared.column_names == shared.primary_key == ("blog_id", "tag_id")
    assert shared.foreign_keys == ()
    project.back_and_forth("blog")


OVERRIDDEN = """
    class Profile(Model):
        user_refer = models.BigIntegerField(unique=True)

    class User(Model):
        refer = models.BigIntegerField(unique=True)
        profiles = Many2Many("Profile", "many2many:user_profiles;foreignKey:Refer;joinForeignKey:UserReferID;"
                             "References:UserRefer;joinReferences:ProfileRefer;"
                             "constraint:OnUpdate:CASCADE,OnDelete:CASCADE")
        some = Many2Many("Profile", "many2many:some;references:UserRefer", related_name="+")
        others = Many2Many("Profile", "many2many:others;joinReferences:Other", related_name="+")
        friends = Many2Many("self", "many2many:user_friends;constraint:fk_friend,OnDelete:CASCADE")
        speaks = Many2Many("Language", "many2many:user_speaks;constraint:-")
        following = Many2Many("self", "many2many:follows;joinForeignKey:FollowerID;joinReferences:FollowedID")
        followers = Many2Many("self", "many2many:follows;joinForeignKey:FollowedID;joinReferences:FollowerID",
                              back_reference=True)
        admired = Many2Many("self", "many2many:admirations")
        admirers = Many2Many("self", "many2many:admirations", back_reference=True)

    class Language(models.Model):
        code = models.CharField(max_length=12, primary_key=True)
        name = models.CharField(max_length=50)
"""


def test_overridden_keys_self_references_and_constraints(project: Project) -> None:
    project.write(shop=OVERRIDDEN)

    [found] = project.deploy(
        """
        from shop.models import *
        ann, bob = User.objects.create(refer=10), User.objects.create(refer=20)
        ann.profiles.append(Profile(user_refer=5))
        ann.friends.append(bob)
        ann.following.append(bob)
        ann.admired.append(bob)
        ann.speaks.append(Language(code="en", name="English"))
        result = [
            User.profiles.through.objects.values_list("user_refer", "profile_user_refer")[0],
            list(ann.friends.all()) == [bob], list(bob.friends.all()) == [],
            list(bob.followers.all()) == [ann], list(ann.followers.all()) == [],
            list(bob.admirers.all()) == [ann], list(ann.admirers.all()) == [],
            User.followers.through is User.following.through,
        ]
        """
    )

    assert found == [[10, 5], True, True, True, True, True, True, True]
    profiles = project.table("user_profiles")
    assert profiles.column_names == profiles.primary_key == ("user_refer_id", "profile_refer")
    assert profiles.foreign_keys == (
        ForeignKey(
            "fk_user_profiles_profile",
            ("profile_refer",),
            "profiles",
            ("user_refer",),
            "CASCADE",
            "CASCADE",
            DEFERRABLE,
        ),
        ForeignKey(
            "fk_user_profiles_user", ("user_refer_id",), "users", ("refer",), "CASCADE", "CASCADE", DEFERRABLE
        ),
    )
    assert profiles.indexes == (Index("idx_user_profiles_profile_refer", ("profile_refer",)),)
    assert project.table("some").column_names == ("user_id", "profile_user_refer")
    assert project.table("others").column_names == ("user_id", "other")
    friends = project.table("user_friends")
    assert friends.primary_key == ("user_id", "friend_id")
    assert [(key.name, key.columns, key.on_delete) for key in friends.foreign_keys] == [
        ("fk_friend", ("user_id",), "CASCADE"),
        ("fk_friend_friend", ("friend_id",), "CASCADE"),
    ]
    assert project.table("user_speaks").column_names == ("user_id", "language_code")
    assert project.table("user_speaks").foreign_keys == ()
    assert project.table("follows").primary_key == ("follower_id", "followed_id")
    assert project.table("admirations").primary_key == ("user_id", "admired_id")
    project.back_and_forth("shop")


LONG = "a_very_long_name_of_a_join_table_that_still_fits_the_database"


TURNED = """
    class Tag(models.Model):
        pk = models.CompositePrimaryKey("id", "locale")
        id = models.BigIntegerField()
        locale = models.CharField(max_length=10)

        class Meta:
            db_table = "tags"
            constraints = [{constraint}]

    class User(Model):
        tags = Many2Many("Tag", "many2many:user_tags;references:Locale,ID")
"""


@pytest.mark.skipif(KIND != "mariadb", reason="only MariaDB and MySQL mind the order")
def test_the_order_that_the_check_refuses_is_refused_by_mariadb(project: Project) -> None:
    project.write(blog=TURNED.format(constraint=""))
    project.run("makemigrations")

    with pytest.raises(AssertionError, match="E030"):
        project.run("check --database default")
    with pytest.raises(AssertionError, match="errno: 150"):
        project.run("migrate")


def test_references_in_another_order_than_the_key_where_a_constraint_has_it(project: Project) -> None:
    project.write(blog=TURNED.format(constraint='models.UniqueConstraint(fields=["locale", "id"], name="tag_locale")'))

    [_, found] = project.deploy(
        "check --database default",
        """
        from blog.models import *
        User.objects.create().tags.append(Tag(id=1, locale="en"))
        result = [tag.pk for tag in User.objects.get().tags.exclude(pk=(1, "fr"))]
        """,
    )

    assert found == [[1, "en"]]
    [key] = [key for key in project.table("user_tags").foreign_keys if key.to_table == "tags"]
    assert (key.columns, key.to_columns) == (("tag_locale", "tag_id"), ("locale", "id"))


def test_long_names_are_cut_in_the_database_only(project: Project) -> None:
    project.write(
        shop=f"""
        class Target(Model):
            pass

        class Owner(Model):
            targets = Many2Many("Target", "many2many:{LONG}")
        """
    )

    project.deploy()

    assert f"fk_{LONG}_target" in project.migrations("shop")[0].read_text()
    table = project.table(LONG)
    limit = 63 if KIND == "postgres" else 64
    assert [len(key.name) for key in table.foreign_keys] == [limit, limit]
    assert [len(index.name) for index in table.indexes] == [limit]
    assert {key.name[: limit - 8] for key in table.foreign_keys} == {f"fk_{LONG}"[: limit - 8]}
    project.back_and_forth("shop")


def test_settings_reach_the_schema(project: Project) -> None:
    project.write(
        shop="""
        class Language(Model):
            pass

        class Plain(models.Model):
            languages = Many2Many("Language", "many2many:plain_languages")
            again = Many2Many("Language", related_name="+")

        class User(Model):
            languages = Many2Many("Language")
            others = Many2Many("Language", "many2many:others;constraint:OnDelete:RESTRICT", related_name="+")
        """
    )
    project.configure(
        GORM_ASSOC={"TABLE_PREFIX": "x_", "DEFERRABLE": False, "DEFAULT_CONSTRAINT": "OnDelete:CASCADE"}
    )

    project.deploy()

    assert sorted(project.schema()) == [
        "shop_plain",
        "shop_plain_again",
        "x_languages",
        "x_others",
        "x_plain_languages",
        "x_user_languages",
        "x_users",
    ]
    assert [(key.on_delete, key.deferrable) for key in project.table("x_user_languages").foreign_keys] == [
        ("CASCADE", False)
    ] * 2
    restrict = "RESTRICT" if KIND != "mariadb" else "NO ACTION"
    assert {key.on_delete for key in project.table("x_others").foreign_keys} == {restrict}
    project.back_and_forth("shop")
