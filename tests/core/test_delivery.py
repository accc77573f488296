"""What a bundle hands over: by whom, for whom, which log, and nothing left out or out of order."""

from dataclasses import replace

import msgspec
import pytest

from liptako.core.clock import Instant
from liptako.core.compact.delegation import Revoked
from liptako.core.compact.document import State
from liptako.core.compact.members import Compact, Member, NodeKeys
from liptako.core.errors import (
    LiptakoError,
    MalformedError,
    RefusedError,
    VerificationError,
)
from liptako.core.keys import signer_from_seed
from liptako.core.log.checkpoint import Checkpoint, head_of, sign_checkpoint
from liptako.core.log.delivery import (
    Delivery,
    by_former_key,
    check_package,
    heads_note,
    open_ahead,
    open_delivery,
    open_sender,
)
from liptako.core.log.frames import (
    AheadFrame,
    ChannelFrame,
    HeadsFrame,
    PackageFrame,
)
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.merkle import CompactRange, inclusion_proof, leaf_hash, subtrees
from liptako.core.log.verify import Channel
from liptako.core.records.envelope import Header, Lane, PayloadStub, encode_header
from liptako.core.records.shared import RECALL
from liptako.core.refs import Ref, audience_id

SIGNERS = {name: signer_from_seed(name.encode().ljust(32)) for name in ("BF", "ML", "NE", "TG")}
ORIGIN = "ML/c/0001020304050607/e1"
ALL = ("BF", "ML", "NE")
HEADS = Heads(sender="NE", recipient="BF")


def member(name):
    keys = NodeKeys(sign=SIGNERS[name].public, seal="", tls=bytes(32))
    return Member(id=name, names={"fr": name}, timezone="UTC", keys=keys)


COMPACT = Compact(version=1, names={}, members=tuple(map(member, ALL)), audiences=())


def header(seq, **changes):
    whole = Header(
        kind="test.thing/1",
        author="ML",
        office="permanence",
        audience=audience_id(ALL),
        compact=1,
        object="0123456789abc",
        lamport=seq + 1,
        time=Instant(0),
        payload=PayloadStub(hash=bytes(32), size=2),
    )
    return encode_header(msgspec.structs.replace(whole, **changes))


HEAD = head_of(ORIGIN, CompactRange().extend([leaf_hash(header(seq)) for seq in range(3)]))


def channel(origin=ORIGIN, roster=ALL, lane="bulk", signer="ML", start=0):
    note = sign_checkpoint(replace(HEAD, origin=origin), SIGNERS[signer])
    return ChannelFrame(origin, roster, lane, note, start, b"")


def package(start=0, bodies=(b"{}",), **changes):
    headers = tuple(header(start + i, **changes) for i in range(len(bodies)))
    return PackageFrame(start, headers, bodies, bytes(16), (), ())


# Who sends it


def note(sender="ML", recipient="BF", signer="ML"):
    return sign_heads(Heads(sender=sender, recipient=recipient), SIGNERS[signer])


@pytest.mark.parametrize("frame", [None, channel(), package()])
def test_a_bundle_begins_with_the_heads_of_its_sender(frame):
    assert heads_note(HeadsFrame(b"note")) == b"note"
    with pytest.raises(MalformedError, match="the heads of its sender first"):
        heads_note(frame)


@pytest.mark.parametrize("recipient", ["BF", None])
def test_the_sender_is_who_signed_the_heads(recipient):
    heads = open_sender(note(), COMPACT, recipient)
    assert (heads.sender, heads.recipient) == ("ML", "BF")


@pytest.mark.parametrize(
    ("signed", "recipient", "error"),
    [
        (note(), "NE", VerificationError),
        (note(signer="NE"), "BF", VerificationError),
        (note(sender="TG", signer="TG"), "BF", RefusedError),
        (note(recipient="ML"), None, RefusedError),
        (note(), "ML", RefusedError),
    ],
    ids=["for another", "signed by another", "a stranger", "to themselves", "our own"],
)
def test_heads_of_nobody_or_for_somebody_else_are_refused(signed, recipient, error):
    with pytest.raises(error):
        open_sender(signed, COMPACT, recipient)


