"""What was changed of an own incident, when and by which office: its versions, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from liptako.core.refs import audience_id
from liptako.ledger.node import Node
from liptako.ledger.reader import thread_records
from liptako.ledger.records import Record, Thread
from liptako.situation.display import words_of
from liptako.situation.projection import as_row
from liptako.situation.records import INCIDENT, Incident, Place
from liptako.web.fields import PRECEDENCES, wall_text
from liptako.web.templatetags.liptako import degrees


class Change(NamedTuple):
    """What a field said before and what it says now; of a long text only that it has changed."""

    label: Promise
    before: str
    after: str


class Version(NamedTuple):
    """A version of an incident: when, by which office, and what it changed; the first one all."""

    at: datetime
    office: str
    changes: Sequence[Change]


LONG = 200
"""Characters above which a text is not repeated."""


def versions_of(node: Node, name: str, zone: tzinfo) -> list[Version]:
    """Return the versions of an own incident, the latest first; times are of the zone's clock."""
    thread = Thread(node.member, name, audience_id(node.alone))
    records = [item for item in thread_records(thread) if item.header.kind == INCIDENT]
    found = [
        Version(after.header.time.moment(), after.header.office, _changes(before, after, zone))
        for before, after in pairwise(records)
    ]
    first = [Version(item.header.time.moment(), item.header.office, ()) for item in records[:1]]
    return [*reversed(found), *first]


def _changes(before: Record, after: Record, zone: tzinfo) -> list[Change]:
    """Return what differs between two versions."""
    told = zip(_told(before, zone), _told(after, zone), strict=True)
    return [
        Change(label, _short(old), _short(new))
        for (label, old), (_label, new) in told
        if old != new
    ]


def _count(count: Mapping[str, int | None]) -> str:
    """Return a number of people, and between which numbers it lies."""
    low, high = count.get("low"), count.get("high")
    if low is None and high is None:
        return str(count["best"])
    return f"{count['best']} ({'' if low is None else low}–{'' if high is None else high})"


def _short(text: str) -> str:
    """Return a text, or where it goes on."""
    return text if len(text) <= LONG else f"{text[:LONG]} …"


def _position(place: Place) -> str:
    """Return the coordinates of a place and how exactly they are known, if it has any."""
    if place.lat is None or place.lon is None:
        return ""
    return f"{degrees(place.lat, 'lat')} {degrees(place.lon, 'lon')} ±{place.radius_m} m"


def _told(version: Record, zone: tzinfo) -> list[tuple[Promise, str]]:
    """Return what a version says, field by field, in the order of the page."""
    incident: Incident = version.payload
    row = as_row(incident)
    words, place, period = words_of(row), incident.place, incident.period
    harm = ", ".join(f"{word} {_count(count)}" for word, count in words["harm"])
    return [
        (_("Kind"), str(words["kind"])),
        (_("Severity"), str(words["severity"])),
        (_("Status"), str(words["status"])),
        (_("Precedence"), str(PRECEDENCES[version.header.precedence])),
        (_("Summary"), incident.summary),
        (
            _("When"),
            f"{wall_text(period.begins, zone)} {wall_text(period.ends, zone) or ''}".strip(),
        ),
        (_("How exactly"), str(words["precision"])),
        (_("Where, in words"), place.words or place.area),
        (_("Where"), _position(place)),
        (_("Harm to civilians"), harm),
        (_("Affected"), ", ".join(map(str, words["affected"]))),
        (_("Needs"), ", ".join(map(str, words["needs"]))),
        (_("Reliability of the source"), str(words["reliability"])),
        (_("Credibility of the report"), str(words["credibility"])),
        (_("Source, in words"), incident.source.words),
        (_("Text"), incident.text),
        (_("Handled by"), incident.handled_by),
        (_("To be looked at again"), wall_text(incident.valid_until, zone) or ""),
        (_("The same event as"), incident.same_as),
    ]
