"""Reads what others have published about past incidents, row by row, into incidents of ours.

Two tables are known: Insecurity Insight (the columns of `shared/data/incidents`) and UCDP GED.
Nothing is made exact that the source does not know exactly.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO, TypeVar

from liptako.core.clock import instant_of
from liptako.core.errors import MalformedError
from liptako.core.geo import parse_latitude, parse_longitude
from liptako.ledger.registry import encode_payload
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
from liptako.situation.rules import incident_fault

_INSIGHT_COLUMNS = {
    "event_id", "date", "category", "iso3", "admin1", "lat", "lon", "geo_precision", "description",
    "weapon", "killed", "injured", "kidnapped", "arrested", "source_file",
}  # fmt: skip
_UCDP_COLUMNS = {
    "id", "where_prec", "latitude", "longitude", "where_description", "conflict_name", "side_a",
    "side_b", "country", "date_start", "date_end", "best", "low", "high",
}  # fmt: skip
_MANY_DEAD = 10
_SUMMARY = 157  # characters, and an ellipsis
_MONTH_FIRST = re.compile(r"^[A-Z][a-z]+ \d{4}: *")
_PRECISION = {  # first digit of "geo_precision" → level and metres to draw
    "1": (Level.POINT, 0),
    "2": (Level.RADIUS, 25_000),
    "3": (Level.DISTRICT, 40_000),
    "4": (Level.REGION, 120_000),
    "5": (Level.LINE, 50_000),
    "6": (Level.COUNTRY, 500_000),
}
_WHERE_PREC = {  # UCDP GED codebook, "where_prec"
    "1": (Level.POINT, 0),
    "2": (Level.RADIUS, 25_000),
    "3": (Level.DISTRICT, 40_000),
    "4": (Level.REGION, 120_000),
    "5": (Level.LINE, 50_000),
    "6": (Level.COUNTRY, 500_000),
    "7": (Level.COUNTRY, 500_000),
}
_AFFECTED = {
    "health_care": "health",
    "education": "education",
    "aid_operations": "aid",
    "displaced_persons_protection": "displaced",
    "food_security": "food",
}
_WEAPONS = (
    ("explosive", ("IED", "Explosive", "Grenade")),
    ("mine", ("UXO",)),
    ("arson", ("Arson",)),
    ("shelling", ("Shelling", "Rocket", "Artillery", "Aerial")),
)
_INSIGHT = "Insecurity Insight (CC BY)"
_UCDP = "UCDP GED 23.1 (CC BY 4.0): Sundberg & Melander 2013; Davies, Pettersson & Öberg 2023"


_Row = Mapping[str, str]
_Known = TypeVar("_Known")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An incident as published, the country it happened in, and the line of its table."""

    line: int
    country: str
    incident: Incident


def read_published(table: TextIO) -> Iterator[Published | MalformedError]:
    """Give the incidents of a table; a row that cannot be read gives its error.

    A row is named by the line it ends on. Raises MalformedError if the columns are those of no
    known table.
    """
    rows = csv.DictReader(table, restval="")
    read = _reader_of(rows)
    try:
        for row in rows:
            yield _read_row(read, row, rows.line_num)
    except csv.Error as fault:  # where the next row begins is no longer known
        line = rows.reader.line_num
        yield MalformedError("line %(line)d: %(fault)s", line=line, fault=str(fault))


def row_fault(row: Published) -> MalformedError | None:
    """Return why the incident of a row cannot be written, or nothing."""
    fault = incident_fault(None, row.incident) or _payload_fault(row.incident)
    if row.incident.standing is Standing.LIVE:
        fault = MalformedError("an import brings published or fictional incidents, no live ones")
    if fault is None:
        return None
    return MalformedError("line %(line)d: %(fault)s", line=row.line, fault=fault)


def _payload_fault(incident: Incident) -> MalformedError | None:
    """Return why no record may hold an incident: too long, U+0000, a number too large."""
    try:
        encode_payload(incident)
    except MalformedError as fault:
        return fault
    return None


def _reader_of(rows: "csv.DictReader[str]") -> Callable[[_Row], tuple[str, Incident]]:
    """Return what reads the rows of a table with these columns. Raises MalformedError."""
    try:
        columns = set(rows.fieldnames or ())
    except csv.Error as cause:
        raise MalformedError("table: %(fault)s", fault=str(cause)) from cause
    if columns >= _INSIGHT_COLUMNS:
        return _insecurity_insight
    if columns >= _UCDP_COLUMNS:
        return _ucdp_ged
    raise MalformedError(
        "table: expected the columns of Insecurity Insight or UCDP GED, got %(got)s",
        got=", ".join(sorted(columns))[:80],
    )


def _read_row(
    read: Callable[[_Row], tuple[str, Incident]], row: _Row, line: int
) -> Published | MalformedError:
    """Return what a row tells, or why it cannot be read."""
    try:
        country, incident = read(row)
    except MalformedError as fault:
        return MalformedError("line %(line)d: %(fault)s", line=line, fault=fault)
    except ValueError as cause:
        unread = MalformedError("expected a whole number or a date: %(why)s", why=str(cause))
        return MalformedError("line %(line)d: %(fault)s", line=line, fault=unread)
    return Published(line=line, country=country, incident=incident)


