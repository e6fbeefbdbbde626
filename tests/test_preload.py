"""preload(): every shape of relation, conditions at each level, what the accessor gives afterwards."""

from __future__ import annotations

import copy
import re

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower
from django.template import Context, Template
from django.test import SimpleTestCase, TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from example_project.guides.models import Language, User, UserFluency
from gorm_assoc.exceptions import OwnersMismatch, UnsupportedRelation
from gorm_assoc.kinds.conditions import FEW
from gorm_assoc.models import ALL, apreload, preload
from gorm_assoc.preloading.among import Among
from tests.factories import BlogFactory, TagFactory
from tests.testapp.models import (
    Article,
    Author,
    Book,
    Club,
    Genre,
    Jotting,
    Journalist,
    Keyword,
    Leaf,
    Loan,
    Member,
    Membership,
    Neighbour,
    Novel,
    Passport,
    Pilot,
    Rating,
    Reader,
    Remark,
    Review,
    Twig,
)


def names(rows):
    return [row.name for row in rows]


def remark(subject, text):
    return Remark.objects.create(
        text=text, content_type=ContentType.objects.get_for_model(subject), object_id=str(subject.pk)
    )


class LanguagesTests(TestCase):
    """ann: en, fr, gr; bob: en, fr; cid: none."""

    @classmethod
    def setUpTestData(cls):
        cls.ann, cls.bob, cls.cid = (User.objects.create(name=name) for name in ("ann", "bob", "cid"))
        cls.en, cls.fr, cls.gr = (Language.objects.create(name=name) for name in ("en", "fr", "gr"))
        cls.ann.languages.append(cls.en, cls.fr, cls.gr)
        cls.bob.languages.append(cls.en, cls.fr)

    def loaded(self, *args, **options):
        users = list(User.objects.order_by("name").preload(*args, **options))
        with self.assertNumQueries(0):
            return {user.name: names(user.languages.all()) for user in users}

    def test_three_statements_and_none_for_the_accessors(self):
        with self.assertNumQueries(3):
            users = list(User.objects.preload("languages"))

        with self.assertNumQueries(0):
            found = {user.name: sorted(names(user.languages.all())) for user in users}

        assert found == {"ann": ["en", "fr", "gr"], "bob": ["en", "fr"], "cid": []}

    def test_no_statement_for_targets_without_links_and_none_without_owners(self):
        with self.assertNumQueries(2):
            list(User.objects.filter(name="cid").preload("languages"))
        with self.assertNumQueries(1):
            list(User.objects.filter(name="dan").preload("languages"))

    def test_a_target_is_one_object_for_all_its_owners(self):
        ann, bob = User.objects.filter(name__in=["ann", "bob"]).order_by("name").preload("languages")

        assert {id(each) for each in bob.languages.all()} < {id(each) for each in ann.languages.all()}

    def test_below_shared_targets_each_is_asked_for_once(self):
        with self.assertNumQueries(5):
            ann, bob, _ = User.objects.order_by("name").preload("languages.users")

        with self.assertNumQueries(0):
            english = next(each for each in bob.languages.all() if each == self.en)
            assert sorted(names(english.users.all())) == ["ann", "bob"]
            assert english in list(ann.languages.all())

    def test_conditions(self):
        some = {"ann": ["en"], "bob": ["en"], "cid": []}

        assert self.loaded("languages", name="en") == some
        assert self.loaded("languages", Q(name="en")) == some
        assert self.loaded("languages", Language.objects.filter(name="en")) == some
        assert self.loaded("languages", lambda languages: languages.filter(name="en")) == some
        assert self.loaded("languages", Language.objects.exclude(name="gr"), lambda q: q.exclude(name="fr")) == some
        assert self.loaded("languages", pk__in=[]) == {"ann": [], "bob": [], "cid": []}

    def test_a_condition_on_the_way_back_is_about_any_link(self):
        assert self.loaded("languages", users__name="ann", order_by="name") == {
            "ann": ["en", "fr", "gr"],
            "bob": ["en", "fr"],
            "cid": [],
        }

    def test_order(self):
        down = {"ann": ["gr", "fr", "en"], "bob": ["fr", "en"], "cid": []}

        assert self.loaded("languages", order_by="-name") == down
        assert self.loaded("languages", lambda languages: languages.order_by("-name")) == down

    def test_an_expression_as_condition_and_as_order(self):
        english = Exists(Language.objects.filter(pk=OuterRef("pk"), name="en"))

        assert self.loaded("languages", english)["ann"] == ["en"]
        assert self.loaded("languages", order_by=Lower("name").desc())["ann"] == ["gr", "fr", "en"]

    def test_a_limit_counts_for_each_owner(self):
        down = {"ann": ["gr", "fr"], "bob": ["fr", "en"], "cid": []}

        assert self.loaded("languages", limit=2) == down  # by key, descending
        assert self.loaded("languages", limit=2, order_by="-name") == down
        assert self.loaded("languages", lambda languages: languages.order_by("-name")[:2]) == down
        assert self.loaded("languages", Language.objects.order_by("name")[1:3], limit=1) == {
            "ann": ["fr"],
            "bob": ["fr"],
            "cid": [],
        }
        assert self.loaded("languages", limit=1, order_by="name", name__gt="en") == {
            "ann": ["fr"],
            "bob": ["fr"],
            "cid": [],
        }
        assert self.loaded("languages", limit=2, users__name="ann", order_by="name")["ann"] == ["en", "fr"]
        assert self.loaded("languages", Language.objects.order_by("name")[:1], limit=2)["ann"] == ["en"]
        with self.assertNumQueries(3):
            self.loaded("languages", limit=1)

    def test_a_slice_counts_for_each_owner(self):
        def second_on(languages):
            return languages.order_by("name")[1:]

        assert self.loaded("languages", second_on) == {"ann": ["fr", "gr"], "bob": ["fr"], "cid": []}
        assert self.loaded("languages", lambda languages: second_on(languages)[:1])["ann"] == ["fr"]

    def test_a_limit_in_the_order_of_the_links(self):
        for fluency, language in (("c", self.en), ("a", self.fr), ("b", self.gr)):
            self.ann.fluent_in.append(language, through_defaults={"fluency": fluency})

        ann = User.objects.preload("fluent_in", limit=2, order_by_through="fluency").get(name="ann")
        last = User.objects.preload("fluent_in", limit=1, order_by_through="-fluency").get(name="ann")

        assert names(ann.fluent_in.all()) == ["fr", "gr"]
        assert names(last.fluent_in.all()) == ["en"]

    def test_a_limit_reads_only_the_targets_that_are_kept(self):
        users = list(User.objects.preload("languages", limit=1, order_by="name"))

        assert {each for user in users for each in user.languages.all()} == {self.en}

    def test_join_rows_columns(self):
        for user, language, fluency in ((self.ann, self.en, "c"), (self.ann, self.fr, "a"), (self.bob, self.en, "b")):
            user.fluent_in.append(language, through_defaults={"fluency": fluency})

        def loaded(**options):
            users = User.objects.order_by("name").preload("fluent_in", **options)
            return [names(user.fluent_in.all()) for user in users]

        assert loaded(through={"fluency__lt": "c"}) == [["fr"], ["en"], []]
        assert loaded(through={"language__name": "fr"}) == [["fr"], [], []]
        assert loaded(order_by_through="fluency") == [["fr", "en"], ["en"], []]
        assert loaded(order_by_through="-fluency", limit=1) == [["en"], ["en"], []]
        assert loaded(through={"fluency__lt": "c"}, limit=1) == [["fr"], ["en"], []]

    def test_join_rows_are_attached_to_each_owners_own_copy(self):
        self.ann.fluent_in.append(self.en, through_defaults={"fluency": "good"})
        self.bob.fluent_in.append(self.en, through_defaults={"fluency": "poor"})

        with self.assertNumQueries(5):
            ann, bob, _ = User.objects.order_by("name").preload("fluent_in", join_rows=True).preload("fluent_in.users")

        with self.assertNumQueries(0):
            (hers,), (his,) = ann.fluent_in.all(), bob.fluent_in.all()
            assert (hers.join_row.fluency, his.join_row.fluency) == ("good", "poor")
            assert isinstance(hers.join_row, UserFluency)
            assert sorted(names(hers.users.all())) == ["ann", "bob"]
        assert hers == his
        assert hers is not his

    def test_each_owners_copy_keeps_what_was_prefetched_below_it(self):
        users = User.objects.filter(name__in=["ann", "bob"]).order_by("name")
        ann, bob = users.preload("languages", lambda rows: rows.prefetch_related("users"), join_rows=True)
        anns, bobs = (next(each for each in user.languages.all() if each.name == "en") for user in (ann, bob))

        anns.users.append(self.cid)

        assert names(anns.users.order_by("name")) == ["ann", "bob", "cid"]
        with self.assertNumQueries(0):
            assert sorted(names(bobs.users.all())) == ["ann", "bob"]

    def test_to_attr_leaves_the_accessor(self):
        (ann,) = User.objects.filter(name="ann").preload("languages", to_attr="best", limit=1).preload("languages")

        with self.assertNumQueries(0):
            assert names(ann.best) == ["gr"]
            assert len(ann.languages.all()) == 3

    def test_below_a_to_attr(self):
        (ann,) = User.objects.filter(name="ann").preload("languages", name="en", to_attr="best").preload("best.users")

        with self.assertNumQueries(0):
            assert sorted(names(ann.best[0].users.all())) == ["ann", "bob"]

    def test_counts(self):
        with self.assertNumQueries(3):
            users = list(
                User.objects.order_by("name")
                .preload_count("languages", name__gt="en")
                .preload_count("languages", to_attr="all_languages")
            )

        assert [(user.languages_count, user.all_languages) for user in users] == [(2, 3), (1, 2), (0, 0)]

    def test_counts_below_a_relation(self):
        (ann,) = User.objects.filter(name="ann").preload("languages", order_by="name").preload_count("languages.users")

        assert [language.users_count for language in ann.languages.all()] == [2, 2, 1]

    def test_the_last_call_for_a_name_counts(self):
        users = User.objects.order_by("name").preload("languages", name="en").preload("languages", name="fr")

        assert [names(user.languages.all()) for user in users] == [["fr"], ["fr"], []]

    def test_a_name_that_leads_through_leaves_its_conditions(self):
        users = User.objects.order_by("name").preload("languages", name="en").preload("languages__users", name="bob")

        assert [[names(each.users.all()) for each in user.languages.all()] for user in users] == [
            [["bob"]],
            [["bob"]],
            [],
        ]

    def test_the_accessor_goes_on_as_ever(self):
        (ann,) = User.objects.filter(name="ann").preload("languages", name__gt="en")

        with self.assertNumQueries(0):
            assert len(ann.languages.all()) == ann.languages.count() == 2
            assert ann.languages.exists()
            assert bool(ann.languages.all())
            assert ann.languages.all()[0] in ann.languages.all()
            assert ann.languages.all().model is Language
        with self.assertNumQueries(2):
            assert names(ann.languages.order_by("-name")) == ["gr", "fr"]
            assert ann.languages.filter(name="en").count() == 0
        ann.languages.delete(self.fr)
        with self.assertNumQueries(1):
            assert sorted(names(ann.languages.all())) == ["en", "gr"]

    def test_the_accessors_query_can_be_read_and_replaced(self):
        user = User.objects.preload("languages", lambda rows: rows.prefetch_related("users")).get(name="ann")
        loaded, other = user.languages.all(), user.languages.all()
        loaded[0]._prefetched_objects_cache.clear()

        assert sorted(names(Language.objects.filter(pk__in=loaded.query))) == ["en", "fr", "gr"]
        with self.assertNumQueries(0):
            assert sorted(names(loaded)) == ["en", "fr", "gr"]
        other.query = Language.objects.filter(name="en").query
        assert names(other.all()) == ["en"]

    def test_the_accessors_rows_are_a_queryset_only_when_one_is_asked_for(self):
        rows = User.objects.preload("languages").get(name="ann").languages.all()

        assert not hasattr(rows, "__html__")
        assert "_make" in vars(rows)
        assert rows.ordered is False
        assert "_make" not in vars(rows)

    def test_a_deep_copy_is_one_of_all_that_belongs_together(self):
        user = User.objects.preload("languages").get(name="ann")

        twin, rows = copy.deepcopy((user, user.languages.all()))

        assert rows._hints["instance"] is twin

    def test_templates_find_it(self):
        (ann,) = User.objects.filter(name="ann").preload("languages", order_by="name")
        template = Template("{% for each in user.languages.all %}{{ each.name }} {% endfor %}")

        with self.assertNumQueries(0):
            assert template.render(Context({"user": ann})) == "en fr gr "

    def test_symmetrical_and_self_references(self):
        self.ann.friends.append(self.bob)
        self.bob.friends.append(self.cid)
        one, two = Neighbour.objects.create(name="one"), Neighbour.objects.create(name="two")
        one.neighbours.add(two)

        ann = User.objects.preload("friends.friends").get(name="ann")
        found = Neighbour.objects.order_by("name")
        preload(found, "neighbours")

        with self.assertNumQueries(0):
            assert [names(friend.friends.all()) for friend in ann.friends.all()] == [["cid"]]
            assert [names(each.neighbours.all()) for each in found] == [["two"], ["one"]]


