"""The rounds of an exchange: what follows before an answer is here, and what waits for it."""

from hashlib import sha256

import pytest

from liptako.core.log.frames import ChannelFrame, PackageFrame, ReceiptFrame, RoomFrame
from liptako.core.records.envelope import Precedence
from liptako.federation import exchange, peers
from liptako.federation.models import Peer
from liptako.federation.pace import LEAST
from tests.bundles import open_for, texts, write
from tests.fleet import Wire

NAMES = [f"{number:03} {sha256(b'%d' % number).hexdigest()}" for number in range(600)]


class Line(Wire):
    """A wire on which the next bundle is asked for while the answer is on its way."""

    def __init__(self, fleet, rate=LEAST // 7):
        super().__init__(fleet)
        self.rate, self.followed = rate, []

    def exchange(self, url, pins, bundle, follow=None):
        if follow is not None:
            self.followed.append(follow.write(self.rate))
        return super().exchange(url, pins, bundle)

    @property
    def requests(self):
        return self.sent[::2]

    @property
    def answers(self):
        return self.sent[1::2]


class Hasty(Line):
    """The same; something urgent is written while the first bundle is on its way."""

    def exchange(self, url, pins, bundle, follow=None):
        if not self.sent:
            write(self._fleet, "ML", "urgent", precedence=Precedence.FLASH)
        return super().exchange(url, pins, bundle, follow)


def run(fleet, member, other, line):
    """Let a member exchange with another over a line."""
    with fleet.at(member) as node:
        return exchange.exchange_with(node, other, line)


def places(frames):
    """Return the places of the entries in a bundle."""
    return [
        place
        for frame in frames
        if isinstance(frame, PackageFrame)
        for place in range(frame.start, frame.start + len(frame.headers))
    ]


def test_a_backlog_goes_in_bundles_that_follow_each_other_and_each_entry_once(fleet):
    write(fleet, "ML", *NAMES)
    line = Line(fleet)
    report = run(fleet, "ML", "BF", line)
    assert (report.faults, report.more, texts(fleet, "BF")) == ([], False, NAMES)
    assert line.requests[1:] == [bundle for bundle in line.followed if bundle]
    assert len(line.requests) > 2
    sent = [place for data in line.requests for place in places(open_for(fleet, "BF", data))]
    assert sent == list(range(len(NAMES)))


def test_what_follows_asks_for_no_entries_and_gets_none_and_brings_no_receipts_again(fleet):
    write(fleet, "BF", "known before")
    fleet.exchange("ML", "BF")
    write(fleet, "ML", *NAMES)
    line = Line(fleet)
    run(fleet, "ML", "BF", line)
    frames = [open_for(fleet, "BF", data) for data in line.requests]
    rooms = [frame.size for found in frames for frame in found if isinstance(frame, RoomFrame)]
    assert rooms == [LEAST, *[0] * (len(frames) - 1)]
    assert not any(isinstance(frame, ReceiptFrame) for found in frames[1:] for frame in found)


def test_a_partner_that_has_more_itself_is_given_the_line_back(fleet):
    write(fleet, "ML", *NAMES)
    write(fleet, "BF", *[f"from BF {name}" for name in NAMES])
    line = Line(fleet)
    while run(fleet, "ML", "BF", line).more:
        pass
    both = sorted([*NAMES, *[f"from BF {name}" for name in NAMES]])
    assert texts(fleet, "BF") == texts(fleet, "ML") == both
    got = [place for data in line.answers for place in places(open_for(fleet, "ML", data))]
    assert got == list(range(len(NAMES)))
    for data, answer in zip(line.requests, line.answers, strict=True):
        brief = RoomFrame(0) in open_for(fleet, "BF", data)
        assert not (brief and places(open_for(fleet, "ML", answer)))


def test_what_is_capped_waits_for_each_answer(fleet):
    write(fleet, "ML", *NAMES)
    with fleet.at("ML"):
        Peer.objects.filter(member="BF").update(cap_kbit=100_000)
    line = Line(fleet)
    run(fleet, "ML", "BF", line)
    assert (set(line.followed), texts(fleet, "BF")) == ({b""}, NAMES)


def test_what_is_urgent_meanwhile_goes_with_the_next_bundle(fleet):
    write(fleet, "ML", *NAMES)
    line = Hasty(fleet)
    run(fleet, "ML", "BF", line)
    lanes = [
        [frame.lane for frame in open_for(fleet, "BF", data) if isinstance(frame, ChannelFrame)]
        for data in line.requests
    ]
    assert (lanes[0], lanes[1][0]) == (["bulk"], "urgent")


@pytest.mark.parametrize("rate", [0, 20_000_000])
def test_the_rate_that_was_seen_is_kept_and_none_where_nothing_was_seen(fleet, rate):
    write(fleet, "ML", "one")
    run(fleet, "ML", "BF", Line(fleet, rate))
    with fleet.at("ML"):
        assert peers.peer("BF").rate == rate
