"""The whole content of a node's database at one moment, and how it is put back.

An old backup, a disk that was set back, and the empty database that every test begins with are the
same thing. In SQLite it is a copy of the pages, in PostgreSQL the rows of all tables.
"""

import sqlite3
from contextlib import closing
from typing import Any

Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


class Snapshot:
    """What a database held when this was made; `put_back` makes it hold just that again."""

    def __init__(self, database: Any) -> None:
        """Copy a database."""
        self._database = database
        database.ensure_connection()
        if database.vendor == "sqlite":
            self._pages = sqlite3.connect(":memory:", check_same_thread=False)
            database.connection.backup(self._pages)
        else:
            self._rows = _read_rows(database)

    def put_back(self) -> None:
        """Let the database hold what it held then."""
        if self._database.vendor == "sqlite":
            self._database.ensure_connection()
            self._pages.backup(self._database.connection)
        else:
            _write_rows(self._database, self._rows)


def _read_rows(database: Any) -> Rows:
    """Return the rows of all tables."""
    found: Rows = {}
    with database.cursor() as cursor:
        for table in sorted(database.introspection.django_table_names(only_existing=True)):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")  # noqa: S608 (ours)
            found[table] = ([column[0] for column in cursor.description], cursor.fetchall())
    return found


def _write_rows(database: Any, rows: Rows) -> None:
    """Replace the rows of all tables. References are checked when all of them are there."""
    quote = database.ops.quote_name
    with closing(database.cursor()) as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"TRUNCATE {', '.join(map(quote, rows))}")
        for table, (columns, found) in rows.items():
            names, marks = ", ".join(map(quote, columns)), ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})"  # noqa: S608 (ours)
            if found:
                cursor.executemany(statement, found)
        cursor.execute("COMMIT")


def cells(database: Any) -> bytes:
    """Return every value in every table, each as bytes, with a line end after each."""
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.django_table_names(only_existing=True):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")  # noqa: S608 (ours)
            found += [_bytes(cell) for row in cursor.fetchall() for cell in row]
    return b"\n".join(found)


def _bytes(cell: object) -> bytes:
    """Return a value as bytes."""
    if isinstance(cell, bytes | memoryview | bytearray):
        return bytes(cell)
    return str(cell).encode(errors="replace")
