"""What is typed: clocks on the wall, coordinates, harm; and nothing lost that was not asked."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.clock import instant_of
from liptako.core.geo import MICRO
from liptako.situation import words
from liptako.situation.forms import IncidentForm, JournalForm, initial_of
from liptako.situation.records import (
    Count,
    Harm,
    Incident,
    JournalEntry,
    Level,
    Origin,
    Period,
    PeriodPrecision,
    Place,
    Standing,
    Status,
)
from liptako.situation.release_forms import ReleaseForm

NIAMEY, UTC_ZONE = ZoneInfo("Africa/Niamey"), ZoneInfo("UTC")
TYPED = {
    "kind": "flood",
    "summary": "Crue",
    "begins": "2026-11-05T14:30",
    "precision": "minute",
    "where": "Ansongo",
    "severity": "2",
    "status": "reported",
    "precedence": "routine",
}


def posted(fields):
    """Return fields as a browser sends them."""
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        values = value if isinstance(value, tuple | list) else [value]
        data.setlist(name, [str(item) for item in values if item is not None])
    return data


def form(zone=NIAMEY, **changes):
    return IncidentForm(posted(TYPED | changes), zone=zone, initial={})


def typed(zone=NIAMEY, before=None, **changes):
    """Return the incident that the fields give."""
    filled = form(zone, **changes)
    assert filled.errors == {}
    return filled.incident(before)


def moment(*parts):
    return instant_of(datetime(*parts, tzinfo=UTC)).milliseconds


def test_a_full_form_gives_the_incident_that_was_typed():
    incident = typed(
        ends="2026-11-05T15:00",
        lat="15°46'N",
        lon="0,238 O",
        radius_km="2.5",
        severity="4",
        status="confirmed",
        reliability="B",
        credibility="2",
        source="Chef du village",
        affected=["civilians", "food"],
        needs=["water"],
        text=" Le gué est coupé. ",
        killed_best="0",
        injured_best="4",
        injured_low="3",
    )
    assert incident == Incident(
        reference="",
        kind="flood",
        summary="Crue",
        period=Period(begins=moment(2026, 11, 5, 13, 30), ends=moment(2026, 11, 5, 14, 0)),
        place=Place(
            lat=15_766_667, lon=-238_000, radius_m=2_500, level=Level.RADIUS, words="Ansongo"
        ),
        text="Le gué est coupé.",
        severity=4,
        status=Status.CONFIRMED,
        affected=("civilians", "food"),
        harm=Harm(killed=Count(best=0), injured=Count(best=4, low=3)),
        needs=("water",),
        reliability="B",
        credibility=2,
        source=Origin(words="Chef du village"),
    )


@pytest.mark.parametrize(
    ("zone", "precision", "hour"),
    [
        ("Africa/Niamey", "minute", 13),
        ("Africa/Niamey", "hour", 13),
        ("Africa/Niamey", "day", 14),
        ("Africa/Niamey", "month", 14),
        ("Africa/Bamako", "minute", 14),
        ("UTC", "day", 14),
    ],
)
def test_a_clock_on_the_wall_is_that_of_the_member_but_a_day_is_the_same_everywhere(
    zone, precision, hour
):
    period = typed(ZoneInfo(zone), precision=precision).period
    assert period.begins == moment(2026, 11, 5, hour, 30)


def test_a_time_may_be_typed_as_it_is_spoken():
    assert typed(begins="05/11/2026 14:30").period.begins == moment(2026, 11, 5, 13, 30)


@pytest.mark.parametrize(
    ("changes", "faulty"),
    [
        ({"kind": "war"}, {"kind"}),
        ({"kind": ""}, {"kind"}),
        ({"summary": " "}, {"summary"}),
        ({"summary": "x" * 161}, {"summary"}),
        ({"begins": "hier"}, {"begins"}),
        ({"begins": ""}, {"begins"}),
        ({"ends": "demain"}, {"ends"}),
        ({"lat": "91"}, {"lat"}),
        ({"lon": "15 N"}, {"lon"}),
        ({"radius_km": "-1"}, {"radius_km"}),
        ({"radius_km": "nan"}, {"radius_km"}),
        ({"severity": "5"}, {"severity"}),
        ({"reliability": "G"}, {"reliability"}),
        ({"credibility": "7"}, {"credibility"}),
        ({"affected": ["x"]}, {"affected"}),
        ({"text": "x" * 8_001}, {"text"}),
        ({"text": "a\0b"}, {"text"}),
        ({"precedence": "now"}, {"precedence"}),
        ({"killed_best": "-1"}, {"killed_best"}),
        ({"killed_low": "1"}, {"killed_best"}),
        ({"killed_high": "0", "injured_low": "2"}, {"killed_best", "injured_best"}),
        ({"killed_low": "1", "killed_best": "x"}, {"killed_best"}),
        ({"killed_low": "3", "killed_best": "2"}, {"killed_best"}),
        ({"killed_best": "2", "killed_high": "1"}, {"killed_best"}),
        ({"begins": "2026-11-23T09:00", "ends": "2026-11-23T08:59"}, {"ends"}),
        ({"lat": "", "lon": "0"}, {"lat"}),
        ({"lat": "15", "lon": ""}, {"lon"}),
        ({"where": " ", "lat": "", "lon": ""}, {"where"}),
    ],
)
def test_a_field_that_cannot_be_read_is_marked_and_no_other(changes, faulty):
    assert set(form(**changes).errors) == faulty


def test_nothing_typed_is_not_known():
    incident = typed(where="", lat="15", lon="0")
    assert incident.harm == Harm()
    assert (incident.reliability, incident.credibility, incident.source) == ("", 0, Origin())


def test_what_is_ticked_as_fictional_is():
    assert [typed().standing, typed(fictional="on").standing] == [
        Standing.LIVE, Standing.FICTIONAL
    ]  # fmt: skip


def test_published_data_that_is_changed_stays_published_credited_and_inexact():
    before = Incident(
        reference="II-7",
        kind="arson",
        summary="École",
        period=Period(begins=moment(2024, 5, 6), precision=PeriodPrecision.DAY),
        place=Place(lat=16_250_000, lon=-50_000, radius_m=40_000, level=Level.DISTRICT),
        standing=Standing.PUBLISHED,
        source=Origin(words="e.json", credit="Insecurity Insight", licence="CC BY", id="II-7"),
        handled_by="permanence",
    )
    fields = initial_of(before, NIAMEY) | {"summary": "École incendiée", "precedence": "routine"}
    after = IncidentForm(posted(fields), zone=NIAMEY, initial={})
    assert after.is_valid()
    assert after.incident(before) == Incident(
        **{name: getattr(before, name) for name in Incident.__struct_fields__}
        | {"summary": "École incendiée"}
    )


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, Level.DISTRICT),
        ({"where": "Ailleurs"}, Level.DISTRICT),
        ({"lat": "15.1"}, Level.RADIUS),
        ({"radius_km": "5"}, Level.RADIUS),
        ({"radius_km": ""}, Level.POINT),
    ],
)
def test_a_place_keeps_its_level_until_it_is_moved(changes, level):
    there = Place(lat=15_000_000, lon=0, radius_m=40_000, level=Level.DISTRICT, words="Gao")
    before = Incident(
        reference="ML-1", kind="flood", summary="Crue", period=Period(begins=0), place=there
    )
    fields = {"lat": "15", "lon": "0", "radius_km": "40", "where": "Gao"} | changes
    assert typed(before=before, **fields).place.level is level


# What is shown and sent back unchanged is the same incident

minutes = st.integers(0, 250_000_000_000 // 60).map(lambda number: number * 60_000)
people = st.integers(0, 3_000_000)
bounded = st.builds(
    lambda low, more, most: Count(best=low + more, low=low, high=low + more + most),
    people,
    people,
    people,
)
counts = st.none() | bounded | st.builds(Count, best=people)
plain = st.text("abcdeéèà’ ", max_size=20).map(str.strip)
incidents = st.builds(
    Incident,
    reference=st.just("ML-2026-0001"),
    kind=st.sampled_from(sorted(words.KINDS)),
    summary=plain.map(lambda text: text or "Crue"),
    period=st.builds(
        lambda begins, lasts, precision: Period(
            begins=begins, ends=lasts and begins + lasts, precision=precision
        ),
        minutes,
        st.none() | st.integers(1, 10_000).map(lambda number: number * 60_000),
        st.sampled_from(PeriodPrecision),
    ),
    place=st.builds(
        Place,
        lat=st.integers(-90 * MICRO, 90 * MICRO),
        lon=st.integers(-180 * MICRO, 180 * MICRO),
        radius_m=st.integers(0, 2_000_000),
        level=st.sampled_from(Level),
        area=plain,
        words=plain,
    ),
    text=plain,
    severity=st.integers(1, 4),
    status=st.sampled_from(Status),
    standing=st.sampled_from(Standing),
    affected=st.sets(st.sampled_from(sorted(words.AFFECTED)), max_size=3).map(tuple),
    harm=st.builds(Harm, killed=counts, displaced=counts),
    needs=st.sets(st.sampled_from(sorted(words.NEEDS)), max_size=3).map(tuple),
    reliability=st.sampled_from(sorted(words.RELIABILITIES)),
    credibility=st.integers(0, 6),
    source=st.builds(Origin, words=plain, credit=plain, id=plain),
    handled_by=plain,
)
zones = st.sampled_from(["UTC", "Africa/Niamey", "Asia/Kolkata", "America/Caracas"]).map(ZoneInfo)


@given(incidents, zones)
def test_what_is_sent_back_as_it_was_shown_is_the_same_incident(incident, zone):
    shown = initial_of(incident, zone) | {"precedence": "routine"}
    ticked = {"fictional": "on"} if shown.pop("fictional") else {}
    data = posted(shown | ticked)
    same = IncidentForm(data, zone=zone, initial={})
    assert same.errors == {}
    assert same.incident(incident) == incident


# The other forms


def journal_form(**fields):
    filled = JournalForm(posted({"text": "Ronde"} | fields), initial={})
    assert filled.errors == {}
    return filled


def test_a_line_of_the_journal_has_the_time_that_was_typed_on_the_wall():
    entry = journal_form(at="2026-11-05T14:30", incident="0" * 13).entry(NIAMEY)
    assert entry == JournalEntry(at=moment(2026, 11, 5, 13, 30), text="Ronde", incident="0" * 13)


def test_a_line_of_the_journal_without_a_time_is_of_now():
    before = instant_of(timezone.now()).milliseconds
    at = journal_form().entry(NIAMEY).at
    assert before <= at <= instant_of(timezone.now()).milliseconds


@pytest.mark.parametrize(
    "fields", [{"text": " "}, {"text": "x" * 4_001}, {"at": "hier"}, {"corrects": "x" * 14}]
)
def test_a_line_that_cannot_be_read_is_marked(fields):
    filled = JournalForm(posted({"text": "Ronde"} | fields), initial={})
    assert set(filled.errors) == set(fields)


RELEASED = {
    "audience": "all",
    "transform": "cell",
    "summary": "Crue",
    "basis": "Article 6",
    "precedence": "routine",
}


def release_form(**changes):
    return ReleaseForm(
        posted(RELEASED | changes), audiences=[("all", "Tous")], files=(), initial={}
    )


DAY = 86_400_000


@pytest.mark.parametrize(("days", "expected"), [("", None), ("7", 7)])
def test_a_release_ends_with_the_last_of_the_days_that_were_typed(days, expected):
    filled, now = release_form(days=days), instant_of(timezone.now()).milliseconds
    assert filled.is_valid()
    until = filled.until()
    assert until is expected or (until % DAY, (until - now) // DAY) == (0, expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": "others"},
        {"transform": "sharper"},
        {"summary": ""},
        {"basis": " "},
        {"days": "0"},
        {"days": "3651"},
        {"precedence": "now"},
    ],
)
def test_a_release_that_cannot_be_read_is_marked(changes):
    assert set(release_form(**changes).errors) == set(changes)
