"""The base map: built from either source, served tile by tile, and what is said when it fails.

A small data folder made here stands for the public one; only what that one holds is skipped
where it is missing. The maps are built once.
"""

import gzip
import json
import math
import re
import shutil
import sqlite3
from contextlib import closing

import pytest
from django.conf import settings

from liptako.core.errors import MalformedError
from liptako.web import areas, basemap, sources
from liptako.web.basemap import Reach

BAMAKO, KIDAL = (12.65, -8.0), (18.44, 1.41)
TILE = "/tiles/{}/{}/{}.pbf"
SQUARE = [[[-9, 12], [-7, 12], [-7, 14], [-9, 14], [-9, 12]]]
REGION = {"iso_3166_2": "ML-2", "name": "Koulikoro"}


def collection(*properties):
    """Return the bytes of one square for each set of properties."""
    square = {"type": "Polygon", "coordinates": SQUARE}
    features = [{"type": "Feature", "properties": p, "geometry": square} for p in properties]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.fixture
def data(tmp_path):
    """A small folder laid out like the public one."""
    folder = tmp_path / "data"
    for name in ("basemap", "admin", "incidents"):
        (folder / name).mkdir(parents=True)
    land = {"featurecla": "Land", "secret": "not for the map"}
    (folder / "basemap" / "land.geojson").write_text(collection(land))
    (folder / "basemap" / "roads.geojson").write_text(collection({"name": "no layer of ours"}))
    (folder / "admin" / "adm1_aes.geojson").write_text(collection(REGION))
    return folder