def _one_of(known: Mapping[str, _Known], code: str) -> _Known:
    """Return what a code stands for. Raises MalformedError for an unknown one."""
    if code not in known:
        raise MalformedError(
            "expected one of %(known)s, got %(got)s", known=", ".join(known), got=code[:40]
        )
    return known[code]


def _insecurity_insight(row: _Row) -> tuple[str, Incident]:
    """Return country and incident of a row of Insecurity Insight."""
    level, radius = _one_of(_PRECISION, row["geo_precision"].strip("( ")[:1])
    place = _place(row["lat"], row["lon"], (level, radius), _known(_mended(row["admin1"])))
    text = _MONTH_FIRST.sub("", _mended(row["description"]).strip())
    harm = _insight_harm(row)
    incident = Incident(
        reference=row["event_id"],
        kind=_kind_of(row["weapon"], harm),
        summary=_shortened(text) or row["event_id"],
        text=text,
        period=_day(row["date"], row["date"]),
        place=place,
        severity=_severity(harm),
        status=Status.CLOSED,
        standing=Standing.PUBLISHED,
        affected=("civilians", _one_of(_AFFECTED, row["category"])),
        harm=harm,
        source=Origin(
            words=row["source_file"], credit=_INSIGHT, licence="CC BY", id=row["event_id"]
        ),
    )
    return row["iso3"], incident


def _insight_harm(row: _Row) -> Harm:
    """Return the harm that a row of Insecurity Insight has coded."""
    return Harm(
        killed=_count(row["killed"]),
        injured=_count(row["injured"]),
        abducted=_count(row["kidnapped"]),
        detained=_count(row["arrested"]),
    )


def _ucdp_ged(row: _Row) -> tuple[str, Incident]:
    """Return country and incident of a row of UCDP GED."""
    known = _one_of(_WHERE_PREC, row["where_prec"])
    place = _place(row["latitude"], row["longitude"], known, row["where_description"])
    harm = Harm(killed=_range(row["best"], row["low"], row["high"]))
    text = f"{row['conflict_name']}. {row['side_a']} – {row['side_b']}. {row['where_description']}"
    incident = Incident(
        reference=f"UCDP-{row['id']}",
        kind="attack",
        summary=_shortened(row["conflict_name"] or text),
        text=text,
        period=_day(row["date_start"], row["date_end"]),
        place=place,
        severity=_severity(harm),
        status=Status.CLOSED,
        standing=Standing.PUBLISHED,
        harm=harm,
        source=Origin(credit=_UCDP, licence="CC BY 4.0", id=f"UCDP-{row['id']}"),
    )
    return row["country"], incident


def _place(lat: str, lon: str, known: tuple[Level, int], words: str) -> Place:
    """Return a place no more exact than the source says."""
    level, radius = known
    return Place(
        lat=parse_latitude(lat),
        lon=parse_longitude(lon),
        radius_m=radius,
        level=level,
        words=words,
    )


def _mended(text: str) -> str:
    """Return a text whose accents were spoilt on the way: UTF-8 that was read as Windows-1252."""
    try:
        return text.encode("cp1252").decode()
    except UnicodeError:
        return text


def _known(text: str) -> str:
    """Return a text, unless it says that nothing is known."""
    return "" if text.strip().lower() in {"", "no information"} else text.strip()


def _count(text: str) -> Count | None:
    """Return a number of people; nothing where the source has not coded it."""
    return Count(best=int(text)) if text.strip() else None


def _range(best: str, low: str, high: str) -> Count:
    """Return a number of people between two others."""
    return Count(best=int(best), low=int(low), high=int(high))


def _kind_of(weapon: str, harm: Harm) -> str:
    """Return the kind of incident that weapon and harm tell of."""
    if harm.abducted and harm.abducted.best:
        return "abduction"
    for kind, words in _WEAPONS:
        if any(word in weapon for word in words):
            return kind
    return "arrest" if harm.detained and harm.detained.best else "attack"


def _severity(harm: Harm) -> int:
    """Return 4 for ten dead or more, 3 for dead or abducted, 2 for injured or detained, else 1."""
    dead = harm.killed.best if harm.killed else 0
    if dead >= _MANY_DEAD:
        return 4
    if dead or (harm.abducted and harm.abducted.best):
        return 3
    return (
        2 if (harm.injured and harm.injured.best) or (harm.detained and harm.detained.best) else 1
    )


def _shortened(text: str) -> str:
    """Return the beginning of a text as a summary."""
    line = " ".join(text.split())
    return line if len(line) <= _SUMMARY else line[:_SUMMARY].rsplit(" ", 1)[0] + " …"


def _day(first: str, last: str) -> Period:
    """Return a period of whole days in UTC, the last one included."""
    begins, ends = (datetime.fromisoformat(text[:10]).replace(tzinfo=UTC) for text in (first, last))
    return Period(
        begins=instant_of(begins).milliseconds,
        ends=instant_of(ends).milliseconds if ends != begins else None,
        precision=PeriodPrecision.DAY,
    )
