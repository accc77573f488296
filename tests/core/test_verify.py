"""The gate: what an author signed is taken, whole packages at a time; nothing else is."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.log.bundle import strip_hash
from liptako.core.log.checkpoint import head_of
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import CompactRange, consistency_proof, leaf_hash, subtrees
from liptako.core.log.verify import Channel, Opened, accept_package, read_package
from liptako.core.records.envelope import Header, Lane, PayloadStub, Precedence, encode_header
from liptako.core.records.payload import derive_salt, payload_hash

CHANNEL = Channel(
    origin="ML/c/0001020304050607/e1", author="ML", audience="5ex32j7raeh5jzlf", lane=Lane.BULK
)
SEED = bytes(16)
BODIES = [b'{"n":%d}' % i for i in range(6)]


def header(seq, body, **changes):
    stub = PayloadStub(hash=payload_hash(derive_salt(SEED, seq), body), size=len(body))
    whole = Header(
        kind="test.thing/1",
        author="ML",
        office="permanence",
        audience=CHANNEL.audience,
        compact=1,
        object="0123456789abc",
        lamport=seq + 1,
        time=Instant(0),
        payload=stub,
    )
    return msgspec.structs.replace(whole, **changes)


ENTRIES = [encode_header(header(i, body)) for i, body in enumerate(BODIES)]


def package(entries=ENTRIES, start=0, end=None, bodies=BODIES):
    """Return entries [start, end) of a log as a package with its proof, and the log's head."""
    end = len(entries) if end is None else end
    leaves = [leaf_hash(entry) for entry in entries]
    frame = PackageFrame(
        start=start,
        headers=tuple(
            strip_hash(entries[i], derive_salt(SEED, i), bodies[i]) for i in range(start, end)
        ),
        bodies=tuple(bodies[start:end]),
        seed=SEED,
        salts=(),
        proof=consistency_proof(end, len(entries), subtrees(leaves)),
    )
    return frame, head_of(CHANNEL.origin, CompactRange().extend(leaves))


def taken(entries):
    return [(entry.seq, entry.data, entry.body) for entry in entries]


def test_a_whole_log_is_taken_as_its_author_wrote_it():
    frame, head = package()
    log, new = accept_package(CHANNEL, CompactRange(), head, frame)
    assert (log.size, log.root()) == (head.size, head.root)
    assert taken(new) == list(zip(range(6), ENTRIES, BODIES, strict=True))
    assert all(entry.header and not entry.fault for entry in new)


def test_a_package_that_was_read_before_is_taken_like_any_other():
    frame, head = package()
    opened = Opened(frame, read_package(CHANNEL, frame))
    assert accept_package(CHANNEL, CompactRange(), head, opened) == accept_package(
        CHANNEL, CompactRange(), head, frame
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda entries: entries[1:],
        lambda entries: (entries[1], entries[0], *entries[2:]),
        lambda entries: (msgspec.structs.replace(entries[0], data=b"other"), *entries[1:]),
        lambda entries: (msgspec.structs.replace(entries[0], leaf=bytes(32)), *entries[1:]),
    ],
)
def test_a_package_that_was_read_wrongly_is_read_again(change):
    frame, head = package()
    opened = Opened(frame, change(read_package(CHANNEL, frame)))
    _, new = accept_package(CHANNEL, CompactRange(), head, opened)
    assert taken(new) == list(zip(range(6), ENTRIES, BODIES, strict=True))


def test_a_log_is_taken_in_parts_that_each_end_with_a_package():
    first, head = package(end=4)
    log, new = accept_package(CHANNEL, CompactRange(), head, first)
    assert (log.size, len(new)) == (4, 4)
    second, head = package(start=4)
    log, new = accept_package(CHANNEL, log, head, second)
    assert (log.root(), [entry.seq for entry in new]) == (head.root, [4, 5])


def test_a_package_that_is_held_already_changes_nothing():
    frame, head = package()
    log, _ = accept_package(CHANNEL, CompactRange(), head, frame)
    assert accept_package(CHANNEL, log, head, frame) == (log, ())


def test_of_a_package_that_is_held_in_part_only_the_rest_is_new():
    frame, head = package(end=3)
    log, _ = accept_package(CHANNEL, CompactRange(), head, frame)
    whole, head = package()
    _, new = accept_package(CHANNEL, log, head, whole)
    assert [entry.seq for entry in new] == [3, 4, 5]


def test_a_gap_is_named():
    frame, head = package(start=2)
    with pytest.raises(VerificationError, match="expected number 0 next, got 2"):
        accept_package(CHANNEL, CompactRange(), head, frame)


def dropped(frame):
    return replaced(frame, headers=frame.headers[1:], bodies=frame.bodies[1:])


def swapped(frame):
    return replaced(
        frame,
        headers=(frame.headers[1], frame.headers[0], *frame.headers[2:]),
        bodies=(frame.bodies[1], frame.bodies[0], *frame.bodies[2:]),
    )


def added(frame):
    return replaced(
        frame, headers=(*frame.headers, frame.headers[0]), bodies=(*frame.bodies, frame.bodies[0])
    )


def changed(frame):
    return replaced(frame, bodies=(b'{"n":9}', *frame.bodies[1:]))


def replaced(frame, **changes):
    names = ("start", "headers", "bodies", "seed", "salts", "proof")
    return PackageFrame(**{name: getattr(frame, name) for name in names} | changes)


