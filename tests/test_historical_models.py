"""Models as migrations see them."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import TestCase

from example_project.guides import models


class JoinModelsInMigrationsTests(TestCase):
    def test_have_the_relations_and_constraints_of_todays_and_no_second_ones(self):
        loader = MigrationLoader(connection)
        apps = loader.project_state(loader.graph.leaf_nodes("guides")).apps
        names = ["UserLanguage", "UserProfile", "UserFriend", "UserSpeak", "UserFluency", "PersonAddress", "BlogTag"]

        found = {name: described(apps.get_model("guides", name)) for name in names}

        assert found == {name: described(getattr(models, name)) for name in names}


def described(model):
    relations = [field.name for field in model._meta.local_fields if field.remote_field]
    return sorted(relations), sorted(constraint.name for constraint in model._meta.constraints)
