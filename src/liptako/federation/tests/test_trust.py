"""What a partner or a third member may not do, and what a node that was set back is told."""

import hashlib
import io
import secrets

import pytest

from liptako.core.clock import Instant
from liptako.core.errors import NetworkError
from liptako.core.log.checkpoint import Checkpoint, head_of, sign_checkpoint
from liptako.core.log.frames import ChannelFrame, HeadsFrame, PackageFrame
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.refs import audience_id
from liptako.federation import exchange, peers, standing, sync
from liptako.ledger import store
from liptako.ledger.models import Audience, Channel, Entry
from tests.bundles import (
    ALL,
    PACKAGE,
    PAIR,
    bundle_for,
    forged_channel,
    heads_frame,
    open_for,
    read,
    replaced,
    sealed_frames,
    texts,
    whole,
    write,
)


def fault_of(fleet, member, other):
    """Return what a member's page says is wrong with a partner."""
    with fleet.at(member):
        return peers.peer(other).fault_template


def test_what_is_wrong_with_a_request_is_kept_for_the_page_of_partners(fleet):
    read(fleet, "BF", sealed_frames(fleet, "BF", [heads_frame(fleet), forged_channel(fleet)]))
    other = head_of("ML/c/0001020304050607/e1", CompactRange().extend([leaf_hash(b"y")]))
    note = sign_checkpoint(other, fleet.nodes["ML"].signer)
    first = [heads_frame(fleet), forged_channel(fleet), PACKAGE]
    second = [heads_frame(fleet), ChannelFrame(other.origin, ("BF", "ML"), "bulk", note, 0, b"")]
    with fleet.at("BF") as node:
        exchange.answer(node, sealed_frames(fleet, "BF", first))
        exchange.answer(node, sealed_frames(fleet, "BF", second))
    assert "two different histories" in fault_of(fleet, "BF", "ML")


def heads_of(fleet, sender, *logs):
    heads = Heads(sender=sender, recipient="BF", logs=logs)
    return HeadsFrame(sign_heads(heads, fleet.nodes[sender].signer))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_node_whose_log_a_partner_holds_otherwise_is_told_that_it_was_set_back(fleet, size):
    *_, record = write(fleet, "BF", "one", "two")
    head = Checkpoint(origin=record.origin, size=size, root=bytes(32))
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [heads_of(fleet, "ML", head)]))
    assert "another history of this log of ours" in str(report.faults[0])
    assert "another history" in fault_of(fleet, "BF", "ML")


def test_of_the_logs_before_a_restore_a_partner_may_hold_more(fleet):
    *_, record = write(fleet, "BF", "one")
    with fleet.at("BF") as node:
        store.begin_epoch(node.clock())
    head = Checkpoint(origin=record.origin, size=9, root=bytes(32))
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [heads_of(fleet, "ML", head)]))
    assert report.faults == []


def test_a_partner_that_was_restored_and_holds_less_is_sent_the_rest_again(fleet):
    write(fleet, "ML", "one", "two")
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    fleet.exchange("ML", "BF")
    fleet.exchange("ML", "BF")
    assert waiting(fleet) == 0
    report = fleet_reads_as_ml(fleet, heads_after_restore(fleet))
    assert (report.outdated, waiting(fleet)) == (False, 2)


def heads_after_restore(fleet):
    """Return what BF says after it was restored from a backup without any entry."""
    with fleet.at("BF") as node:
        heads = Heads(sender="BF", recipient="ML", epoch=9, time=node.clock())
    return HeadsFrame(sign_heads(heads, fleet.nodes["BF"].signer))


def fleet_reads_as_ml(fleet, frame):
    return read(fleet, "ML", sealed_frames(fleet, "ML", [frame]))


def waiting(fleet):
    with fleet.at("ML") as node:
        return standing.state_of(node, "BF").waiting


def test_two_logs_of_one_epoch_are_both_taken(fleet):
    write(fleet, "ML", "one", audience=PAIR)
    with fleet.at("ML"):
        Channel.objects.all().update(epoch=7)  # as after a restore; its name stays
    write(fleet, "ML", "two", audience=PAIR)
    fleet.exchange("ML", "BF")
    assert texts(fleet, "BF") == ["one", "two"]
    with fleet.at("BF"):
        assert Channel.objects.filter(author="ML").count() == 2


@pytest.mark.parametrize("packages", [(0, 0), (1, 0), (1,)], ids=["twice", "turned", "gap"])
def test_packages_that_do_not_follow_each_other_end_the_intake_of_their_log(fleet, packages):
    write(fleet, "ML", *[f"number {i}" for i in range(300)])
    heads, log, *parts = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    frames = [heads, log, *(parts[number] for number in packages)]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    assert ["entries are missing or come twice" in str(fault) for fault in report.faults] == [True]
    assert report.taken == (256 if packages[0] == 0 else 0)


class Deaf:
    """A partner that answers what it always answers, whatever it is sent."""

    def __init__(self, reply):
        self.reply, self.asked = reply, 0

    def exchange(self, _url, _pin, _bundle, _follow=None):
        self.asked += 1
        return self.reply


def test_a_partner_that_takes_nothing_is_not_sent_the_same_again_and_again(fleet):
    write(fleet, "ML", "one")
    deaf = Deaf(bundle_for(fleet, "BF", "ML"))
    with fleet.at("ML") as node:
        exchange.exchange_with(node, "BF", deaf)
    assert deaf.asked <= 2