def test_a_file_may_be_older_than_the_key_of_its_sender():
    old, name = signer_from_seed(b"old".ljust(32)), "ML"
    ml = replace(member(name), former=(Revoked(key=old.public, caps={}),))
    compact = replace(COMPACT, members=(member("BF"), ml, member("NE")))
    signed = sign_heads(Heads(sender=name, recipient="BF"), old)
    with pytest.raises(VerificationError, match="no key that is known"):
        open_sender(signed, compact, "BF")
    assert open_sender(signed, compact, "BF", former=True).sender == name
    found = [by_former_key(data, compact, name) for data in (signed, note())]
    assert found == [True, False]


def test_a_key_of_nobody_is_no_former_one():
    with pytest.raises(VerificationError, match="no key that is known"):
        open_sender(note(signer="NE"), COMPACT, "BF", former=True)


# Whose log it is


def test_a_log_in_order_is_told_with_what_its_author_signed():
    frame = channel(start=2)
    assert open_delivery(frame, HEADS, COMPACT) == Delivery(
        sender="NE",
        roster=ALL,
        channel=Channel(origin=ORIGIN, author="ML", audience=audience_id(ALL), lane=Lane.BULK),
        checkpoint=HEAD,
        note=frame.checkpoint,
        due=2,
    )


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"roster": ("ML", "BF", "NE")}, MalformedError, "once each, in order"),
        ({"roster": ("BF", "ML", "ML", "NE")}, MalformedError, "once each, in order"),
        ({"roster": ("BF", "ML\nNE")}, MalformedError, "member: expected"),
        ({"roster": ()}, VerificationError, "not among its recipients"),
        ({"roster": ("BF", "NE")}, VerificationError, "not among its recipients"),
        ({"roster": ("BF", "ML")}, VerificationError, "not among its recipients"),
        ({"roster": ("ML", "NE")}, VerificationError, "not among its recipients"),
        ({"origin": "ML"}, MalformedError, "channel: expected"),
        ({"origin": f"TG{ORIGIN[2:]}", "roster": (*ALL, "TG")}, RefusedError, "TG is not a member"),
        ({"signer": "NE"}, VerificationError, "no key that is known here"),
        ({"lane": "slow"}, MalformedError, "no such lane"),
        ({"start": -1}, MalformedError, "up to 3, got -1"),
        ({"start": 4}, MalformedError, "up to 3, got 4"),
    ],
)
def test_a_log_that_is_not_in_order_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        open_delivery(channel(**changes), HEADS, COMPACT)


# Which package is due

NOW = Instant(1000)
FROM_NE = open_delivery(channel(), HEADS, COMPACT)
FROM_ML = replace(FROM_NE, sender="ML")


def test_each_package_begins_where_the_one_before_ended():
    behind = check_package(FROM_NE, package(bodies=(b"{}", b"{}")), NOW)
    assert behind == replace(FROM_NE, due=2)
    assert check_package(behind, package(2), NOW) == replace(FROM_NE, due=3)


@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_package_that_begins_elsewhere_is_refused(start):
    with pytest.raises(VerificationError, match=f"expected number 2 next, got {start}"):
        check_package(replace(FROM_NE, due=2), package(start), NOW)


def test_a_payload_that_somebody_but_the_author_left_out_is_refused():
    frame = package(bodies=(b"{}", None))
    with pytest.raises(VerificationError, match="NE has left out a payload"):
        check_package(FROM_NE, frame, NOW)
    assert check_package(FROM_ML, frame, NOW).due == 2
    with pytest.raises(VerificationError, match="ML has left out a payload"):
        check_package(replace(FROM_ML, former=True), frame, NOW)


def test_a_payload_that_has_expired_may_be_left_out_by_anybody():
    assert check_package(FROM_NE, package(bodies=(None,), retain=NOW), NOW).due == 1