@pytest.fixture
def home(tmp_path):
    """The empty folder of a node."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def small(home, data):
    """The folder of a node that was given the small data folder."""
    basemap.build(home, data, lambda _step: None)
    return home


@pytest.fixture(scope="session")
def outlines(tmp_path_factory):
    """The folder of a node that was given no data folder."""
    folder = tmp_path_factory.mktemp("outlines")
    basemap.build(folder, None, lambda _step: None)
    return folder


@pytest.fixture(scope="session")
def public(tmp_path_factory):
    """The folder of a node that was given the public data."""
    if settings.LIPTAKO.data is None:
        pytest.skip("the public data folder is not here")
    folder = tmp_path_factory.mktemp("public")
    basemap.build(folder, settings.LIPTAKO.data, lambda _step: None)
    return folder


@pytest.fixture
def give_map(node):
    """Return a giver of base maps to the node of the pages; without one it has none."""
    path = node.home / basemap.FILE
    path.unlink(missing_ok=True)
    yield lambda folder: shutil.copyfile(folder / basemap.FILE, path)
    path.unlink(missing_ok=True)


def layers(folder):
    with closing(sqlite3.connect(folder / basemap.FILE)) as database:
        (text,) = database.execute("SELECT value FROM metadata WHERE name='json'").fetchone()
    return {layer["id"] for layer in json.loads(text)["vector_layers"]}


def address(place, zoom):
    """Return zoom, column and row of the tile that holds a place, as browsers count them."""
    lat, lon = place
    north = math.asinh(math.tan(math.radians(lat))) / math.pi
    return zoom, int((lon + 180) / 360 * 2**zoom), int((1 - north) / 2 * 2**zoom)


def is_drawn(folder, word, place, zoom):
    return word in gzip.decompress(basemap.tile(folder, *address(place, zoom)))


def test_without_a_data_folder_the_map_has_outlines_and_towns_of_the_world(outlines):
    assert layers(outlines) == {"admin0", "countries", "land", "places"}
    found = basemap.reach(outlines)
    west, south, east, north = map(float, found.bounds.split(","))
    assert (found.zoom, west, east, south < -80, north > 80) == (6, -180, 180, True, True)


def test_a_map_of_outlines_credits_them_and_knows_no_regions(outlines):
    used = (sources.WORLD_ATLAS, sources.GEONAMES)
    assert sources.read_sources(outlines) == sources.Sources(complete=False, sources=used)
    assert not (outlines / basemap.AREAS_FILE).exists()


def test_small_towns_are_drawn_from_closer_than_large_ones(outlines):
    seen = [
        (is_drawn(outlines, b"Bamako", BAMAKO, zoom), is_drawn(outlines, b"Kidal", KIDAL, zoom))
        for zoom in (0, 4, 5, 6)
    ]
    assert seen == [(True, False), (True, False), (True, True), (True, True)]


def test_a_town_lies_in_its_own_tile_only(outlines):
    zoom, column, row = address(BAMAKO, 6)
    mirrored = gzip.decompress(basemap.tile(outlines, zoom, column, 2**zoom - 1 - row) or b"")
    assert (is_drawn(outlines, b"Bamako", BAMAKO, 6), b"Bamako" in mirrored) == (True, False)


def test_the_map_of_the_public_data_has_all_layers_and_goes_closer(public):
    assert layers(public) == {"admin0", "countries", *basemap._LAYERS}  # noqa: SLF001 (the layers are named nowhere else)
    assert basemap.reach(public).zoom == 8
    assert is_drawn(public, b"Bamako", BAMAKO, 8)


def test_the_public_data_is_credited_and_its_regions_are_kept(public):
    used = (sources.NATURAL_EARTH, sources.AREAS, sources.INSIGHT)
    assert sources.read_sources(public) == sources.Sources(complete=True, sources=used)
    given = settings.LIPTAKO.data / "admin" / "adm1_aes.geojson"
    assert (public / basemap.AREAS_FILE).read_bytes() == given.read_bytes()


def test_a_data_folder_gives_the_layers_that_it_has_and_says_each_step(home, data):
    steps = []
    basemap.build(home, data, steps.append)
    assert (layers(home), steps) == ({"land"}, ["tippecanoe"])
    assert (home / basemap.AREAS_FILE).read_text() == collection(REGION)


def test_only_what_the_map_draws_with_gets_into_it(small):
    drawn = [is_drawn(small, word, BAMAKO, 8) for word in (b"featurecla", b"secret", b"not for")]
    assert drawn == [True, False, False]


def test_a_data_folder_without_regions_and_incidents_credits_neither(home, data):
    shutil.rmtree(data / "admin")
    shutil.rmtree(data / "incidents")
    basemap.build(home, data, lambda _step: None)
    assert sources.read_sources(home).sources == (sources.NATURAL_EARTH,)


def test_a_new_map_leaves_no_regions_of_an_older_one(small, data):
    shutil.rmtree(data / "admin")
    basemap.build(small, data, lambda _step: None)
    assert not (small / basemap.AREAS_FILE).exists(), "they are used, but credited no longer"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("lakes", collection({"name": "cut short"})[:-60], id="cut short"),
        pytest.param("lakes", collection({}).replace("[-9, 12]", '["x", 12]'), id="no number"),
        pytest.param("lakes", "<html>Not found</html>", id="no GeoJSON"),
        pytest.param("admin0", "{", id="countries cut short"),
        pytest.param("admin0", "{}", id="no countries"),
    ],
)
def test_a_layer_that_cannot_be_read_is_named_and_leaves_the_old_map(small, data, name, text):
    before = {path.name: path.read_bytes() for path in small.iterdir()}
    (data / "basemap" / f"{name}.geojson").write_text(text)
    with pytest.raises(MalformedError, match=rf"{name}\.geojson"):
        basemap.build(small, data, lambda _step: None)
    assert {path.name: path.read_bytes() for path in small.iterdir()} == before


def test_a_layer_that_was_mended_is_in_the_next_map(small, data):
    lakes = data / "basemap" / "lakes.geojson"
    lakes.write_text(collection({}).replace("[-9, 12]", '["x", 12]'))
    with pytest.raises(MalformedError, match="is damaged"):
        basemap.build(small, data, lambda _step: None)
    lakes.write_text(collection({"name": "Lac Débo"}))
    basemap.build(small, data, lambda _step: None)
    assert layers(small) == {"land", "lakes"}
    assert is_drawn(small, "Lac Débo".encode(), BAMAKO, 8)


@pytest.mark.django_db
def test_a_tile_is_served_compressed_with_its_type_and_kept_for_a_day(
    client, awa, give_map, outlines
):
    give_map(outlines)
    answer = client.get(TILE.format(*address(BAMAKO, 6)))
    names = ("Content-Type", "Content-Encoding", "Content-Length")
    body = basemap.tile(outlines, *address(BAMAKO, 6))
    kind = "application/vnd.mapbox-vector-tile"
    assert [answer.headers[name] for name in names] == [kind, "gzip", str(len(body))]
    assert (answer.status_code, answer.content) == (200, body)
    kept = set(re.split(", ?", answer.headers["Cache-Control"]))
    assert kept == {"private", "max-age=86400"}


@pytest.mark.django_db
@pytest.mark.parametrize("tile", [(6, 32, 32), (7, 61, 68), (22, 0, 0)])
def test_where_the_map_is_empty_the_answer_is_too(client, awa, give_map, small, tile):
    give_map(small)
    answer = client.get(TILE.format(*tile))
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.django_db
@pytest.mark.parametrize("tile", [(0, 1, 0), (0, 0, 1), (6, 64, 0), (23, 0, 0), (10**9, 0, 0)])
def test_a_tile_that_cannot_exist_is_not_found(client, awa, give_map, outlines, tile):
    give_map(outlines)
    assert client.get(TILE.format(*tile)).status_code == 404


@pytest.mark.django_db
def test_who_has_not_signed_in_gets_no_tiles(client, give_map, outlines):
    give_map(outlines)
    answer = client.get(TILE.format(0, 0, 0))
    assert (answer.status_code, answer.headers["Location"][:17]) == (302, "/account/sign-in/")


@pytest.mark.django_db
def test_without_a_base_map_the_pages_go_on(client, awa, give_map):
    assert client.get(TILE.format(0, 0, 0)).status_code == 204
    page = client.get("/map/")
    assert (page.status_code, page.context["reach"]) == (200, Reach())


@pytest.mark.django_db
def test_a_base_map_that_is_not_there_yet_is_asked_for_again(client, awa, give_map):
    answer = client.get(TILE.format(0, 0, 0))
    assert "max-age" not in answer.headers.get("Cache-Control", "")


def test_a_map_that_was_never_built_reaches_as_far_as_the_best_one(home):
    assert (basemap.is_built(home), basemap.tile(home, 0, 0, 0)) == (False, None)
    assert basemap.reach(home) == Reach(zoom=8, bounds="-180,-85,180,85")


@pytest.fixture(params=["no map at all", "cut short", "no tables", "no metadata"])
def damaged(request, home, outlines):
    """The folder of a node whose base map was damaged in one of several ways."""
    path = home / basemap.FILE
    if request.param == "no map at all":
        path.write_text("this is no map")
    elif request.param == "cut short":
        path.write_bytes((outlines / basemap.FILE).read_bytes()[:5000])
    else:
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE other (name)")
            if request.param == "no metadata":
                database.execute("CREATE TABLE metadata (name, value)")
    return home


def test_a_damaged_map_is_named(damaged):
    path = damaged / basemap.FILE
    with pytest.raises(MalformedError) as caught:
        basemap.tile(damaged, 0, 0, 0)
    assert str(caught.value) == f"base map: {path} is damaged"
    if basemap.is_built(damaged):
        with pytest.raises(MalformedError, match=r"^base map: basemap\.mbtiles is damaged$"):
            basemap.reach(damaged)


@pytest.mark.django_db
def test_a_damaged_map_is_said_on_the_page(client, awa, in_english, give_map, damaged):
    give_map(damaged)
    answers = [client.get(TILE.format(0, 0, 0))]
    if basemap.is_built(damaged):
        answers.append(client.get("/map/"))
    said = [(answer.status_code, "is damaged" in answer.content.decode()) for answer in answers]
    assert said == [(400, True)] * len(answers)


def test_a_place_lies_in_a_region_once_the_map_is_built(tmp_path, small):
    middle = areas.Position(lat=13_000_000, lon=-8_000_000)
    assert areas.region_at(tmp_path, middle) is None
    assert areas.region_at(small, middle).code == "ML-2"
