"""Exchange between nodes: what is released arrives, nothing else does, faults are named."""

import hashlib
import io

import pytest

from liptako.core.errors import MalformedError, NetworkError, RefusedError, VerificationError
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.frames import ChannelFrame, HeadsFrame, PackageFrame
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.sealed import unseal
from liptako.core.records.envelope import Precedence
from liptako.federation import exchange, peers, standing
from liptako.ledger.digest import state_digest
from liptako.ledger.models import Channel, Entry, Payload
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
    tampered,
    texts,
    write,
)
from tests.fleet import Wire


def test_what_one_releases_the_others_have(fleet):
    write(fleet, "ML", "one", "two")
    fleet.settle()
    assert texts(fleet, "BF") == texts(fleet, "NE") == ["one", "two"]


def test_both_sides_have_everything_after_one_exchange(fleet):
    write(fleet, "ML", "from ML")
    write(fleet, "BF", "from BF")
    assert fleet.exchange("ML", "BF").taken == 1
    assert texts(fleet, "ML") == texts(fleet, "BF") == ["from BF", "from ML"]


def test_equal_heads_have_equal_states(fleet):
    for member in ALL:
        write(fleet, member, "a", "b", "c")
    fleet.settle()
    digests = set()
    for member in ALL:
        with fleet.at(member):
            digests.add(state_digest())
    assert len(digests) == 1


def test_what_is_for_two_never_reaches_the_third(fleet):
    write(fleet, "ML", "secret of two", audience=PAIR)
    write(fleet, "ML", "for ourselves", audience=frozenset())
    fleet.settle()
    assert texts(fleet, "BF") == ["secret of two"]
    with fleet.at("NE"):
        assert (Entry.objects.count(), Channel.objects.count()) == (0, 0)


def test_a_third_member_hands_on_what_the_audience_may_have(fleet):
    write(fleet, "ML", "flood")
    fleet.exchange("ML", "BF")
    fleet.exchange("BF", "NE")
    assert texts(fleet, "NE") == ["flood"]


def test_a_partner_that_cannot_be_reached_is_noted_and_caught_up_later(fleet):
    write(fleet, "ML", "while cut off")
    fleet.cut.add("BF")
    with pytest.raises(NetworkError):
        fleet.exchange("ML", "BF")
    with fleet.at("ML") as node:
        state = standing.state_of(node, "BF")
        assert (state.waiting, "cannot be reached" in state.peer.fault_template) == (1, True)
    fleet.cut.clear()
    fleet.exchange("ML", "BF")
    assert texts(fleet, "BF") == ["while cut off"]


def test_what_is_stored_there_is_the_partner_s_own_word(fleet):
    write(fleet, "ML", "one", "two", "three")
    bundle = bundle_for(fleet, "ML", "BF")
    with fleet.at("ML") as node:
        assert (standing.state_of(node, "BF").stored, standing.state_of(node, "BF").waiting) == (
            0,
            3,
        )
    read(fleet, "BF", bundle)
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    with fleet.at("ML") as node:
        state = standing.state_of(node, "BF")
        assert (state.stored, state.waiting, state.since) == (3, 0, None)


def test_an_old_word_of_a_partner_does_not_undo_a_newer_one(fleet):
    old = bundle_for(fleet, "BF", "ML")
    write(fleet, "ML", "one")
    fleet.exchange("ML", "BF")
    fleet.exchange("ML", "BF")
    read(fleet, "ML", old)
    with fleet.at("ML") as node:
        assert standing.state_of(node, "BF").stored == 1


def test_many_records_go_in_several_requests(fleet):
    noise = [hashlib.shake_256(i.to_bytes(4, "big")).hexdigest(200) for i in range(700)]
    write(fleet, "ML", *noise)
    with fleet.at("ML") as node:
        wire = Wire(fleet)
        report = exchange.exchange_with(node, "BF", wire)
    assert (len(wire.sent) > 2, report.more) == (True, False)
    assert texts(fleet, "BF") == sorted(noise)


def test_an_urgent_record_goes_before_a_backlog(fleet):
    write(fleet, "ML", *[f"number {i}" for i in range(300)])
    write(fleet, "ML", "urgent", precedence=Precedence.FLASH)
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    lanes = [frame.lane for frame in frames if isinstance(frame, ChannelFrame)]
    assert lanes == ["urgent", "bulk"]