class SoftDeleteTests(TestCase):
    """ann borrowed a (live), b (a dead link); her review of a is live, that of b dead; bob is dead and reviewed a."""

    @classmethod
    def setUpTestData(cls):
        cls.ann, cls.bob = Reader.objects.create(name="ann"), Reader.objects.create(name="bob")
        cls.a, cls.b = (Book.objects.create(id=1, locale=title, title=title) for title in "ab")
        cls.ann.books.append(cls.a, cls.b)
        cls.ann.books.delete(cls.b)
        Review.objects.create(reader=cls.ann, book=cls.a, stars=5)
        Review.objects.create(reader=cls.ann, book=cls.b, stars=1).delete()
        Review.objects.create(reader=cls.bob, book=cls.a, stars=3)
        cls.bob.delete()

    def test_dead_links_and_dead_children_are_left_out(self):
        ann = Reader.objects.preload("books", "reviews").preload_count("books", "reviews").get(name="ann")

        assert [book.title for book in ann.books.all()] == ["a"]
        assert [review.stars for review in ann.reviews.all()] == [5]
        assert (ann.books_count, ann.reviews_count) == (1, 1)

    def test_unscoped_at_one_level(self):
        ann = Reader.objects.preload("books", unscoped=True).preload("reviews").get(name="ann")
        by_function = Reader.objects.preload("books", lambda books: books.unscoped()).get(name="ann")

        assert sorted(book.title for book in ann.books.all()) == ["a", "b"]
        assert [review.stars for review in ann.reviews.all()] == [5]
        assert sorted(book.title for book in by_function.books.all()) == ["a", "b"]
        assert sorted(book.title for book in ann.books.order_by("title")) == ["a", "b"]

    def test_unscoped_goes_on_in_the_accessor_of_a_model_of_djangos(self):
        prose = Genre.objects.create(name="prose")
        self.a.genres.append(prose)
        self.a.genres.delete(prose)

        book = Book.objects.preload("genres", unscoped=True).get(title="a")

        assert book.genres.all().filter(name="prose").get() == prose
        assert not self.a.genres.filter(name="prose").exists()

    def test_dead_children_of_a_manager_of_djangos_are_left_out(self):
        author = Author.objects.create(name="eve")
        for text in ("live", "dead"):
            Jotting.objects.create(author=author, text=text, deleted_at=timezone.now() if text == "dead" else None)

        hidden, shown = Author.objects.preload("jottings"), Author.objects.preload("jottings", unscoped=True)

        assert [each.text for each in hidden.get().jottings.all()] == ["live"]
        assert sorted(each.text for each in shown.get().jottings.all()) == ["dead", "live"]

    def test_children_are_asked_once_whether_they_are_dead(self):
        for relation in ("reviews", "review"):
            with CaptureQueriesContext(connection) as queries:
                Reader.objects.preload(relation).get(name="ann")

            assert queries[-1]["sql"].count("IS NULL") == 1

    def test_unscoped_counts_and_what_is_below_any_model(self):
        remark(self.ann, "r").delete()

        ann = Reader.objects.unscoped().preload_count("books", "reviews").get(name="ann")
        about = Remark.objects.unscoped().preload("subject.books").get()

        assert (ann.books_count, ann.reviews_count) == (2, 2)
        with self.assertNumQueries(0):
            assert len(about.subject.books.all()) == 2

    def test_a_function_can_open_what_one_row_leads_to(self):
        bobs = Review.objects.filter(stars=3).preload("reader", lambda readers: readers.unscoped()).get()

        with self.assertNumQueries(0):
            assert bobs.reader == self.bob

    def test_a_joined_dead_target_stays_when_unscoped(self):
        reviews = Review.objects.unscoped().filter(stars=3).select_related("reader").preload("reader")

        with self.assertNumQueries(1):
            assert reviews.get().reader == self.bob

    def test_unscoped_at_every_level(self):
        ann = Reader.objects.unscoped().preload("books.reviews.reader").get(name="ann")

        with self.assertNumQueries(0):
            readers = [
                review.reader.name
                for book in sorted(ann.books.all(), key=lambda book: book.title)
                for review in sorted(book.reviews.all(), key=lambda review: review.stars)
            ]
        assert readers == ["bob", "ann", "ann"]

    def test_a_dead_target_of_a_belongs_to_is_none(self):
        review = Review.objects.preload("reader").get(stars=3)
        lazy = Review.objects.get(stars=3)

        with self.assertNumQueries(0):
            assert review.reader is None
        assert lazy.reader == self.bob
        assert Review.objects.preload("reader", unscoped=True).get(stars=3).reader == self.bob
        assert Review.objects.select_related("reader").preload("reader").get(stars=3).reader is None

    def test_none_is_forgotten_with_the_columns(self):
        loan = Loan.objects.preload("book", title="b").get()

        with self.assertNumQueries(0):
            assert loan.book is None
        loan.book_locale = "b"
        assert loan.book == self.b

    def test_hooks_and_hand_written_join_models(self):
        member, club = Member.objects.create(name="m"), Club.objects.create(name="c")
        member.clubs.append(club, through_defaults={"role": "chair"})
        members = [member]

        preload(members, "clubs", join_rows=True, through={"role": "chair"})

        with self.assertNumQueries(0):
            assert [each.join_row.role for each in member.clubs.all()] == ["chair"]
        assert Membership.objects.count() == 1


