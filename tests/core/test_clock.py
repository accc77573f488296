"""Instants: one spelling in, the same spelling out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.clock import Instant, instant_of, parse_instant
from liptako.core.errors import MalformedError

LAST = 253_402_300_799_999


@given(st.integers(0, LAST))
def test_an_instant_reads_what_it_writes(milliseconds):
    assert parse_instant(str(Instant(milliseconds))) == Instant(milliseconds)


def test_an_instant_is_written_in_utc_with_z():
    assert str(Instant(1_790_000_000_123)) == "2026-09-21T14:13:20.123Z"


def test_an_hour_east_of_utc_is_an_hour_earlier_in_utc():
    niamey = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    assert instant_of(niamey) == instant_of(datetime(2026, 1, 1, 11, tzinfo=UTC))


def test_a_time_without_an_offset_is_refused():
    with pytest.raises(MalformedError, match="offset"):
        instant_of(datetime(2026, 1, 1))  # noqa: DTZ001 (the point of the test)


@pytest.mark.parametrize(
    "text",
    ["", "2026-11-23", "2026-11-23T10:00:00+01:00", "2026-02-30T10:00:00Z", "2026-11-23T25:00:00Z"],
)
def test_a_time_in_another_spelling_is_refused(text):
    with pytest.raises(MalformedError, match="expected 2026-11-23T10:00:00Z"):
        parse_instant(text)


@pytest.mark.parametrize("milliseconds", [-1, LAST + 1])
def test_a_time_outside_the_years_that_can_be_written_is_refused(milliseconds):
    with pytest.raises(MalformedError, match="1970 to 9999"):
        Instant(milliseconds)
