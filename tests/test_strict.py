"""strict(): a relation that was not loaded raises, warns, or is loaded for all rows at once."""

from __future__ import annotations

import copy
import pickle

import django
import pytest
from django.core import exceptions
from django.db import models
from django.forms import modelform_factory
from django.test import TestCase, override_settings
from django.test.utils import isolate_apps

from example_project.guides.models import Language, User
from gorm_assoc.exceptions import NotPreloaded, NotPreloadedWarning
from gorm_assoc.models import AssociationModel, preload
from gorm_assoc.preloading import strict
from tests.test_preload import remark
from tests.testapp.models import Article, Book, Journalist, Keyword, Leaf, Loan, Passport, Reader, Remark, Review, Twig


class StrictTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ann, cls.bob = Journalist.objects.create(name="ann"), Journalist.objects.create(name="bob")
        for author in (cls.ann, cls.bob):
            Passport.objects.create(number=author.name, author=author)
            article = Article.objects.create(title=author.name, author=author)
            article.keywords.add(Keyword.objects.create(word=author.name))
            remark(article, author.name)
            user = User.objects.create(name=author.name)
            user.languages.append(Language(name=author.name))
            twig = Twig.objects.create(branch=author.name, number="1")
            Leaf.objects.create(twig=twig)

    # Each way to read one relation of every shape, as a list
    READ = {
        "author": (Article, lambda article: [article.author]),
        "twig": (Leaf, lambda leaf: [leaf.twig]),
        "passport": (Journalist, lambda author: [author.passport]),
        "articles": (Journalist, lambda author: list(author.articles.all())),
        "leaves": (Twig, lambda twig: list(twig.leaves.all())),
        "keywords": (Article, lambda article: list(article.keywords.all())),
        "languages": (User, lambda user: list(user.languages.all())),
        "remarks": (Article, lambda article: list(article.remarks.all())),
        "subject": (Remark, lambda remark: [remark.subject]),
    }

    def test_raise(self):
        for name, (model, read) in self.READ.items():
            with self.subTest(name):
                rows = list(model.objects.strict())
                with (
                    self.assertNumQueries(0),
                    pytest.raises(NotPreloaded, match=f"{name} was read"),
                ):
                    read(rows[0])

    def test_what_was_preloaded_is_read(self):
        for name, (model, read) in self.READ.items():
            with self.subTest(name):
                for rows in (model.objects.strict().preload(name), model.objects.strict().prefetch_related(name)):
                    rows = list(rows)
                    with self.assertNumQueries(0):
                        assert all(len(read(row)) == 1 for row in rows)

    def test_what_is_preloaded_afterwards_is_read(self):
        for name, (model, read) in self.READ.items():
            with self.subTest(name):
                rows = list(model.objects.strict())
                preload(rows, name)
                with self.assertNumQueries(0):
                    assert all(len(read(row)) == 1 for row in rows)

    def test_warn(self):
        for name, (model, read) in self.READ.items():
            with self.subTest(name):
                (expected,) = read(model.objects.order_by("pk")[0])
                rows = list(model.objects.strict("warn").order_by("pk"))
                with pytest.warns(NotPreloadedWarning, match=f"{name} was read"):
                    assert read(rows[0]) == [expected]

    def test_a_warning_names_the_line_that_reads(self):
        for name, (model, read) in self.READ.items():
            with self.subTest(name):
                rows = list(model.objects.strict("warn").order_by("pk"))
                with pytest.warns(NotPreloadedWarning) as told:
                    read(rows[0])
                assert told[0].filename == __file__

    def test_load_reads_for_all_rows_at_once(self):
        for name, (model, read) in self.READ.items():
            with self.subTest(name):
                rows = list(model.objects.strict("load").order_by("pk"))
                first = read(rows[0])
                with self.assertNumQueries(0):
                    assert [read(row) for row in rows][0] == first
                    assert all(len(read(row)) == 1 for row in rows)

    def test_the_mode_holds_for_what_is_loaded(self):
        author = Journalist.objects.strict().preload("articles").get(name="ann")
        joined = Article.objects.strict().select_related("author").get(title="ann")
        language = User.objects.strict().preload("languages").get(name="ann").languages.all()[0]

        with pytest.raises(NotPreloaded):
            list(author.articles.all()[0].keywords.all())
        with pytest.raises(NotPreloaded):
            list(joined.author.articles.all())
        with pytest.raises(NotPreloaded):
            list(language.users.all())

    def test_load_goes_down_level_by_level(self):
        authors = list(Journalist.objects.strict("load"))

        with self.assertNumQueries(3):  # the articles of all; pairs and keywords of all
            words = [
                word.word for each in authors for article in each.articles.all() for word in article.keywords.all()
            ]
        assert sorted(words) == ["ann", "bob"]

    def test_queries_asked_for_by_name_run(self):
        author = Journalist.objects.strict().get(name="ann")

        assert author.articles.count() == 1
        assert author.articles.filter(title="ann").exists()
        assert [each.title for each in author.articles.order_by("pk")] == ["ann"]
        user = User.objects.strict().get(name="ann")
        user.languages.append(Language(name="x"))
        assert user.languages.count(name="x") == 1
        with pytest.raises(NotPreloaded):
            author.articles.all().all()[0:1] and list(author.articles.all().all())

    def test_forms_read_what_they_show(self):
        user = User.objects.strict().get(name="ann")

        form = modelform_factory(User, fields=["languages"])(instance=user)

        assert [language.name for language in form.initial["languages"]] == ["ann"]

    def test_empty_keys_ask_for_nothing(self):
        leaf = Leaf.objects.create()
        article = Article.objects.create(title="x")

        assert Leaf.objects.strict().get(pk=leaf.pk).twig is None
        assert Article.objects.strict().get(pk=article.pk).author is None

    def test_deferred_columns_are_no_relation(self):
        article = Article.objects.strict().only("title").get(title="ann")

        assert article.rank == 0

    def test_the_setting_and_what_lifts_it(self):
        with override_settings(GORM_ASSOC={"STRICT": "raise"}):
            with pytest.raises(NotPreloaded):
                _ = Article.objects.get(title="ann").author
            assert Article.objects.strict(False).get(title="ann").author == self.ann
            made = Article.objects.create(title="new", author_id=self.ann.pk)
            assert made.author == self.ann
        assert Article.objects.get(title="ann").author == self.ann

    def test_iterators_are_strict_too(self):
        with pytest.raises(NotPreloaded):
            _ = next(iter(Article.objects.strict().iterator())).author
        authors = Article.objects.strict().preload("author").iterator(chunk_size=1)
        assert sorted(article.author.name for article in authors) == ["ann", "bob"]

    async def test_async_iteration_is_strict_too(self):
        async for article in Article.objects.strict().preload("author"):
            assert article.author
        article = await anext(aiter(Article.objects.strict().aiterator()))
        with pytest.raises(NotPreloaded):
            _ = article.author

    def test_values_are_not_touched(self):
        assert len(Article.objects.strict().values("title")) == 2

    def test_pickled_rows_stay_strict(self):
        article = pickle.loads(pickle.dumps(Article.objects.strict().get(title="ann")))

        with pytest.raises(NotPreloaded):
            _ = article.author

    def test_pickled_rows_are_loaded_on_their_own(self):
        articles = pickle.loads(pickle.dumps(list(Article.objects.strict("load"))))

        with self.assertNumQueries(2):
            assert sorted(article.author.name for article in articles) == ["ann", "bob"]
        authors = pickle.loads(pickle.dumps(list(Journalist.objects.strict("load"))))
        assert sorted(article.title for author in authors for article in author.articles.all()) == ["ann", "bob"]

    def test_the_mode_holds_for_queries_of_an_accessor(self):
        article = Journalist.objects.strict().get(name="ann").articles.filter(title="ann").get()

        with pytest.raises(NotPreloaded):
            _ = article.author.passport
        with pytest.raises(NotPreloaded):
            list(article.keywords.all())

    def test_joined_rows_are_loaded_with_those_that_were_joined_beside_them(self):
        reader, book = Reader.objects.create(name="r"), Book.objects.create(id=1, locale="en", title="t")
        for _ in range(2):
            Review.objects.create(reader=reader, book=book)
        articles = list(Article.objects.strict("load").select_related("author"))
        reviews = list(Review.objects.strict("load").select_related("reader", "book"))

        with self.assertNumQueries(1):
            assert sorted(article.author.passport.number for article in articles) == ["ann", "bob"]
        with self.assertNumQueries(2):
            assert [len(review.reader.reviews.all()) for review in reviews] == [2, 2]
            assert [len(review.book.reviews.all()) for review in reviews] == [2, 2]

    def test_a_given_queryset_keeps_its_own_mode(self):
        lax = Journalist.objects.strict().preload("articles", Article.objects.strict(False)).get(name="ann")
        strictly = Journalist.objects.strict().preload("articles", Article.objects.order_by("pk")).get(name="ann")

        assert list(lax.articles.all()[0].keywords.all())
        with pytest.raises(NotPreloaded):
            list(strictly.articles.all()[0].keywords.all())

    def test_true_is_raise(self):
        with pytest.raises(NotPreloaded):
            _ = Article.objects.strict(True).get(title="ann").author

    def test_what_is_read_with_a_warning_warns_below(self):
        author = Journalist.objects.strict("warn").get(name="ann")

        with pytest.warns(NotPreloadedWarning, match="articles was read"):
            (article,) = author.articles.all()

        with pytest.warns(NotPreloadedWarning, match="keywords was read"):
            assert [word.word for word in article.keywords.all()] == ["ann"]

    def test_what_one_of_several_has_loaded_stays(self):
        ann, bob = Journalist.objects.strict("load").order_by("name")
        preload(ann, "articles", title="none")

        twin = copy.copy(bob)
        assert [article.title for article in bob.articles.all()] == ["bob"]
        assert [article.title for article in twin.articles.all()] == ["bob"]
        assert not ann.articles.all()

    @isolate_apps("tests.testapp")
    def test_every_accessor_of_a_model_is_guarded(self):
        class Base(AssociationModel):
            class Meta:
                abstract = True
                app_label = "testapp"

        class Mother(Base):
            pass

        class Club(Base):
            pass

        class Person(Base):
            mother = models.ForeignKey(Mother, models.CASCADE, related_name="children")
            spouse = models.OneToOneField(
                "self", models.CASCADE, related_name="spouse_of", related_query_name="married_to"
            )
            clubs = models.ManyToManyField(Club, related_name="members")

        class Player(Person):
            class Meta:
                app_label = "testapp"

        strict.guard(Player)
        mother, club, player = Mother(pk=1), Club(pk=1), Player(pk=1, id=1, mother_id=1, spouse_id=1)
        for one in (mother, club, player):
            one._state.fetch_mode = strict.MODES["raise"]
        for one, name in (
            (player, "mother"),
            (player, "spouse"),
            (player, "spouse_of"),
            (player, "clubs"),
            (mother, "children"),
            (club, "members"),
        ):
            with pytest.raises(NotPreloaded, match=f"{name} was read"):
                list(getattr(one, name).all())
        strict.guard(Player)  # once is enough
        assert type(vars(Person)["clubs"]).__mro__.count(strict._GuardOfMany) == 1

    def test_the_rows_of_an_accessor_are_read_to_be_pickled(self):
        articles = Journalist.objects.strict("load").get(name="ann").articles.all()
        refused = Journalist.objects.strict().get(name="ann").articles.all()

        read = pickle.loads(pickle.dumps(articles))

        with self.assertNumQueries(0):
            assert [article.title for article in read] == ["ann"]
        assert [article.title for article in read.filter(title="ann")] == ["ann"]
        with pytest.raises(NotPreloaded):
            pickle.dumps(refused)

    def test_an_unknown_mode(self):
        with pytest.raises(ValueError, match='strict\\(\\) takes "raise", "warn", "load" or False; got \'no\''):
            Article.objects.strict("no")

    def test_the_error_is_the_one_of_djangos_fetch_mode(self):
        blocked = getattr(exceptions, "FieldFetchBlocked", exceptions.FieldError)

        assert issubclass(NotPreloaded, blocked)

    def test_dead_links_stay_hidden_when_all_are_loaded(self):
        reader, other = Reader.objects.create(name="r"), Reader.objects.create(name="s")
        book = reader.books.model.objects.create(id=1, locale="en", title="t")
        reader.books.append(book)
        other.books.append(book)
        Loan.objects.get(reader=other).delete()

        readers = list(Reader.objects.strict("load").order_by("name"))

        assert [list(each.books.all()) for each in readers] == [[book], []]


@pytest.mark.skipif(django.VERSION < (6, 1), reason="fetch modes came with Django 6.1")
class FetchModesTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        for name in ("a", "b"):
            author = Journalist.objects.create(name=name)
            Article.objects.create(title=name, author=author, editor=author)

    def test_a_fetch_mode_goes_on_to_what_is_preloaded(self):
        from django.db.models import FETCH_PEERS, FETCH_RAISE

        author = Journalist.objects.fetch_mode(FETCH_RAISE).preload("articles").get(name="a")
        with pytest.raises(exceptions.FieldFetchBlocked):
            _ = author.articles.all()[0].editor

        articles = [
            each
            for author in Journalist.objects.fetch_mode(FETCH_PEERS).preload("articles")
            for each in author.articles.all()
        ]
        with self.assertNumQueries(1):
            assert [each.editor.name for each in articles] == ["a", "b"]

    def test_a_fetch_mode_that_was_asked_for_goes_before_the_setting(self):
        from django.db.models import FETCH_PEERS

        with override_settings(GORM_ASSOC={"STRICT": "raise"}):
            articles = list(Article.objects.fetch_mode(FETCH_PEERS))
            with self.assertNumQueries(1):
                assert sorted(each.author.name for each in articles) == ["a", "b"]
