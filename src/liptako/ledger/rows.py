"""Replaces the rows of threads: the one way a projection writes its tables."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from liptako.ledger.models import Projected
from liptako.ledger.records import Thread


def columns_of(thread: Thread, part: str = "") -> dict[str, str]:
    """Return the columns that every projected row has; `part` tells rows of one thread apart."""
    key = f"{thread.key}/{part}" if part else thread.key
    return {"key": key, "thread": thread.key, **thread._asdict()}


_IN = 500
Row = TypeVar("Row", bound=Projected)


def replace_rows(model: type[Row], threads: Collection[Thread], rows: Sequence[Row]) -> None:
    """Delete the rows of the threads and write the new ones."""
    keys = [thread.key for thread in threads]
    for i in range(0, len(keys), _IN):
        model._default_manager.filter(thread__in=keys[i : i + _IN]).delete()
    model._default_manager.bulk_create(rows, batch_size=500)
