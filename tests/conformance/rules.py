"""
The rules of docs/differences.md: where this library does otherwise than GORM, on purpose.

A rule's predicate sees the step's input and the tables before it. What is promised instead is worked
out by arithmetic.outcome(); a step counts as ruled only if it came out exactly so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.conformance.arithmetic import ends, outcome
from tests.conformance.compare import Outcome
from tests.conformance.recordings import Relation, Row, Scenario, Set
from tests.conformance.situation import Situation, Thing

WRITING = {"append", "replace", "delete", "clear"}


Predicate = Callable[[Situation], bool]


@dataclass(frozen=True)
class Rule:
    """id -- as docs/differences.md names it"""

    id: str
    applies: Predicate
    promises: Callable[[Situation], Outcome]

    def not_needed_on(self, vendor: str) -> set[str]:
        """Itself, where its only steps belong to a set that the database cannot have."""
        return {self.id} if (self.id, vendor) == ("set-null-cannot-empty-a-key", "mysql") else set()


RULES: list[Rule] = []


def rule_with(promises: Callable[[Situation], Outcome]) -> Callable[[Predicate], Predicate]:
    def enter(applies: Predicate) -> Predicate:
        RULES.append(Rule(applies.__name__.replace("_", "-"), applies, promises))
        return applies

    return enter


rule = rule_with(outcome)


@rule
def owner_without_key(s: Situation) -> bool:
    return s.relation is not None and not all(owner.has_key for owner in s.owners)


@rule
def dead_pair_is_revived(s: Situation) -> bool:
    return (
        _is_many_to_many(s)
        and s.verb in ("append", "replace")
        and any(row.get("deleted_at") for row in _rows_of_given_pairs(s))
    )


@rule
def unscoped_association_removes_links(s: Situation) -> bool:
    is_asked = s.verb in WRITING and s.do.get("unscoped") and not s.do.get("db_unscoped")
    return bool(is_asked) and not _is(s, "belongs_to") and any("deleted_at" in row for row in _holding_rows(s))


@rule
def unscoped_belongs_to_deletes_what_was_linked(s: Situation) -> bool:
    return _is(s, "belongs_to") and s.unscoped and s.verb in WRITING


@rule
def unscoped_association_reads_all(s: Situation) -> bool:
    return s.verb in ("count", "assoc_find") and bool(s.do.get("unscoped")) and not s.do.get("db_unscoped")


@rule
def unscoped_preload_reads_dead_links(s: Situation) -> bool:
    return s.verb == "find" and any(options.get("unscoped") for options in _preloads(s))


@rule
def limit_of_a_preload_counts_for_each_owner(s: Situation) -> bool:
    return s.verb == "find" and any("limit" in options for options in _preloads(s))


@rule
def only_given_values_are_touched(s: Situation) -> bool:
    if s.verb in ("append", "replace") and s.relation is not None and not s.relation.is_single:
        return any(_carries_unlinked(s, owner, s.relation.name) for owner in s.owners)
    if s.verb in ("create", "save"):
        return any(
            value.go.relations[name].kind == "belongs_to" or _carries_unlinked(s, value, name)
            for value in s.value_things()
            for name in value.carried
        )
    return False


@rule
def each_owner_gets_exactly_its_values(s: Situation) -> bool:
    if s.verb != "replace" or not _is_many_to_many(s) or len(s.owners) != len(s.values) or len(s.owners) == 1:
        return False
    return any(
        _links(s, row, owner, other) and not any(_links(s, row, owner, value) for value in own)
        for row in _holding_rows(s)
        for owner, own in zip(s.owners, s.values, strict=True)
        for other in s.value_things()
    )


@rule
def one_object_is_one_row(s: Situation) -> bool:
    new = [id(value.instance) for value in s.value_things() if not value.has_key]
    return len(new) != len(set(new))


@rule
def keys_are_not_mixed_up(s: Situation) -> bool:
    stored = [_is_stored(s, value) for value in s.value_things()]
    new = [not value.has_key for value in s.value_things()]
    return any(new) and any(not a and not b for a, b in zip(stored, new, strict=True))


@rule
def last_of_a_list_counts(s: Situation) -> bool:
    is_single = s.relation is not None and s.relation.is_single
    return is_single and s.verb in ("append", "replace") and any(len(values) > 1 for values in s.values)


@rule
def several_owners_need_values(s: Situation) -> bool:
    return s.verb == "append" and len(s.owners) > 1 and not s.values


@rule
def empty_composite_key_finds_nothing(s: Situation) -> bool:
    if not _is(s, "belongs_to") or s.verb not in ("count", "assoc_find") or len(_relation(s).references) == 1:
        return False
    return all(owner.row[column] is None for owner in s.owners for column, _, _ in _relation(s).references)


@rule
def unlinked_in_memory_too(s: Situation) -> bool:
    return s.verb == "save" and any(_holds_what_was_unlinked(s, owner) for owner in s.owners)


@rule
def taken_value_is_an_error(s: Situation) -> bool:
    is_storing = s.verb in ("create", "append", "replace")
    return is_storing and any(not _is_stored(s, value) and _is_taken(s, value) for value in s.value_things())


@rule
def value_without_key_is_not_linked(s: Situation) -> bool:
    return s.verb == "delete" and any(not value.has_key for value in s.value_things())


@rule
def dict_is_stored_as_an_object(s: Situation) -> bool:
    return s.verb == "append" and any(isinstance(each, dict) and "map" in each for each in s.do["values"])


@rule
def empty_reference_is_a_value(s: Situation) -> bool:
    if s.relation is not None:
        held = [held for _, held, end in s.relation.references if end == "owner"]
        return any(owner.row[column] in ("", 0) for owner in s.owners for column in held)
    if s.verb == "find":
        go = s.set.models[s.do["model"]]
        paths = [options["path"] for options in _preloads(s)]
        relations = [go.relations[path] for path in paths if path in go.relations]
        held = [held for relation in relations for _, held, end in relation.references if end == "owner"]
        return any(row[column] in ("", 0) for row in s.before.get(go.table, ()) for column in held)
    return False


@rule
def reference_to_half_a_key_has_no_constraint(s: Situation) -> bool:
    if s.verb not in ("create", "append", "replace"):
        return False
    tables = {owner.go.table for owner in s.owners} | {value.go.table for value in s.value_things()}
    return any(
        key["table"] in tables and key["references"] not in s.set.unique_columns(key["table"])
        for table in s.set.tables
        for key in table["foreign_keys"]
    )


def _fails(s: Situation) -> Outcome:
    return Outcome(s.before, None, fails=True)


@rule_with(_fails)
def what_cannot_be_emptied_stays(s: Situation) -> bool:
    if s.relation is None or s.relation.kind == "many_to_many" or s.unscoped or s.verb not in WRITING - {"append"}:
        return False
    if not {column for column, _, _ in s.relation.references} & s.set.not_null(_holder(s)):
        return False
    asked = s.value_things()
    return any(
        _ends_of(s, owner) <= row.items()
        and (s.verb == "delete") == any(_links(s, row, owner, each) for each in asked)
        for row in _holding_rows(s)
        for owner in s.owners
    )


@rule_with(_fails)
def set_null_cannot_empty_a_key(s: Situation) -> bool:
    if s.verb != "delete_record":
        return False
    return any(
        key["on_delete"] == "SET NULL"
        and set(key["columns"]) & set(table["primary_key"])
        and any(owner.go.table == key["table"] and _is_referenced(s, owner, table["name"], key) for owner in s.owners)
        for table in s.set.tables
        for key in table["foreign_keys"]
    )


# Saving and deleting graphs


@rule
def selected_relations_have_their_keys(s: Situation) -> bool:
    select = s.do.get("select", ())
    if s.verb != "create":
        return False
    return any(
        {name, "*associations*"} & set(select)
        and (relation.kind == "belongs_to" or any(path.startswith(f"{name}.") for path in select))
        for owner in s.owners
        for name, relation in owner.go.relations.items()
        if name in owner.given
    )


@rule
def omitted_targets_are_linked(s: Situation) -> bool:
    if s.relation is not None:
        return s.relation.kind != "many_to_many" and f"{s.relation.name}.*" in s.do.get("omit", ())
    return s.verb == "create" and any(
        f"{name}.*" in s.do.get("omit", ()) and owner.go.relations[name].kind != "many_to_many"
        for owner in s.owners
        for name in owner.given
    )


@rule
def append_stores_what_values_bring(s: Situation) -> bool:
    return s.verb in ("append", "replace") and any(value.given for value in s.value_things())


@rule
def full_save_writes_what_is_given(s: Situation) -> bool:
    return s.verb == "append" and bool(s.do.get("full_save"))


@rule
def last_owner_gets_a_shared_target(s: Situation) -> bool:
    if s.verb != "create" or len(s.owners) == 1:
        return False
    given = [
        (value.go.table, *(value.row[column] for column in value.go.primary_key))
        for owner in s.owners
        for name, values in owner.given.items()
        if owner.go.relations[name].kind in ("has_one", "has_many")
        for value in values
        if value.has_key
    ]
    return len(given) != len(set(given))


@rule
def last_assignment_counts(s: Situation) -> bool:
    return s.verb == "save" and any(_says_another_key(s, owner) for owner in s.owners)


@rule
def delete_by_condition_goes_along(s: Situation) -> bool:
    return s.verb == "delete_record" and "where" in s.do and "select" in s.do


@rule
def nested_names_delete(s: Situation) -> bool:
    return s.verb == "delete_record" and any(
        name.partition(".")[0] in s.do["select"] for name in s.do.get("select", ()) if "." in name
    )


@rule_with(_fails)
def name_that_deletes_nothing_is_an_error(s: Situation) -> bool:
    if s.verb != "delete_record":
        return False
    go = s.owners[0].go if s.owners else s.set.models[s.do["model"]]
    names = {name.partition(".")[0] for name in s.do.get("select", ())} - {"*associations*"}
    return any(name not in go.relations or go.relations[name].kind == "belongs_to" for name in names)


@rule
def dead_links_go_with_their_owner(s: Situation) -> bool:
    if s.verb != "delete_record" or "select" not in s.do:
        return False
    joins = {
        relation.join_table
        for owner in s.owners
        for name, relation in owner.go.relations.items()
        if relation.join_table and {name, "*associations*"} & set(s.do["select"])
    }
    is_hard = s.unscoped or any("deleted_at" not in owner.row for owner in s.owners)
    return is_hard and any("deleted_at" in row for table in joins if table for row in s.before.get(table, ()))


# What has no counterpart here

# Sets of which no step can be played, and those of which none can on one database.
SETS = {("person_plain", ""): "join-table-without-key", ("rulesjoin", "mysql"): "set-null-on-a-key-column"}
# Relations that cannot be declared: the set, model and name.
RELATIONS = {
    ("naming", "Category", "Categories"): "relation-called-as-its-model",
    ("naming", "Thread", "Thread"): "relation-called-as-its-model",
}
NULL_IN_KEY = "null-in-key"
REASONS = {*SETS.values(), *RELATIONS.values(), NULL_IN_KEY}


def not_expressible(set_name: str, vendor: str) -> str:
    """Why no step of the set has a counterpart on that database; empty if steps have one."""
    return SETS.get((set_name, "")) or SETS.get((set_name, vendor), "")


def asks_for_undeclared(scenario: Scenario) -> str:
    """Why a scenario has no counterpart, as it creates rows with a relation that cannot be declared; else empty."""
    for (set_name, model, name), reason in RELATIONS.items():
        if scenario.set == set_name and any(
            step.do.get("model") == model and name in step.do.get("value", ()) for step in scenario.steps
        ):
            return reason
    return ""


def undeclared_tables(recorded: Set) -> set[str | None]:
    """The join tables of relations that cannot be declared."""
    return {
        recorded.models[model].relations[name].join_table for set_, model, name in RELATIONS if set_ == recorded.name
    }


# Words of the predicates


def _preloads(s: Situation) -> list[dict[str, Any]]:
    return [{"path": each} if isinstance(each, str) else each for each in s.do.get("preload", ())]


def _relation(s: Situation) -> Relation:
    assert s.relation
    return s.relation


def _is(s: Situation, kind: str) -> bool:
    return s.relation is not None and s.relation.kind == kind


def _is_many_to_many(s: Situation) -> bool:
    return _is(s, "many_to_many")


def _holder(s: Situation) -> str:
    """The table whose rows hold the links."""
    if _is(s, "belongs_to"):
        return s.owners[0].go.table
    return _relation(s).join_table or s.set.models[_relation(s).target].table


def _holding_rows(s: Situation) -> list[Row]:
    return s.before.get(_holder(s), []) if s.relation else []


def _rows_of_given_pairs(s: Situation) -> Iterator[Row]:
    for row in _holding_rows(s):
        for owner in s.owners:
            for value in s.value_things():
                if _links(s, row, owner, value):
                    yield row


def _links(s: Situation, row: Row, owner: Thing, value: Thing) -> bool:
    return ends(s, _relation(s), owner.row, value.row).items() <= row.items()


def _ends_of(s: Situation, owner: Thing) -> Any:
    return ends(s, _relation(s), owner.row, {}).items()


def _is_stored(s: Situation, thing: Thing) -> bool:
    key = {column: thing.row[column] for column in thing.go.primary_key}
    return any(key.items() <= row.items() for row in s.before.get(thing.go.table, ()))


def _is_taken(s: Situation, thing: Thing) -> bool:
    return any(
        all(row[column] == thing.row[column] for column in columns)
        for columns in s.set.unique_columns(thing.go.table)
        for row in s.before.get(thing.go.table, ())
    )


def _is_referenced(s: Situation, thing: Thing, table: str, key: dict[str, Any]) -> bool:
    pairs = list(zip(key["columns"], key["references"], strict=True))
    return any(all(row[own] == thing.row[held] for own, held in pairs) for row in s.before.get(table, ()))


def _carries_unlinked(s: Situation, thing: Thing, name: str) -> bool:
    """Whether the object shows a target in memory that is not linked to it, or not stored, any more."""
    relation = thing.go.relations[name]
    if relation.kind == "belongs_to":
        return False
    target = s.set.models[relation.target]
    for carried in thing.carried.get(name, ()):
        row = {column: carried.get(field) for field, column in target.fields.items()}
        key = {column: row[column] for column in target.primary_key}
        linked = ends(s, relation, thing.row, row).items()
        is_linked = any(linked <= each.items() for each in s.before.get(relation.join_table or target.table, ()))
        if not is_linked or not any(key.items() <= each.items() for each in s.before.get(target.table, ())):
            return True
    return False


def _holds_what_was_unlinked(s: Situation, owner: Thing) -> bool:
    """Whether Go's object still says whom it belonged to, though a verb has emptied the column."""
    names = {column: name for name, column in owner.go.fields.items()}
    return any(
        owner.row[column] is None and owner.shown.get(names[column])
        for relation in owner.go.relations.values()
        if relation.kind == "belongs_to"
        for column, _, _ in relation.references
    )


def _says_another_key(s: Situation, owner: Thing) -> bool:
    """Whether the owner's column names another target than Go's object shows."""
    for name, relation in owner.go.relations.items():
        shown = owner.shown.get(name)
        if relation.kind == "belongs_to" and shown:
            target = s.set.models[relation.target]
            loaded = {column: shown.get(field) for field, column in target.fields.items()}
            if any(owner.row[column] != loaded[held] for column, held, _ in relation.references):
                return True
    return False
