"""What incidents, releases and entries must be, and what a release never tells."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import RefusedError
from liptako.core.geo import CELL_RADIUS_M, MICRO, Position, Region, coarse_cell, distance_m
from liptako.core.refs import audience_id
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
    Release,
    Standing,
    Transform,
)
from liptako.situation.rules import (
    RADIUS_LIMIT_M,
    IncidentState,
    fold_incident,
    incident_fault,
    journal_fault,
    place_fault,
    position_of,
    transformed,
)

LAST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
TIME = 1_790_000_000_000  # 2026-09-21T14:13:20Z
HOUR, DAY = TIME // 3_600_000 * 3_600_000, TIME // 86_400_000 * 86_400_000
GAO = Region(code="ML-7", name="Gao", middle=Position(lat=16_000_000, lon=0), radius_m=400_000)


def incident(**changes):
    fields = {
        "reference": "ML-2026-0001",
        "kind": "attack",
        "summary": "Attaque",
        "period": Period(begins=0),
        "place": Place(words="Tessit"),
    }
    return Incident(**(fields | changes))


def release(*members, **changes):
    fields = {
        "audience": audience_id(members),
        "members": members,
        "transform": Transform.CELL,
        "basis": "Article 6",
    }
    return Release(**(fields | changes))


def told(verdicts):
    """Return faults as their English texts."""
    return [verdict and str(verdict) for verdict in verdicts]


# Incidents


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"summary": "x" * 160, "text": "x" * 8_000, "reference": "x" * 64},
        {"severity": 1, "reliability": "F", "credibility": 6},
        {"severity": 4, "reliability": "A", "credibility": 1},
        {"period": Period(begins=7, ends=7)},
        {"period": Period(begins=LAST)},
        {"harm": Harm(killed=Count(best=0), injured=Count(best=4, low=4, high=4))},
        {"affected": ("civilians",), "needs": ("water", "of_a_later_version")},
    ],
)
def test_an_incident_within_all_bounds_is_accepted(changes):
    assert incident_fault(None, incident(**changes)) is None


REFERENCE = "incident: expected a reference, and names of at most 64 characters"
RATING = "incident: expected severity 1–4, reliability A–F, credibility 1–6, got "
SUMMARY = "incident: expected a summary of 1 to 160 characters"
YEARS = "time: expected the years 1970 to 9999, got %d ms"
HARM = "harm: expected lowest ≤ best ≤ highest, got "


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"summary": " "}, SUMMARY),
        ({"summary": "x" * 161}, SUMMARY),
        ({"text": "x" * 8_001}, "incident: expected a text of at most 8000 characters, got 8001"),
        ({"kind": ""}, "incident: expected a code of small letters, got "),
        ({"kind": "x" * 33}, "incident: expected a code of small letters, got " + "x" * 33),
        ({"affected": ("a", "B")}, "incident: expected a code of small letters, got B"),
        ({"needs": ("é",)}, "incident: expected a code of small letters, got é"),
        ({"reference": ""}, REFERENCE),
        ({"reference": "x" * 65}, REFERENCE),
        ({"handled_by": "x" * 65}, REFERENCE),
        ({"source": Origin(id="x" * 65)}, REFERENCE),
        ({"place": Place(area="x" * 65)}, REFERENCE),
        ({"severity": 0}, RATING + "0  0"),
        ({"severity": 5}, RATING + "5  0"),
        ({"reliability": "G"}, RATING + "2 G 0"),
        ({"credibility": -1}, RATING + "2  -1"),
        ({"credibility": 7}, RATING + "2  7"),
        ({"period": Period(begins=-1)}, YEARS % -1),
        ({"period": Period(begins=0, ends=LAST + 1)}, YEARS % (LAST + 1)),
        ({"period": Period(begins=1, ends=0)}, "incident: it ends before it begins"),
        ({"place": Place()}, "place: expected coordinates, an area, or words"),
        ({"harm": Harm(killed=Count(best=-1))}, HARM + "-1, -1, -1"),
        ({"harm": Harm(injured=Count(best=2, low=3))}, HARM + "3, 2, 2"),
        ({"harm": Harm(displaced=Count(best=4, high=3))}, HARM + "4, 4, 3"),
        ({"harm": Harm(detained=Count(best=4, low=-1))}, HARM + "-1, 4, 4"),
    ],
)
def test_an_incident_out_of_bounds_is_refused_with_what_was_expected(changes, fault):
    assert str(incident_fault(None, incident(**changes))) == fault


def test_the_reference_of_an_incident_stays_for_ever():
    fault = incident_fault(incident(), incident(reference="ML-2026-0002"))
    assert str(fault) == "incident: its reference ML-2026-0001 cannot be changed"


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (Place(lat=0), "place: expected latitude and longitude, or neither"),
        (Place(lon=0, words="Tessit"), "place: expected latitude and longitude, or neither"),
        (Place(words=" "), "place: expected coordinates, an area, or words"),
        (
            Place(words="x" * 8_001),
            "place: expected words of at most 8000 characters, got 8001",
        ),
        (Place(area="ML-7", radius_m=-1), "place: expected a precision of 0 to 2000000 m, got -1"),
        (
            Place(area="ML-7", radius_m=2_000_001),
            "place: expected a precision of 0 to 2000000 m, got 2000001",
        ),
        (
            Place(lat=90_000_001, lon=0),
            "place: expected latitude −90 to 90, longitude −180 to 180, got 90.000001, 0.0",
        ),
    ],
)
def test_a_place_that_cannot_be_is_refused(place, fault):
    assert str(place_fault(place)) == fault


@pytest.mark.parametrize(
    "place", [Place(area="ML-7"), Place(words="Tessit"), Place(lat=0, lon=0, radius_m=2_000_000)]
)
def test_an_area_words_or_coordinates_make_a_place(place):
    assert place_fault(place) is None


def test_only_a_place_with_coordinates_has_a_position():
    assert position_of(Place(words="Tessit")) is None
    assert position_of(Place(lat=1, lon=-2)) == Position(lat=1, lon=-2)


# Folding


def test_of_an_incident_the_last_good_version_stands():
    bad, good = incident(severity=9), incident(severity=4)
    state, verdicts = fold_incident([incident(), bad, good])
    assert state == IncidentState(incident=good)
    assert told(verdicts) == [None, RATING + "9  0", None]


def test_of_the_releases_to_an_audience_the_last_good_one_stands():
    first, last, other = release("BF", "ML"), release("ML", "BF", until=7), release("ML", "NE")
    bad = release("ML", "NE", basis=" ")
    state, verdicts = fold_incident([incident(), first, other, bad, last])
    assert state.releases == {last.audience: last, other.audience: other}
    assert told(verdicts) == [
        None, None, None, "release: expected the basis on which it is given", None
    ]  # fmt: skip


def test_what_is_not_there_cannot_be_released():
    state, verdicts = fold_incident([release("BF", "ML")])
    assert state == IncidentState()
    assert told(verdicts) == ["release: there is no incident that could be released"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"audience": audience_id(["ML"])}, "release: its audience is not that of its members"),
        ({"until": -1}, YEARS % -1),
    ],
)
def test_a_release_that_contradicts_itself_is_refused(changes, fault):
    _, verdicts = fold_incident([incident(), release("BF", "ML", **changes)])
    assert told(verdicts) == [None, fault]


# Journal


def test_an_entry_may_name_an_incident_and_the_entry_that_it_corrects():
    entry = JournalEntry(at=0, text="x" * 4_000, incident="0" * 13, corrects="1" * 13)
    assert journal_fault(None, entry) is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"text": " "}, "journal: expected a text of 1 to 4000 characters"),
        ({"text": "x" * 4_001}, "journal: expected a text of 1 to 4000 characters"),
        (
            {"incident": "ML-2026-0001"},
            "object: expected 13 letters or digits without i, l, o, u, got ML-2026-0001",
        ),
        (
            {"corrects": "0"},
            "object: expected 13 letters or digits without i, l, o, u, got 0",
        ),
        ({"at": -1}, YEARS % -1),
    ],
)
def test_an_entry_out_of_bounds_is_refused(changes, fault):
    entry = msgspec.structs.replace(JournalEntry(at=0, text="Ronde"), **changes)
    assert str(journal_fault(None, entry)) == fault


def test_an_entry_is_written_once():
    entry = JournalEntry(at=0, text="Ronde")
    fault = journal_fault(entry, entry)
    assert str(fault) == "journal: an entry is written once; correct it by another"


# What a release leaves of an incident

lats = st.integers(-90 * MICRO, 90 * MICRO)
lons = st.integers(-180 * MICRO, 180 * MICRO)
radii = st.integers(0, RADIUS_LIMIT_M)
exact_places = st.builds(
    Place,
    lat=lats,
    lon=lons,
    radius_m=radii,
    level=st.sampled_from(Level),
    area=st.just("§area"),
    words=st.just("§words"),
)
secret_incidents = st.builds(
    Incident,
    reference=st.just("ML-2026-0001"),
    kind=st.sampled_from(["attack", "flood"]),
    summary=st.just("§summary"),
    period=st.builds(Period, begins=st.integers(0, LAST)),
    place=exact_places,
    text=st.just("§text"),
    standing=st.sampled_from([Standing.LIVE, Standing.FICTIONAL]),
    source=st.just(Origin(words="§source", credit="§credit", licence="§licence", id="§id")),
    handled_by=st.just("§office"),
)
coarse = st.sampled_from([Transform.CELL, Transform.REGION])


@given(secret_incidents, coarse)
def test_a_coarse_release_tells_no_words_but_the_summary_written_for_it(known, transform):
    out = transformed(known, transform, GAO, "Attaque dans le Gourma")
    assert "§" not in msgspec.json.encode(out).decode()
    assert out.summary == "Attaque dans le Gourma"


@given(secret_incidents)
def test_a_release_as_it_is_tells_neither_who_handles_it_nor_its_source(known):
    out = transformed(known, Transform.AS_IS, None, "Attaque")
    assert out == msgspec.structs.replace(known, summary="Attaque", source=Origin(), handled_by="")


@given(secret_incidents, st.sampled_from(Transform))
def test_published_data_keeps_its_credit(known, transform):
    published = msgspec.structs.replace(known, standing=Standing.PUBLISHED)
    assert transformed(published, transform, GAO, "Attaque").source == known.source


@given(secret_incidents, exact_places)
def test_a_region_is_the_same_wherever_in_it_the_incident_was(known, elsewhere):
    moved = msgspec.structs.replace(known, place=elsewhere)
    out = transformed(known, Transform.REGION, GAO, "Attaque")
    assert out == transformed(moved, Transform.REGION, GAO, "Attaque")
    assert out.place == Place(
        lat=16_000_000, lon=0, radius_m=400_000, level=Level.REGION, area="ML-7", words="Gao"
    )


cells_inside = st.integers(-41_666, 41_666)  # micro-degrees from the middle of a 5-minute cell


@given(secret_incidents, cells_inside, cells_inside)
def test_a_cell_is_the_same_wherever_in_it_the_incident_was(known, north, east):
    middle = coarse_cell(position_of(known.place))
    elsewhere = msgspec.structs.replace(known.place, lat=middle.lat + north, lon=middle.lon + east)
    moved = msgspec.structs.replace(known, place=elsewhere)
    out = transformed(known, Transform.CELL, None, "Attaque")
    assert out == transformed(moved, Transform.CELL, None, "Attaque")
    assert position_of(out.place) == middle


@given(secret_incidents)
def test_the_circle_of_a_cell_holds_the_one_that_was_known(known):
    place = transformed(known, Transform.CELL, None, "Attaque").place
    apart = distance_m(position_of(place), position_of(known.place))
    assert apart <= CELL_RADIUS_M
    assert place.radius_m == min(known.place.radius_m + CELL_RADIUS_M, RADIUS_LIMIT_M)
    assert place_fault(place) is None


@pytest.mark.parametrize(
    ("level", "radius_m", "expected"),
    [
        (Level.POINT, 0, Level.CELL),
        (Level.RADIUS, 6_600, Level.CELL),
        (Level.RADIUS, 6_601, Level.RADIUS),
        (Level.POINT, 25_000, Level.RADIUS),
        (Level.LINE, 0, Level.LINE),
        (Level.DISTRICT, 40_000, Level.DISTRICT),
        (Level.REGION, 0, Level.REGION),
        (Level.COUNTRY, 500_000, Level.COUNTRY),
    ],
)
def test_a_place_known_less_exactly_than_a_cell_is_not_called_one(level, radius_m, expected):
    known = incident(place=Place(lat=15_046_000, lon=-238_000, radius_m=radius_m, level=level))
    assert transformed(known, Transform.CELL, None, "Attaque").place.level is expected


def test_a_place_in_words_has_no_cell():
    with pytest.raises(RefusedError, match="a place without coordinates has no cell"):
        transformed(incident(), Transform.CELL, None, "Attaque")


def test_a_region_that_nobody_knows_cannot_be_released():
    with pytest.raises(RefusedError, match="no region is known for this place"):
        transformed(incident(), Transform.REGION, None, "Attaque")


@pytest.mark.parametrize(
    ("transform", "precision", "expected"),
    [
        (Transform.AS_IS, "minute", Period(begins=TIME, ends=TIME + 60_000)),
        (Transform.CELL, "minute", Period(begins=HOUR, ends=HOUR, precision="hour")),
        (Transform.REGION, "minute", Period(begins=DAY, ends=DAY, precision="day")),
        (Transform.REGION, "hour", Period(begins=DAY, ends=DAY, precision="day")),
        (Transform.CELL, "day", Period(begins=TIME, ends=TIME + 60_000, precision="day")),
        (Transform.REGION, "month", Period(begins=TIME, ends=TIME + 60_000, precision="month")),
    ],
)
def test_a_coarse_release_tells_the_time_no_more_exactly(transform, precision, expected):
    place = Place(lat=16_270_000, lon=-44_000)
    known = incident(
        place=place,
        period=Period(begins=TIME, ends=TIME + 60_000, precision=PeriodPrecision(precision)),
    )
    period = transformed(known, transform, GAO, "Attaque").period
    assert period == expected


def test_an_end_that_is_not_known_stays_so():
    known = incident(place=Place(lat=0, lon=0), period=Period(begins=TIME))
    assert transformed(known, Transform.CELL, None, "Attaque").period.ends is None
