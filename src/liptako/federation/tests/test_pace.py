"""How much goes at a time: what the line carries, a cap, and hours for what is not urgent."""

import io
from datetime import time

import pytest

from liptako.core.records.envelope import Precedence
from liptako.federation import peers, sync
from liptako.federation.extent import Extent
from liptako.federation.models import Peer
from liptako.federation.pace import LEAST, MOST, SECONDS, Pace, extent_for
from tests.bundles import texts, write


class Watch:
    """A clock that goes when somebody sleeps, and otherwise as it is told."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def pace(**fields):
    watch = Watch()
    return Pace(Peer(member="BF", **fields), clock=watch, sleep=watch.sleep), watch


# What the line carries


def test_nothing_is_known_of_a_line_before_the_first_round(node):
    assert pace()[0].room is None
    assert extent_for(node, Peer(member="BF")) == Extent(room=LEAST)


def test_a_bundle_takes_a_few_seconds_of_what_the_line_carried():
    measured, _ = pace()
    measured.note(80_000, 10.0)
    assert measured.room == 8_000 * SECONDS


def test_the_rate_follows_what_is_measured():
    measured, _ = pace(rate=8_000)
    measured.note(160_000, 10.0)
    assert measured.peer.rate == 16_000
    measured.note(80_000, 10.0)
    assert measured.peer.rate == 12_000
    measured.note(10**12, 0.0)
    assert measured.peer.rate < 2**31  # what the column holds


def test_a_short_round_tells_nothing_of_the_line():
    measured, _ = pace(rate=8_000)
    measured.note(400, 1.2)
    assert measured.peer.rate == 8_000


@pytest.mark.parametrize(
    ("room", "expected"), [(1, LEAST), (100_000, 100_000), (10**9, MOST)], ids=str
)
def test_a_bundle_is_neither_tiny_nor_endless(node, room, expected):
    assert extent_for(node, Peer(member="BF"), room).room == expected


# The cap

FULL = 8_000 * SECONDS  # at 64 kbit/s


def test_a_capped_line_is_waited_for():
    measured, watch = pace(cap_kbit=64)
    measured.note(32_000, 1.0)  # 4 seconds at 64 kbit/s
    assert watch.slept == [3.0]
    measured.note(8_000, 2.0)
    assert watch.slept == [3.0, 0]


def test_without_a_cap_nobody_waits():
    measured, watch = pace()
    measured.note(32_000, 0.1)
    assert watch.slept == []


@pytest.mark.parametrize(("room", "expected"), [(None, FULL), (10**6, FULL), (20_000, 20_000)])
def test_a_bundle_over_a_capped_line_takes_no_longer(node, room, expected):
    assert extent_for(node, Peer(member="BF", cap_kbit=64), room).room == expected


# The hours


@pytest.mark.usefixtures("compact")
@pytest.mark.parametrize(
    ("begins", "ends", "is_open"),
    [
        (time(14), time(15), True),
        (time(15), time(16), False),
        (time(13), time(14), False),
        (time(22), time(6), False),
        (time(22), time(15), True),
        (time(14), time(6), True),
        (time(14), None, True),
        (None, time(15), True),
    ],
    ids=str,
)
def test_what_is_not_urgent_goes_at_its_hours(node, begins, ends, is_open):
    """The clock of the tests stands at 14:13 UTC, which is Bamako's time."""
    row = Peer(member="BF", bulk_from=begins, bulk_until=ends)
    assert extent_for(node, row).bulk is is_open


@pytest.mark.usefixtures("compact")
def test_the_hours_are_those_of_the_state(make_node):
    row = Peer(member="ML", bulk_from=time(15), bulk_until=time(16))
    assert extent_for(make_node("NE"), row).bulk is True  # Niamey is an hour ahead
    assert extent_for(make_node("ML"), row).bulk is False


def test_outside_the_hours_what_is_urgent_goes_and_the_rest_stays(fleet):
    write(fleet, "ML", "ordinary")
    write(fleet, "ML", "urgent", precedence=Precedence.FLASH)
    with fleet.at("ML"):
        Peer.objects.filter(member="BF").update(bulk_from=time(2), bulk_until=time(3))
    fleet.exchange("ML", "BF")
    assert texts(fleet, "BF") == ["urgent"]
    fleet.exchange("BF", "ML")  # what is asked for keeps to the hours too
    assert texts(fleet, "BF") == ["urgent"]
    with fleet.at("ML"):
        Peer.objects.update(bulk_from=None)
    fleet.exchange("ML", "BF")
    assert texts(fleet, "BF") == ["ordinary", "urgent"]


def test_a_file_knows_no_hours(fleet):
    write(fleet, "ML", "ordinary")
    with fleet.at("ML") as node:
        Peer.objects.filter(member="BF").update(bulk_from=time(2), bulk_until=time(3))
        assert sync.write_bundle(node, "BF", io.BytesIO(), sync.WHOLE) == 1


def test_what_the_line_carried_is_kept_for_the_next_exchange(fleet):
    write(fleet, "ML", *[f"{number:0300}" for number in range(600)])
    fleet.exchange("ML", "BF")
    with fleet.at("ML"):
        assert peers.peer("BF").rate > 0
