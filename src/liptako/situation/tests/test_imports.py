"""Reading published tables: nothing more exact than its source, every faulty row by its line."""

import io
from datetime import UTC, datetime

import pytest

from liptako.core.errors import MalformedError
from liptako.situation.imports import Published, read_published
from liptako.situation.records import (
    Count,
    Harm,
    Incident,
    Level,
    Origin,
    Period,
    PeriodPrecision,
    Place,
    Standing,
    Status,
)

INSIGHT = {
    "event_id": "II-7",
    "date": "2024-05-06",
    "category": "education",
    "iso3": "MLI",
    "admin1": "Gao",
    "lat": "16.25",
    "lon": "-0.05",
    "geo_precision": "(2) 25 km Precision",
    "description": "May 2024: Une école  incendiée.",
    "weapon": "Arson",
    "killed": "0",
    "injured": "",
    "kidnapped": "",
    "arrested": "",
    "source_file": "education.json",
}
UCDP = {
    "id": "9",
    "where_prec": "1",
    "latitude": "14.5",
    "longitude": "-4",
    "where_description": "Hombori",
    "conflict_name": "Mali: Government",
    "side_a": "A",
    "side_b": "B",
    "country": "Mali",
    "date_start": "2019-01-01",
    "date_end": "2019-01-03",
    "best": "12",
    "low": "0",
    "high": "23",
}


CATEGORIES = (
    "expected one of health_care, education, aid_operations, "
    "displaced_persons_protection, food_security, got "
)


def table(*rows):
    """Return rows as a table with a line of columns."""
    lines = [",".join(rows[0]), *(",".join(f'"{cell}"' for cell in row.values()) for row in rows)]
    return io.StringIO("\n".join(lines))


def read(*rows):
    return list(read_published(table(*rows)))


def day(year, month, number):
    return int(datetime(year, month, number, tzinfo=UTC).timestamp() * 1000)


def insight(**changes):
    """Return the incident of a row of Insecurity Insight."""
    (row,) = read(INSIGHT | changes)
    return row.incident


def test_a_row_of_insecurity_insight_is_read_as_a_published_incident():
    incident = Incident(
        reference="II-7",
        kind="arson",
        summary="Une école incendiée.",
        text="Une école  incendiée.",
        period=Period(begins=day(2024, 5, 6), precision=PeriodPrecision.DAY),
        place=Place(lat=16_250_000, lon=-50_000, radius_m=25_000, level=Level.RADIUS, words="Gao"),
        severity=1,
        status=Status.CLOSED,
        standing=Standing.PUBLISHED,
        affected=("civilians", "education"),
        harm=Harm(killed=Count(best=0)),
        source=Origin(
            words="education.json",
            credit="Insecurity Insight (CC BY)",
            licence="CC BY",
            id="II-7",
        ),
    )
    assert read(INSIGHT) == [Published(line=2, country="MLI", incident=incident)]


def test_a_row_of_ucdp_is_read_as_a_published_incident():
    credit = "UCDP GED 23.1 (CC BY 4.0): Sundberg & Melander 2013; Davies, Pettersson & Öberg 2023"
    incident = Incident(
        reference="UCDP-9",
        kind="attack",
        summary="Mali: Government",
        text="Mali: Government. A – B. Hombori",
        period=Period(begins=day(2019, 1, 1), ends=day(2019, 1, 3), precision=PeriodPrecision.DAY),
        place=Place(lat=14_500_000, lon=-4_000_000, words="Hombori"),
        severity=4,
        status=Status.CLOSED,
        standing=Standing.PUBLISHED,
        harm=Harm(killed=Count(best=12, low=0, high=23)),
        source=Origin(credit=credit, licence="CC BY 4.0", id="UCDP-9"),
    )
    assert read(UCDP) == [Published(line=2, country="Mali", incident=incident)]


@pytest.mark.parametrize(
    ("precision", "level", "radius_m"),
    [
        ("(1) Exact", Level.POINT, 0),
        ("(2) 25 km precision", Level.RADIUS, 25_000),
        ("(3) District, communicipality, commune", Level.DISTRICT, 40_000),
        ("(4) Province, state, governorate", Level.REGION, 120_000),
        ("(5) Linear Feature e.g. Along Road/River", Level.LINE, 50_000),
        ("(6) Country", Level.COUNTRY, 500_000),
    ],
)
def test_a_place_is_as_exact_as_its_source_says(precision, level, radius_m):
    place = insight(geo_precision=precision).place
    assert (place.level, place.radius_m) == (level, radius_m)


