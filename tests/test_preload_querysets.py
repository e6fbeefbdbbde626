"""preload() beside the rest of a queryset: prefetches, joins, slices, chunks, async, pickles; many owners."""

from __future__ import annotations

import copy
import pickle

import pytest
from django.db import connection
from django.db.models import Count, Prefetch
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from example_project.guides.models import Language, Profile, User
from gorm_assoc.exceptions import ScopeError
from gorm_assoc.models import preload
from tests.testapp.models import Article, Journalist, Keyword, Leaf, Twig


def names(rows):
    return [row.name for row in rows]


def in_order(languages):
    return languages.order_by("name")


class QuerysetsTests(TestCase):
    """a, b, c, d speak: a and b each en and fr; c only en; d nothing."""

    @classmethod
    def setUpTestData(cls):
        cls.users = [User.objects.create(name=name) for name in "abcd"]
        cls.en, cls.fr = (Language.objects.create(name=name) for name in ("en", "fr"))
        for user, languages in zip(cls.users, ([cls.en, cls.fr], [cls.en, cls.fr], [cls.en], []), strict=True):
            user.languages.append(languages)

    def found(self, users):
        users = list(users)
        with self.assertNumQueries(0):
            return {user.name: names(user.languages.all()) for user in users}

    ALL = {"a": ["en", "fr"], "b": ["en", "fr"], "c": ["en"], "d": []}

    def test_slices_and_single_rows(self):
        users = User.objects.order_by("name").preload("languages", in_order)

        assert self.found(users[1:3]) == {"b": ["en", "fr"], "c": ["en"]}
        assert self.found([users.first(), users.last(), users[2], users.get(name="b")]) == self.ALL
        assert self.found(users.in_bulk().values()) == self.ALL
        assert self.found(users.filter(name="a") | users.filter(name="c")) == {"a": ["en", "fr"], "c": ["en"]}
        assert self.found(users.all().order_by("-name")) == self.ALL

    def test_set_operations(self):
        users = User.objects.preload("languages", in_order)

        assert self.found(users.filter(name="a").union(User.objects.filter(name="d"))) == {"a": ["en", "fr"], "d": []}
        with pytest.raises(Exception, match="Calling QuerySet.preload\\(\\) after union\\(\\) is not supported"):
            User.objects.union(User.objects.all()).preload("languages")

    def test_what_reads_no_objects_leaves_it_out(self):
        users = User.objects.preload("languages")

        with self.assertNumQueries(4):
            assert users.count() == 4
            assert users.exists()
            assert sorted(users.values_list("name", flat=True)) == ["a", "b", "c", "d"]
            assert users.aggregate(n=Count("pk")) == {"n": 4}

    def test_chunks(self):
        users = User.objects.order_by("name").preload("languages", in_order)

        with CaptureQueriesContext(connection) as ran:
            found = list(users.iterator(chunk_size=3))

        assert len(ran) == 1 + 2 + 1  # the chunk of d has no links, and so no languages
        assert self.found(found) == self.ALL
        with pytest.raises(ValueError, match="chunk_size must be provided"):
            users.iterator()

    async def test_async_iteration(self):
        users = User.objects.order_by("name").preload("languages", in_order)

        whole = [user async for user in users]
        chunks = [user async for user in users.aiterator(chunk_size=3)]
        plain = [user async for user in User.objects.order_by("name").aiterator()]

        assert [names(user.languages.all()) for user in whole] == list(self.ALL.values())
        assert [names(user.languages.all()) for user in chunks] == list(self.ALL.values())
        assert names(plain) == list("abcd")

    def test_prefetch_related_goes_on_below(self):
        users = User.objects.filter(name="a").preload("languages", in_order).prefetch_related("languages__users")

        with self.assertNumQueries(4):
            (user,) = users
        with self.assertNumQueries(0):
            assert [sorted(names(each.users.all())) for each in user.languages.all()] == [["a", "b", "c"], ["a", "b"]]

    def test_another_relation_is_prefetched_beside_it(self):
        users = User.objects.prefetch_related("friends").preload("languages", in_order)

        with self.assertNumQueries(4):
            found = list(users)
        assert self.found(found) == self.ALL
        with self.assertNumQueries(0):
            assert [list(user.friends.all()) for user in found] == [[]] * 4

    def test_a_prefetch_with_a_queryset_of_the_same_name_raises(self):
        users = User.objects.preload("languages.users").prefetch_related(Prefetch("languages", Language.objects.all()))

        with pytest.raises(ValueError, match="a preload\\(\\) and a Prefetch with a queryset for 'languages'"):
            list(users)
        below = Prefetch("languages__users", User.objects.all())
        for others in (["profiles"], [Prefetch("profiles", Profile.objects.all())]):
            with pytest.raises(ValueError, match="for 'languages__users'"):
                list(User.objects.preload("languages.users").prefetch_related(*others, below))
        assert names(
            User.objects.preload("languages").prefetch_related(below).get(name="a").languages.all()[0].users.all()
        )
        beside = User.objects.preload("languages").prefetch_related(
            Prefetch("languages", Language.objects.filter(name="en"), to_attr="only_english")
        )
        assert names(beside.get(name="a").only_english) == ["en"]

    def test_inside_a_prefetch(self):
        languages = Language.objects.order_by("name").preload("users", limit=1, order_by="name")

        users = list(User.objects.order_by("name").prefetch_related(Prefetch("languages", languages)))

        with self.assertNumQueries(0):
            assert [names(each.users.all()) for each in users[0].languages.all()] == [["a"], ["a"]]

    def test_inside_a_preload(self):
        languages = Language.objects.order_by("name").prefetch_related("users")

        users = list(User.objects.order_by("name").preload("languages", languages))

        with self.assertNumQueries(0):
            assert [sorted(names(each.users.all())) for each in users[2].languages.all()] == [["a", "b", "c"]]

    def test_on_a_related_manager(self):
        with self.assertNumQueries(3):
            languages = list(self.users[0].languages.preload("users", lambda users: users.order_by("name")))
        with self.assertNumQueries(0):
            assert names(languages[0].users.all()) == ["a", "b", "c"]

    def test_annotations_of_a_given_queryset(self):
        languages = Language.objects.annotate(speakers=Count("users")).order_by("name")

        user = User.objects.preload("languages", languages).get(name="a")

        assert [each.speakers for each in user.languages.all()] == [3, 2]

    def test_it_is_kept_by_pickles_and_copies(self):
        users = User.objects.order_by("name").preload("languages", Language.objects.order_by("name"), name__gt="")

        with self.assertNumQueries(3):  # as it is read; the queryset that was given is not
            pickled = pickle.dumps(users)
        assert self.found(pickle.loads(pickled)) == self.ALL
        assert self.found(pickle.loads(pickled).filter(name="a")) == {"a": ["en", "fr"]}
        assert self.found(list(copy.deepcopy(users))) == self.ALL
        again = pickle.loads(pickle.dumps(users.get(name="a")))
        assert self.found([again]) == {"a": ["en", "fr"]}
        assert names(copy.deepcopy(users.get(name="a").languages.all())) == ["en", "fr"]

    def test_only_and_defer_leave_what_it_needs(self):
        with self.assertNumQueries(3):
            users = list(User.objects.only("name").order_by("name").preload("languages", in_order))
        assert self.found(users) == self.ALL

    def test_unscoped_after_a_filter_raises(self):
        with pytest.raises(ScopeError):
            list(User.objects.preload("languages", lambda languages: languages.filter(name="en").unscoped()))
        with pytest.raises(ScopeError):
            list(User.objects.preload("languages", Language.objects.filter(name="en"), unscoped=True))


class KeysTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ann = Journalist.objects.create(name="ann")
        cls.articles = [Article.objects.create(title=title, author=cls.ann, editor=cls.ann) for title in "xy"]

    def test_a_deferred_foreign_key_is_read_once_for_all(self):
        with self.assertNumQueries(3):  # articles; their keys; the author
            articles = list(Article.objects.only("title").preload("author"))
        with self.assertNumQueries(0):
            assert [article.author for article in articles] == [self.ann] * 2

    def test_a_deferred_key_of_one_object_is_read(self):
        Article.objects.create(title="new", author=Journalist.objects.create(name="ann"))

        with self.assertNumQueries(3):
            article = Article.objects.only("title").preload("author").get(title="new")
            assert article.author.name == "ann"

    def test_deferred_keys_of_targets_are_read_once_for_all(self):
        with self.assertNumQueries(3):
            ann = Journalist.objects.preload("articles", lambda articles: articles.only("title")).get()
        with self.assertNumQueries(0):
            assert sorted(article.title for article in ann.articles.all()) == ["x", "y"]

    def test_a_joined_row_is_not_read_again(self):
        with self.assertNumQueries(2):
            articles = list(Article.objects.select_related("author").preload("author", "editor"))
        with self.assertNumQueries(2):
            below = list(Article.objects.select_related("author").preload("author.edited"))
        with self.assertNumQueries(0):
            assert [article.author for article in articles] == [self.ann] * 2
            assert [len(article.author.edited.all()) for article in below] == [2, 2]

    def test_the_accessor_of_a_loaded_foreign_key_can_be_set(self):
        article = Article.objects.preload("author").first()
        other = Journalist.objects.create(name="other")

        article.author = other
        article.save()

        assert Article.objects.get(pk=article.pk).author == other

    def test_verbs_of_django_forget_what_was_loaded(self):
        article = Article.objects.preload("keywords").first()
        word = Keyword.objects.create(word="w")

        article.keywords.add(word)

        assert list(article.keywords.all()) == [word]


@pytest.mark.slow
class ManyTests(TestCase):
    """A hundred thousand owners: more keys than a statement may have parameters."""

    COUNT = 100_000

    def test_links_and_children(self):
        language = Language.objects.create(name="en")
        users = User.objects.bulk_create((User(name=str(number)) for number in range(self.COUNT)), batch_size=5000)
        if users[0].pk is None:
            users = list(User.objects.all())
        through = User.languages.through
        rows = (through(user_id=user.pk, language_id=language.pk) for user in users)
        through.objects.bulk_create(rows, batch_size=5000)

        with self.assertNumQueries(3):
            users = list(User.objects.preload("languages"))
        preload(users, "languages", limit=1)

        assert {id(user.languages.all()[0]) for user in users} == {id(users[0].languages.all()[0])}
        assert len(users) == self.COUNT

    def test_composite_keys(self):
        Twig.objects.bulk_create((Twig(branch=str(n), number="x") for n in range(self.COUNT)), batch_size=5000)
        rows = (Leaf(twig_branch=str(number), twig_number="x") for number in range(self.COUNT))
        Leaf.objects.bulk_create(rows, batch_size=5000)

        twigs = list(Twig.objects.preload("leaves"))
        leaves = list(Leaf.objects.preload("twig"))

        assert {len(twig.leaves.all()) for twig in twigs} == {1}
        assert all(leaf.twig.branch == leaf.twig_branch for leaf in leaves)
