"""The fence: a database that may have been set back is noticed before anything is signed on it.

A PostgreSQL server counts timelines: a standby that is promoted begins a new one, and so does a
recovery to a point in time. What was written last on the old one may be missing, and partners may
hold it. So our own records go into new logs from there on, as after a restore.
"""

import logging

from django.db import connection

from liptako.core.clock import Instant
from liptako.ledger.models import Counter

logger = logging.getLogger(__name__)

_EPOCH_ZERO = 1_767_225_600_000  # 2026-01-01T00:00:00Z, from which seconds fit into nine digits
_LAST_EPOCH = 999_999_999
_DIGITS = 8  # of the timeline, at the beginning of the name of a file of the server's journal


def timeline() -> int:
    """Return the timeline of the database server; 0 for SQLite, which has none."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_walfile_name(pg_current_wal_lsn())")
        return int(cursor.fetchone()[0][:_DIGITS], 16)


def raise_epoch(counter: Counter, now: Instant) -> None:
    """Let our own records go into new logs. The counter is locked, and saved by whoever calls.

    The epoch is taken from the clock, so that two restores of one backup differ; a clock that is
    wrong costs nothing but that, and one that is decades ahead is not followed: a log's name has no
    more than nine digits for it.
    """
    seconds = (now.milliseconds - _EPOCH_ZERO) // 1000
    counter.epoch = max(counter.epoch + 1, seconds if seconds <= _LAST_EPOCH else 0)
    counter.timeline = timeline()


def begun_at(epoch: int) -> Instant | None:
    """Return when our own logs began anew, as a node was set back; nothing if they never did."""
    return Instant(_EPOCH_ZERO + epoch * 1000) if epoch > 1 else None


def is_passed(counter: Counter) -> bool:
    """Say whether the database server is on another timeline than when the counter was kept."""
    return timeline() != counter.timeline


def pass_by(counter: Counter, now: Instant) -> None:
    """Note the timeline; begin new logs if it is another one than before. The counter is locked."""
    if not is_passed(counter):
        return
    if counter.timeline:
        raise_epoch(counter, now)
        logger.warning(
            "the database server was replaced or recovered: own logs go on in epoch %d",
            counter.epoch,
        )
    counter.timeline = timeline()