@pytest.mark.parametrize(
    ("weapon", "harm", "kind"),
    [
        ("Firearms", {"kidnapped": "2"}, "abduction"),
        ("Unspecified IED", {}, "explosive"),
        ("Hand Grenade", {}, "explosive"),
        ("UXO", {}, "mine"),
        ("Arson", {"arrested": "1"}, "arson"),
        ("Aerial Bomb: Plane", {}, "shelling"),
        ("Unarmed Perpetrator", {"arrested": "1"}, "arrest"),
        ("Firearms", {"arrested": "0"}, "attack"),
    ],
)
def test_weapon_and_harm_tell_the_kind(weapon, harm, kind):
    assert insight(weapon=weapon, **harm).kind == kind


@pytest.mark.parametrize(
    ("harm", "severity"),
    [
        ({"killed": "10"}, 4),
        ({"killed": "9"}, 3),
        ({"kidnapped": "1"}, 3),
        ({"injured": "1"}, 2),
        ({"arrested": "1"}, 2),
        ({"killed": "", "injured": "0", "arrested": "0", "kidnapped": "0"}, 1),
    ],
)
def test_harm_tells_the_severity(harm, severity):
    assert insight(**harm).severity == severity


def test_what_the_source_has_not_coded_is_not_known():
    assert insight(killed="", injured="3").harm == Harm(injured=Count(best=3))


def test_a_source_that_knows_no_place_name_gives_none():
    assert insight(admin1="No Information").place.words == ""


@pytest.mark.parametrize(
    ("text", "mended"),
    [("Tillabéri".encode().decode("cp1252"), "Tillabéri"), ("São Ségou", "São Ségou")],
)
def test_accents_that_were_spoilt_on_the_way_are_mended_and_others_left(text, mended):
    incident = insight(admin1=text, description=text)
    assert (incident.place.words, incident.text) == (mended, mended)


def test_a_row_without_a_description_is_called_by_its_id():
    assert insight(description=" ").summary == "II-7"


@pytest.mark.parametrize("text", ["mot " * 80, "x" * 300])
def test_a_long_description_is_shortened_to_a_summary_and_kept_as_text(text):
    incident = insight(description=text)
    assert (len(incident.summary) <= 160, incident.summary[-1]) == (True, "…")
    assert incident.text == text.strip()


NUMBER = "expected a whole number or a date: "


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"lat": ""}, "coordinate: expected degrees up to 90 such as 14.35 or 14°21'N, got "),
        ({"date": "6 mai"}, NUMBER + "Invalid isoformat string: '6 mai'"),
        ({"date": "1969-12-31"}, "time: expected the years 1970 to 9999, got -86400000 ms"),
        ({"killed": "many"}, NUMBER + "invalid literal for int() with base 10: 'many'"),
        ({"geo_precision": ""}, "expected one of 1, 2, 3, 4, 5, 6, got "),
        ({"category": "war"}, CATEGORIES + "war"),
    ],
)
def test_a_row_that_cannot_be_read_says_why_and_stops_no_other(changes, fault):
    good, bad, last = read(INSIGHT, INSIGHT | changes, INSIGHT)
    assert str(bad) == f"line 3: {fault}"
    assert (good.line, last.line) == (2, 4)


def test_a_row_is_named_by_its_line_even_behind_blank_lines_and_texts_of_several_lines():
    lines = table(INSIGHT | {"description": "a\nb"}, INSIGHT).getvalue().splitlines()
    text = "\n".join([*lines[:3], "", lines[3]])
    assert [row.line for row in read_published(io.StringIO(text))] == [3, 5]


def test_a_row_that_was_cut_off_is_faulty():
    whole = table(INSIGHT, INSIGHT).getvalue()
    good, bad = read_published(io.StringIO(whole[:-150]))
    assert isinstance(good, Published)
    assert str(bad).startswith("line 3: ")


def test_nothing_is_read_behind_a_row_that_no_table_may_hold():
    good, bad = read(INSIGHT, INSIGHT | {"description": "x" * 140_000}, INSIGHT)
    assert isinstance(good, Published)
    assert str(bad) == "line 3: field larger than field limit (131072)"


@pytest.mark.parametrize("last", ["2019-01-01", "9999-12-31"])
def test_a_period_ends_with_its_last_day(last):
    (row,) = read(UCDP | {"date_end": last})
    ends = None if last == "2019-01-01" else 253_402_214_400_000
    assert row.incident.period.ends == ends


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", ""),
        ("a,b\n1,2\n", "a, b"),
        ("event_id,category,geo_precision\n", "category, event_id, geo_precision"),
    ],
)
def test_a_table_with_unknown_columns_is_refused(text, got):
    with pytest.raises(MalformedError) as caught:
        list(read_published(io.StringIO(text)))
    expected = "table: expected the columns of Insecurity Insight or UCDP GED, got "
    assert str(caught.value) == expected + got


def test_a_table_whose_columns_cannot_be_read_is_refused():
    with pytest.raises(MalformedError, match="table: field larger than field limit"):
        list(read_published(io.StringIO("x" * 140_000)))
