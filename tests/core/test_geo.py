"""Places: what people type, distances, coarse cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import MalformedError
from liptako.core.geo import (
    CELL_RADIUS_M,
    MICRO,
    Position,
    coarse_cell,
    distance_m,
    parse_latitude,
    parse_longitude,
)

BAMAKO = Position(lat=12_650_000, lon=-8_000_000)
GAO = Position(lat=16_272_000, lon=-45_000)
positions = st.builds(
    Position,
    lat=st.integers(-90 * MICRO, 90 * MICRO),
    lon=st.integers(-180 * MICRO, 180 * MICRO),
)


def test_bamako_is_946_km_from_gao_as_the_crow_flies():
    assert round(distance_m(BAMAKO, GAO) / 1000) == 946


@given(positions, positions)
def test_a_distance_is_the_same_both_ways_and_never_beyond_half_the_earth(one, other):
    assert distance_m(one, other) == pytest.approx(distance_m(other, one), abs=0.01)
    assert 0 <= distance_m(one, other) <= 20_015_200


@given(positions)
def test_a_coarse_cell_is_near_and_a_cell_of_its_own(exact):
    middle = coarse_cell(exact)
    assert distance_m(exact, middle) <= CELL_RADIUS_M
    assert coarse_cell(middle) == middle


def test_two_places_in_one_cell_cannot_be_told_apart():
    one, other = Position(lat=14_001_000, lon=-1_999_000), Position(lat=14_080_000, lon=-1_920_000)
    assert coarse_cell(one) == coarse_cell(other) == Position(lat=14_041_666, lon=-1_958_334)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14.35", 14_350_000),
        ("14,35", 14_350_000),
        ("-14.35", -14_350_000),
        ("14.35 N", 14_350_000),
        ("14.35°s", -14_350_000),
        ("14°21'N", 14_350_000),
        ("14° 21’ 36″ N", 14_360_000),
        ("14 21 36 S", -14_360_000),
        ("14°21'36.5''N", 14_360_139),
        ("90", 90_000_000),
    ],
)
def test_a_latitude_is_read_as_people_type_it(text, expected):
    assert parse_latitude(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1,5 O", -1_500_000), ("1°30'W", -1_500_000), ("1.5 E", 1_500_000), ("-180", -180_000_000)],
)
def test_a_longitude_knows_ouest(text, expected):
    assert parse_longitude(text) == expected


@pytest.mark.parametrize(
    "text", ["", "abc", "91", "14°60'N", "14°21'60\"N", "14°21'E", "-14 N", "14 E", "14°21'"]
)
def test_a_latitude_that_is_none_is_refused_with_an_example(text):
    with pytest.raises(MalformedError, match="such as 14"):
        parse_latitude(text)


@pytest.mark.parametrize(("lat", "lon"), [(90_000_001, 0), (0, -180_000_001)])
def test_a_place_off_the_earth_is_refused(lat, lon):
    with pytest.raises(MalformedError, match="latitude −90 to 90"):
        Position(lat=lat, lon=lon)
