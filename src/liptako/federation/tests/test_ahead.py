"""What is most urgent overtakes what is urgent: shown ahead of its place, proven, drawn at once."""

import io
from hashlib import shake_256

import pytest
from msgspec.structs import replace

from liptako.core.log.bundle import AheadFrame, PackageFrame, ShownFrame
from liptako.core.records.envelope import Precedence
from liptako.federation import exchange, sync
from liptako.federation.ahead import LIMIT
from liptako.ledger import checking, projector
from liptako.ledger.models import Channel, Entry
from liptako.ledger.receipts import sign_receipts
from tests.bundles import (
    PAIR,
    bundle_for,
    open_for,
    read,
    sealed_frames,
    texts,
    write,
)
from tests.fleet import Wire

ROOM = 2_000
BACKLOG = [f"{number} {'long text ' * 20}" for number in range(60)]
LONG = {"precedence": Precedence.IMMEDIATE, "audience": PAIR}
FLASH = {"precedence": Precedence.FLASH, "audience": PAIR}


@pytest.fixture
def behind(fleet):
    """Return a fleet in which a flash record stands behind weeks of urgent ones."""
    write(fleet, "ML", *BACKLOG, **LONG)
    write(fleet, "ML", "Flash", **FLASH)
    return fleet


def part_for(fleet, member, other, *, room=ROOM):
    """Return a bundle that holds only a part of what is to be sent."""
    with fleet.at(member) as node:
        target = io.BytesIO()
        sync.write_bundle(node, other, target, sync.Extent(room=room))
        return target.getvalue()


def kinds(fleet, member, data, kind):
    return [frame for frame in open_for(fleet, member, data) if isinstance(frame, kind)]


def test_a_flash_record_is_there_before_what_was_written_before_it(behind):
    report = read(behind, "BF", part_for(behind, "ML", "BF"))
    assert report.faults == []
    shown = texts(behind, "BF")
    assert "Flash" in shown
    assert 1 < len(shown) < len(BACKLOG)


def test_it_is_held_once_when_its_place_is_reached(behind):
    read(behind, "BF", part_for(behind, "ML", "BF"))
    behind.settle()
    assert texts(behind, "BF") == sorted([*BACKLOG, "Flash"])
    with behind.at("BF") as node:
        log = Channel.objects.get(author="ML")
        assert (log.size, log.ahead, Entry.objects.count()) == (61, 0, 61)
        assert checking.check_logs(node, lambda *_: None) == ([], 61)


def test_only_a_whole_run_of_entries_is_told_and_signed(behind):
    read(behind, "BF", part_for(behind, "ML", "BF"))
    with behind.at("BF"):
        size = Channel.objects.get(author="ML").size
    back = bundle_for(behind, "BF", "ML")
    (shown,) = kinds(behind, "ML", back, ShownFrame)
    assert shown.places == (60,)
    heads, *_ = open_for(behind, "ML", back)
    assert f" {size} ".encode() in heads.note


@pytest.mark.parametrize("caller", ["BF", "ML"])
def test_what_was_kept_is_not_shown_twice_in_one_exchange(fleet, caller):
    noise = [shake_256(bytes([i, j])).hexdigest(300) for i in range(3) for j in range(256)]
    write(fleet, "ML", *noise, **LONG)
    write(fleet, "ML", "Flash", **FLASH)
    wire, callee = Wire(fleet), "ML" if caller == "BF" else "BF"
    with fleet.at(caller) as node:
        exchange.exchange_with(node, callee, wire)
    sent = wire.sent[1::2] if caller == "BF" else wire.sent[::2]
    shown = [len(kinds(fleet, "BF", data, AheadFrame)) for data in sent]
    assert len(shown) > 1
    assert sum(shown) == 1


def test_what_fits_in_is_not_shown_twice(fleet):
    write(fleet, "ML", "one", **LONG)
    write(fleet, "ML", "Flash", **FLASH)
    assert kinds(fleet, "BF", part_for(fleet, "ML", "BF", room=20_000), AheadFrame) == []


def test_a_file_with_everything_shows_nothing_ahead(behind):
    assert kinds(behind, "BF", bundle_for(behind, "ML", "BF"), AheadFrame) == []


