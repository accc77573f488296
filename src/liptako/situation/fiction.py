"""Fictional incidents for demonstrations, marked as fictional in every record.

Used where no published data is at hand, and for the scripted incident. Seeded: the same seed gives
the same incidents.
"""

import random
from collections.abc import Iterator

from liptako.core.clock import Instant
from liptako.core.geo import Position
from liptako.core.records.envelope import Precedence
from liptako.members.permissions import Actor
from liptako.members.records import Role
from liptako.situation.imports import Published
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

COUNT = 60
_DAY = 86_400_000
_BOXES = {  # south, west, north, east in whole degrees; anywhere else the whole region
    "ML": (12, -9, 18, 0),
    "BF": (10, -5, 15, 1),
    "NE": (12, 1, 18, 12),
}
_KINDS = (
    ("flood", "Crue : quartiers inondés", ("civilians", "transport"), ("shelter", "water")),
    ("wildfire", "Feu de brousse", ("livestock", "food"), ("engineering",)),
    ("epidemic", "Cas groupés signalés", ("civilians", "health"), ("medical",)),
    ("accident", "Accident de car sur un axe routier", ("transport",), ("medical",)),
    ("storm", "Vents violents, toitures emportées", ("education",), ("shelter",)),
    ("locusts", "Essaim de criquets", ("food",), ("information",)),
)


def fictional(member: str, *, seed: int, now: Instant) -> Iterator[Published]:
    """Give fictional incidents of the past year in the member's part of the region."""
    chance = random.Random(seed)  # noqa: S311 (nothing secret: a demonstration)
    for number in range(1, COUNT + 1):
        kind, text, affected, needs = chance.choice(_KINDS)
        begins = now.milliseconds - chance.randrange(_DAY, 365 * _DAY)
        incident = Incident(
            reference=f"{member}-FICTIF-{number:03}",
            kind=kind,
            summary=f"{text} (fictif)",
            text="Incident fictif, produit pour la démonstration.",
            period=Period(begins=begins, precision=PeriodPrecision.HOUR),
            place=_somewhere(chance, member),
            severity=chance.randint(1, 4),
            status=chance.choice(list(Status)),
            standing=Standing.FICTIONAL,
            affected=affected,
            needs=needs,
            harm=Harm(injured=Count(best=chance.randrange(20))),
            source=Origin(words="fiction", id=f"{member}-FICTIF-{number:03}"),
        )
        yield Published(line=number, country=member, incident=incident)


def _somewhere(chance: random.Random, member: str) -> Place:
    """Return a place in the member's part of the region."""
    south, west, north, east = _BOXES.get(member, (10, -9, 18, 12))
    radius = chance.choice((0, 2_000, 10_000, 25_000))
    return Place(
        lat=chance.randrange(south * 1_000_000, north * 1_000_000),
        lon=chance.randrange(west * 1_000_000, east * 1_000_000),
        radius_m=radius,
        level=Level.RADIUS if radius else Level.POINT,
    )


def scripted(place: Position, now: Instant) -> tuple[Incident, Precedence]:
    """Return the incident with which the demonstration begins, and how urgent it is."""
    incident = Incident(
        reference="",
        kind="attack",
        summary="Attaque d’un convoi de vivres sur la piste au nord de Tessit (fictif)",
        text=(
            "Démonstration : ceci n’a pas eu lieu.\n"
            "Deux camions du convoi humanitaire immobilisés. Les habitants demandent de l’eau et "
            "des soins."
        ),
        period=Period(begins=now.milliseconds - 20 * 60_000),
        place=Place(
            lat=place.lat, lon=place.lon, radius_m=500, level=Level.RADIUS, words="Nord de Tessit"
        ),
        severity=3,
        standing=Standing.FICTIONAL,
        affected=("civilians", "aid", "food"),
        harm=Harm(killed=Count(best=0), injured=Count(best=4, low=3, high=6)),
        needs=("medical", "water", "protection"),
        reliability="B",
        credibility=2,
        source=Origin(words="Chef du village, par radio"),
    )
    return incident, Precedence.FLASH


def officer(member: str, office: str) -> Actor:
    """Return the actor of the demonstration in one of the two offices of the desk."""
    role = Role.WATCH_OFFICER if office == "permanence" else Role.RELEASING_OFFICER
    return Actor(member=member, person="", office=office, roles=frozenset({role}))
