"""
The project's relations beside the tables of a live database.

    relations.py    what is declared, as rows of a table for `manage.py associations`
    formats.py      those rows as text, as JSON, as a diagram for mermaid
    graph.py        the same relations for the pictures of django-extensions' graph_models
    live.py         what a database says of a table, in one shape for all
    sqlite_text.py  CREATE TABLE as SQLite keeps it: the one place where it has the names of foreign keys
    comparing.py    where the two differ
    mending.py      the SQL that adds what is missing
"""

from __future__ import annotations
