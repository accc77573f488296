"""Bundles that real nodes wrote, read by one that knows docs/spec alone: both hold the same."""

from liptako.core.clock import Instant
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.log.frames import HeadsFrame
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import RECALL, Recall
from liptako.federation import exchange
from liptako.ledger import store
from liptako.ledger.pen import sign_heads_again
from liptako.ledger.records import Draft
from tests.bundles import bundle_for, open_for, read, write
from tests.deeds import adopt, rotated
from tests.fleet import Wire
from tests.foreign.beside import (
    aside_at_node,
    aside_at_reader,
    digest_at_node,
    held_by_node,
    held_by_reader,
    reader_for,
)
from tests.foreign.claims import hash_of, read_same
from tests.foreign.folding import shared_digest
from tests.foreign.logs import read_note

PAIR = ("BF", "ML")


def both_read(fleet, member, sealed, reader):
    """Let a node and a reader take a bundle; they must come to the same."""
    node, foreign = read(fleet, member, sealed), reader.take(sealed)
    assert (foreign.taken, len(foreign.faults)) == (node.taken, len(node.faults))
    assert held_by_reader(reader) == held_by_node(fleet, member)
    assert aside_at_reader(reader) == aside_at_node(fleet, member)
    return foreign


def recall(fleet, *records):
    """Let the author of records of one object take them back."""
    with fleet.at("ML") as node:
        draft = Draft(
            kind=RECALL,
            object=records[0].header.object,
            office="diffusion",
            payload=Recall(reason="une erreur"),
            audience=frozenset({"ML", "BF", "NE"}),
            refs=tuple(record.ref for record in records),
        )
        store.append(node, [draft])


def test_a_bundle_of_several_packages_is_read_whole(fleet):
    write(fleet, "ML", *map(str, range(300)))
    write(fleet, "ML", "urgent", precedence=Precedence.FLASH)
    write(fleet, "ML", "for BF alone", audience=frozenset({"ML", "BF"}))
    reader = reader_for(fleet, "BF")
    report = both_read(fleet, "BF", bundle_for(fleet, "ML", "BF"), reader)
    assert (report.whole, report.taken, report.faults) == (True, 302, [])
    assert report.heads.trust == reader.compact.trust
    assert report.heads.digest == shared_digest(reader.logs, PAIR)
    assert sorted(log.lane for log in reader.logs.values()) == ["bulk", "bulk", "urgent"]
    assert shared_digest(reader.logs, PAIR) == digest_at_node(fleet, "BF", "ML")


def test_a_bundle_goes_on_where_the_last_one_ended_and_may_come_twice(fleet):
    reader, taken = reader_for(fleet, "BF"), []
    for texts in (("1", "2"), ("3",)):
        write(fleet, "ML", *texts)
        sealed = bundle_for(fleet, "ML", "BF")
        taken += [both_read(fleet, "BF", sealed, reader).taken for _ in range(2)]
        read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    assert taken == [2, 0, 1, 0]


def test_recalled_payloads_are_held_by_nobody_whatever_came_first(fleet):
    first, *_ = write(fleet, "ML", "wrong", "good")
    reader = reader_for(fleet, "BF")
    both_read(fleet, "BF", bundle_for(fleet, "ML", "BF"), reader)
    recall(fleet, first)
    both_read(fleet, "BF", bundle_for(fleet, "ML", "BF"), reader)
    assert [body is None for _, body in held_by_reader(reader).values()] == [True, False, False]
    assert shared_digest(reader.logs, PAIR) == digest_at_node(fleet, "BF", "ML")
    assert digest_at_node(fleet, "BF", "ML") == digest_at_node(fleet, "ML", "BF")


def test_a_third_member_hands_on_a_log_with_the_recall_ahead(fleet):
    first, *_ = write(fleet, "ML", "wrong", *map(str, range(300)))
    recall(fleet, first)
    fleet.exchange("ML", "NE")
    reader = reader_for(fleet, "BF")
    report = both_read(fleet, "BF", bundle_for(fleet, "NE", "BF"), reader)
    assert (report.heads.sender, report.taken) == ("NE", 302)


