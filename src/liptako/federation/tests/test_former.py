"""A file that was written before its sender changed the keys of its node, read after that."""

import pytest

from liptako.core.compact.delegation import Revoked
from liptako.core.errors import VerificationError
from liptako.core.log.frames import (
    CarriedFrame,
    ChunkFrame,
    ParcelFrame,
    ReceiptFrame,
    WantFrame,
)
from liptako.core.refs import audience_id
from liptako.federation import exchange, peers
from liptako.ledger import files
from liptako.ledger.file_models import Attached, Incoming
from liptako.ledger.pen import sign_heads_again
from tests.bundles import (
    ALL,
    bundle_for,
    heads_frame,
    open_for,
    read,
    replaced,
    sealed_frames,
    tampered,
    texts,
    whole,
    write,
)
from tests.deeds import adopt, rotated


def renew(fleet, member="ML", **changes):
    """Let a member change its signing key and sign its heads again; all partners learn of it."""
    signed = rotated(fleet, member, **changes)
    with fleet.at(member) as node:
        sign_heads_again(node)
    for other in set(fleet.nodes) - {member}:
        adopt(fleet, other, signed.envelope)
    return signed


def heads_held(fleet, member, other):
    with fleet.at(member):
        return peers.said_by(other)


@pytest.fixture
def stick(fleet):
    """Return a file of ML for BF that was written before ML changed its key."""
    write(fleet, "ML", "one", "two")
    data = bundle_for(fleet, "ML", "BF", standalone=True)
    renew(fleet)
    return data


def test_what_was_signed_before_the_change_is_taken(fleet, stick):
    report = read(fleet, "BF", stick)
    assert (report.taken, report.faults, texts(fleet, "BF")) == (2, [], ["one", "two"])


def test_of_its_sender_such_a_file_tells_nothing(fleet, stick):
    report = read(fleet, "BF", stick)
    assert (report.outdated, heads_held(fleet, "BF", "ML")) == (True, None)


def test_after_it_the_exchange_goes_on(fleet, stick):
    read(fleet, "BF", stick)
    write(fleet, "ML", "three")
    report = fleet.exchange("BF", "ML")
    assert (report.faults, texts(fleet, "BF")) == ([], ["one", "three", "two"])


def test_over_the_network_only_the_key_of_today_is_answered(fleet, stick):
    with fleet.at("BF") as node, pytest.raises(VerificationError, match="no key that is known"):
        exchange.answer(node, stick)


def test_a_key_that_was_stolen_brings_nothing_beyond_its_cap(fleet):
    *_, record = write(fleet, "ML", "one", "two")
    thief = fleet.nodes["ML"].signer
    data = bundle_for(fleet, "ML", "BF", standalone=True)
    renew(fleet, revoked=(Revoked(key=thief.public, caps={record.origin: 1}),))
    report = read(fleet, "BF", data)
    assert (report.taken, texts(fleet, "BF")) == (0, [])
    assert ["good up to 1 entries" in str(fault) for fault in report.faults] == [True]


def test_a_thief_cannot_make_us_go_without_a_payload(fleet, stick):
    frames = whole(open_for(fleet, "BF", stick))
    bare = tampered(frames, lambda frame: replaced(frame, bodies=(None, frame.bodies[1])))
    report = read(fleet, "BF", sealed_frames(fleet, "BF", bare))
    assert ["has left out a payload" in str(fault) for fault in report.faults] == [True]


def test_of_its_files_the_bytes_are_kept_apart(fleet):
    data = b"photo" * 1000
    with fleet.at("ML") as node:
        file = files.keep(node, data, type_="image/jpeg", name="photo.jpg")
    write(fleet, "ML", "one", attachments=(file,))
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
    renew(fleet)
    (chunk,) = [frame for frame in frames if isinstance(frame, ChunkFrame)]
    part = ChunkFrame(chunk.audience, chunk.hash, 0, chunk.data[:100])
    read(fleet, "BF", sealed_frames(fleet, "BF", [*frames[:-1], part]))
    with fleet.at("BF"):
        assert list(Incoming.objects.values_list("member", "held")) == [("ML~", 100)]
    fleet.exchange("BF", "ML")
    with fleet.at("BF"):
        assert Attached.objects.filter(held=True).count() == 1


def test_a_thief_can_neither_ask_for_files_nor_let_parcels_vanish(fleet, stick):
    write(fleet, "ML", "three")
    fleet.exchange("BF", "ML")
    heads = open_for(fleet, "BF", stick)[0]
    audience = audience_id(ALL)
    wants = [
        WantFrame(audience, bytes(32), 0),
        ParcelFrame("ML", "BF", b"noise"),
        CarriedFrame("BF", "NE", bytes(16)),
    ]
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [heads, *wants]))
    assert (report.faults, report.arrived) == ([], [])
    with fleet.at("BF"):
        assert peers.wants_of("ML") == []


def test_a_receipt_by_a_key_of_before_is_no_fault_and_no_receipt(fleet):
    write(fleet, "ML", "one")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    (old,) = [
        frame
        for frame in open_for(fleet, "ML", bundle_for(fleet, "BF", "ML"))
        if isinstance(frame, ReceiptFrame)
    ]
    renew(fleet, "BF")
    report = read(fleet, "ML", sealed_frames(fleet, "ML", [heads_frame(fleet, "BF", "ML"), old]))
    assert (report.receipts, report.faults) == (0, [])
