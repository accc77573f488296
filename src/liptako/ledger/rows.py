"""Replaces the rows of threads: the one way in which tables are drawn.

With prepared statements, and from plain values where there are many: a model and its fields cost
several times what the database does with a row.
"""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any

import msgspec
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import RawSQL

from liptako.ledger.models import Audience
from liptako.ledger.records import Thread
from liptako.ledger.registry import Row, Table

Values = list[Any]
"""A row as the database takes it: the value of each column, in the order of the model."""

_Prepare = Callable[[Any], Any]
_PLAIN = (
    models.CharField,
    models.TextField,
    models.BinaryField,
    models.BooleanField,
    models.IntegerField,
    models.ForeignKey,  # ours name their targets by text or number
)
_OFFSET = len("+00:00")
_encoder = msgspec.json.Encoder()


def columns_of(thread: Thread, part: str = "") -> dict[str, str]:
    """Return the columns that every projected row has; `part` tells rows of one thread apart."""
    name = thread.key
    return {
        "key": f"{name}/{part}" if part else name,
        "thread": name,
        "author": thread.author,
        "object": thread.object,
        "audience": thread.audience,
    }


def of_threads(threads: Collection[Thread], table: Table) -> models.Q:
    """Return what finds the rows of threads in a table."""
    keys = one_of([thread.key for thread in threads])
    if table.single:
        return models.Q(key__in=keys)
    return models.Q(object__in=one_of({thread.object for thread in threads}), thread__in=keys)


def keys_about(author: str, objects: Collection[str]) -> RawSQL:
    """Return what `key__in` compares with for all threads of an author about these objects.

    It finds them in a `single` table, which needs no index by object: there is a thread for each
    audience at most, and those are few.
    """
    ids = Audience.objects.values_list("id", flat=True)
    return one_of([Thread(author, name, audience).key for audience in ids for name in objects])


def replace_rows(model: type[models.Model], old: models.Q | None, rows: Sequence[Values]) -> None:
    """Delete the old rows, those `of_threads` if any, and write the new ones: they are prepared."""
    if old is not None:
        model._default_manager.filter(old).delete()
    _insert(model, list(_fields(model).values()), rows)


def insert_values(
    model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Write new rows of these fields, of values that any database takes as they are."""
    fields = _fields(model)
    _insert(model, [fields[name] for name in names], rows)


def prepared_value(model: type[models.Model], name: str, value: object) -> object:
    """Return the value of a field as the database takes it."""
    return _fields(model)[name].get_db_prep_save(value, connection=_database())


def prepared(model: type[models.Model], rows: Sequence[Row]) -> list[Values]:
    """Return rows as the database takes them, in the order of their keys.

    In that order neighbours are written one after the other: an index that is larger than the
    memory of the database is then read and written once for many rows, not once for each.
    """
    if not rows:
        return []
    fields = model._meta.concrete_fields
    values = _values(fields, rows)
    key = next(i for i, field in enumerate(fields) if field.primary_key)
    values.sort(key=itemgetter(key))
    return values


def _fields(model: type[models.Model]) -> "dict[str, models.Field[Any, Any]]":
    """Return the fields of a model that have a column, by their names and in its order."""
    return {field.name: field for field in model._meta.concrete_fields}


def _insert(
    model: type[models.Model],
    fields: "Sequence[models.Field[Any, Any]]",
    rows: Sequence[Sequence[Any]],
) -> None:
    """Write new rows, of values as the database takes them."""
    named = ", ".join(_quoted(field.column) for field in fields if field.column)
    marks = ", ".join(["%s"] * len(fields))
    table = _quoted(model._meta.db_table)
    run_for_each(f"INSERT INTO {table} ({named}) VALUES ({marks})", rows)  # noqa: S608 (ours)


def one_of(names: Collection[str] | Collection[int]) -> RawSQL:
    """Return what `column__in` compares with any number of names as one value, at little cost."""
    database = _database()
    if database.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(names))])
    if any(isinstance(name, int) for name in names):
        return RawSQL("SELECT unnest(%s::bigint[])", [list(names)])
    return RawSQL("SELECT unnest(%s::text[])", [list(names)])


def run_for_each(statement: str, values: Sequence[Sequence[Any]]) -> None:
    """Run one prepared statement with each of these values."""
    if values:
        with _database().cursor() as cursor:
            cursor.executemany(statement, values)


def _database() -> BaseDatabaseWrapper:
    """Return the connection itself: its proxy costs more than the work."""
    return connections[DEFAULT_DB_ALIAS]


def _quoted(name: str) -> str:
    """Return a name as it stands in a statement."""
    return _database().ops.quote_name(name)


def _values(fields: "Sequence[models.Field[Any, Any]]", rows: Sequence[Row]) -> list[Values]:
    """Return the values of rows as the database takes them."""
    database = _database()
    pick = itemgetter(*(field.attname for field in fields))
    prepares = [(i, _prepare_of(field, database)) for i, field in enumerate(fields)]
    needed = [(i, prepare) for i, prepare in prepares if prepare is not None]
    found = []
    for row in rows:
        values = list(pick(row if isinstance(row, dict) else vars(row)))
        for i, prepare in needed:
            values[i] = prepare(values[i])
        found.append(values)
    return found


def _prepare_of(field: "models.Field[Any, Any]", database: BaseDatabaseWrapper) -> _Prepare | None:
    """Return what makes the value of a field fit for the database; nothing if it is so already."""
    prepare: _Prepare = partial(field.get_db_prep_save, connection=database)
    if database.vendor != "sqlite":
        return partial(_json_value, prepare) if isinstance(field, models.JSONField) else prepare
    if isinstance(field, _PLAIN):  # SQLite takes text, numbers and bytes as they are
        return None
    if isinstance(field, models.DateTimeField):
        return partial(_time_text, prepare)
    if isinstance(field, models.JSONField):
        return _json_text
    return prepare


def _time_text(prepare: _Prepare, value: object) -> object:
    """Return a time as Django writes it into SQLite: in UTC, as all of records are, no offset."""
    if isinstance(value, datetime) and value.tzinfo is UTC:
        return str(value)[:-_OFFSET]
    return None if value is None else prepare(value)


def _json_value(prepare: _Prepare, value: object) -> object:
    """Return a value for a JSON column of another database, which takes no Struct."""
    return prepare(msgspec.to_builtins(value))


def _json_text(value: object) -> str | None:
    """Return a value as JSON; nothing for nothing, as Django writes it into SQLite."""
    return None if value is None else _encoder.encode(value).decode()
