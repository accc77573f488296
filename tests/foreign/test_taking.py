"""Bundles that a sender should not have made: a node and the foreign reader refuse the same."""

import pytest

from liptako.core.compact.document import State
from liptako.core.compact.dossier import write_dossier
from liptako.core.compact.draft import Changes, next_draft
from liptako.core.log.bundle import (
    AheadFrame,
    ChannelFrame,
    DeedsFrame,
    EndFrame,
    PackageFrame,
    ReceiptFrame,
    RoomFrame,
)
from liptako.core.log.merkle import inclusion_proof, leaf_hash, subtrees
from liptako.core.records.payload import derive_salt
from liptako.ledger import compacts
from liptako.ledger.reader import logs_for
from liptako.ledger.tally import shared_digest
from tests import pact
from tests.bundles import read, replaced, sealed_frames
from tests.foreign.beside import (
    ORIGIN,
    Author,
    aside_at_node,
    aside_at_reader,
    digest_at_node,
    held_by_node,
    held_by_reader,
    reader_for,
    written_by_hand,
)
from tests.foreign.folding import shared_digest as foreign_digest

LOG = [(b"one", None), (b"two", None), (b"three", None)]


def both_take(fleet, frames, reader=None):
    """Let the node and a reader of BF take frames; return how many entries both took."""
    sealed = sealed_frames(fleet, "BF", frames)
    reader = reader or reader_for(fleet, "BF")
    report, node = reader.take(sealed), read(fleet, "BF", sealed)
    assert held_by_reader(reader) == held_by_node(fleet, "BF")
    wrong = bool(report.faults) or not report.whole
    assert (report.taken, wrong) == (node.taken, bool(node.faults))
    return report.taken


def with_channel(**changes):
    """Return a change of the channel frame."""
    names = ("origin", "roster", "lane", "checkpoint", "start", "frontier")

    def change(frame):
        if not isinstance(frame, ChannelFrame):
            return frame
        return ChannelFrame(**{name: getattr(frame, name) for name in names} | changes)

    return change


def with_package(**changes):
    """Return a change of the package frames."""

    def change(frame):
        return replaced(frame, **changes) if isinstance(frame, PackageFrame) else frame

    return change


