"""Which region a place lies in, from the outlines that the node was set up with."""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from liptako.core.errors import MalformedError
from liptako.core.geo import MICRO, Position, Region, distance_m
from liptako.web.basemap import AREAS_FILE


class _Outlines(NamedTuple):
    tree: shapely.STRtree
    regions: tuple[Region, ...]


def region_at(home: Path, position: Position | None) -> Region | None:
    """Return the region that holds a place; nothing if it is unknown or no outlines are here.

    Raises MalformedError for outlines that cannot be read.
    """
    path = home / AREAS_FILE
    if position is None or not path.is_file():
        return None
    outlines = _read(path, path.stat().st_mtime_ns)
    point = shapely.Point(position.lon / MICRO, position.lat / MICRO)
    found = outlines.tree.query(point, predicate="intersects")
    return outlines.regions[min(found)] if len(found) else None


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> _Outlines:
    """Read outlines once for each version of their file."""
    try:
        features = json.loads(path.read_bytes())["features"]
        shapes = [shape(feature["geometry"]) for feature in features]
        regions = tuple(
            _region(feature["properties"]["iso_3166_2"], feature["properties"]["name"], outline)
            for feature, outline in zip(features, shapes, strict=True)
        )
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MalformedError,
        TypeError,
        ValueError,
        shapely.errors.ShapelyError,
    ) as cause:
        raise MalformedError("areas: %(file)s is damaged", file=str(path)) from cause
    return _Outlines(shapely.STRtree(shapes), regions)


def _region(code: str, name: str, outline: BaseGeometry) -> Region:
    """Return a region with a circle that holds it."""
    inside = outline.representative_point()
    middle = Position(lat=round(inside.y * MICRO), lon=round(inside.x * MICRO))
    west, south, east, north = outline.bounds
    corners = [
        Position(lat=round(lat * MICRO), lon=round(lon * MICRO))
        for lat in (south, north)
        for lon in (west, east)
    ]
    radius = max(distance_m(middle, corner) for corner in corners)
    return Region(code=code, name=name, middle=middle, radius_m=round(radius))
