"""Drawing: waiting and rejected records, rebuild, any order of arrival, the digest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError
from liptako.core.log.checkpoint import head_of
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.records.envelope import Header, Lane, PayloadStub, encode_header
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.refs import Ref, audience_id
from liptako.ledger import projector, quarantine, registry, store, testing
from liptako.ledger.digest import state_digest
from liptako.ledger.models import Counter, Rejected, Waiting
from liptako.ledger.records import Draft
from liptako.members.models import AuditEvent, Mandate
from liptako.members.models import Office as OfficeRow
from liptako.members.records import (
    AUDIT,
    MANDATE,
    MANDATE_END,
    OFFICE,
    Audit,
    MandateEnd,
    Office,
)
from liptako.members.records import (
    Mandate as MandatePayload,
)

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})
ROSTER = sorted(ALL)


def office(title, name="0000000000001", **changes):
    payload = Office(code="permanence", titles={"fr": title}, roles=("watch_officer",))
    return Draft(kind=OFFICE, object=name, office="system", payload=payload, **changes)


def nobody(_done, _total):
    """Nobody watches the progress."""


class Author:
    """A partner who writes whatever it likes into one log, and hands it over entry by entry."""

    def __init__(self, member="BF", audience=ALL):
        self.origin = f"{member}/c/0001020304050607/e1"
        self.member, self.audience = member, audience
        self.entries, self.bodies = [], []

    def write(self, kind, name, body, **changes):
        seq = len(self.entries)
        digest = payload_hash(derive_salt(bytes(16), seq), body)
        fields = {
            "kind": kind,
            "author": self.member,
            "office": "permanence",
            "audience": audience_id(self.audience),
            "compact": 1,
            "object": name,
            "lamport": seq + 1,
            "time": Instant(1_790_000_000_000),
            "payload": PayloadStub(hash=digest, size=len(body)),
        }
        return self.write_raw(encode_header(Header(**(fields | changes))), body)

    def write_raw(self, data, body=b"{}"):
        self.entries.append(data)
        self.bodies.append(body)
        return Ref(origin=self.origin, seq=len(self.entries) - 1, leaf=leaf_hash(data)[:16])

    def send(self, node, start=0):
        log = CompactRange().extend(leaf_hash(entry) for entry in self.entries)
        channel = ChannelValue(
            origin=self.origin,
            author=self.member,
            audience=audience_id(self.audience),
            lane=Lane.BULK,
        )
        package = PackageFrame(
            start=start,
            headers=tuple(self.entries[start:]),
            bodies=tuple(self.bodies[start:]),
            seed=bytes(16),
            salts=(),
            proof=(),
        )
        store.take(
            node,
            sorted(self.audience),
            channel,
            store.Signed(head_of(self.origin, log), b""),
            package,
        )
        projector.project_pending()


GOOD = b'{"code":"desk","titles":{"fr":"Bureau"},"roles":[]}'
BAD = b'{"code":"desk","titles":{},"roles":[]}'


def test_a_record_that_breaks_a_rule_is_kept_with_its_reason_and_blocks_nothing(node, compact):
    author = Author()
    author.write(OFFICE, "0000000000001", BAD)
    author.write(OFFICE, "0000000000002", GOOD)
    author.send(node)
    (rejected,) = quarantine.rejected()
    assert (rejected.entry.seq, str(rejected)) == (0, "office: expected a title")
    assert list(OfficeRow.objects.values_list("object", flat=True)) == ["0000000000002"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not a header", "record: expected JSON"),
        (b'{"v":2}', "header:"),
    ],
)
def test_a_header_that_nobody_can_read_is_set_aside(node, compact, data, reason):
    author = Author()
    author.write_raw(data)
    author.write(OFFICE, "0000000000002", GOOD)
    author.send(node)
    assert [reason in str(row) for row in Rejected.objects.all()] == [True]
    assert OfficeRow.objects.count() == 1
    testing.check_rebuild()


def test_a_payload_of_another_type_is_set_aside(node, compact):
    author = Author()
    author.write(OFFICE, "0000000000001", b'{"code":7}')
    author.send(node)
    assert "members.office/1" in str(Rejected.objects.get())


def test_a_record_of_a_later_version_is_kept_and_shown_nowhere(node, compact):
    author = Author()
    author.write("later.thing/1", "0000000000001", b'{"anything":1}')
    author.send(node)
    assert (Rejected.objects.count(), Waiting.objects.count()) == (0, 0)
    assert Counter.objects.get().projected == 1
    testing.check_rebuild()


def test_a_record_waits_for_the_one_it_names(node, compact):
    first, second = Author("BF"), Author("NE")
    named = first.write(OFFICE, "0000000000001", GOOD)
    second.write(OFFICE, "0000000000002", GOOD, refs=(named,))
    second.send(node)
    assert [str(row) for row in quarantine.waiting()] == [f"{first.origin}@0"]
    assert OfficeRow.objects.count() == 0
    first.send(node)
    assert (Waiting.objects.count(), OfficeRow.objects.count()) == (0, 2)
    testing.check_rebuild()


def test_what_follows_a_waiting_record_in_its_thread_waits_too(node, compact):
    first, second = Author("BF"), Author("NE")
    named = first.write(OFFICE, "0000000000001", GOOD)
    waiting = second.write(OFFICE, "0000000000002", GOOD, refs=(named,))
    second.write(OFFICE, "0000000000002", GOOD, refs=(waiting,))
    second.send(node)
    assert Waiting.objects.count() == 2
    first.send(node)
    assert Waiting.objects.count() == 0


def test_a_reference_to_another_record_than_the_one_held_is_rejected(node, compact):
    author = Author()
    ref = author.write(OFFICE, "0000000000001", GOOD)
    author.write(
        OFFICE, "0000000000002", GOOD, refs=(Ref(origin=ref.origin, seq=0, leaf=bytes(16)),)
    )
    author.send(node)
    assert "another record than the one that is held" in str(Rejected.objects.get())


def test_the_rows_of_two_authors_with_the_same_object_stay_apart(node, compact):
    store.append(node, [office("Permanence")])
    author = Author()
    author.write(OFFICE, "0000000000001", GOOD)
    author.send(node)
    assert set(OfficeRow.objects.values_list("author", "code")) == {
        ("ML", "permanence"),
        ("BF", "desk"),
    }


def test_a_projection_that_was_spoilt_is_mended_by_a_rebuild(node):
    store.append(node, [office("Permanence")])
    digest = state_digest()
    OfficeRow.objects.update(code="spoilt")
    assert state_digest() != digest
    projector.rebuild(nobody)
    assert state_digest() == digest


def test_the_rebuild_check_notices_a_projection_that_differs_from_the_log(node):
    store.append(node, [office("Permanence")])
    OfficeRow.objects.update(code="spoilt")
    with pytest.raises(AssertionError):
        testing.check_rebuild()


def test_a_rebuild_tells_how_far_it_is(node):
    store.append(node, [office("Permanence")])
    told = []
    assert projector.rebuild(lambda done, total: told.append((done, total))).entries == 1
    assert told == [(1, 1)]


def test_a_rebuild_of_nothing_is_nothing(db):
    assert projector.rebuild(nobody).entries == 0
    assert projector.project_pending() == 0


def test_everything_comes_out_the_same_in_any_order(node, compact):
    first, second = Author("BF"), Author("NE")
    named = first.write(OFFICE, "0000000000001", GOOD)
    first.write(OFFICE, "0000000000001", GOOD.replace(b"Bureau", b"Salle"))
    first.write(OFFICE, "0000000000001", BAD)
    second.write(OFFICE, "0000000000002", GOOD, refs=(named,))
    second.write_raw(b"poison")
    first.send(node)
    second.send(node)
    store.append(node, [office("Permanence")])
    assert testing.check_order(node) == testing.MOST_ORDERS


def test_the_order_check_notices_a_fold_that_depends_on_arrival(node, compact, swapped_module):
    first, second = Author("BF"), Author("NE")
    first.write(OFFICE, "0000000000001", GOOD)
    second.write(OFFICE, "0000000000002", GOOD)
    first.send(node)
    second.send(node)
    with pytest.raises(AssertionError):
        testing.check_order(node)


@pytest.fixture
def swapped_module():
    """Register a fold that numbers its rows as they come, which no fold may do."""
    original = registry.module_of(OFFICE)

    def fold(threads):
        rows, rejections = original.fold(threads)
        for row in rows[OfficeRow]:
            row.roles = [OfficeRow.objects.count()]
        return registry.Folded(rows, rejections)

    registry.register(replace(original, fold=fold))
    yield
    registry.register(original)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    st.builds(
        Office,
        code=texts,
        titles=st.dictionaries(texts, texts, max_size=2),
        roles=st.lists(texts, max_size=2).map(tuple),
        closed=st.booleans(),
    )
)
def test_any_office_reads_what_it_writes(payload):
    testing.check_bytes(OFFICE, payload)


@given(st.builds(Audit, event=texts, person=texts, subject=texts, detail=texts))
def test_any_audit_event_reads_what_it_writes(payload):
    testing.check_bytes(AUDIT, payload)


@given(
    st.builds(
        MandatePayload,
        office=texts,
        subjects=st.lists(texts, max_size=3).map(tuple),
        begins=st.integers(0, 2**52),
        ends=st.none() | st.integers(0, 2**52),
    )
)
def test_any_mandate_reads_what_it_writes(payload):
    testing.check_bytes(MANDATE, payload)


@given(st.builds(MandateEnd, reason=texts))
def test_any_end_of_a_mandate_reads_what_it_writes(payload):
    testing.check_bytes(MANDATE_END, payload)


def test_bytes_that_are_no_payload_of_a_kind_are_refused():
    with pytest.raises(MalformedError, match="office"):
        registry.decode_payload(OFFICE, b"{}")
    assert (AuditEvent.objects.count(), Mandate.objects.count()) == (0, 0)


def test_a_thread_that_cannot_be_drawn_at_all_is_rejected_and_the_others_are_drawn(
    node, compact, breaking_module
):
    author = Author()
    for number in range(4):
        author.write(OFFICE, f"000000000000{number}", GOOD)
    author.send(node)
    assert str(Rejected.objects.get()) == "it cannot be drawn: poison"
    assert OfficeRow.objects.count() == 3


@pytest.fixture
def breaking_module():
    """Register a fold with a fault that one object brings to light."""
    original = registry.module_of(OFFICE)

    def fold(threads):
        if any(found and thread.object.endswith("2") for thread, found in threads.items()):
            message = "poison"
            raise ValueError(message)
        return original.fold(threads)

    registry.register(replace(original, fold=fold))
    yield
    registry.register(original)


def test_what_else_a_rejected_record_names_holds_nothing_up(node, compact):
    one, other = Author("BF"), Author("NE")
    other.origin = "NE/c/0001020304050607/e1"
    first = one.write(OFFICE, "0000000000001", GOOD)
    named = other.write(OFFICE, "0000000000009", GOOD)
    wrong = Ref(origin=first.origin, seq=0, leaf=bytes(16))
    second = one.write(OFFICE, "0000000000001", GOOD, refs=(wrong, named))
    one.write(OFFICE, "0000000000001", GOOD, refs=(second,))
    for author in (one, other):
        author.send(node)
        projector.project_pending()
        assert (Waiting.objects.count(), Rejected.objects.count()) == (0, 1)
        testing.check_rebuild()
