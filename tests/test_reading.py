"""A many-to-many read through Django: the related manager, lookups, prefetches; both directions, composite keys."""

from __future__ import annotations

import pytest
from django.db.models import Avg, Count, F, OuterRef, Prefetch, Q, Subquery, Sum
from django.template import Context, Template
from django.test import TestCase

from example_project.guides.models import Address, Blog, Language, Person, PersonAddress, Profile, Tag, User
from gorm_assoc.exceptions import PrimaryKeyRequired
from tests.test_query import DEAD
from tests.testapp.models import Depot, Friendship, Note, Reader, ReaderProxy


def names(rows):
    return sorted(row.name for row in rows)


def values(rows):
    return sorted(row.value for row in rows)


class LanguagesTests(TestCase):
    """Single keys, both sides declared; ann: en, fr; bob: en; cid: none; de is dead, and ann's."""

    @classmethod
    def setUpTestData(cls):
        cls.ann, cls.bob, cls.cid = (User.objects.create(name=name) for name in ("ann", "bob", "cid"))
        cls.en, cls.fr, cls.de = (Language.objects.create(name=name) for name in ("en", "fr", "de"))
        cls.ann.languages.append(cls.en, cls.fr, cls.de)
        cls.bob.languages.append(cls.en)
        cls.de.delete()

    def test_the_manager_reads_live_targets(self):
        languages = self.ann.languages

        assert names(languages.all()) == ["en", "fr"]
        assert languages.count() == 2
        assert languages.exists()
        assert languages.get(name="en") == self.en
        assert languages.contains(self.fr)
        assert not languages.contains(self.de)
        assert names(languages.exclude(name="en")) == ["fr"]
        # As ever in Django, a condition on the way back is one on the same link.
        assert names(languages.filter(users=self.ann)) == ["en", "fr"]
        assert names(languages.filter(users=self.bob)) == []
        assert names(languages.exclude(users=self.ann)) == []
        assert languages.order_by("name").first() == self.en
        assert sorted(languages.values_list("name", flat=True)) == ["en", "fr"]
        assert sorted(languages.values_list("name", "users__name")) == [("en", "ann"), ("fr", "ann")]
        assert languages.aggregate(n=Count("pk"))["n"] == 2
        assert set(languages.in_bulk()) == {self.en.pk, self.fr.pk}
        assert names(languages.iterator()) == ["en", "fr"]
        assert not self.cid.languages.exists()

    def test_the_manager_counts_with_one_query_and_conditions(self):
        with self.assertNumQueries(3):
            assert self.ann.languages.count() == 2
            assert self.ann.languages.count(name="en") == 1
            assert self.ann.languages.count(Q(name="en") | Q(name="de")) == 1

    def test_the_way_back_reads_too(self):
        self.bob.delete()

        assert names(self.en.users.all()) == ["ann"]
        assert self.en.users.count() == 1
        assert names(self.en.users.unscoped()) == ["ann", "bob"]
        assert names(self.de.users.all()) == ["ann"]

    def test_find_takes_conditions(self):
        assert names(self.ann.languages.find(name="en")) == ["en"]
        assert names(self.ann.association("languages").find(~Q(name="en"))) == ["fr"]

    def test_lookups_in_both_directions(self):
        assert names(User.objects.filter(languages=self.en)) == ["ann", "bob"]
        assert names(User.objects.filter(languages__name="fr")) == ["ann"]
        assert names(User.objects.filter(languages__in=[self.en, self.fr]).distinct()) == ["ann", "bob"]
        assert names(User.objects.exclude(languages=self.en)) == ["cid"]
        assert names(User.objects.exclude(languages__name="fr")) == ["bob", "cid"]
        assert names(User.objects.filter(languages=None)) == ["cid"]
        assert names(User.objects.filter(languages__isnull=False).distinct()) == ["ann", "bob"]
        assert names(Language.objects.filter(users__name="ann")) == ["en", "fr"]
        assert names(Language.objects.exclude(users__name="bob")) == ["fr"]
        assert names(User.objects.filter(Q(languages__name="en") & ~Q(languages__name="fr"))) == ["ann", "bob"]
        assert names(User.objects.filter(languages__users__name="bob", languages__name="en")) == ["ann", "bob"]

    def test_annotations(self):
        counted = User.objects.annotate(n=Count("languages")).order_by("name")
        only = User.objects.annotate(n=Count("languages", filter=Q(languages__name="en"))).order_by("name")
        first = Language.objects.filter(users=OuterRef("pk")).order_by("name").values("name")[:1]

        # A condition across the relation sees links, to dead targets too.
        assert list(counted.values_list("n", flat=True)) == [3, 1, 0]
        assert list(only.values_list("n", flat=True)) == [1, 1, 0]
        assert list(counted.filter(n__gt=1).values_list("name", flat=True)) == ["ann"]
        assert dict(User.objects.values_list("name").annotate(first=Subquery(first))) == {
            "ann": "en",
            "bob": "en",
            "cid": None,
        }

    def test_prefetch(self):
        with self.assertNumQueries(2):
            found = {user.name: names(user.languages.all()) for user in User.objects.prefetch_related("languages")}
        assert found == {"ann": ["en", "fr"], "bob": ["en"], "cid": []}

        with self.assertNumQueries(3):
            languages = list(Language.objects.prefetch_related("users__languages").order_by("name"))
            assert names(languages[0].users.all()) == ["ann", "bob"]
            assert names(languages[0].users.all()[0].languages.all()) == ["en", "fr"]

    def test_what_was_prefetched_is_asked_of_nobody(self):
        ann = User.objects.prefetch_related("languages").get(name="ann")

        with self.assertNumQueries(0):
            assert ann.languages.count() == 2
            assert ann.languages.exists()
            assert len(ann.languages.all()) == 2
        with self.assertNumQueries(1):
            assert names(ann.languages.filter(name="en")) == ["en"]

    def test_prefetch_with_a_queryset_or_to_an_attribute(self):
        by_queryset = Prefetch("languages", Language.objects.filter(name__gt="en"))
        to_attribute = Prefetch("languages", Language.objects.order_by("-name"), to_attr="found")
        reached = Prefetch("languages", Language.objects.filter(users__name="bob"))

        assert names(User.objects.prefetch_related(by_queryset).get(name="ann").languages.all()) == ["fr"]
        assert [each.name for each in User.objects.prefetch_related(to_attribute).get(name="ann").found] == [
            "fr",
            "en",
        ]
        assert names(User.objects.prefetch_related(reached).get(name="bob").languages.all()) == ["en"]

    def test_an_owner_without_a_key_cannot_be_read(self):
        with pytest.raises(PrimaryKeyRequired, match="guides.User.languages needs a stored guides.User"):
            User(name="dan").languages  # noqa: B018

    def test_a_template_reads_and_never_writes(self):
        text = "{{ user.languages.count }}{% for each in user.languages.all %} {{ each }}{% endfor %}"

        written = Template(text + "{{ user.languages.clear }}").render(Context({"user": self.bob}))

        assert written == "1 en"
        assert self.bob.languages.exists()