NIL = (None,) * 3
CHANGES = {
    "nothing": (with_package(), 3),
    "another lane": (with_channel(lane="slow"), 0),
    "a roster without the sender": (with_channel(roster=("BF", "NE")), 0),
    "a roster out of order": (with_channel(roster=("NE", "ML", "BF")), 0),
    "a log of another author": (with_channel(origin=ORIGIN.replace("ML", "NE")), 0),
    "no name of a log": (with_channel(origin="ML/c/1/e1"), 0),
    "a start behind the end": (with_channel(start=4), 0),
    "a start before there is anything": (with_channel(start=1), 0),
    "a frontier that is none": (with_channel(frontier=b"none"), 3),
    "a package that begins elsewhere": (with_package(start=1), 0),
    "an entry less": (with_package(headers=(b"one", b"two"), bodies=NIL[:2], salts=(b"",) * 2), 0),
    "another entry": (with_package(headers=(b"one", b"two", b"3")), 0),
    "a payload too many": (with_package(bodies=(None,) * 4), 0),
    "a salt too few": (with_package(salts=(b"",) * 2), 0),
    "seed and salts": (with_package(seed=bytes(16)), 0),
    "a seed of another size": (with_package(seed=bytes(15), salts=()), 0),
    "a seed alone": (with_package(seed=bytes(16), salts=()), 3),
    "a payload with evidence": (with_package(bodies=(b"{}",) * 3, salts=(bytes(16),) * 3), 3),
    "a short salt": (with_package(bodies=(b"{}",) * 3, salts=(bytes(15),) * 3), 0),
    "a proof that is not needed": (with_package(proof=(bytes(32),)), 0),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_is_not_as_the_page_says_is_refused_by_both(fleet, case):
    change, taken = CHANGES[case]
    assert both_take(fleet, map(change, written_by_hand(fleet, LOG))) == taken


EXTRA = {
    "a hint": (RoomFrame(100), 3),
    "heads once more": (None, 3),
    "a dossier that is none": (DeedsFrame(b"{}"), 3),
    "a receipt of nothing": (ReceiptFrame("NE/c/0001020304050607/e1", 1, "NE", 1, bytes(64)), 3),
    "shown ahead without a proof": (AheadFrame(0, b"one", None, b"", ()), 0),
    "an end that counts wrong": (EndFrame(1), 0),
}


@pytest.mark.parametrize("case", EXTRA)
def test_a_frame_in_between_is_judged_alike(fleet, case):
    heads, channel, package = written_by_hand(fleet, LOG)
    frame, taken = EXTRA[case]
    assert both_take(fleet, [heads, channel, frame or heads, package]) == taken


def test_packages_may_come_twice_and_overlap_but_leave_no_gap(fleet):
    reader = reader_for(fleet, "BF")
    heads, channel, one, two, three = written_by_hand(fleet, LOG, cut=1)
    assert both_take(fleet, [heads, channel, one, two], reader) == 2
    assert both_take(fleet, [heads, channel, one, three], reader) == 0
    (whole,) = written_by_hand(fleet, LOG)[2:]
    assert both_take(fleet, [heads, channel, whole], reader) == 1


@pytest.mark.parametrize("honest", [True, False])
def test_what_is_shown_ahead_is_held_at_once_and_counts_when_its_turn_comes(fleet, honest):
    """Until then the node has no digest: heads do not say that it holds more."""
    author = Author()
    office = {"code": "desk", "titles": {"fr": "Bureau"}, "roles": []}
    first = author.write("members.office/1", office)
    author.write("members.office/1", office, name=2)
    author.write("members.office/1", office, name=3, refs=[first])
    heads, channel, *packages = written_by_hand(fleet, author.log, cut=1)
    header, body = author.log[2]
    leaves = [leaf_hash(data) for data, _ in author.log]
    proof = inclusion_proof(2, 3, subtrees(leaves)) if honest else ()
    ahead = AheadFrame(2, header, body, derive_salt(bytes(16), 2), proof)
    reader = reader_for(fleet, "BF")
    assert both_take(fleet, [heads, channel, ahead, packages[0]], reader) == (2 if honest else 0)
    if not honest:
        return
    assert sorted(reader.logs[ORIGIN].entries) == [0, 2]
    with fleet.at("BF"):
        assert shared_digest(logs_for("ML", begun=False)) is None
    assert both_take(fleet, [heads, channel, *packages], reader) == 1
    assert aside_at_reader(reader) == aside_at_node(fleet, "BF") == {}
    assert foreign_digest(reader.logs, ("BF", "ML")) == digest_at_node(fleet, "BF", "ML")


LEFT_OUT = {
    "a payload": ({}, 0),
    "one that is to be kept still": ({"retain": 253_402_300_799_999}, 0),
    "one that has expired": ({"retain": 1}, 1),
    "one of a header that nobody can read": ({"lamport": 0}, 1),
    "one of a record of another member": ({"author": "NE"}, 1),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_third_member_may_leave_out_only_what_is_gone_everywhere(fleet, case):
    author, reader, (changes, taken) = Author(), reader_for(fleet, "BF"), LEFT_OUT[case]
    author.write("members.audit/1", {"event": "x"}, held=False, **changes)
    assert both_take(fleet, written_by_hand(fleet, author.log, sender="NE"), reader) == taken
    # Its author may leave out anything.
    assert both_take(fleet, written_by_hand(fleet, author.log), reader) == 1 - taken


def suspend(fleet, sizes):
    """Let all but ML suspend it; return the new version for a reader."""
    with fleet.at("BF"):
        before = compacts.dossier().versions[-1]
    states = {"ML": (State.SUSPENDED, sizes)}
    draft = next_draft(before, Changes(states=states, approve=2))
    dossier = write_dossier(pact.dossier(pact.by(draft, "BF", "ML", "NE")))
    for member in ("BF", "NE"):
        with fleet.at(member) as node:
            compacts.adopt(dossier, member, node.clock)
    return dossier


@pytest.mark.parametrize(("frozen", "taken"), [(3, 3), (2, 0)])
def test_a_suspended_member_is_not_heard_and_its_logs_end_where_they_were_frozen(
    fleet, frozen, taken
):
    dossier, reader = suspend(fleet, {ORIGIN: frozen}), reader_for(fleet, "BF")
    reader.compact.take(dossier)
    assert len(reader.compact.versions) == 2
    report = reader.take(sealed_frames(fleet, "BF", written_by_hand(fleet, LOG)))
    assert (report.heads, report.taken) == (None, 0)
    assert both_take(fleet, written_by_hand(fleet, LOG, sender="NE"), reader) == taken
