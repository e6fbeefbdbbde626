"""AlterJoinKey on states made by hand: the state it leads to, its SQL for each kind of server, and rows on SQLite."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, models
from django.db.migrations import operations
from django.db.migrations.migration import Migration
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.db.utils import ConnectionHandler

from gorm_assoc.constraints import ForeignKeyConstraint, Index
from gorm_assoc.exceptions import JoinKeyNotFilled, JoinRowsCollide
from gorm_assoc.join_key import JoinKey
from gorm_assoc.operations import AlterJoinKey
from tests.editors import editor_for, sql

# The columns of the join table, and relations over them


def number(**options):
    return models.BigIntegerField(**options)


def text(**options):
    return models.CharField(**{"max_length": 10, **options})


def user():
    return JoinKey("shop.user", from_fields=["user_id"])


def page_of(*columns):
    return JoinKey("shop.page", from_fields=[f"page_{column}" for column in columns], to_fields=columns)


def pk(*names):
    return models.CompositePrimaryKey(*names)


USER_FK = ForeignKeyConstraint(name="fk_user", fields=["user_id"], to_table="users", to_columns=["id"])
PAGE_FK = ForeignKeyConstraint(
    name="fk_page", fields=["page_id", "page_locale"], to_table="pages", to_columns=["id", "locale"]
)


# The keys: fields as AlterJoinKey takes them


def whole():
    columns = [("user_id", number()), ("page_id", number()), ("page_locale", text())]
    relations = [("user", user()), ("page", page_of("id", "locale"))]
    return [("pk", pk("user_id", "page_id", "page_locale")), *columns, *relations]


def by_id():
    columns = [("user_id", number()), ("page_id", number())]
    return [("pk", pk("user_id", "page_id")), *columns, ("user", user()), ("page", page_of("id"))]


def by_code(*key, **options):
    columns = [("user_id", number()), ("page_code", text(**options))]
    return [("pk", pk(*(key or ("user_id", "page_code")))), *columns, ("user", user()), ("page", page_of("code"))]


def numbered(**options):
    id_ = ("id", models.BigAutoField(primary_key=True))
    return [id_, ("user_id", number()), ("page_code", text(**options)), ("user", user()), ("page", page_of("code"))]


def project(key, *more, **options):
    """Users, pages and the join table, which has a note and what is given."""
    state = ProjectState()
    name = ("name", text())
    state.add_model(
        ModelState("shop", "User", [("id", models.BigAutoField(primary_key=True)), name], {"db_table": "users"})
    )
    page = [("pk", pk("id", "locale")), ("id", number()), ("locale", text()), ("code", text(unique=True))]
    state.add_model(ModelState("shop", "Page", page, {"db_table": "pages"}))
    fields = [*key, ("note", text(default="")), *more]
    state.add_model(ModelState("shop", "UserPage", fields, {"db_table": "user_pages", **options}))
    return state


def after(state, key):
    """The state that follows, and the operation."""
    operation = AlterJoinKey("UserPage", key)
    new = state.clone()
    operation.state_forwards("shop", new)
    return new, operation


# What Django asks of an operation


def test_it_is_told_by_the_name_of_the_model():
    operation = AlterJoinKey("UserPage", by_code())

    assert operation.describe() == "Alter the key of UserPage"
    assert operation.migration_name_fragment == "alter_userpage_key"
    assert operation.references_model("userpage", "shop")
    assert operation.reversible


def test_it_is_written_into_a_migration_field_by_field():
    fields = by_code()
    operation = AlterJoinKey("UserPage", iter(fields))
    migration = type("Migration", (Migration,), {"operations": [operation]})("0002", "shop")

    written = MigrationWriter(migration, include_header=False).as_string()

    assert operation.deconstruct() == ("AlterJoinKey", [], {"model": "UserPage", "fields": fields})
    assert "gorm_assoc.operations.AlterJoinKey(\n            model='UserPage',\n            fields=[\n" in written
    assert "                ('user_id', models.BigIntegerField()),\n" in written


# The state


def test_the_new_key_comes_with_its_columns_and_the_old_ones_go():
    new, _ = after(project(whole()), by_code())

    fields = new.models["shop", "userpage"].fields
    assert list(fields) == ["pk", "user_id", "page_code", "user", "page", "note"]
    assert fields["pk"].field_names == ("user_id", "page_code")
    assert fields["page"].from_fields == ("page_code",)
    assert [field.name for field in new.apps.get_model("shop", "UserPage")._meta.pk_fields] == ["user_id", "page_code"]


def test_a_key_of_one_column_goes_too():
    new, _ = after(project(numbered()), by_code())

    assert list(new.models["shop", "userpage"].fields) == ["pk", "user_id", "page_code", "user", "page", "note"]


def test_a_relation_stays_for_as_long_as_its_columns_do():
    tag = ("tag", JoinKey("shop.page", from_fields=["user_id", "page_locale"], to_fields=["id", "locale"]))
    author = ("author", JoinKey("shop.user", from_fields=["author_id"]))

    new, _ = after(project(whole(), ("author_id", number()), author, tag), by_code())

    fields = new.models["shop", "userpage"].fields
    assert "author" in fields
    assert "tag" not in fields


def test_a_foreign_key_of_djangos_own_stays():
    editor = ("editor", models.ForeignKey("shop.user", models.CASCADE, to_field="id"))

    new, _ = after(project(whole(), editor), by_code())

    assert "editor" in new.models["shop", "userpage"].fields


def test_a_column_that_is_there_is_left_to_another_operation():
    state = project(whole(), ("page_code", text(max_length=7)))

    new, _ = after(state, [*numbered(), ("page_id", number()), ("page_locale", text())])

    fields = new.models["shop", "userpage"].fields
    assert fields["page_code"].max_length == 7
    assert fields["page_code"] is state.models["shop", "userpage"].fields["page_code"]


def test_a_column_of_the_key_is_that_of_the_operation():
    state = project([("user_id", number(primary_key=True)), ("page_code", text()), ("user", user())])

    new, _ = after(state, by_code(max_length=7))
    fields = new.models["shop", "userpage"].fields
    assert not fields["user_id"].primary_key

    back, _ = after(new, [("user_id", number(primary_key=True)), ("page_code", text()), ("user", user())])
    assert back.models["shop", "userpage"].fields["user_id"].primary_key


def test_names_that_change_later_do_not_change_the_operation():
    new, operation = after(project(whole()), by_code())

    operations.RenameField("userpage", "user_id", "person_id").state_forwards("shop", new)

    assert new.models["shop", "userpage"].fields["pk"].field_names == ("person_id", "page_code")
    assert dict(operation.fields)["pk"].field_names == ("user_id", "page_code")
    assert dict(operation.fields)["user"].from_fields == ("user_id",)


def test_models_that_were_made_are_made_again():
    state = project(whole())
    old = state.apps.get_model("shop", "UserPage")
    assert state.relations["shop", "page"]

    AlterJoinKey("UserPage", [*by_code()[:-1]]).state_forwards("shop", state)

    assert state.apps.get_model("shop", "UserPage") is not old
    assert ("shop", "userpage") not in state.relations.get(("shop", "page"), {})
    assert {"page_code", "note"} <= {field.name for field in state.apps.get_model("shop", "UserPage")._meta.fields}


def test_models_that_lead_to_it_are_made_again_however_far_away():
    state = project(whole())
    for name, target in (("Remark", "user"), ("Reply", "remark"), ("Like", "reply")):
        key = models.ForeignKey(f"shop.{target}", models.CASCADE)
        state.add_model(ModelState("shop", name, [("id", models.BigAutoField(primary_key=True)), ("to", key)]))
    old = state.apps.get_model("shop", "Like")

    AlterJoinKey("UserPage", by_code()).state_forwards("shop", state)

    like = state.apps.get_model("shop", "Like")
    assert like is not old
    assert like._meta.get_field("to").related_model is state.apps.get_model("shop", "Reply")


def test_indexes_and_constraints_go_with_their_columns():
    locale, note = (models.UniqueConstraint(fields=[name], name=name) for name in ("page_locale", "note"))
    check = models.CheckConstraint(condition=models.Q(note="x"), name="check")
    falling, kept = Index(fields=["note", "-page_locale"], name="a"), Index(fields=["-note", "user_id"], name="b")
    state = project(
        whole(),
        constraints=[USER_FK, PAGE_FK, locale, note, check],
        indexes=[falling, kept],
        unique_together={("page_locale", "note"), ("user_id", "note")},
    )

    new, _ = after(state, by_code())

    options = new.models["shop", "userpage"].options
    assert options["constraints"] == [USER_FK, note, check]
    assert options["indexes"] == [kept]
    assert options["unique_together"] == {("user_id", "note")}
    assert options["db_table"] == "user_pages"


def test_without_unique_together_there_is_none_afterwards():
    new, _ = after(project(whole()), by_code())

    assert "unique_together" not in new.models["shop", "userpage"].options


def test_a_foreign_key_goes_where_its_relation_refers_to_something_else():
    def leads_to(*columns):
        return [("pk", pk("a", "b")), ("a", number()), ("b", text()), ("user", over(*columns))]

    def over(*columns):
        return JoinKey("shop.page", from_fields=["a", "b"], to_fields=columns)

    key = ForeignKeyConstraint(name="fk", fields=["a", "b"], to_table="pages", to_columns=["id", "locale"])
    state = project(leads_to("id", "locale"), constraints=[key])

    same, _ = after(state, leads_to("id", "locale"))
    other, _ = after(state, leads_to("id", "code"))
    none, _ = after(project(leads_to()[:-1], constraints=[key]), leads_to()[:-1])

    kept = [each.models["shop", "userpage"].options["constraints"] for each in (same, other, none)]
    assert kept == [[key], [], []]


# On a server


class Server:
    """A schema editor that writes down what it would execute, and in which a question is answered by a number."""

    def __init__(self, kind, monkeypatch, *, answers=(), columns=(), key=(), collect_sql=False):
        self.kind, self.asked, self.executed = kind, [], []
        self.editor = editor_for(kind, collect_sql=collect_sql)
        self.columns, self.key, self.answers = columns, key, iter(answers)
        connection = self.editor.connection
        monkeypatch.setattr(connection, "cursor", self.cursor)
        monkeypatch.setattr(self.editor, "execute", self.execute)
        for name in ("get_constraints", "get_primary_key_columns", "get_table_description"):
            monkeypatch.setattr(connection.introspection, name, getattr(self, name))

    @contextmanager
    def cursor(self):
        yield self

    def execute(self, statement, params=()):
        statement = sql(self.kind, statement)
        if statement.startswith("SELECT"):
            self.asked.append(statement)
        else:
            self.executed.append((statement, params))

    def fetchone(self):
        return (next(self.answers, 0),)

    def get_constraints(self, cursor, table):
        assert (cursor, table) == (self, "user_pages")
        key = {"columns": list(self.key), "primary_key": True, "unique": True, "index": False, "foreign_key": None}
        note = {**key, "columns": ["note"], "primary_key": False}
        return {name: {**each, "check": False} for name, each in {"note": note, "user_pages_pkey": key}.items()}

    def get_primary_key_columns(self, cursor, table):
        assert (cursor, table) == (self, "user_pages")
        return list(self.key)

    def get_table_description(self, cursor, table):
        assert (cursor, table) == (self, "user_pages")
        return [SimpleNamespace(name=name) for name in self.columns]

    def run(self, old, key):
        new, operation = after(old, key)
        operation.database_forwards("shop", self.editor, old, new)
        return [statement for statement, _ in self.executed]


OLD = {
    "constraints": [USER_FK, PAGE_FK, models.UniqueConstraint(fields=["note"], name="note")],
    "indexes": [Index(fields=["page_locale"], name="locale"), Index(fields=["note"], name="remark")],
}
COLUMNS = ("user_id", "page_id", "page_locale", "note")
SAME_PAGE = '"user_pages" {}r WHERE r."id" = j."page_id" AND r."locale" = j."page_locale"'


def alter(step):
    return f'ALTER TABLE "user_pages" {step}'


def test_on_postgresql_the_key_is_altered_step_by_step(monkeypatch):
    server = Server("postgresql", monkeypatch, key=("user_id", "page_id", "page_locale"), columns=COLUMNS)

    executed = server.run(project(whole(), **OLD), by_code(db_collation="C"))

    assert executed == [
        alter('DROP CONSTRAINT IF EXISTS "fk_user"'),
        alter('DROP CONSTRAINT IF EXISTS "fk_page"'),
        'DROP INDEX IF EXISTS "locale"',
        alter('ADD COLUMN "page_code" varchar(10) COLLATE "C" NULL'),
        'UPDATE "user_pages" AS j SET "page_code" = (SELECT r."code" FROM "pages" r'
        ' WHERE r."id" = j."page_id" AND r."locale" = j."page_locale" LIMIT 1)',
        alter('DROP CONSTRAINT "user_pages_pkey"'),
        alter('ALTER COLUMN "page_code" SET NOT NULL'),
        alter('DROP COLUMN "page_id"'),
        alter('DROP COLUMN "page_locale"'),
        alter('ADD PRIMARY KEY ("user_id", "page_code")'),
        alter(
            'ADD CONSTRAINT "fk_user" FOREIGN KEY ("user_id") REFERENCES "users" ("id") DEFERRABLE INITIALLY DEFERRED'
        ),
    ]


def test_on_mariadb_the_key_is_altered_in_one_statement(monkeypatch):
    server = Server("mariadb", monkeypatch, key=("user_id", "page_id", "page_locale"), columns=COLUMNS)

    executed = server.run(project(whole(), **OLD), by_code(db_collation="utf8mb4_bin"))

    assert executed == [
        alter('DROP FOREIGN KEY IF EXISTS "fk_user"'),
        alter('DROP FOREIGN KEY IF EXISTS "fk_page"'),
        'DROP INDEX IF EXISTS "locale" ON "user_pages"',
        alter('ADD COLUMN "page_code" varchar(10) COLLATE "utf8mb4_bin" NULL'),
        'UPDATE "user_pages" AS j SET "page_code" = (SELECT r."code" FROM "pages" r'
        ' WHERE r."id" = j."page_id" AND r."locale" = j."page_locale" LIMIT 1)',
        alter(
            'DROP PRIMARY KEY, MODIFY "page_code" varchar(10) COLLATE "utf8mb4_bin" NOT NULL, '
            'DROP COLUMN "page_id", DROP COLUMN "page_locale", ADD PRIMARY KEY ("user_id", "page_code")'
        ),
        alter('ADD CONSTRAINT "fk_user" FOREIGN KEY IF NOT EXISTS ("user_id") REFERENCES "users" ("id")'),
    ]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_percent_sign_in_a_name_is_no_placeholder(monkeypatch, kind):
    server = Server(kind, monkeypatch, key=("user_id", "page_id", "page_locale"), columns=COLUMNS)

    server.run(project(whole(), constraints=[USER_FK, PAGE_FK]), by_code())

    assert len(server.executed) > 5
    assert {params for _, params in server.executed} == {None}


@pytest.mark.parametrize(
    ("auto", "type_"),
    [(models.SmallAutoField, "smallint"), (models.AutoField, "integer"), (models.BigAutoField, "bigint")],
)
def test_an_id_numbers_the_rows(monkeypatch, auto, type_):
    def executed(kind):
        server = Server(kind, monkeypatch, key=("user_id", "page_code"), columns=("user_id", "page_code", "note"))
        steps = server.run(project(by_code()), [("id", auto(primary_key=True)), *numbered()[1:]])
        assert server.asked == []
        return steps

    assert executed("postgresql") == [
        alter('DROP CONSTRAINT "user_pages_pkey"'),
        alter(f'ADD COLUMN "id" {type_} NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY'),
    ]
    assert executed("mariadb") == [
        alter(f'DROP PRIMARY KEY, ADD COLUMN "id" {type_} AUTO_INCREMENT NOT NULL PRIMARY KEY')
    ]


def test_a_column_that_may_be_null_stays_so(monkeypatch):
    server = Server("postgresql", monkeypatch, key=("user_id", "page_id", "page_locale"), columns=COLUMNS)

    executed = server.run(project(whole()), numbered(null=True))

    assert alter('ADD COLUMN "page_code" varchar(10) NULL') in executed
    assert not [each for each in executed if "SET NOT NULL" in each]


def test_indexes_of_the_new_state_are_put_on(monkeypatch):
    server = Server("postgresql", monkeypatch, key=("user_id", "page_code"), columns=("user_id", "page_code"))
    old = project(whole(), **OLD)
    new, operation = after(old, by_code())

    operation.database_backwards("shop", server.editor, new, old)

    executed = [statement for statement, _ in server.executed]
    assert executed[0] == alter('DROP CONSTRAINT IF EXISTS "fk_user"')
    assert [each.split(" FOREIGN KEY")[0] for each in executed[-3:]] == [
        alter('ADD CONSTRAINT "fk_user"'),
        alter('ADD CONSTRAINT "fk_page"'),
        'CREATE INDEX "locale" ON "user_pages" ("page_locale")',
    ]
    assert not [each for each in executed if "note" in each]


def test_before_anything_it_is_asked_what_has_no_single_value_and_what_would_collide(monkeypatch):
    server = Server("postgresql", monkeypatch, columns=COLUMNS)

    server.run(project(whole()), by_code())

    of_row = 'FROM "pages" r WHERE r."id" = j."page_id" AND r."locale" = j."page_locale"'
    assert server.asked == [
        f'SELECT COUNT(*) FROM "user_pages" j WHERE (SELECT COUNT(DISTINCT r."code") {of_row}) <> 1',
        'SELECT COUNT(*) FROM "user_pages" j WHERE j."user_id" IS NULL',
        'SELECT (SELECT COUNT(*) FROM "user_pages") - COUNT(*) FROM '
        f'(SELECT DISTINCT j."user_id" AS c0, (SELECT r."code" {of_row} LIMIT 1) AS c1 FROM "user_pages" j) d',
    ]


@pytest.mark.parametrize(
    ("answers", "error", "says"),
    [
        ((2,), JoinKeyNotFilled, "shop.UserPage cannot get the key column 'page_code': for 2 of its rows"),
        ((0, 3), JoinKeyNotFilled, "shop.UserPage cannot get the key column 'user_id': for 3 of its rows"),
        ((0, 0, 1), JoinRowsCollide, r"shop.UserPage cannot get the key \(user_id, page_code\): 1 of its rows"),
    ],
)
def test_what_it_finds_stops_it_before_anything_is_changed(monkeypatch, answers, error, says):
    server = Server("postgresql", monkeypatch, answers=answers, columns=COLUMNS)

    with pytest.raises(error, match=says):
        server.run(project(whole(), **OLD), by_code())

    assert server.executed == []


SITE = ("site", JoinKey("shop.page", from_fields=["site_code"], to_fields=["code"]))


@pytest.mark.parametrize(
    ("key", "column"),
    [
        (by_code()[:-1], "page_code"),
        ([("pk", pk("user_id", "site_code")), *whole()[1:], ("site_code", text()), SITE], "site_code"),
    ],
)
def test_a_column_that_no_relation_of_the_old_key_leads_to_stops_it(monkeypatch, key, column):
    server = Server("postgresql", monkeypatch, columns=COLUMNS)

    with pytest.raises(JoinKeyNotFilled, match=f"shop.UserPage cannot get the key column '{column}': no relation of"):
        server.run(project(whole()), key)

    assert server.executed == []


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_when_only_the_sql_is_asked_for_the_database_is_not_looked_at(monkeypatch, kind):
    server = Server(
        kind, monkeypatch, columns=("user_id", "page_code"), key=("user_id", "page_code"), collect_sql=True
    )

    executed = server.run(project(whole()), by_code())

    assert server.asked == []
    assert alter('ADD COLUMN "page_code" varchar(10) NULL') in executed
    assert any('ADD PRIMARY KEY ("user_id", "page_code")' in each for each in executed)


# MariaDB, whose DDL has no transaction


def test_on_mariadb_a_column_that_is_there_is_not_added_again(monkeypatch):
    server = Server("mariadb", monkeypatch, key=("user_id", "page_id", "page_locale"), columns=(*COLUMNS, "page_code"))

    executed = server.run(project(whole()), by_code())

    assert not [each for each in executed if "ADD COLUMN" in each]
    assert executed[0].startswith('UPDATE "user_pages"')
    assert executed[1].startswith(alter("DROP PRIMARY KEY"))


def test_on_mariadb_a_key_that_is_done_is_not_altered_again(monkeypatch):
    server = Server("mariadb", monkeypatch, key=("user_id", "page_code"), columns=("user_id", "page_code", "note"))

    executed = server.run(project(whole(), **OLD), by_code())

    assert server.asked == []
    assert [each.partition("KEY")[0] for each in executed] == [
        alter("DROP FOREIGN "),
        alter("DROP FOREIGN "),
        'DROP INDEX IF EXISTS "locale" ON "user_pages"',
        alter('ADD CONSTRAINT "fk_user" FOREIGN '),
    ]


@pytest.mark.parametrize("left", ["page_id", "page_locale"])
def test_on_mariadb_the_key_is_not_done_while_an_old_column_is_there(monkeypatch, left):
    server = Server("mariadb", monkeypatch, key=("user_id", "page_code"), columns=("user_id", "page_code", left))

    executed = server.run(project(whole()), by_code())

    assert any('DROP COLUMN "page_id", DROP COLUMN "page_locale"' in each for each in executed)


# Routers


class NotHere:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return (db, app_label, model_name) != ("default", "shop", "userpage")


def test_nothing_is_done_in_a_database_that_a_router_leaves_out(monkeypatch, settings):
    settings.DATABASE_ROUTERS = [NotHere()]
    server = Server("postgresql", monkeypatch, columns=COLUMNS)

    assert server.run(project(whole()), by_code()) == []
    assert server.asked == []


# On SQLite, with rows


@pytest.fixture
def connection(django_db_blocker, tmp_path):
    """An empty database, in a file: Django never closes one in memory."""
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "empty.sqlite3"}
    with django_db_blocker.unblock():
        made = ConnectionHandler({"default": settings})["default"]
        yield made
        made.close()


def fill(connection, state, rows):
    with connection.schema_editor(atomic=False) as editor:
        for name in ("User", "Page", "UserPage"):
            editor.create_model(state.apps.get_model("shop", name))
    execute(connection, "INSERT INTO users (id, name) VALUES (1, 'ann'), (2, 'bob')")
    execute(connection, "INSERT INTO pages (id, locale, code) VALUES (1, 'en', 'a'), (2, 'fr', 'b')")
    columns = [field.column for field in state.apps.get_model("shop", "UserPage")._meta.local_concrete_fields]
    for row in rows:
        execute(connection, f"INSERT INTO user_pages ({', '.join(columns)}) VALUES ({', '.join(map(repr, row))})")


def execute(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def rows(connection, *columns):
    return sorted(execute(connection, f"SELECT {', '.join(columns)} FROM user_pages"))


def key_of(connection):
    with connection.cursor() as cursor:
        return connection.introspection.get_primary_key_columns(cursor, "user_pages")


ROWS = [(1, 1, "en", "x"), (1, 2, "fr", "y"), (2, 2, "fr", "z")]


def test_on_sqlite_rows_get_the_key_and_get_the_old_one_back(connection):
    old = project(whole(), **OLD)
    fill(connection, old, ROWS)
    new, operation = after(old, by_code())

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("shop", editor, old, new)
    assert key_of(connection) == ["user_id", "page_code"]
    assert rows(connection, "user_id", "page_code", "note") == [(1, "a", "x"), (1, "b", "y"), (2, "b", "z")]

    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("shop", editor, new, old)
    assert key_of(connection) == ["user_id", "page_id", "page_locale"]
    assert rows(connection, "user_id", "page_id", "page_locale", "note") == ROWS


def test_on_sqlite_constraints_and_indexes_are_those_of_the_new_state(connection):
    old = project(whole(), **OLD)
    fill(connection, old, ROWS)
    new, operation = after(old, by_code())

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("shop", editor, old, new)
        assert editor.deferred_sql == []

    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "user_pages")
    keys = [each["columns"] for each in found.values() if each["foreign_key"]]
    assert keys == [["user_id"]]
    assert {"note", "remark"} <= found.keys()
    assert "locale" not in found
    with pytest.raises(IntegrityError):
        execute(connection, "INSERT INTO user_pages (user_id, page_code, note) VALUES (2, 'a', 'x')")


def test_on_sqlite_an_id_numbers_the_rows(connection):
    old = project(whole())
    fill(connection, old, ROWS)
    new, operation = after(old, numbered())

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("shop", editor, old, new)

    assert rows(connection, "id", "user_id", "page_code") == [(1, 1, "a"), (2, 1, "b"), (3, 2, "b")]


def test_on_sqlite_the_models_are_called_as_before(connection):
    old = project(whole())
    fill(connection, old, ROWS)
    new, operation = after(old, by_code())

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("shop", editor, old, new)

    assert new.apps.get_model("shop", "UserPage")._meta.db_table == "user_pages"
    assert connection.introspection.table_names() == ["pages", "user_pages", "users"]


def test_on_sqlite_an_ambiguous_value_stops_it(connection):
    old = project(by_id())
    fill(connection, old, [(1, 1, "x"), (1, 2, "y")])
    execute(connection, "INSERT INTO pages (id, locale, code) VALUES (2, 'de', 'c')")
    new, operation = after(old, whole())

    with (
        pytest.raises(JoinKeyNotFilled, match="'page_locale': for 1 of its rows"),
        connection.schema_editor(atomic=False) as editor,
    ):
        operation.database_forwards("shop", editor, old, new)

    assert key_of(connection) == ["user_id", "page_id"]
    assert rows(connection, "user_id", "page_id") == [(1, 1), (1, 2)]


def test_on_sqlite_rows_that_would_be_the_same_stop_it(connection):
    old = project(whole())
    fill(connection, old, [(1, 2, "fr", "x"), (1, 2, "de", "y"), (2, 2, "fr", "z")])
    new, operation = after(old, by_id())

    with (
        pytest.raises(JoinRowsCollide, match=r"\(user_id, page_id\): 1 of its rows"),
        connection.schema_editor(atomic=False) as editor,
    ):
        operation.database_forwards("shop", editor, old, new)

    assert len(rows(connection, "user_id")) == 3


def test_on_sqlite_no_row_is_without_a_key(connection):
    old = project([("id", models.BigAutoField(primary_key=True)), *by_code(null=True)[1:]])
    fill(connection, old, [(1, 1, "a", "x")])
    execute(connection, "INSERT INTO user_pages (id, user_id, note) VALUES (2, 2, 'y')")
    new, operation = after(old, by_code())

    with (
        pytest.raises(JoinKeyNotFilled, match="'page_code': for 1 of its rows"),
        connection.schema_editor(atomic=False) as editor,
    ):
        operation.database_forwards("shop", editor, old, new)