def test_a_file_read_twice_changes_nothing(fleet):
    write(fleet, "ML", "one")
    bundle = bundle_for(fleet, "ML", "BF")
    assert (read(fleet, "BF", bundle).taken, read(fleet, "BF", bundle).taken) == (1, 0)


def test_an_old_file_after_a_newer_one_changes_nothing(fleet):
    write(fleet, "ML", "one")
    old = bundle_for(fleet, "ML", "BF")
    write(fleet, "ML", "two")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    report = read(fleet, "BF", old)
    assert (report.taken, report.faults, report.outdated) == (0, [], True)
    assert texts(fleet, "BF") == ["one", "two"]


def test_an_old_file_does_not_count_as_having_heard_of_the_partner(fleet):
    old = bundle_for(fleet, "ML", "BF")
    write(fleet, "ML", "one")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    with fleet.at("BF"):
        heard = peers.peer("ML").heard_at
    read(fleet, "BF", old)
    with fleet.at("BF"):
        assert peers.peer("ML").heard_at == heard


def test_a_file_for_somebody_else_cannot_be_opened(fleet):
    write(fleet, "ML", "one")
    with pytest.raises(VerificationError, match="cannot be opened with the keys of this node"):
        read(fleet, "NE", bundle_for(fleet, "ML", "BF"))


def test_our_own_file_is_told_to_be_for_a_partner(fleet):
    node = fleet.nodes["ML"]
    note = sign_heads(Heads(sender="ML", recipient="ML"), node.signer)
    with pytest.raises(RefusedError, match="for a partner"):
        read(fleet, "ML", sealed_frames(fleet, "ML", [HeadsFrame(note)]))


@pytest.mark.parametrize("length", [100, 400, -200, -1])
def test_a_cut_file_keeps_whole_packages_and_says_so(fleet, length):
    write(fleet, "ML", *[f"number {i}" for i in range(600)])
    bundle = bundle_for(fleet, "ML", "BF")[:length]
    try:
        report = read(fleet, "BF", bundle)
    except (MalformedError, VerificationError):
        kept = 0
    else:
        assert "cut short" in str(report.faults[0])
        kept = report.taken
    assert kept in {0, 256, 512, 600}
    with fleet.at("BF"):
        assert Entry.objects.count() == kept


def test_a_flipped_bit_keeps_nothing_unverified(fleet):
    write(fleet, "ML", *[f"number {i}" for i in range(600)])
    bundle = bytearray(bundle_for(fleet, "ML", "BF"))
    bundle[len(bundle) // 2] ^= 1
    try:
        report = read(fleet, "BF", bytes(bundle))
    except (MalformedError, VerificationError):
        return
    assert report.faults
    assert set(texts(fleet, "BF")) <= {f"number {i}" for i in range(600)}


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: replaced(frame, bodies=(b"{}", *frame.bodies[1:])),
        lambda frame: replaced(frame, headers=frame.headers[1:], bodies=frame.bodies[1:]),
        lambda frame: replaced(
            frame,
            headers=(frame.headers[1], frame.headers[0], *frame.headers[2:]),
            bodies=(frame.bodies[1], frame.bodies[0], *frame.bodies[2:]),
        ),
        lambda frame: replaced(frame, start=1),
    ],
    ids=["changed", "dropped", "swapped", "gap"],
)
def test_a_bundle_that_somebody_tampered_with_says_what_is_wrong_and_keeps_nothing(fleet, change):
    write(fleet, "ML", "one", "two", "three")
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    report = read(fleet, "BF", sealed_frames(fleet, "BF", tampered(frames, change)))
    assert report.taken == 0
    assert "entr" in str(report.faults[0])
    with fleet.at("BF"):
        assert (Entry.objects.count(), Payload.objects.count()) == (0, 0)


