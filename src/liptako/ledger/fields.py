"""A number that a table is ordered by."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _Base = models.BigIntegerField[int, int]
else:
    _Base = models.BigIntegerField


class PositionField(_Base):
    """A primary key of 64 bits that is given and not drawn.

    In SQLite it is the row's own number, so that the table needs no second tree for it: that takes
    the type INTEGER, of 64 bits there (sqlite.org/lang_createtable.html, ROWIDs and the INTEGER
    PRIMARY KEY); under BIGINT it would have one.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type of the column."""
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the type of a column that names one."""
        return self.db_type(connection)