def test_what_it_names_goes_with_it(fleet):
    (named, *_) = write(fleet, "ML", "the first word", audience=PAIR, precedence=Precedence.ROUTINE)
    write(fleet, "ML", *BACKLOG, **LONG)
    (middle,) = write(fleet, "ML", "the second word", **LONG, refs=(named.ref,))
    write(fleet, "ML", "Flash", **FLASH, refs=(middle.ref,))
    read(fleet, "BF", part_for(fleet, "ML", "BF"))
    with fleet.at("BF"):
        assert projector.Waiting.objects.count() == 0
    assert {"Flash", "the first word", "the second word"} <= set(texts(fleet, "BF"))


def test_the_latest_are_shown_if_they_are_many(fleet):
    write(fleet, "ML", *BACKLOG, **LONG)
    write(fleet, "ML", *(f"Flash {number:03}" for number in range(LIMIT + 5)), **FLASH)
    shown = kinds(fleet, "BF", part_for(fleet, "ML", "BF"), AheadFrame)
    assert [frame.seq for frame in shown] == list(range(65, 65 + LIMIT))


def test_nobody_else_is_shown_it(behind):
    assert kinds(behind, "NE", part_for(behind, "ML", "NE"), AheadFrame) == []


def test_a_changed_one_is_refused(behind):
    frames = open_for(behind, "BF", part_for(behind, "ML", "BF"))
    wrong = [
        replace(frame, body=b"{}") if isinstance(frame, AheadFrame) else frame for frame in frames
    ]
    report = read(behind, "BF", sealed_frames(behind, "BF", wrong))
    assert len(report.faults) == 1
    assert "Flash" not in texts(behind, "BF")


def test_one_without_its_payload_is_not_kept(behind):
    frames = open_for(behind, "BF", part_for(behind, "ML", "BF"))
    with behind.at("ML"):
        header = bytes(Entry.objects.get(seq=60).header)
    bare = [
        replace(frame, body=None, salt=b"", header=header)
        if isinstance(frame, AheadFrame)
        else frame
        for frame in frames
        if not isinstance(frame, PackageFrame)
    ]
    report = read(behind, "BF", sealed_frames(behind, "BF", bare))
    assert (report.faults, report.taken) == ([], 0)


def test_another_entry_in_its_place_ends_the_log(behind):
    read(behind, "BF", part_for(behind, "ML", "BF"))
    with behind.at("BF"):
        Entry.objects.filter(seq=60).update(leaf=bytes(32))
    for data in (part_for(behind, "ML", "BF"), bundle_for(behind, "ML", "BF")):
        report = read(behind, "BF", data)
        assert ["another entry number 60 before" in str(fault) for fault in report.faults] == [True]
    with behind.at("BF") as node:
        faults, _ = checking.check_logs(node, lambda *_: None)
        assert [str(fault) for fault in faults] == [
            f"{Entry.objects.get(seq=60)}: the header is not the one that was hashed"
        ]


def test_a_log_of_which_nothing_else_came_is_not_told_of(behind):
    frames = open_for(behind, "BF", part_for(behind, "ML", "BF"))
    alone = [frame for frame in frames if not isinstance(frame, PackageFrame)]
    report = read(behind, "BF", sealed_frames(behind, "BF", alone))
    assert (report.faults, texts(behind, "BF")) == ([], ["Flash"])
    with behind.at("BF") as node:
        assert sign_receipts(node) == 0
        assert checking.check_logs(node, lambda *_: None)[0] == []
    (shown,) = kinds(behind, "ML", bundle_for(behind, "BF", "ML"), ShownFrame)
    assert shown.places == (60,)
    behind.settle()
    assert texts(behind, "BF") == sorted([*BACKLOG, "Flash"])


def test_a_flag_that_is_not_that_of_the_header_is_found(behind):
    with behind.at("ML") as node:
        Entry.objects.filter(seq=60).update(flash=False)
        faults, _ = checking.check_logs(node, lambda *_: None)
    assert ["its precedence is not that of its header" in str(fault) for fault in faults] == [True]