@pytest.mark.parametrize("fault", [dropped, swapped, added, changed])
def test_a_package_that_is_not_what_the_author_signed_is_refused_whole(fault):
    frame, head = package()
    with pytest.raises(VerificationError, match="changed, left out, added or moved"):
        accept_package(CHANNEL, CompactRange(), head, fault(frame))


@given(st.data())
def test_a_flipped_bit_anywhere_is_refused(data):
    frame, head = package()
    place = data.draw(st.integers(0, 5))
    field = data.draw(st.sampled_from(["headers", "bodies", "seed"]))
    items = list(getattr(frame, field)) if field != "seed" else [frame.seed]
    item = bytearray(items[place if field != "seed" else 0])
    bit = data.draw(st.integers(0, len(item) * 8 - 1))
    item[bit // 8] ^= 1 << bit % 8
    items[place if field != "seed" else 0] = bytes(item)
    broken = replaced(frame, **{field: tuple(items) if field != "seed" else items[0]})
    with pytest.raises(LiptakoError):
        accept_package(CHANNEL, CompactRange(), head, broken)


@pytest.mark.parametrize(
    "changes",
    [
        {"bodies": ()},
        {"seed": b""},
        {"seed": b"short"},
        {"salts": (bytes(16),)},
        {"seed": b"", "salts": (b"short",) * 6},
        {"headers": (b"x" * 65_536,) * 6},
        {"bodies": (b"x" * 65_536,) * 6},
        {"start": -1, "headers": ENTRIES},
    ],
)
def test_a_package_of_another_shape_is_refused(changes):
    frame, head = package()
    broken = replaced(frame, **changes)
    with pytest.raises(LiptakoError):
        accept_package(CHANNEL, CompactRange(), head, broken)


def test_a_package_with_nothing_in_it_is_refused():
    frame, head = package()
    empty = replaced(frame, headers=(), bodies=())
    with pytest.raises(MalformedError, match="expected 1 to 256 headers"):
        accept_package(CHANNEL, CompactRange(), head, empty)


MANY = ENTRIES + [b"x"] * 400
LEAVES = [leaf_hash(entry) for entry in MANY]
MANY_HEAD = head_of(CHANNEL.origin, CompactRange().extend(LEAVES))


def part(start, end):
    """Return entries [start, end) of a longer log, without payloads."""
    count = end - start
    proof = consistency_proof(end, len(MANY), subtrees(LEAVES))
    return PackageFrame(start, tuple(MANY[start:end]), (None,) * count, b"", (b"",) * count, proof)


@pytest.mark.parametrize(("start", "end"), [(200, 400), (0, 257), (255, 257)])
def test_a_package_across_a_multiple_of_256_is_refused(start, end):
    log = CompactRange().extend(LEAVES[:start])
    with pytest.raises(MalformedError, match="256"):
        accept_package(CHANNEL, log, MANY_HEAD, part(start, end))


@pytest.mark.parametrize(
    ("held", "start", "end"), [(200, 200, 256), (100, 0, 256), (256, 256, 406)]
)
def test_a_range_that_is_sent_again_or_from_the_middle_on_is_taken(held, start, end):
    log = CompactRange().extend(LEAVES[:held])
    longer, new = accept_package(CHANNEL, log, MANY_HEAD, part(start, end))
    assert (longer.size, [entry.seq for entry in new]) == (end, [*range(held, end)])


def test_a_payload_that_was_erased_leaves_the_proof_intact():
    frame, head = package()
    salts = tuple(derive_salt(SEED, i) if i else b"" for i in range(6))
    erased = replaced(
        frame,
        headers=(ENTRIES[0], *frame.headers[1:]),
        bodies=(None, *frame.bodies[1:]),
        seed=b"",
        salts=salts,
    )
    _, new = accept_package(CHANNEL, CompactRange(), head, erased)
    assert taken(new)[0] == (0, ENTRIES[0], None)
    assert taken(new)[1] == (1, ENTRIES[1], BODIES[1])


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (b"not a header", "record: expected JSON"),
        (encode_header(header(0, BODIES[0], author="BF")), "got BF, 5ex32j7raeh5jzlf, bulk"),
        (encode_header(header(0, BODIES[0], audience="other")), "got ML, other, bulk"),
        (encode_header(header(0, BODIES[0], precedence=Precedence.FLASH)), "5ex32j7raeh5jzlf, urg"),
    ],
)
def test_what_an_author_signed_but_should_not_is_evidence_with_a_fault(entry, message):
    frame, head = package(entries=[entry, *ENTRIES[1:]])
    log, new = accept_package(CHANNEL, CompactRange(), head, frame)
    assert log.root() == head.root
    assert new[0].data == entry
    assert isinstance(new[0].fault, MalformedError)
    assert (new[0].body, new[0].salt) == (None, b"")  # nothing says that they belong to it
    assert message in str(new[0].fault)
    assert [entry.fault for entry in new[1:]] == [None] * 5


def test_a_payload_that_its_header_does_not_name_is_refused():
    entry = encode_header(header(0, b"other"))
    frame, head = package(entries=[entry, *ENTRIES[1:]])
    with pytest.raises(VerificationError, match="entry 0: its payload"):
        accept_package(CHANNEL, CompactRange(), head, frame)


def test_a_log_longer_than_what_was_signed_is_refused():
    frame, head = package()
    with pytest.raises(VerificationError, match="from number 0 on"):
        accept_package(CHANNEL, CompactRange(), replace(head, size=5), frame)
