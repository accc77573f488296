"""Which region a place lies in; what is said of outlines that cannot be read."""

import json
import os
import shutil

import pytest
import shapely
from django.conf import settings
from shapely.geometry import shape

from liptako.core.errors import MalformedError
from liptako.core.geo import MICRO, Position, Region, distance_m
from liptako.web.areas import region_at
from liptako.web.basemap import AREAS_FILE

WEST = Region(
    code="ML-W", name="Ouest", middle=Position(lat=14_500_000, lon=500_000), radius_m=77_426
)


def square(west, south, size=1):
    """Return the ring of a square."""
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(code, name, *rings):
    """Return a region of one or more squares."""
    geometry = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
    properties = {"iso_3166_2": code, "name": name}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


OUEST = feature("ML-W", "Ouest", square(0, 14))
EST = feature("ML-E", "Est", square(1, 14), square(9, 20))


@pytest.fixture
def draw(tmp_path):
    """Return a drawer of outlines: `draw(OUEST, EST)` returns the folder of the node."""

    def write(*features):
        text = json.dumps({"type": "FeatureCollection", "features": features})
        (tmp_path / AREAS_FILE).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def code_at(home, lat, lon):
    found = region_at(home, Position(lat=round(lat * MICRO), lon=round(lon * MICRO)))
    return found and found.code


def test_a_region_has_code_name_and_a_circle_around_it(draw):
    assert region_at(draw(EST, OUEST), Position(lat=14_100_000, lon=900_000)) == WEST


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (14.5, 0.5, "ML-W"),
        (14.5, 1.5, "ML-E"),
        (20.5, 9.5, "ML-E"),  # the second part of the same region
        (14.5, 2.1, None),
        (0.5, 14.5, None),  # latitude and longitude the other way round
        (-14.5, -0.5, None),
    ],
)
def test_a_place_lies_in_one_region_or_in_none(draw, lat, lon, code):
    assert code_at(draw(OUEST, EST), lat, lon) == code


def test_a_place_on_a_border_lies_in_the_region_that_is_drawn_first(draw):
    assert code_at(draw(OUEST, EST), 14.5, 1.0) == "ML-W"


def test_a_corner_of_a_region_lies_in_it(draw):
    assert code_at(draw(OUEST), 15.0, 0.0) == "ML-W"


def test_a_place_that_is_not_known_lies_in_no_region(draw):
    assert region_at(draw(OUEST), None) is None


def test_without_outlines_there_are_no_regions(tmp_path):
    assert code_at(tmp_path, 14.5, 0.5) is None


def test_without_any_region_a_place_lies_in_none(draw):
    assert code_at(draw(), 14.5, 0.5) is None


def test_new_outlines_count_at_once(draw):
    before = code_at(draw(OUEST), 14.5, 0.5)
    home = draw(feature("ML-9", "Neuf", square(0, 14)))
    os.utime(home / AREAS_FILE, ns=(1, 1))
    assert (before, code_at(home, 14.5, 0.5)) == ("ML-W", "ML-9")


def changed(**changes):
    """Return the text of outlines with one region that is not as it should be."""
    return json.dumps({"features": [OUEST | changes]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "{}",
        "\udce9",
        json.dumps({"features": 7}),
        json.dumps({"features": [None]}),
        changed(properties={"name": "Ouest"}),
        changed(properties={"iso_3166_2": "ML-W"}),
        changed(properties=None),
        changed(geometry=None),
        changed(geometry={}),
        changed(geometry={"type": "Circle", "coordinates": [0, 14]}),
        changed(geometry={"type": "Polygon", "coordinates": [[[0, 14], [1, 14]]]}),
        changed(geometry={"type": "Polygon", "coordinates": [[["x", 14], [1, 14], [1, 15]]]}),
        changed(geometry={"type": "Polygon", "coordinates": []}),
        changed(geometry={"type": "Polygon", "coordinates": [square(0, 14, float("inf"))]}),
        changed(geometry={"type": "Polygon", "coordinates": [square(500_000, 1_600_000)]}),  # UTM
    ],
)
def test_outlines_that_cannot_be_read_are_named(tmp_path, text):
    path = tmp_path / AREAS_FILE
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(MalformedError) as caught:
        code_at(tmp_path, 14.5, 0.5)
    assert str(caught.value) == f"areas: {path} is damaged"


@pytest.fixture
def public(tmp_path):
    """The folder of a node with the regions of the public data, and these regions."""
    found = settings.LIPTAKO.data and settings.LIPTAKO.data / "admin" / "adm1_aes.geojson"
    if not (found and found.is_file()):
        pytest.skip("the public data folder is not here")
    shutil.copyfile(found, tmp_path / AREAS_FILE)
    return tmp_path, json.loads(found.read_bytes())["features"]


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (16.27, -0.04, "ML-7"),  # Gao
        (12.65, -8.00, "ML-BKO"),  # Bamako
        (13.51, 2.11, "NE-8"),  # Niamey
        (14.03, -0.03, "BF-SEN"),  # Dori
        (48.85, 2.35, None),  # Paris
    ],
)
def test_towns_lie_in_their_regions(public, lat, lon, code):
    assert code_at(public[0], lat, lon) == code


def test_the_circle_of_every_region_holds_all_of_it(public):
    home, features = public
    outside = []
    for outline, properties in ((shape(f["geometry"]), f["properties"]) for f in features):
        inside = outline.representative_point()
        middle = Position(lat=round(inside.y * MICRO), lon=round(inside.x * MICRO))
        region = region_at(home, middle)
        corners = shapely.get_coordinates(outline)
        places = [Position(lat=round(y * MICRO), lon=round(x * MICRO)) for x, y in corners]
        if max(distance_m(region.middle, place) for place in places) > region.radius_m + 1:
            outside.append(properties["name"])
    assert (len(features), outside) == (62, [])