def test_a_payload_that_expires_later_may_not_be_left_out():
    frame = package(bodies=(None,), retain=Instant(1001))
    with pytest.raises(VerificationError, match="NE has left out a payload"):
        check_package(FROM_NE, frame, NOW)


def test_a_payload_of_what_nobody_can_read_may_be_left_out_by_anybody():
    frame = PackageFrame(0, (b"nonsense",), (None,), b"", (b"",), ())
    assert check_package(FROM_NE, frame, NOW).due == 1


def test_a_head_of_an_empty_log_lets_nothing_be_due_but_the_first_entry():
    empty = Checkpoint(origin=ORIGIN, size=0, root=CompactRange().root())
    signed = sign_checkpoint(empty, SIGNERS["ML"])
    frame = ChannelFrame(ORIGIN, ALL, "bulk", signed, 1, b"")
    with pytest.raises(MalformedError, match="up to 0, got 1"):
        open_delivery(frame, HEADS, COMPACT)


def test_of_a_frozen_log_what_comes_before_its_end_is_taken_whatever_was_signed():
    left = replace(member("ML"), state=State.LEFT, frozen={ORIGIN: 2})
    compact = replace(COMPACT, members=(member("BF"), left, member("NE")))
    delivery = open_delivery(channel(), HEADS, compact)
    assert (delivery.checkpoint.size, delivery.cap) == (3, 2)
    assert check_package(delivery, package(bodies=(b"{}", b"{}")), NOW).due == 2
    with pytest.raises(RefusedError, match="the log ends at 2 entries, got 3"):
        check_package(delivery, package(bodies=(b"{}", b"{}", b"{}")), NOW)
    with pytest.raises(RefusedError, match="the log ends at 2 entries, got 3"):
        open_ahead(delivery, ahead())


# What is shown ahead


def recall_header(names):
    return header(2, kind=RECALL, refs=tuple(names), payload=PayloadStub(hash=bytes(32), size=2))


NAMED = Ref(origin=ORIGIN, seq=0, leaf=leaf_hash(header(0))[:16])
LEAVES = [leaf_hash(header(0)), leaf_hash(header(1)), leaf_hash(recall_header([NAMED]))]
WITH_RECALL = replace(
    FROM_NE, checkpoint=head_of(ORIGIN, CompactRange().extend(LEAVES)), due=0
)  # fmt: skip


def ahead(seq=2, data=None, proof=None):
    path = inclusion_proof(seq, 3, subtrees(LEAVES))
    data = recall_header([NAMED]) if data is None else data
    return AheadFrame(seq, data, None, b"", path if proof is None else proof)


def test_a_recall_shown_ahead_lets_a_third_member_leave_out_what_it_names():
    shown, entry = open_ahead(WITH_RECALL, ahead())
    assert (entry.seq, entry.data) == (2, recall_header([NAMED]))
    assert shown.recalled == {(ORIGIN, 0)}
    assert check_package(shown, package(bodies=(None,)), NOW).due == 1
    with pytest.raises(VerificationError, match="has left out a payload"):
        check_package(shown, package(bodies=(None, None)), NOW)


def test_another_record_shown_ahead_lets_nothing_be_left_out():
    proof = inclusion_proof(1, 3, subtrees(LEAVES))
    assert open_ahead(WITH_RECALL, ahead(1, header(1), proof))[0].recalled == frozenset()


@pytest.mark.parametrize(
    "frame",
    [ahead(1), ahead(proof=()), ahead(data=header(1)), ahead(data=b"{}")],
    ids=["another place", "no proof", "another record", "no record"],
)
def test_what_its_author_did_not_sign_there_is_refused(frame):
    with pytest.raises(LiptakoError):
        open_ahead(WITH_RECALL, frame)


def test_a_record_that_does_not_belong_into_its_log_is_refused_ahead():
    wrong = header(0, author="NE")
    log = replace(
        WITH_RECALL, checkpoint=head_of(ORIGIN, CompactRange().extend([leaf_hash(wrong)]))
    )
    with pytest.raises(MalformedError, match="as in its log"):
        open_ahead(log, AheadFrame(0, wrong, None, b"", ()))
