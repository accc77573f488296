"""Places on the Earth as whole micro-degrees (WGS 84), never as floats in a record.

Knows parsing what people type, distance, and the coarse cell of a release. Areas with outlines
are data and live outside.
"""

import math
import re
from dataclasses import dataclass

from liptako.core.errors import MalformedError

MICRO = 1_000_000
CELLS_PER_DEGREE = 12  # 5 minutes of arc: about 9 km from north to south
CELL_RADIUS_M = 6_600  # half the diagonal of a cell at the equator, where it is largest
_RADIUS_M = 6_371_008.8  # mean radius of the Earth, IUGG
_DECIMAL = re.compile(r"([+-]?\d{1,3}(?:[.,]\d+)?)[°\s]*([NSEWO]?)")
_DMS = re.compile(
    r"(\d{1,3})[°\s]+(\d{1,2})['′’\s]+(?:(\d{1,2}(?:[.,]\d+)?)(?:[\"″”]|''|\s)*)?([NSEWO])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A point in micro-degrees: latitude −90 to 90, longitude −180 to 180 (million-fold)."""

    lat: int
    lon: int

    def __post_init__(self) -> None:
        """Raise MalformedError outside the Earth."""
        if abs(self.lat) > 90 * MICRO or abs(self.lon) > 180 * MICRO:
            raise MalformedError(
                "place: expected latitude −90 to 90, longitude −180 to 180, got %(lat)s, %(lon)s",
                lat=self.lat / MICRO,
                lon=self.lon / MICRO,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """An area by its code and name, with a circle around it (metres) for when it must be drawn."""

    code: str
    name: str
    middle: Position
    radius_m: int


def distance_m(one: Position, other: Position) -> float:
    """Return the great-circle distance in metres (haversine on the mean sphere, ±0.5 %)."""
    lat1, lat2 = math.radians(one.lat / MICRO), math.radians(other.lat / MICRO)
    half_lat, half_lon = (lat2 - lat1) / 2, math.radians((other.lon - one.lon) / MICRO) / 2
    a = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * _RADIUS_M * math.asin(math.sqrt(a))


def coarse_cell(exact: Position) -> Position:
    """Return the middle of the 5-minute cell that holds the place: all places in it look alike."""
    return Position(lat=_middle(exact.lat, 90), lon=_middle(exact.lon, 180))


def _middle(micro: int, limit: int) -> int:
    """Return the middle of the cell on one axis; the last cell holds its outer edge."""
    index = min(micro * CELLS_PER_DEGREE // MICRO, limit * CELLS_PER_DEGREE - 1)
    return (2 * index + 1) * MICRO // (2 * CELLS_PER_DEGREE)


def parse_latitude(text: str) -> int:
    """Read a latitude as typed (`14.35`, `14,35 N`, `14°21'03"N`) into micro-degrees."""
    return _parse_angle(text, 90, "NS")


def parse_longitude(text: str) -> int:
    """Read a longitude as typed (`-1.5`, `1,5 O`, `1°30'W`) into micro-degrees."""
    return _parse_angle(text, 180, "EWO")


def _parse_angle(text: str, limit: int, letters: str) -> int:
    """Read decimal degrees or degrees, minutes, seconds. O (ouest) is W."""
    value = _degrees(text.strip().upper(), letters)
    if value is None or abs(value) > limit:
        raise MalformedError(
            "coordinate: expected degrees up to %(limit)d such as 14.35 or 14°21'N, got %(got)s",
            limit=limit,
            got=text[:40],
        )
    return round(value * MICRO)


def _degrees(text: str, letters: str) -> float | None:
    """Return the signed degrees, or nothing if the text is not of a known form."""
    if match := _DECIMAL.fullmatch(text):
        value, letter = _number(match[1]), match[2]
        if letter and (value < 0 or letter not in letters):
            return None
    elif match := _DMS.fullmatch(text):
        minutes, seconds, letter = int(match[2]), _number(match[3] or "0"), match[4]
        if minutes >= 60 or seconds >= 60 or letter not in letters:  # noqa: PLR2004 (sexagesimal)
            return None
        value = int(match[1]) + minutes / 60 + seconds / 3600
    else:
        return None
    return -value if letter in {"S", "W", "O"} else value


def _number(text: str) -> float:
    """Read a decimal number with a point or a comma."""
    return float(text.replace(",", "."))
