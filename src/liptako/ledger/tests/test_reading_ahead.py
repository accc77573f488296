"""Packages that the helper reads ahead: the same entries in the same order, whatever happens."""

import time

import pytest

from liptako.core.errors import MalformedError
from liptako.core.log.frames import ChannelFrame, RoomFrame
from liptako.core.log.verify import Opened, read_package
from liptako.ledger.along import Along
from liptako.ledger.models import Entry
from tests.senders import LOG, ORIGIN, ROSTER, Sender

pytestmark = pytest.mark.django_db
CHANNEL = ChannelFrame(ORIGIN, ROSTER, "bulk", b"", 0, b"")
COUNT = 400  # in packages of 8: more of them than are read ahead


@pytest.fixture
def sender(node, compact):
    """A sender with some records."""
    log = Sender(node)
    for name in range(COUNT):
        log.write(name=name)
    return log


@pytest.fixture
def helped():
    """What draws along, with a helper that is ready."""
    with Along(helped=True, many=0, batch=8) as along:
        along.go_on(8)
        deadline = time.monotonic() + 60
        while not along.helper.is_ready():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield along


def read(along, frames):
    """Return what is given for each frame."""
    return [(frame, found.result() if found else None) for frame, found in along.read_ahead(frames)]


def test_packages_come_with_their_entries_and_all_else_as_it_is(sender, helped):
    frames = [RoomFrame(1), CHANNEL, *sender.frames(), RoomFrame(2)]
    given = read(helped, iter(frames))
    assert [frame for frame, _ in given] == frames
    assert [found for _, found in given] == [
        Opened(frame, read_package(LOG, frame)) if frame in frames[2:-1] else None
        for frame in frames
    ]
    assert helped.helper.opened == COUNT // 8


def test_what_was_read_ahead_is_taken_like_any_other_package(sender, helped):
    for frame, found in helped.read_ahead(iter([CHANNEL, *sender.frames()])):
        if found is not None:
            sender.take(found.result(), frame.start + len(frame.headers))
    held = Entry.objects.order_by("seq").values_list("header", flat=True)
    assert list(map(bytes, held)) == sender.headers


def test_a_package_with_a_fault_is_left_to_be_read_here(sender, helped):
    sender.headers[20] = b"not a header"
    sender.bodies[30] = b"{}"
    given = read(helped, iter([CHANNEL, *sender.frames()]))
    left = [frame.start for frame, found in given[1:] if found is None]
    assert left == [16, 24]


@pytest.mark.parametrize(
    "frame", [ChannelFrame(ORIGIN, ROSTER, "no lane", b"", 0, b""), RoomFrame(1)]
)
def test_packages_of_no_log_are_not_read_ahead(sender, helped, frame):
    assert all(found is None for _, found in helped.read_ahead(iter([frame, *sender.frames()])))


def test_a_fault_of_the_bundle_comes_behind_all_that_stands_before_it(sender, helped):
    def broken():
        yield from [CHANNEL, *sender.frames()][:7]
        raise MalformedError("bundle: a frame cannot be read")

    given = []
    with pytest.raises(MalformedError, match="a frame cannot be read"):
        given += (frame for frame, _ in helped.read_ahead(broken()))
    assert len(given) == 7


def test_a_helper_that_dies_leaves_packages_to_be_read_here(sender, helped):
    helped.helper.process.kill()
    helped.helper.process.wait()
    assert all(found is None for _, found in read(helped, iter([CHANNEL, *sender.frames()])))


def test_a_helper_that_dies_in_between_leaves_the_rest(sender, helped):
    given = []
    for number, (_, found) in enumerate(helped.read_ahead(iter([CHANNEL, *sender.frames()]))):
        given.append(found.result() if found else None)
        if number == 4:
            helped.helper.process.kill()
    assert (given[1] is not None, given[-1]) == (True, None)
    assert len(given) == COUNT // 8 + 1


def test_without_a_helper_each_frame_comes_at_once(sender):
    read_so_far = []

    def source():
        for frame in [CHANNEL, *sender.frames()]:
            read_so_far.append(frame)
            yield frame

    with Along(helped=False) as along:
        for number, (_, found) in enumerate(along.read_ahead(source()), 1):
            assert (found, len(read_so_far)) == (None, number)
