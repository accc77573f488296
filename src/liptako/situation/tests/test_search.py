"""The filter of an address: what can be read narrows, what cannot asks for nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from liptako.situation.lists import Filter
from liptako.situation.search import FilterForm, JournalSearch

NIAMEY = ZoneInfo("Africa/Niamey")


def wanted(query, zone=NIAMEY):
    return FilterForm(QueryDict(query), authors=[("BF", "BF"), ("ML", "ML")], zone=zone).wanted()


def test_an_empty_address_asks_for_nothing():
    assert wanted("") == Filter()


def test_every_field_of_an_address_is_read():
    query = "text=crue&kind=flood&severity=3&status=closed&author=BF&standing=live&page=2"
    assert wanted(query) == Filter(
        text="crue", kind="flood", severity=3, status="closed", author="BF", standing="live"
    )


def test_days_begin_and_end_on_the_clocks_of_the_member_and_the_last_one_counts():
    assert wanted("since=2026-11-05&until=2026-11-05") == Filter(
        since=datetime(2026, 11, 4, 23, tzinfo=UTC), until=datetime(2026, 11, 5, 23, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "query",
    [
        "kind=war",
        "severity=high",
        "severity=5",
        "status=%00",
        "author=NE",
        "standing=dead",
        "since=yesterday",
        "until=2026-02-30",
        "since=0001-01-01",
        "until=9999-12-31",
        "text=a%00b",
        "text=" + "x" * 101,
    ],
)
def test_what_cannot_be_read_asks_for_nothing(query):
    assert wanted(query) == Filter()


def test_one_faulty_field_does_not_spoil_the_others():
    assert wanted("kind=flood&since=yesterday") == Filter(kind="flood")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("", "", "")),
        ("text=ronde&incident=0000000000001", ("ronde", "0000000000001", "")),
        ("corrects=0000000000002", ("", "", "0000000000002")),
        ("text=%00&incident=%00&corrects=" + "x" * 14, ("", "", "")),
    ],
)
def test_the_search_of_the_journal_is_read_likewise(query, expected):
    assert JournalSearch(QueryDict(query)).wanted() == expected
