"""Whatever is written in a tag, given to a verb or posted to the admin: the documented exceptions, and no other."""

from __future__ import annotations

import string

from django.contrib.auth import get_user_model
from django.core import checks
from django.db import Error, connection, transaction
from django.test import Client, TransactionTestCase
from django.test.utils import isolate_apps
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from example_project.guides.models import Language, User
from gorm_assoc import options
from gorm_assoc.exceptions import AssociationError
from gorm_assoc.models import BelongsTo, HasMany, HasOne, Many2Many, Model
from tests.factories import LanguageFactory, UserFactory

NASTY = ["'; DROP TABLE users; --", '"', "`", "%s", "%(a)s", "\\", "a" * 64, "é" * 64, "语言", "--", "{}", "?", "a b"]
KEYWORDS = sorted(options.RelationOptions.__dataclass_fields__)
WORDS = ["foreignKey", "references", "joinForeignKey", "joinReferences", "constraint", "OnDelete", *KEYWORDS]

names = st.one_of(st.sampled_from(NASTY), st.text(max_size=64), st.text(string.ascii_letters + "_", max_size=64))
tags = st.one_of(
    st.text(max_size=80),
    st.lists(st.tuples(st.one_of(st.sampled_from(WORDS), names), names), max_size=4).map(
        lambda pairs: ";".join(f"{word}:{value}" for word, value in pairs)
    ),
)
anything = st.one_of(
    names,
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=8),
    st.tuples(st.integers(0, 9), names),
    st.dictionaries(st.one_of(st.sampled_from(["name", "id", "users"]), names), names, max_size=2),
    st.lists(st.integers(1, 9), max_size=3),
)
bounded = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class TagTests(HypothesisTestCase):
    @bounded
    @given(tags)
    def test_a_tag_never_raises_and_is_what_it_says_or_a_mistake(self, tag):
        parsed = options.parse(tag)

        assert all(mistake.message for mistake in parsed.mistakes)

    @bounded
    @given(st.dictionaries(st.one_of(st.sampled_from(KEYWORDS), names), anything, max_size=4))
    def test_nor_do_keywords(self, keywords):
        keywords.pop("tag", None)

        assert all(mistake.message for mistake in options.parse("", **keywords).mistakes)

    @bounded
    @given(st.sampled_from([Many2Many, HasMany, HasOne, BelongsTo]), tags)
    @example(Many2Many, "many2many:" + "é" * 64 + ";joinForeignKey:'; DROP TABLE users; --")
    def test_a_declaration_never_raises_on_import_and_checks_say_what_is_wrong(self, relation, tag):
        with isolate_apps("example_project.guides") as registry:

            class Target(Model):
                class Meta:
                    app_label = "guides"

            class Owner(Model):
                things = relation("Target", tag)

                class Meta:
                    app_label = "guides"

            found = [message for model in registry.get_models() for message in model.check()]

        assert all(isinstance(message, checks.CheckMessage) and message.id for message in found)


class NamesTests(TransactionTestCase):
    def test_names_of_every_sort_are_quoted_wherever_they_go(self):
        for number, name in enumerate(["a" * 64, "é" * 30, "语言", "a b", "per%cent", "it's", "select", "semi;--"]):
            if connection.vendor == "postgresql" and len(name) > 63:
                name = name[:63]
            with self.subTest(name), isolate_apps("example_project.guides"):

                class Target(Model):
                    class Meta:
                        app_label = "guides"
                        db_table = f"odd_targets_{number}"

                class Owner(Model):
                    things = Many2Many(
                        Target, many2many=name, join_foreign_key=f"{name[:50]}1", join_references=f"{name[:50]}2"
                    )

                    class Meta:
                        app_label = "guides"
                        db_table = f"odd_owners_{number}"

                made = [Target, Owner, Owner.things.through]
                with connection.schema_editor() as editor:
                    for model in made:
                        editor.create_model(model)
                try:
                    self.use(Owner, Target)
                finally:
                    with connection.schema_editor() as editor:
                        for model in reversed(made):
                            editor.delete_model(model)

    def use(self, owners, targets):
        owner, given = owners.objects.create(), [targets.objects.create() for _ in range(150)]

        assert owner.things.append(*given).added == 150
        assert owner.things.replace(*given[:120]).removed == 30
        assert owner.things.delete(given[0]).removed == 1
        assert owner.things.count() == 119
        assert len(owners.objects.preload("things").get().things.all()) == 119
        assert owner.things.clear().removed == 119


class VerbTests(HypothesisTestCase):
    def setUp(self):
        self.user, self.language = UserFactory(), LanguageFactory()

    @bounded
    @given(st.sampled_from(["append", "replace", "delete", "toggle"]), st.lists(anything, max_size=3))
    @example("append", ["'; DROP TABLE users; --"])
    @example("append", [{"name": "'; DROP TABLE users; --"}])
    def test_values_are_taken_or_refused_by_the_documented_errors(self, verb, values):
        try:
            with transaction.atomic():
                getattr(self.user.association("languages"), verb)(*values)
                connection.check_constraints()
        except AssociationError:
            pass
        except (Error, OverflowError):
            pass  # a key or text that the database has no room for, or that no row has

        assert User.objects.filter(pk=self.user.pk).exists()

    @bounded
    @given(names)
    def test_texts_are_data(self, text):
        if "\x00" in text:
            return
        text = f"§{text}"  # which no statement has of itself
        sent = []

        def keep(execute, sql, params, many, context):
            sent.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(keep):
            self.user.languages.append(Language(name=text))
            found = list(self.user.association("languages").find(name=text))
            self.user.languages.clear()

        assert [language.name for language in found] == [text]
        assert not [sql for sql in sent if "§" in sql]


class AdminTests(HypothesisTestCase):
    def setUp(self):
        self.client = Client()
        self.client.force_login(get_user_model().objects.create_superuser("admin"))
        self.user, self.language = UserFactory(), LanguageFactory()

    @bounded
    @given(
        st.dictionaries(
            st.sampled_from(
                ["TOTAL_FORMS", "INITIAL_FORMS", "0-language", "0-user", "0-DELETE", "1-language", "0-id", "0-pk"]
            ),
            st.one_of(names, st.integers(-1, 3).map(str), st.just("1"), st.just("on")),
            max_size=6,
        )
    )
    def test_a_forged_post_is_an_answer_and_not_a_server_error(self, fields):
        self.user.languages.append(self.language)
        body = {"name": self.user.name, "_save": "Save"}
        page = self.client.get(f"/admin/guides/user/{self.user.pk}/change/")
        for inline in page.context["inline_admin_formsets"]:
            prefix = inline.formset.prefix
            body |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "1"}
            body |= {f"{prefix}-{name}": value for name, value in fields.items()}

        response = self.client.post(f"/admin/guides/user/{self.user.pk}/change/", body)

        assert response.status_code in (200, 302, 400)
        assert User.objects.filter(pk=self.user.pk).exists()
