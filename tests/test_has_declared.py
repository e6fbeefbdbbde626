"""Where a has-one or has-many may be declared, and what it makes of the models."""

from __future__ import annotations

from django.db import models
from django.forms import modelform_factory

from gorm_assoc import relationship
from gorm_assoc.constraints import ForeignKeyConstraint
from gorm_assoc.join_key import JoinKey
from gorm_assoc.preloading import relations as loading
from tests.checking import CheckTestCase


def constraints(model):
    return [each.name for each in model._meta.constraints if isinstance(each, ForeignKeyConstraint)]


def relations(model):
    return sorted(found.accessor_name for found in model._meta.related_objects)


class DeclaredTests(CheckTestCase):
    def right(self, source):
        found = self.declare(source)
        assert [message for message in self.messages() if message.id != "gorm_assoc.W004"] == []
        for model in self.apps.get_models():
            assert model.check() == []
        return found

    def test_in_either_order(self):
        owner = """
            class User(Model):
                posts = HasMany({post})
        """
        child = """
            class Post(Model):
                user = {user}
        """
        for user in ('BelongsTo("User")', 'models.ForeignKey("User", models.CASCADE, db_constraint=False)'):
            for source in (owner.format(post='"Post"') + child, child + owner.format(post='"testapp.Post"')):
                with self.subTest(source):
                    self.setUp()
                    made = self.right(source.format(user=user) if "{user}" in source else source)
                    assert constraints(made.Post) == ["fk_users_posts"]
                    assert relations(made.User) == ["posts"]

    def test_the_child_as_a_class(self):
        made = self.right("""
            class Post(Model):
                user = BelongsTo("User")

            class User(Model):
                posts = HasMany(Post)
        """)

        assert constraints(made.Post) == ["fk_users_posts"]

    def test_a_plain_column_gets_a_relation_that_migrations_see(self):
        made = self.right("""
            class User(Model):
                posts = HasMany("Post")
                drafts = HasMany("Draft", "constraint:-")

            class Post(Model):
                user_id = models.BigIntegerField(null=True)

            class Draft(Model):
                user_id = models.BigIntegerField(null=True)
        """)

        assert isinstance(made.Post._meta.get_field("user"), JoinKey)
        assert made.Post._meta.get_field("user") in made.Post._meta.local_fields
        assert not hasattr(made.Draft, "user")
        assert [field.name for field in made.Draft._meta.local_fields][-1] == "user_id"

    def test_the_key_it_reads_by_is_in_no_form(self):
        made = self.right("""
            class User(Model):
                drafts = HasMany("Draft", "constraint:-")
                letters = HasMany("Letter", "constraint:-")

            class Draft(Model):
                user_id = models.BigIntegerField(null=True)

            class Letter(Model):
                user_id = models.BigIntegerField()
        """)

        drafts, letters = (rel.field for rel in made.User._meta.related_objects)
        assert {drafts, letters} == {*made.Draft._meta.private_fields, *made.Letter._meta.private_fields}
        assert list(modelform_factory(made.Draft, fields="__all__").base_fields) == ["user_id"]
        assert (drafts.null, letters.null) == (True, False)
        assert drafts.remote_field.on_delete is models.DO_NOTHING

    def test_a_name_that_is_taken_is_given_another(self):
        made = self.right("""
            class User(Model):
                posts = HasMany("Post")

            class Post(Model):
                user_id = models.BigIntegerField(null=True)

                @property
                def user(self):
                    return "taken"
        """)

        assert isinstance(made.Post._meta.get_field("user_posts"), JoinKey)
        assert made.Post().user == "taken"

    def test_a_custom_name_and_two_relations_over_one_key(self):
        made = self.right("""
            class User(Model):
                posts = HasMany("Post", "constraint:my_posts,OnDelete:CASCADE")
                newest = HasOne("Post")

            class Post(Model):
                user = BelongsTo("User")
        """)

        assert constraints(made.Post) == ["my_posts", "fk_users_newest"]
        assert made.Post._meta.get_field("user").remote_field.on_delete is models.PROTECT
        assert relations(made.User) == ["newest", "posts"]

    def test_the_projects_own_default_holds(self):
        with self.settings(GORM_ASSOC={"DEFAULT_CONSTRAINT": "OnDelete:CASCADE"}):
            made = self.right("""
                class User(Model):
                    posts = HasMany("Post")

                class Post(Model):
                    user = BelongsTo("User")
            """)

        assert [each.on_delete for each in made.Post._meta.constraints] == ["CASCADE"]

    def test_in_an_abstract_base(self):
        made = self.right("""
            class Commented(models.Model):
                comments = HasMany("Comment", "polymorphic:Subject")

                class Meta:
                    abstract = True

            class Post(Commented, Model):
                pass

            class Photo(Commented, Model):
                pass

            class Comment(Model):
                subject_id = models.BigIntegerField()
                subject_type = models.CharField(max_length=50)
        """)

        for model, value in ((made.Post, "posts"), (made.Photo, "photos")):
            assert [fixed for _, fixed in relationship.of(model, "comments").fixed] == [value]

    def test_a_child_in_an_abstract_base(self):
        made = self.right("""
            class Owned(models.Model):
                user = BelongsTo("User")

                class Meta:
                    abstract = True

            class Post(Owned, Model):
                pass

            class User(Model):
                posts = HasMany("Post")
        """)

        assert constraints(made.Post) == ["fk_users_posts"]

    def test_on_a_model_with_children_of_its_own_and_on_such_a_child(self):
        made = self.right("""
            class User(Model):
                posts = HasMany("Post")

            class Admin(User):
                logs = HasMany("Log")

            class Post(Model):
                user = BelongsTo("User")

            class LongPost(Post):
                pass

            class Log(Model):
                admin = BelongsTo("Admin")
        """)

        assert relationship.of(made.Admin, "posts").target is made.Post
        assert relationship.of(made.Admin, "logs").target is made.Log
        assert "logs" not in relations(made.User)
        assert constraints(made.LongPost) == []
        assert constraints(made.Log) == ["fk_admins_logs"]

    def test_on_a_proxy_and_to_a_proxy(self):
        made = self.right("""
            class User(Model):
                pass

            class Reader(User):
                posts = HasMany("Post")
                drafts = HasMany("Draft", foreign_key="user")

                class Meta:
                    proxy = True

            class Post(Model):
                user = BelongsTo("User")

            class Text(Model):
                user = BelongsTo("User")

            class Draft(Text):
                class Meta:
                    proxy = True
        """)

        assert relationship.of(made.Reader, "posts").target is made.Post
        assert relationship.of(made.Reader, "drafts").target is made.Draft
        assert constraints(made.Post) == ["fk_users_posts"]
        assert constraints(made.Text) == ["fk_users_drafts"]
        assert relationship.declared(made.Reader) == loading.declared(made.Reader) == ["posts", "drafts"]
        assert relationship.declared(made.User) == loading.declared(made.User) == []

    def test_a_key_that_is_part_of_the_childs_own(self):
        made = self.right("""
            class Book(Model):
                pages = HasMany("Page", "constraint:OnDelete:CASCADE")

            class Page(models.Model):
                pk = models.CompositePrimaryKey("book_id", "number")
                book_id = models.BigIntegerField()
                number = models.IntegerField()
        """)

        assert constraints(made.Page) == ["fk_books_pages"]
        assert not made.Page._meta.indexes  # its own key begins with the column

    def test_what_is_wrong_leaves_no_accessor_and_no_trace(self):
        made = self.declare("""
            class User(Model):
                posts = HasMany("Post", foreign_key="nobody")

            class Post(Model):
                user = BelongsTo("User")
        """)

        assert not hasattr(made.User, "posts")
        assert hasattr(made.User, "post_set")
        assert constraints(made.Post) == ["fk_posts_user"]

    def test_a_column_of_the_owners_own_belongs_to_is_known(self):
        made = self.right("""
            class Account(Model):
                holder = BelongsTo("Holder", "references:Code")
                bookings = HasMany("Booking", "foreignKey:HolderCode;references:Holder;constraint:-")

            class Holder(Model):
                code = models.CharField(max_length=20, unique=True)

            class Booking(Model):
                holder_code = models.CharField(max_length=20)
        """)

        assert [each.column for each in relationship.of(made.Account, "bookings").owner_fields] == ["holder_code"]
