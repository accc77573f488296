"""What incidents, journal entries and releases must be, and what a release leaves of an incident.

Pure functions: the same answer on every node.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, MalformedError, RefusedError
from liptako.core.geo import CELL_RADIUS_M, Position, Region, coarse_cell
from liptako.core.records.shared import reason_fault
from liptako.core.refs import audience_id, member_id, parse_object_id
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
    Recalled,
    Release,
    Standing,
    Transform,
)

TEXT_LIMIT = 8_000  # characters
SUMMARY_LIMIT = 160
NAME_LIMIT = 64
JOURNAL_LIMIT = 4_000
RADIUS_LIMIT_M = 2_000_000
_WIDER_THAN_A_CELL = frozenset({Level.LINE, Level.DISTRICT, Level.REGION, Level.COUNTRY})
_CODE = re.compile(r"[a-z_]{1,32}")
_FINENESS = tuple(PeriodPrecision)  # from the minute to the month
_STEPS_MS = {PeriodPrecision.HOUR: 3_600_000, PeriodPrecision.DAY: 86_400_000}
_RELIABILITY = ("", "A", "B", "C", "D", "E", "F")

Verdict = LiptakoError | None
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentState:
    """An incident as its records leave it, to whom it was released, and what was taken back."""

    incident: Incident | None = None
    releases: dict[str, Release] = field(default_factory=dict)
    recalled: dict[str, Recalled] = field(default_factory=dict)


def fold_incident(
    payloads: Sequence[Incident | Release | Recalled],
) -> tuple[IncidentState, list[Verdict]]:
    """Return the state of an incident, and for each record why it is rejected, if so."""
    incident: Incident | None = None
    releases: dict[str, Release] = {}
    recalled: dict[str, Recalled] = {}
    verdicts: list[Verdict] = []
    for payload in payloads:
        if isinstance(payload, Release):
            fault = _release_fault(incident, payload)
            if fault is None:
                releases[payload.audience] = payload
                recalled.pop(payload.audience, None)
        elif isinstance(payload, Recalled):
            fault = _recalled_fault(payload, releases.keys() - recalled.keys())
            if fault is None:
                recalled[payload.audience] = payload
        else:
            fault = incident_fault(incident, payload)
            if fault is None:
                incident = payload
        verdicts.append(fault)
    return IncidentState(incident=incident, releases=releases, recalled=recalled), verdicts


def incident_fault(before: Incident | None, after: Incident) -> Verdict:
    """Return what is wrong with an incident, or nothing."""
    if before is not None and before.reference != after.reference:
        return RefusedError(
            "incident: its reference %(got)s cannot be changed", got=before.reference
        )
    return (
        _text_fault(after)
        or _name_fault(after)
        or _rating_fault(after)
        or _period_fault(after)
        or place_fault(after.place)
        or _harm_fault(after.harm)
        or (None if after.valid_until is None else _spelling(Instant, after.valid_until))
        or _link_fault(after.same_as)
    )


def _link_fault(link: str) -> Verdict:
    """Return what is wrong with what names another incident, or nothing."""
    author, _slash, name = link.partition("/")
    return (_spelling(member_id, author) or _spelling(parse_object_id, name)) if link else None


def _text_fault(incident: Incident) -> Verdict:
    """Return what is wrong with summary or text, or nothing."""
    if not incident.summary.strip() or len(incident.summary) > SUMMARY_LIMIT:
        return RefusedError(
            "incident: expected a summary of 1 to %(limit)d characters", limit=SUMMARY_LIMIT
        )
    if len(incident.text) > TEXT_LIMIT:
        return RefusedError(
            "incident: expected a text of at most %(limit)d characters, got %(got)d",
            limit=TEXT_LIMIT,
            got=len(incident.text),
        )
    return None


def _name_fault(incident: Incident) -> Verdict:
    """Return what is wrong with codes, reference or names, or nothing."""
    codes = (incident.kind, *incident.affected, *incident.needs)
    wrong = [code for code in codes if not _CODE.fullmatch(code)]
    if wrong:
        return RefusedError("incident: expected a code of small letters, got %(got)s", got=wrong[0])
    names = (
        incident.reference, incident.handled_by, incident.source.id, incident.place.area
    )  # fmt: skip
    if not incident.reference or max(map(len, names)) > NAME_LIMIT:
        return RefusedError(
            "incident: expected a reference, and names of at most %(limit)d characters",
            limit=NAME_LIMIT,
        )
    return None


def _rating_fault(incident: Incident) -> Verdict:
    """Return what is wrong with severity, reliability or credibility, or nothing."""
    rated = incident.reliability in _RELIABILITY and 0 <= incident.credibility <= 6  # noqa: PLR2004
    if not rated or not 1 <= incident.severity <= 4:  # noqa: PLR2004 (the bounds of the scales)
        return RefusedError(
            "incident: expected severity 1–4, reliability A–F, credibility 1–6, got %(got)s",
            got=f"{incident.severity} {incident.reliability} {incident.credibility}",
        )
    return None


def _period_fault(incident: Incident) -> Verdict:
    """Return what is wrong with a period, or nothing."""
    begins, ends = incident.period.begins, incident.period.ends
    if ends is not None and ends < begins:
        return RefusedError("incident: it ends before it begins")
    return _spelling(Instant, begins) or (None if ends is None else _spelling(Instant, ends))


def place_fault(place: Place) -> Verdict:
    """Return what is wrong with a place, or nothing."""
    if (place.lat is None) != (place.lon is None):
        return RefusedError("place: expected latitude and longitude, or neither")
    if place.lat is None and not (place.words.strip() or place.area):
        return RefusedError("place: expected coordinates, an area, or words")
    if len(place.words) > TEXT_LIMIT:
        return RefusedError(
            "place: expected words of at most %(limit)d characters, got %(got)d",
            limit=TEXT_LIMIT,
            got=len(place.words),
        )
    if not 0 <= place.radius_m <= RADIUS_LIMIT_M:
        return RefusedError(
            "place: expected a precision of 0 to %(limit)d m, got %(got)d",
            limit=RADIUS_LIMIT_M,
            got=place.radius_m,
        )
    return _spelling(position_of, place)


def _harm_fault(harm: Harm) -> Verdict:
    """Return what is wrong with the counts of harm, or nothing."""
    for name in Harm.__struct_fields__:
        count: Count | None = getattr(harm, name)
        if count is None:
            continue
        low = count.best if count.low is None else count.low
        high = count.best if count.high is None else count.high
        if not 0 <= low <= count.best <= high:
            return RefusedError(
                "harm: expected lowest ≤ best ≤ highest, got %(low)d, %(best)d, %(high)d",
                low=low,
                best=count.best,
                high=high,
            )
    return None


def _release_fault(incident: Incident | None, release: Release) -> Verdict:
    """Return what is wrong with a release, or nothing."""
    if incident is None:
        return RefusedError("release: there is no incident that could be released")
    if not release.basis.strip():
        return RefusedError("release: expected the basis on which it is given")
    if release.audience != audience_id(release.members):
        return RefusedError("release: its audience is not that of its members")
    return None if release.until is None else _spelling(Instant, release.until)


def _recalled_fault(payload: Recalled, released: Collection[str]) -> Verdict:
    """Return what is wrong with taking a release back, or nothing."""
    if payload.audience not in released:
        return RefusedError("recall: it is not released to this audience")
    return reason_fault(payload.reason)


def _spelling(read: Callable[[T], object], value: T) -> Verdict:
    """Return what is wrong with a value that something reads, or nothing."""
    try:
        read(value)
    except MalformedError as fault:
        return fault
    return None


def journal_fault(earlier: JournalEntry | None, entry: JournalEntry) -> Verdict:
    """Return what is wrong with a journal entry, or nothing. It is written once."""
    if earlier is not None:
        return RefusedError("journal: an entry is written once; correct it by another")
    if not entry.text.strip() or len(entry.text) > JOURNAL_LIMIT:
        return RefusedError(
            "journal: expected a text of 1 to %(limit)d characters", limit=JOURNAL_LIMIT
        )
    names = filter(None, (entry.incident, entry.corrects))
    faults = (_spelling(parse_object_id, name) for name in names)
    return next(filter(None, faults), None) or _spelling(Instant, entry.at)


def position_of(place: Place) -> Position | None:
    """Return the coordinates of a place, if it has any. Raises MalformedError off the Earth."""
    if place.lat is None or place.lon is None:
        return None
    return Position(lat=place.lat, lon=place.lon)


def transformed(
    incident: Incident, transform: Transform, region: Region | None, summary: str
) -> Incident:
    """Return what an audience gets of an incident, under the summary written for them.

    Never who handles it, what else tells the same, nor the words about the source of our own
    report, be it made up; published data keeps its credit. What is coarser also loses the words of
    the place and the text, and tells the time to the hour (a cell) or the day (a region). Raises
    RefusedError if no region is known where one is asked for.
    """
    source = incident.source if incident.standing is Standing.PUBLISHED else Origin()
    common = {"summary": summary, "handled_by": "", "same_as": "", "source": source}
    if transform is Transform.AS_IS:
        return msgspec.structs.replace(incident, **common)
    if transform is Transform.CELL:
        place, period = _cell_of(incident.place), _coarser(incident.period, PeriodPrecision.HOUR)
    else:
        place, period = _region_of(region), _coarser(incident.period, PeriodPrecision.DAY)
    return msgspec.structs.replace(incident, place=place, period=period, text="", **common)


def _coarser(period: Period, precision: PeriodPrecision) -> Period:
    """Return a period no more exact than that, in UTC."""
    if _FINENESS.index(period.precision) > _FINENESS.index(precision):
        return period
    step = _STEPS_MS[precision]
    ends = None if period.ends is None else period.ends // step * step
    return Period(begins=period.begins // step * step, ends=ends, precision=precision)


def _cell_of(place: Place) -> Place:
    """Return the 5-minute cell of a place, in words and metres no more exact than it is known."""
    exact = position_of(place)
    if exact is None:
        raise RefusedError("release: a place without coordinates has no cell; release its region")
    level = Level.RADIUS if place.radius_m > CELL_RADIUS_M else Level.CELL
    if place.level in _WIDER_THAN_A_CELL:
        level = place.level
    middle = coarse_cell(exact)
    radius = min(place.radius_m + CELL_RADIUS_M, RADIUS_LIMIT_M)
    return Place(lat=middle.lat, lon=middle.lon, radius_m=radius, level=level)


def _region_of(region: Region | None) -> Place:
    """Return a region as a place."""
    if region is None:
        raise RefusedError("release: no region is known for this place; release its cell")
    return Place(
        lat=region.middle.lat,
        lon=region.middle.lon,
        radius_m=region.radius_m,
        level=Level.REGION,
        area=region.code,
        words=region.name,
    )