class KeysTests(TestCase):
    def test_a_relation_over_other_columns_than_the_keys(self):
        ann, bob = (User.objects.create(name=name, refer=refer) for name, refer in (("ann", 7), ("bob", 8)))
        work, home = (
            Profile.objects.create(name=name, user_refer=refer) for name, refer in (("work", 70), ("home", 80))
        )
        ann.profiles.append(work, home)
        bob.profiles.append(home)

        assert names(ann.profiles.all()) == ["home", "work"]
        assert names(User.objects.filter(profiles=work)) == ["ann"]
        assert names(User.objects.exclude(profiles__name="work")) == ["bob"]
        assert {user.name: names(user.profiles.all()) for user in User.objects.prefetch_related("profiles")} == {
            "ann": ["home", "work"],
            "bob": ["home"],
        }

    def test_a_relation_to_itself_leads_one_way(self):
        ann, bob, cid = (User.objects.create(name=name) for name in ("ann", "bob", "cid"))
        ann.friends.append(bob, cid)

        assert names(ann.friends.all()) == ["bob", "cid"]
        assert not bob.friends.exists()
        assert names(User.objects.filter(friends__name="bob")) == ["ann"]
        assert names(User.objects.exclude(friends=bob)) == ["bob", "cid"]
        assert names(User.objects.filter(friends=None)) == ["bob", "cid"]

    def test_a_relation_to_itself_can_be_read_both_ways(self):
        ann, bob = (Reader.objects.create(name=name) for name in ("ann", "bob"))
        Friendship.objects.create(reader=ann, friend=bob)
        Friendship.objects.create(reader=bob, friend=ann, **DEAD)

        assert names(ann.friends.all()) == ["bob"]
        assert names(bob.friend_of.all()) == ["ann"]
        assert not ann.friend_of.exists()
        assert names(ann.friend_of.unscoped()) == ["bob"]
        assert names(Reader.objects.filter(friend_of=ann)) == ["bob"]
        assert names(Reader.objects.filter(friends__friends=ann)) == []

    def test_a_relation_to_a_proxy_takes_objects_of_its_model(self):
        depot, reader, proxy = Depot.objects.create(), Reader.objects.create(name="ann"), ReaderProxy(name="bob")

        depot.readers.append(reader, proxy, Reader.objects.filter(name="ann"))

        assert names(depot.readers.all()) == ["ann", "bob"]

    def test_a_proxy_has_the_relations_of_its_model(self):
        proxy = ReaderProxy.objects.create(name="ann")
        Friendship.objects.create(reader=proxy, friend=Reader.objects.create(name="bob"))

        assert names(proxy.friends.all()) == ["bob"]
        assert names(ReaderProxy.objects.filter(friends__name="bob")) == ["ann"]
        assert names(ReaderProxy.objects.prefetch_related("friends").get(name="ann").friends.all()) == ["bob"]