def test_a_fault_in_one_log_leaves_the_others_standing(fleet):
    write(fleet, "ML", "for two", audience=PAIR)
    write(fleet, "ML", "for all")
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    place = next(i for i, frame in enumerate(frames) if isinstance(frame, PackageFrame))
    frames[place] = replaced(frames[place], bodies=(b"{}",))
    report = read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    assert (report.taken, len(report.faults)) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signer": "NE"}, "signed by no key that is known here"),
        ({"roster": ("ML", "NE")}, "not among its recipients"),
        ({"author": "NE", "signer": "NE", "roster": ("BF", "NE")}, "not among its recipients"),
        ({"lane": "slow"}, "no such lane"),
        ({"author": "TG", "roster": ("BF", "ML", "TG")}, "TG is not a member"),
    ],
)
def test_a_log_that_is_not_in_order_is_refused_by_name(fleet, changes, message):
    frames = [heads_frame(fleet), forged_channel(fleet, **changes), PACKAGE]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    assert (report.taken, message in str(report.faults[0])) == (0, True)


def test_a_log_of_our_own_is_not_taken_from_anybody(fleet):
    frames = [heads_frame(fleet), forged_channel(fleet, author="BF"), PACKAGE]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    assert (report.taken, "signed by no key" in str(report.faults[0])) == (0, True)


def test_what_a_partner_gives_back_of_a_log_of_our_own_is_passed_over(fleet):
    write(fleet, "BF", "one")
    with fleet.at("BF"):
        log = Channel.objects.get(author="BF")
        channel = ChannelFrame(
            log.origin, ("BF", "ML", "NE"), "bulk", bytes(log.checkpoint), 0, b""
        )
    frames = [heads_frame(fleet), channel, PACKAGE]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", frames))
    assert (report.taken, report.faults) == (0, [])


def test_two_histories_of_one_log_are_told_apart(fleet):
    first = [heads_frame(fleet), forged_channel(fleet), PACKAGE]
    assert read(fleet, "BF", sealed_frames(fleet, "BF", first)).taken == 1
    origin = "ML/c/0001020304050607/e1"
    other = head_of(origin, CompactRange().extend([leaf_hash(b"y")]))
    note = sign_checkpoint(other, fleet.nodes["ML"].signer)
    second = [heads_frame(fleet), ChannelFrame(origin, ("BF", "ML"), "bulk", note, 0, b""), PACKAGE]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", second))
    assert "two different histories" in str(report.faults[0])


def test_a_log_that_changes_its_audience_is_refused(fleet):
    read(
        fleet,
        "BF",
        sealed_frames(fleet, "BF", [heads_frame(fleet), forged_channel(fleet), PACKAGE]),
    )
    again = forged_channel(fleet, roster=("BF", "ML", "NE"))
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [heads_frame(fleet), again, PACKAGE]))
    assert "changed its audience" in str(report.faults[0])


@pytest.mark.parametrize(
    "frames",
    [
        lambda _fleet: [],
        lambda _fleet: [PACKAGE],
        lambda fleet: [heads_frame(fleet, recipient="NE")],
        lambda fleet: [
            HeadsFrame(sign_heads(Heads(sender="NE", recipient="BF"), fleet.nodes["ML"].signer))
        ],
    ],
    ids=["nothing", "no heads", "for another", "signed by another"],
)
def test_a_bundle_whose_sender_cannot_be_verified_is_refused(fleet, frames):
    with pytest.raises((MalformedError, VerificationError)):
        read(fleet, "BF", sealed_frames(fleet, "BF", frames(fleet)))


def test_what_was_not_released_is_in_no_bundle_and_no_row_of_a_partner(fleet):
    """Grep the bytes: bundles opened, every table of BF and NE."""
    needle = "nowhere-but-at-home"
    write(fleet, "ML", needle, audience=frozenset())
    write(fleet, "ML", "released")
    for other in ("BF", "NE"):
        plain = io.BytesIO()
        data = bundle_for(fleet, "ML", other, standalone=True)
        unseal(io.BytesIO(data), plain, fleet.nodes[other].identity)
        frames = repr(open_for(fleet, other, data))
        assert needle not in frames
        assert "released" in frames
    fleet.settle()
    for other in ("BF", "NE"):
        with fleet.at(other):
            bodies = b"".join(bytes(row) for row in Payload.objects.values_list("body", flat=True))
            assert needle.encode() not in bodies
            assert b"released" in bodies
