"""
One process of the race tests: random verbs on shared owners, told on standard output as JSON.

    python -m tests.race_worker DATABASE SEED VERBS MODEL RELATION OWNER_KEYS TARGET_KEYS
"""

from __future__ import annotations

import json
import os
import random
import sys


def main() -> None:
    name, seed, verbs, model, relation, owners, targets = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.apps import apps
    from django.db import connection

    from gorm_assoc.models import Association

    connection.settings_dict["NAME"] = name
    chance = random.Random(int(seed))
    rows = {row.pk: row for row in apps.get_model(model)._base_manager.filter(pk__in=json.loads(owners))}
    keys, target_keys = sorted(rows), json.loads(targets)
    done = []
    for _ in range(int(verbs)):
        owner = chance.choice(keys)
        verb = chance.choices(["append", "replace", "delete", "clear"], weights=[4, 3, 3, 1])[0]
        values = [] if verb == "clear" else chance.sample(target_keys, chance.randint(1, 5))
        getattr(Association(rows[owner], relation), verb)(*values)
        done.append([owner, verb, values])
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()
