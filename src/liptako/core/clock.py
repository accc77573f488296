"""Instants as values. Nobody here reads a clock: the time is always an argument.

A `Clock` is handed in from the edge. Times in records are an author's claim and decide nothing
(protocol: order inside a log needs no clock).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from liptako.core.errors import MalformedError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")
_LAST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last instant that RFC 3339 can write


class Instant(msgspec.Struct, frozen=True, order=True):
    """A point in time, as whole milliseconds since 1970-01-01T00:00:00Z."""

    milliseconds: int

    def __post_init__(self) -> None:
        """Raise MalformedError outside the years 1970 to 9999."""
        if not 0 <= self.milliseconds <= _LAST:
            raise MalformedError(
                "time: expected the years 1970 to 9999, got %(got)d ms", got=self.milliseconds
            )

    def __str__(self) -> str:
        """Write RFC 3339 in UTC with milliseconds and `Z`."""
        return self.moment().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def moment(self) -> datetime:
        """Return the same instant as an aware datetime in UTC."""
        return _EPOCH + timedelta(milliseconds=self.milliseconds)


Clock = Callable[[], Instant]


def instant_of(moment: datetime) -> Instant:
    """Return the instant of an aware datetime, cut to milliseconds.

    Raises MalformedError for a datetime without an offset: it would be ambiguous.
    """
    if moment.tzinfo is None:
        raise MalformedError(
            "time: expected an offset from UTC, got %(got)s", got=moment.isoformat()
        )
    return Instant((moment - _EPOCH) // timedelta(milliseconds=1))


def parse_instant(text: str) -> Instant:
    """Read RFC 3339 in UTC (`2026-11-23T10:00:00Z`). Raises MalformedError for anything else."""
    if _RFC3339.fullmatch(text):
        try:
            return instant_of(datetime.fromisoformat(text))
        except ValueError:
            pass  # the shape is right but there is no such day or hour: the same answer
    raise MalformedError("time: expected 2026-11-23T10:00:00Z, got %(got)s", got=text[:40])