class CompositeKeysTests(TestCase):
    """blog_tags: (1, en): red, blue; (1, fr): red; (2, en): none."""

    @classmethod
    def setUpTestData(cls):
        cls.one, cls.un, cls.two = (
            Blog.objects.create(id=number, locale=locale, subject=f"{number}{locale}")
            for number, locale in ((1, "en"), (1, "fr"), (2, "en"))
        )
        cls.red, cls.rouge, cls.blue = (
            Tag.objects.create(id=number, locale=locale, value=value)
            for number, locale, value in ((1, "en", "red"), (1, "fr", "rouge"), (2, "en", "blue"))
        )
        cls.one.tags.append(cls.red, cls.blue)
        cls.un.tags.append(cls.red)

    def test_the_manager(self):
        tags = self.one.tags

        assert values(tags.all()) == ["blue", "red"]
        assert tags.count() == 2
        assert tags.exists()
        assert not self.two.tags.exists()
        assert tags.contains(self.red)
        assert not tags.contains(self.rouge)
        assert values(tags.filter(locale="en", id=1)) == ["red"]
        assert values(tags.filter(pk=(2, "en"))) == ["blue"]
        assert values(tags.exclude(value="red")) == ["blue"]
        assert tags.get(pk=(1, "en")) == self.red
        assert sorted(tags.values_list("pk", flat=True)) == [(1, "en"), (2, "en")]
        assert tags.aggregate(n=Count("value"))["n"] == 2
        assert values(tags.annotate(n=Count("blog__pk")).filter(n__gte=1)) == ["blue", "red"]

    def test_lookups(self):
        def subjects(rows):
            return sorted(row.subject for row in rows)

        assert subjects(Blog.objects.filter(tags=self.red)) == ["1en", "1fr"]
        assert subjects(Blog.objects.filter(tags=(2, "en"))) == ["1en"]
        assert subjects(Blog.objects.filter(tags__in=[self.blue, self.rouge])) == ["1en"]
        assert subjects(Blog.objects.filter(tags__in=Tag.objects.filter(value="red"))) == ["1en", "1fr"]
        assert subjects(Blog.objects.filter(tags__value="blue")) == ["1en"]
        assert subjects(Blog.objects.filter(tags=None)) == ["2en"]
        assert subjects(Blog.objects.filter(tags__locale=F("locale"))) == ["1en", "1en"]
        assert values(Tag.objects.filter(blog=self.un)) == ["red"]
        assert values(Tag.objects.filter(blog__isnull=True)) == ["rouge"]

    def test_a_count_of_targets_is_spelt_with_their_pk(self):
        counted = Blog.objects.annotate(n=Count("tags__pk")).order_by("subject")

        assert list(counted.values_list("subject", "n")) == [("1en", 2), ("1fr", 1), ("2en", 0)]
        assert list(counted.filter(n__gt=1).values_list("subject", flat=True)) == ["1en"]

    def test_prefetch_in_both_directions(self):
        with self.assertNumQueries(2):
            found = {blog.subject: values(blog.tags.all()) for blog in Blog.objects.prefetch_related("tags")}
        assert found == {"1en": ["blue", "red"], "1fr": ["red"], "2en": []}

        with self.assertNumQueries(3):
            tags = {tag.value: tag for tag in Tag.objects.prefetch_related("blog_set__tags")}
            assert sorted(blog.subject for blog in tags["red"].blog_set.all()) == ["1en", "1fr"]
            assert {values(blog.tags.all())[0] for blog in tags["red"].blog_set.all()} == {"blue", "red"}
            assert not tags["rouge"].blog_set.all()

    def test_join_rows_lead_to_both_ends(self):
        row = Blog.tags.through.objects.select_related("blog", "tag").get(tag=self.blue)

        with self.assertNumQueries(0):
            assert (row.blog, row.tag) == (self.one, self.blue)

    def test_half_a_key(self):
        self.one.locale_tags.append(self.red, self.blue)
        self.two.shared_tags.append(self.blue)

        # References:id: the link names both tags with that id.
        assert values(self.one.locale_tags.all()) == ["blue", "red", "rouge"]
        assert self.un.locale_tags.count() == 0
        assert values(self.two.shared_tags.all()) == ["blue"]
        assert {
            blog.subject: values(blog.locale_tags.all()) for blog in Blog.objects.prefetch_related("locale_tags")
        } == {
            "1en": ["blue", "red", "rouge"],
            "1fr": [],
            "2en": [],
        }


