"""Kinds of record of the desk: journal entries, incidents with files, releases.

An incident record holds the whole incident as it stands; the next one about the same object
replaces it. What partners get is a record of the same kind for their audience, exact or coarser.
There is no field for the name of a person, and none for a unit.
"""

import enum

import msgspec

JOURNAL = "situation.journal/1"
INCIDENT = "situation.incident/1"
RELEASE = "situation.release/1"
RECALLED = "situation.recalled/1"
ATTACHMENT = "situation.attachment/1"


class Level(enum.StrEnum):
    """How exactly a place is known; `radius_m` of an area is only for drawing."""

    POINT = "point"
    RADIUS = "radius"
    CELL = "cell"
    LINE = "line"
    DISTRICT = "district"
    REGION = "region"
    COUNTRY = "country"


class PeriodPrecision(enum.StrEnum):
    """How exactly a time is known."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Status(enum.StrEnum):
    """Where the handling of an incident stands."""

    REPORTED = "reported"
    VERIFYING = "verifying"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    CLOSED = "closed"


class Standing(enum.StrEnum):
    """What kind of fact an incident is: reported by a desk, published by others, or made up."""

    LIVE = "live"
    PUBLISHED = "published"
    FICTIONAL = "fictional"


class Transform(enum.StrEnum):
    """What a release leaves of a place."""

    AS_IS = "as_is"
    CELL = "cell"
    REGION = "region"


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place: micro-degrees (WGS 84), how exactly, which area, and the words as typed.

    `lat` and `lon` are both there or both not; `radius_m` in metres around them.
    """

    lat: int | None = None
    lon: int | None = None
    radius_m: int = 0
    level: Level = Level.POINT
    area: str = ""
    words: str = ""


class Period(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When: milliseconds UTC, the end if there is one, and how exactly."""

    begins: int
    ends: int | None = None
    precision: PeriodPrecision = PeriodPrecision.MINUTE


class Count(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number of people: the best estimate, and between which numbers it lies."""

    best: int
    low: int | None = None
    high: int | None = None


class Harm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Harm to civilians. Nothing means not known, which is not none."""

    killed: Count | None = None
    injured: Count | None = None
    abducted: Count | None = None
    detained: Count | None = None
    displaced: Count | None = None


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a report comes from: words, the credit that is due, the licence of published data."""

    words: str = ""
    credit: str = ""
    licence: str = ""
    id: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An incident as it stands. `kind`, `affected` and `needs` are codes of `words`.

    `reliability` A–F of the source and `credibility` 1–6 of the report are kept apart, as in the
    two-character rating of STANAG 2511; empty and 0 mean not rated. `severity` is 1 to 4. After
    `valid_until` (ms UTC) it must be looked at again: it is on no live map until then. `same_as` is
    author and object, `ML/…`, of the incident that is kept of several about the same event.
    """

    reference: str
    kind: str
    summary: str
    period: Period
    place: Place
    text: str = ""
    severity: int = 2
    status: Status = Status.REPORTED
    standing: Standing = Standing.LIVE
    affected: tuple[str, ...] = ()
    harm: Harm = Harm()
    needs: tuple[str, ...] = ()
    reliability: str = ""
    credibility: int = 0
    source: Origin = Origin()
    handled_by: str = ""
    valid_until: int | None = None
    same_as: str = ""


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the desk's journal: when it happened (ms UTC), what, about which incident.

    `corrects` names the entry that this one corrects; both stay.
    """

    at: int
    text: str
    incident: str = ""
    corrects: str = ""


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The State lets an audience see an incident: how coarse, on what basis, until when (ms UTC).

    `members` is the audience in full; what they get is a record of its own in their log.
    """

    audience: str
    members: tuple[str, ...]
    transform: Transform
    basis: str
    until: int | None = None


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """The State took back what it had released to an audience, and why: seen by itself only.

    What the audience gets is a recall in its own log.
    """

    audience: str
    reason: str


class Attached(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of an incident, which the header names: what it shows, in words."""

    caption: str = ""


RECORDS: dict[str, type[msgspec.Struct]] = {
    JOURNAL: JournalEntry,
    INCIDENT: Incident,
    RELEASE: Release,
    RECALLED: Recalled,
    ATTACHMENT: Attached,
}
