"""The time zone of a member: that of the compact, UTC where the compact gives none."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from liptako.core.compact.draft import Changes
from liptako.web.zones import zone_of
from tests import pact

pytestmark = pytest.mark.django_db


@pytest.fixture
def adopt_zone(amend):
    """Return an adopter of the same compact with another zone for Mali."""

    def adopt(name):
        amend(Changes(cards=(pact.card("ML", timezone=name),)))

    return adopt


def test_each_member_has_the_zone_that_the_compact_names(compact, make_node):
    zones = {member: str(zone_of(make_node(member))) for member in ("ML", "BF", "NE")}
    assert zones == {"ML": "Africa/Bamako", "BF": "Africa/Ouagadougou", "NE": "Africa/Niamey"}


def test_the_latest_compact_counts(node, adopt_zone):
    adopt_zone("Africa/Niamey")
    assert zone_of(node) == ZoneInfo("Africa/Niamey")


def test_a_node_that_stands_alone_shows_utc(node):
    assert zone_of(node) == ZoneInfo("UTC")


def test_a_member_that_is_not_in_the_compact_shows_utc(node, compact):
    assert zone_of(replace(node, member="TG")) == ZoneInfo("UTC")


@pytest.mark.parametrize(
    "name", ["Africa/Nowhere", "../../etc/passwd", "/etc/passwd", "Africa", ".", "", "x" * 300]
)
def test_a_zone_that_does_not_exist_is_utc(node, adopt_zone, name):
    adopt_zone(name)
    assert zone_of(node) == ZoneInfo("UTC")