class ShapesTests(TestCase):
    """Relations of Django's own, on one model each way."""

    @classmethod
    def setUpTestData(cls):
        cls.ann, cls.bob = Journalist.objects.create(name="ann"), Journalist.objects.create(name="bob")
        Passport.objects.create(number="1", author=cls.ann)
        cls.first, cls.second, cls.third = (
            Article.objects.create(title=f"t{number}", rank=number, author=cls.ann, editor=editor)
            for number, editor in enumerate((cls.bob, cls.bob, None))
        )
        cls.word = Keyword.objects.create(word="w")
        cls.first.keywords.add(cls.word)
        remark(cls.first, "r1")
        remark(cls.first, "r2")
        remark(cls.ann, "r3")
        remark(cls.second, "dead").delete()

    def test_belongs_to(self):
        with self.assertNumQueries(3):
            articles = list(Article.objects.order_by("title").preload("author", "editor"))

        with self.assertNumQueries(0):
            assert [article.author.name for article in articles] == ["ann"] * 3
            assert articles[0].editor is articles[1].editor
            assert articles[2].editor is None
        assert articles[0].author is articles[1].author

    def test_a_target_set_aside(self):
        articles = Article.objects.order_by("rank").preload("editor", to_attr="checked_by")

        with self.assertNumQueries(2):
            assert [article.checked_by for article in articles] == [self.bob, self.bob, None]
        assert not any("editor" in article._state.fields_cache for article in articles)

    def test_a_joined_target_that_does_not_fit_the_condition_is_left_out(self):
        articles = Article.objects.order_by("rank").select_related("editor")

        first, _, _ = articles.preload("editor", name="ann")

        with self.assertNumQueries(0):
            assert first.editor is None

    def test_what_an_object_had_loaded_is_read_anew(self):
        assert self.first.author.name == "ann"
        Journalist.objects.update(name="eve")

        preload(self.first, "author")

        assert self.first.author.name == "eve"

    def test_below_what_some_objects_have_loaded_and_others_have_not(self):
        first, third = Article.objects.get(pk=self.first.pk), Article.objects.get(pk=self.third.pk)
        alone, known = Article.objects.create(title="alone"), Article.objects.create(title="known")
        preload(known, "author")
        assert first.author == self.ann

        preload([first, third, alone, known], "author.passport")

        with self.assertNumQueries(0):
            assert [article.author.passport.number for article in (first, third)] == ["1", "1"]
            assert (alone.author, known.author) == (None, None)

    def test_has_many(self):
        with self.assertNumQueries(2):
            ann, bob = Journalist.objects.order_by("name").preload("articles", order_by="-title")

        with self.assertNumQueries(0):
            assert [article.title for article in ann.articles.all()] == ["t2", "t1", "t0"]
            assert list(bob.articles.all()) == []
            assert ann.articles.all()[0].author is ann

    def test_only_rows_of_the_owners_are_read(self):
        authors = Journalist.objects.filter(name="bob").preload("articles")

        with CaptureQueriesContext(connection) as queries:
            assert not authors.get().articles.all()

        assert re.search(r".author_id.+ IN ", queries[-1]["sql"])

    def test_has_many_with_a_slice_of_each_owner(self):
        for part, found in ((slice(1, None), [1, 2]), (slice(1, 2), [1]), (slice(0, 2), [0, 1])):
            authors = Journalist.objects.preload("articles", lambda rows, part=part: rows.order_by("rank")[part])

            assert [article.rank for article in authors.get(name="ann").articles.all()] == found

    def test_has_many_with_a_limit(self):
        Article.objects.create(title="b0", author=self.bob)

        with self.assertNumQueries(2):
            ann, bob = Journalist.objects.order_by("name").preload("articles", limit=2)

        with self.assertNumQueries(0):
            assert [article.title for article in ann.articles.all()] == ["t2", "t1"]
            assert [article.title for article in bob.articles.all()] == ["b0"]
        by_rank = Journalist.objects.preload("articles", limit=1, order_by="rank", title__gt="t0").get(name="ann")
        assert [article.title for article in by_rank.articles.all()] == ["t1"]

    def test_has_one_and_its_way_back(self):
        with self.assertNumQueries(2):
            ann, bob = Journalist.objects.order_by("name").preload("passport")
        with self.assertNumQueries(2):
            passport = Passport.objects.preload("author").get()

        with self.assertNumQueries(0):
            assert ann.passport.number == "1"
            assert ann.passport.author is ann
            assert passport.author.passport is passport
            with pytest.raises(Passport.DoesNotExist):
                _ = bob.passport

    def test_djangos_many_to_many_both_ways(self):
        article = Article.objects.preload("keywords.articles").get(title="t0")
        (word,) = Keyword.objects.all()
        preload(word, "articles", limit=1)

        with self.assertNumQueries(0):
            assert [each.word for each in article.keywords.all()] == ["w"]
            assert [each.title for each in article.keywords.all()[0].articles.all()] == ["t0"]
            assert [each.title for each in word.articles.all()] == ["t0"]

    def test_generic_relation(self):
        ContentType.objects.get_for_model(Article)
        with self.assertNumQueries(2):
            articles = list(Article.objects.order_by("title").preload("remarks", order_by="text"))

        with self.assertNumQueries(0):
            assert [[each.text for each in article.remarks.all()] for article in articles] == [["r1", "r2"], [], []]
        limited = Article.objects.preload("remarks", limit=1, order_by="-text").get(title="t0")
        assert [each.text for each in limited.remarks.all()] == ["r2"]

    def test_generic_relation_goes_on_and_has_no_join_rows(self):
        first = Article.objects.preload("remarks").get(title="t0")

        assert [each.text for each in first.remarks.all().filter(text="r1")] == ["r1"]
        with pytest.raises(TypeError, match=r"testapp.Article.remarks has no join rows"):
            Article.objects.preload("remarks", join_rows=True)

    def test_generic_foreign_key_and_what_is_below_each_model(self):
        remarks = list(Remark.objects.filter(text__lt="r2").order_by("text").preload("subject.author"))

        with self.assertNumQueries(0):
            assert [each.subject.author.name for each in remarks if each.text != "dead"] == ["ann"]
        with pytest.raises(UnsupportedRelation, match=r"testapp.Journalist has no relation 'author'"):
            list(Remark.objects.preload("subject.author"))
        with pytest.raises(TypeError, match="leads to several models"):
            Remark.objects.preload("subject", title="x")

    def test_a_dead_target_of_a_generic_foreign_key_is_none(self):
        question = remark(self.ann, "question")
        remark(question, "answer")
        question.delete()
        answers = Remark.objects.filter(text="answer")

        hidden, aside = answers.preload("subject").get(), answers.preload("subject", to_attr="about").get()
        shown = answers.preload("subject", unscoped=True).get()

        with self.assertNumQueries(0):
            assert hidden.subject is None
            assert aside.about is None
            assert shown.subject == question

    def test_what_a_generic_foreign_key_had_loaded_is_read_anew(self):
        answer = Remark.objects.preload("subject").preload("subject", to_attr="about").get(text="r3")
        Journalist.objects.update(name="eve")

        preload(answer, "subject")
        preload(answer, "subject", to_attr="about")

        assert (answer.subject.name, answer.about.name) == ("eve", "eve")

    def test_composite_keys_are_compared_as_tuples(self):
        # Joined by "_" or anything else, the two would be one.
        one = Twig.objects.create(branch="a_b", number="c")
        two = Twig.objects.create(branch="a", number="b_c")
        for twig in (one, two):
            Leaf.objects.create(twig=twig)
        Leaf.objects.create()

        with self.assertNumQueries(2):
            twigs = list(Twig.objects.preload("leaves"))
        with self.assertNumQueries(2):
            leaves = list(Leaf.objects.order_by("pk").preload("twig"))

        with self.assertNumQueries(0):
            assert [[leaf.twig == twig for leaf in twig.leaves.all()] for twig in twigs] == [[True], [True]]
            assert [leaf.twig and leaf.twig.pk for leaf in leaves] == [one.pk, two.pk, None]
        assert [len(twig.leaves.all()) for twig in Twig.objects.preload("leaves", limit=1)] == [1, 1]

    def test_composite_keys_at_both_ends(self):
        blogs, tags = BlogFactory.create_batch(2), TagFactory.create_batch(2, locale="fr")
        blogs[0].tags.append(*tags)
        blogs[1].tags.append(tags[1])

        found = list(type(blogs[0]).objects.preload("tags", order_by="id").order_by("id"))

        with self.assertNumQueries(0):
            assert [list(blog.tags.all()) for blog in found] == [tags, tags[1:]]
        limited = type(blogs[0]).objects.preload("tags", order_by="-id", limit=1).order_by("id")
        assert [list(blog.tags.all()) for blog in limited] == [tags[1:], tags[1:]]

    def test_composite_keys_of_many_owners(self):
        count = FEW + 20
        Twig.objects.bulk_create(Twig(branch=str(number), number="n") for number in range(count))
        Leaf.objects.bulk_create(Leaf(twig_branch=str(number), twig_number="n") for number in range(count - 1))

        twigs = list(Twig.objects.preload("leaves"))

        with self.assertNumQueries(0):
            assert sorted(len(twig.leaves.all()) for twig in twigs) == [0] + [1] * (count - 1)
            assert all(leaf.twig_branch == twig.branch for twig in twigs for leaf in twig.leaves.all())

    def test_relations_of_a_parent_table(self):
        novel = Novel.objects.create(title="n", author=self.bob)
        novel.keywords.add(self.word)

        found = Novel.objects.preload("author", "keywords").get()

        with self.assertNumQueries(0):
            assert found.author == self.bob
            assert list(found.keywords.all()) == [self.word]

    def test_half_a_key_asks_for_nothing(self):
        Leaf.objects.create(twig_branch="a")

        with self.assertNumQueries(1):
            assert Leaf.objects.preload("twig").get().twig is None

    def test_a_null_key_clears_what_was_loaded(self):
        article = Article.objects.preload("editor").get(title="t0")
        article.editor_id = None

        preload(article, "editor")

        assert article.editor is None

    def test_all_is_what_the_model_declares(self):
        article = Article.objects.preload(ALL).get(title="t0")

        with self.assertNumQueries(0):
            assert (article.author, article.editor) == (self.ann, self.bob)
            assert list(article.keywords.all()) == [self.word]
            assert len(article.remarks.all()) == 2
        assert "novel" not in article._state.fields_cache

    def test_what_is_said_of_one_counts_before_what_is_said_of_all(self):
        article = Article.objects.preload("remarks", text="r1").preload(ALL).preload("author.passport").get(title="t0")

        with self.assertNumQueries(0):
            assert [each.text for each in article.remarks.all()] == ["r1"]
            assert article.author.passport.number == "1"

    def test_a_relation_is_found_by_its_accessor_and_by_its_name(self):
        pilot = Pilot.objects.create(name="p", ratings=[Rating(name="night")])

        for name in ("pilot_set", "pilot"):
            rating = Rating.objects.preload(name).get()
            with self.assertNumQueries(0):
                assert list(rating.pilot_set.all()) == [pilot]

    def test_below_a_generic_foreign_key_that_is_loaded(self):
        about = Remark.objects.preload("subject").get(text="r1")

        with self.assertNumQueries(1):
            preload(about, "subject.author")
        assert "articles" not in about.subject.author._state.fields_cache

    def test_all_below_a_name_and_beside_another(self):
        ann = Journalist.objects.preload(f"articles.{ALL}").preload("articles", title="t0").get(name="ann")

        with self.assertNumQueries(0):
            (article,) = ann.articles.all()
            assert article.editor == self.bob
            assert list(article.keywords.all()) == [self.word]