@pytest.mark.parametrize(
    "roster",
    [("ML", "BF"), ("BF", "ML", "ML"), ("BF", "ML\nNE"), ("BF", "ML", "x\0")],
    ids=["order", "twice", "two in one", "no member"],
)
def test_a_roster_in_another_spelling_is_refused(fleet, roster):
    frames = [heads_frame(fleet), forged_channel(fleet, roster=roster), PACKAGE]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    assert (report.taken, len(report.faults)) == (0, 1)
    with fleet.at("BF"):
        assert not Audience.objects.filter(id=audience_id(roster)).exists()


def test_a_poison_record_is_kept_as_evidence_on_every_database(fleet):
    read(
        fleet,
        "BF",
        sealed_frames(fleet, "BF", [heads_frame(fleet), forged_channel(fleet), PACKAGE]),
    )
    with fleet.at("BF"):
        held = Entry.objects.filter(channel__author="ML")
        assert [hasattr(entry, "payload") for entry in held] == [False]


def without_bodies(frames):
    """Return frames of which somebody has left out every payload."""
    return [
        replaced(frame, bodies=(None,) * len(frame.bodies), seed=b"", salts=(b"",))
        if isinstance(frame, PackageFrame)
        else frame
        for frame in frames
    ]


def test_a_payload_that_somebody_but_its_author_left_out_is_asked_for_elsewhere(fleet):
    write(fleet, "ML", "flood")
    fleet.exchange("ML", "NE")
    passed_on = without_bodies(whole(open_for(fleet, "BF", bundle_for(fleet, "NE", "BF"))))
    report = read(fleet, "BF", sealed_frames(fleet, "BF", passed_on))
    assert (report.taken, "has left out a payload" in str(report.faults[0])) == (0, True)
    fleet.exchange("ML", "BF")
    assert texts(fleet, "BF") == ["flood"]


def test_a_payload_that_has_expired_may_be_left_out_by_anybody(fleet):
    ends = fleet.nodes["NE"].clock.milliseconds + 60_000
    write(fleet, "ML", "flood", retain=Instant(ends))
    fleet.exchange("ML", "NE")
    fleet.nodes["NE"].clock.milliseconds = fleet.nodes["BF"].clock.milliseconds = ends
    with fleet.at("NE") as node:
        assert store.expire(node.clock()) == 1
    fleet.exchange("NE", "BF")
    assert fault_of(fleet, "BF", "NE") == ""
    with fleet.at("BF"):
        held = Entry.objects.filter(channel__author="ML")
        assert [hasattr(entry, "payload") for entry in held] == [False]


def test_a_payload_that_has_expired_on_its_way_is_not_kept(fleet):
    ends = fleet.nodes["BF"].clock.milliseconds + 60_000
    write(fleet, "ML", "flood", retain=Instant(ends))
    carried = bundle_for(fleet, "ML", "BF")
    fleet.nodes["BF"].clock.milliseconds = ends
    assert read(fleet, "BF", carried).taken == 1
    with fleet.at("BF"):
        held = Entry.objects.filter(channel__author="ML")
        assert [hasattr(entry, "payload") for entry in held] == [False]
    assert texts(fleet, "BF") == []


def test_of_a_log_that_is_held_in_part_only_what_is_signed_is_handed_on(fleet):
    write(fleet, "ML", "one")
    fleet.exchange("ML", "BF")
    write(fleet, "ML", *[f"number {i}" for i in range(600)])
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))[:3]
    read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    fleet.cut.add("ML")
    assert fleet.exchange("BF", "NE").faults == []
    assert texts(fleet, "NE") == ["one"]
    assert fault_of(fleet, "NE", "BF") == ""


@pytest.mark.parametrize("room", [16, 64])
def test_one_bundle_over_the_network_is_no_longer_than_the_line_carries(fleet, room):
    noise = [hashlib.shake_256(bytes([i // 256, i % 256])).hexdigest(400) for i in range(600)]
    write(fleet, "ML", *noise, audience=ALL)
    bundle = io.BytesIO()
    with fleet.at("ML") as node:
        sent = sync.write_bundle(node, "BF", bundle, sync.Extent(room=room * 1024))
    assert 0 < sent < 600
    assert 0.5 < bundle.tell() / (room * 1024) < 1.6


def test_a_record_that_is_larger_than_the_line_likes_goes_all_the_same(fleet):
    write(fleet, "ML", *[f"{i}" + secrets.token_hex(20_000) for i in range(3)])
    bundle = io.BytesIO()
    with fleet.at("ML") as node:
        assert sync.write_bundle(node, "BF", bundle, sync.Extent(room=100)) == 1
    assert 20_000 < bundle.tell() < 40_000


def test_the_end_of_an_answer_that_was_cut_is_fetched_with_the_next_exchange(fleet):
    noise = [hashlib.shake_256(bytes([i // 256, i % 256])).hexdigest(300) for i in range(600)]
    write(fleet, "BF", *noise)
    cut = Deaf(bundle_for(fleet, "BF", "ML")[:-40])
    with fleet.at("ML") as node:
        report = exchange.exchange_with(node, "BF", cut)
    assert (report.taken, "cut short" in str(report.faults[0])) == (512, True)
    fleet.exchange("ML", "BF")
    assert texts(fleet, "ML") == sorted(noise)


def test_a_partner_that_cannot_be_reached_is_a_fault_until_it_can(fleet):
    fleet.cut.add("BF")
    with pytest.raises(NetworkError):
        fleet.exchange("ML", "BF")
    assert "cannot be reached" in fault_of(fleet, "ML", "BF")
    fleet.cut.clear()
    fleet.exchange("ML", "BF")
    assert fault_of(fleet, "ML", "BF") == ""