class StockTargetTests(TestCase):
    """Person and Address have none of our mixins; ann: home, and once work; bob: work."""

    @classmethod
    def setUpTestData(cls):
        cls.ann, cls.bob = (Person.objects.create(name=name) for name in ("ann", "bob"))
        cls.home, cls.work = (Address.objects.create(name=name) for name in ("home", "work"))
        PersonAddress.objects.create(person=cls.ann, address=cls.home)
        PersonAddress.objects.create(person=cls.ann, address=cls.work, **DEAD)
        PersonAddress.objects.create(person=cls.bob, address=cls.work)

    def test_dead_links_are_hidden_everywhere(self):
        assert names(self.ann.addresses.all()) == ["home"]
        assert self.ann.addresses.count() == 1
        assert names(self.work.people.all()) == ["bob"]
        assert names(Person.objects.filter(addresses=self.work)) == ["bob"]
        assert names(Person.objects.exclude(addresses__name="work")) == ["ann"]
        assert list(Person.objects.annotate(n=Count("addresses")).values_list("n", flat=True)) == [1, 1]
        assert Person.objects.aggregate(n=Sum("addresses"), m=Avg("addresses__pk"))["n"] is not None
        assert {
            person.name: names(person.addresses.all()) for person in Person.objects.prefetch_related("addresses")
        } == {
            "ann": ["home"],
            "bob": ["work"],
        }

    def test_the_manager_excludes_by_the_way_back(self):
        assert names(self.ann.addresses.exclude(people__name="ann")) == []
        assert names(self.ann.addresses.exclude(people__name="bob")) == ["home"]

    def test_the_manager_and_the_association_can_be_unscoped(self):
        assert names(self.ann.addresses.unscoped()) == ["home", "work"]
        assert names(self.ann.addresses.unscoped().filter(people__name="bob")) == []
        assert names(self.work.people.unscoped()) == ["ann", "bob"]
        association = Reader.objects.create(name="x").association("books")
        assert association.unscoped().count() == 0

    def test_another_manager_of_the_target(self):
        reader = Reader.objects.create(name="ann")
        for text, published in (("a", True), ("b", False)):
            Note.objects.create(text=text, published=published, reader=reader)

        assert [note.text for note in reader.notes(manager="public").all()] == ["a"]
        assert names(self.ann.addresses(manager="objects").all()) == ["home"]
        assert names(self.ann.addresses(manager="objects").unscoped()) == ["home", "work"]


class UnscopedAssociationTests(TestCase):
    def test_find_and_count_see_dead_links_and_dead_targets(self):
        ann = Reader.objects.create(name="ann")
        for name, dead_link, dead_target in (("bob", {}, {}), ("cid", DEAD, {}), ("dan", {}, DEAD)):
            Friendship.objects.create(reader=ann, friend=Reader.objects.create(name=name, **dead_target), **dead_link)
        friends = ann.association("friends")

        assert names(friends.find()) == ["bob"]
        assert friends.count() == 1
        assert names(friends.unscoped().find()) == ["bob", "cid", "dan"]
        assert names(friends.unscoped().find(name__gt="bob")) == ["cid", "dan"]
        assert friends.unscoped().count() == 3
        assert names(friends.find().unscoped()) == ["bob", "cid", "dan"]
