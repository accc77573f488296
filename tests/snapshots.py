"""The whole content of a node's database at one moment, and how it is put back.

An old backup, a disk that was set back, and the empty database that every test begins with are the
same thing. In SQLite it is a copy of the pages, in PostgreSQL the rows of all tables.
"""

import sqlite3
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
    """Replace the rows of the tables that have changed. References are checked at the end."""
    changed = [table for table, found in _read_rows(database).items() if found != rows[table]]
    database.set_autocommit(False)
    try:
        with database.cursor() as cursor:
            for table in changed:
                cursor.execute(f"DELETE FROM {database.ops.quote_name(table)}")  # noqa: S608 (ours)
            for table in changed:
                _insert(database, cursor, table, *rows[table])
        database.commit()
    finally:
        database.set_autocommit(True)


def _insert(database: Any, cursor: Any, table: str, *rows: Any) -> None:
    """Put rows into a table."""
    (columns, found), quote = rows, database.ops.quote_name
    if found:
        names, marks = ", ".join(map(quote, columns)), ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})", found)  # noqa: S608 (ours)


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