class NamesTests(TestCase):
    def test_an_unknown_name_raises_at_once_with_the_nearest(self):
        with self.assertNumQueries(0):
            with pytest.raises(
                UnsupportedRelation, match=r"User has no relation 'langages'. Did you mean 'languages'"
            ):
                User.objects.preload("langages")
            with pytest.raises(UnsupportedRelation, match=r"Language has no relation 'user'. Did you mean 'users'"):
                User.objects.none().preload("languages.user")
            with pytest.raises(UnsupportedRelation, match="'name'"):
                User.objects.preload_count("name")

    def test_what_is_no_name_and_no_condition_raises(self):
        with pytest.raises(TypeError, match="takes the name of a relation"):
            User.objects.preload(name="x")
        with pytest.raises(TypeError, match="got a int"):
            User.objects.preload("languages", 3)
        with pytest.raises(TypeError, match="leads to guides.Language; the queryset is of guides.User"):
            User.objects.preload("languages", User.objects.all())
        with pytest.raises(ValueError, match="not of values"):
            User.objects.preload("languages", Language.objects.values())
        with pytest.raises(TypeError, match="two were given"):
            User.objects.preload("languages", Language.objects.all(), Language.objects.all())
        for limit in (0, -1, True, "2", 1.5):
            with pytest.raises(ValueError, match=f"limit={limit!r}"):
                User.objects.preload("languages", limit=limit)
        with pytest.raises(TypeError, match="has no join rows"):
            Journalist.objects.preload("articles", through={"x": 1})
        with pytest.raises(ValueError, match="to_attr='name' is a field of guides.User"):
            User.objects.preload("languages", to_attr="name")
        with pytest.raises(ValueError, match="no name of an attribute"):
            User.objects.preload("languages", to_attr="a b")
        with pytest.raises(ValueError, match="is for one name"):
            User.objects.preload("languages", "friends", to_attr="x")
        with pytest.raises(ValueError, match="stands at the end"):
            User.objects.preload("*.languages")

    def test_a_function_must_return_a_queryset(self):
        user = User.objects.create(name="ann")

        with pytest.raises(TypeError, match=r"guides.User.languages returned None"):
            preload(user, "languages", lambda languages: None)


class InHandTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = User.objects.create(name="ann")
        cls.user.languages.append(Language(name="en"), Language(name="fr"))

    def test_one_object_and_several(self):
        user, twin = User.objects.get(), User.objects.get()

        with self.assertNumQueries(2):
            preload(user, "languages")
        with self.assertNumQueries(2):
            preload([user, twin, twin], "languages")

        with self.assertNumQueries(0):
            assert len(user.languages.all()) == len(twin.languages.all()) == 2
        assert user.languages.all()._result_cache is not twin.languages.all()._result_cache

    def test_what_was_loaded_is_replaced(self):
        user = User.objects.prefetch_related("languages").get()
        Language.objects.filter(name="en").update(name="es")

        preload(user, "languages", order_by="name")

        assert names(user.languages.all()) == ["es", "fr"]

    def test_a_name_below_goes_on_from_what_is_loaded(self):
        user = User.objects.preload("languages", name="en").get()

        with self.assertNumQueries(2):
            preload(user, "languages.users")

        with self.assertNumQueries(0):
            assert [names(each.users.all()) for each in user.languages.all()] == [["ann"]]

    def test_objects_of_several_models_are_refused_and_none_is_nothing(self):
        with self.assertNumQueries(0):
            preload([], "languages")
            with pytest.raises(OwnersMismatch):
                preload([self.user, Language(name="x")], "languages")
            with pytest.raises(UnsupportedRelation):
                preload(self.user, "nothing")
            with pytest.raises(UnsupportedRelation):
                preload(User.objects.none(), "nothing")

    def test_an_object_that_is_not_stored_has_nothing(self):
        user = User(name="new")

        with self.assertNumQueries(0):
            preload(user, "languages", to_attr="found")
            preload(user, "languages")

        assert user.found == []

    async def test_awaited(self):
        user = await User.objects.aget()

        await apreload(user, "languages")

        assert len(user.languages.all()) == 2

    def test_a_queryset_keeps_its_rows(self):
        users = User.objects.unscoped()
        Language.objects.filter(name="en").update(deleted_at=timezone.now())

        preload(users, "languages")

        assert len(users[0].languages.all()) == 2


class AmongTests(SimpleTestCase):
    def test_conditions_are_not_compared_by_their_rows(self):
        fields = User._meta.pk_fields
        one, same = Among(fields, [(1,)]), Among(fields, [(1,)])

        assert one == one  # noqa: PLR0124
        assert one != same
        assert len({one, same, one}) == 2