def test_an_expired_payload_changes_the_basis_until_both_have_deleted_it(fleet):
    write(fleet, "ML", "for a while", retain=Instant(1_900_000_000_000))
    reader = reader_for(fleet, "BF")
    both_read(fleet, "BF", bundle_for(fleet, "ML", "BF"), reader)
    later = Instant(1_900_000_000_001)
    with fleet.at("BF"):
        store.expire(later)
    (basis, state), (other_basis, other) = (
        digest_at_node(fleet, "BF", "ML"),
        digest_at_node(fleet, "ML", "BF"),
    )
    assert (basis == other_basis, state == other) == (False, True)
    reader.expire(later.milliseconds)
    assert shared_digest(reader.logs, PAIR) == (basis, state)


def test_both_sides_of_an_exchange_come_to_one_digest(fleet):
    """An auditor who may open what goes either way holds the logs of both."""
    write(fleet, "ML", "from ML")
    write(fleet, "BF", "from BF")
    bf = reader_for(fleet, "BF")
    ml = reader_for(fleet, "ML", logs=bf.logs)
    bf.take(bundle_for(fleet, "ML", "BF"))
    ml.take(bundle_for(fleet, "BF", "ML"))
    fleet.settle()
    shared = [digest_at_node(fleet, *pair) for pair in (("ML", "BF"), ("BF", "ML"))]
    assert [shared_digest(bf.logs, PAIR)] * 2 == shared


def test_receipts_are_cosignatures_of_what_their_member_stored(fleet):
    write(fleet, "ML", "1", "2")
    author = reader_for(fleet, "ML")
    sealed = bundle_for(fleet, "ML", "BF")
    reader_for(fleet, "BF", logs=author.logs).take(sealed)
    read(fleet, "BF", sealed)
    report = author.take(bundle_for(fleet, "BF", "ML"))
    (origin,) = author.logs
    assert (report.faults, set(author.receipts)) == ([], {(origin, "BF")})
    size, time = author.receipts[origin, "BF"]
    assert (size, time <= fleet.nodes["BF"].clock().milliseconds // 1000) == (2, True)


def heads_text(fleet, member, other):
    """Return the text of a member's heads for another."""
    (frame,) = [
        frame
        for frame in open_for(fleet, other, bundle_for(fleet, member, other))
        if isinstance(frame, HeadsFrame)
    ]
    return read_note(frame.note).text


def test_the_line_that_says_nothing_new_fits_the_heads_of_both(fleet):
    write(fleet, "ML", "1")
    fleet.settle()
    wire = Wire(fleet)
    with fleet.at("ML") as node:
        exchange.exchange_with(node, "BF", wire)
    (line, answer), compact = wire.sent, reader_for(fleet, "ML").compact
    ml, bf = heads_text(fleet, "ML", "BF"), heads_text(fleet, "BF", "ML")
    assert read_same(read_note(line), ("ML", "BF"), compact.sign_of("ML")) == hash_of(ml, bf)
    assert read_same(read_note(answer), ("BF", "ML"), compact.sign_of("BF")) == hash_of(bf, ml)


def test_a_bundle_that_is_older_than_the_key_of_its_sender_is_read_alike(fleet):
    write(fleet, "ML", "one", "two")
    old, reader = bundle_for(fleet, "ML", "BF", standalone=True), reader_for(fleet, "BF")
    signed = rotated(fleet, "ML")
    with fleet.at("ML") as node:
        sign_heads_again(node)
    adopt(fleet, "BF", signed.envelope)
    reader.compact.take(write_dossier(dossier_of([signed.envelope])))
    assert both_read(fleet, "BF", old, reader).taken == 2
    write(fleet, "ML", "three")
    assert both_read(fleet, "BF", bundle_for(fleet, "ML", "BF"), reader).taken == 1
