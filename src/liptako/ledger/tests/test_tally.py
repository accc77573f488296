"""The sums of each log: they follow what is stored, deleted and drawn, and equal a count anew."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liptako.core.clock import Instant
from liptako.core.digest import Basis, State, Sums, digest_of
from liptako.core.log.checkpoint import head_of
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.verify import Accepted
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.records.envelope import Header, Lane, PayloadStub, decode_header, encode_header
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.records.shared import RECALL, Recall
from liptako.core.refs import Ref, audience_id
from liptako.ledger import projector, registry, store, testing
from liptako.ledger.models import Channel, Counter, Payload, Rejected, Tally
from liptako.ledger.reader import logs_for
from liptako.ledger.tally import shared_digest, tallies_of
from liptako.members.records import OFFICE

pytestmark = pytest.mark.django_db
ROSTER = ("BF", "ML", "NE")
ORIGIN = "BF/c/0001020304050607/e1"
GOOD = b'{"code":"desk","titles":{"fr":"Bureau"},"roles":[]}'
BAD = b'{"code":"desk","titles":{},"roles":[]}'
ELSEWHERE = Ref(origin="NE/c/0001020304050607/e1", seq=7, leaf=bytes(16))
LATER = "later.thing/1"
RECALLED = b'{"reason":"wrong"}'


class Log:
    """A log of BF that takes any record, and arrives here as far as it goes."""

    def __init__(self, node):
        self.node, self.headers, self.bodies, self.sent = node, [], [], 0

    def write(self, *, kind=OFFICE, body=GOOD, held=True, name=1, **changes):
        seq = len(self.headers)
        header = Header(
            kind=kind,
            author="BF",
            office="permanence",
            audience=audience_id(ROSTER),
            compact=1,
            object=f"{name:013}",
            lamport=seq + 1,
            time=Instant(1_790_000_000_000),
            payload=PayloadStub(
                hash=payload_hash(derive_salt(bytes(16), seq), body), size=len(body)
            ),
            **changes,
        )
        self.headers.append(encode_header(header))
        self.bodies.append(body if held else None)
        return Ref(origin=ORIGIN, seq=seq, leaf=leaf_hash(self.headers[seq])[:16])

    def arrive(self):
        store.take(
            self.node,
            ROSTER,
            ChannelValue(origin=ORIGIN, author="BF", audience=audience_id(ROSTER), lane=Lane.BULK),
            store.Signed(head_of(ORIGIN, CompactRange().extend(map(leaf_hash, self.headers))), b""),
            PackageFrame(
                start=self.sent,
                headers=tuple(self.headers[self.sent :]),
                bodies=tuple(self.bodies[self.sent :]),
                seed=b"",
                salts=tuple(
                    b"" if body is None else derive_salt(bytes(16), self.sent + i)
                    for i, body in enumerate(self.bodies[self.sent :])
                ),
                proof=(),
            ),
        )
        self.sent = len(self.headers)
        projector.project_pending()


@pytest.fixture
def log(node, compact):
    """A log of BF for all."""
    return Log(node)


def expected(*words):
    sums = Sums()
    for seq, word in words:
        sums = sums.with_word(ORIGIN, seq, word)
    return sums


def counted():
    """Return the sums that are kept of the log, which must be those of a count anew."""
    kept = tallies_of([ORIGIN])[ORIGIN]
    projector.rebuild(lambda _done, _total: None)
    assert tallies_of([ORIGIN])[ORIGIN] == kept
    assert kept[0] == Channel.objects.get(origin=ORIGIN).size
    return kept[1]


def test_what_is_folded_with_its_payload_counts_for_nothing(log):
    log.write()
    log.arrive()
    assert counted() == expected()


def test_every_word_is_counted_as_it_is_drawn(log):
    log.write(body=BAD)
    log.write(name=2, refs=(ELSEWHERE,))
    log.write(name=3, kind=LATER, held=False)
    log.write(name=4, held=False)
    log.arrive()
    assert counted() == expected(
        (0, State.REJECTED),
        (1, State.WAITING),
        (2, Basis.NO_KIND),
        (2, Basis.NO_PAYLOAD),
        (3, Basis.NO_PAYLOAD),
    )


def test_a_record_that_waits_and_whose_kind_and_payload_are_not_here_has_three_words(log):
    log.write(kind=LATER, held=False, refs=(ELSEWHERE,))
    log.arrive()
    words = (Basis.NO_KIND, Basis.NO_PAYLOAD, State.WAITING)
    assert counted() == expected(*((0, word) for word in words))


def test_a_header_that_nobody_can_read_is_rejected_and_its_payload_is_not_kept(log):
    log.headers.append(b"poison")
    log.bodies.append(b"{}")
    log.arrive()
    assert counted() == expected((0, State.REJECTED), (0, Basis.NO_PAYLOAD))


def test_a_word_that_is_true_no_longer_is_taken_out_again(log):
    """What the record waited for has come, and is another record than the one it meant."""
    log.write(refs=(replace(ELSEWHERE, origin=ORIGIN, seq=1),))
    log.arrive()
    assert counted() == expected((0, State.WAITING))
    log.write(name=2)
    log.arrive()
    assert counted() == expected((0, State.REJECTED))


def test_an_expired_payload_may_change_what_becomes_of_others(log):
    """The second record has another code than the first one, which then is there no longer."""
    log.write(retain=Instant(1_790_009_000_001))
    log.write(body=GOOD.replace(b"desk", b"table"))
    log.arrive()
    assert counted() == expected((1, State.REJECTED))
    assert store.expire(Instant(1_790_009_000_002)) == 1
    assert counted() == expected((0, Basis.NO_PAYLOAD))


@pytest.mark.parametrize("together", [True, False])
def test_a_recalled_payload_is_counted_once_whatever_came_first(log, together):
    named = log.write()
    if not together:
        log.arrive()
    log.write(kind=RECALL, body=RECALLED, refs=(named,))
    log.arrive()
    assert counted() == expected((0, Basis.NO_PAYLOAD))


def test_a_kind_that_becomes_known_is_counted_as_known_once_it_is_drawn(log, later_kind):
    log.write(kind=LATER, body=RECALLED)
    log.arrive()
    before = tallies_of([ORIGIN])[ORIGIN][1]
    later_kind()
    log.write(kind=LATER, body=RECALLED)
    log.arrive()
    assert (before, counted()) == (expected((0, Basis.NO_KIND)), expected())


@pytest.fixture
def later_kind():
    """Return what lets the program learn a kind of a later version, as an upgrade would."""
    kind = registry.Kind(name=LATER, payload=Recall)
    module = registry.Module(
        name="later", kinds=(kind,), tables=(), fold=lambda _: registry.Folded({})
    )
    yield lambda: registry.register(module)
    registry._modules.pop("later", None)  # noqa: SLF001 (nothing else takes a kind out again)
    registry._kinds.pop(LATER, None)  # noqa: SLF001 (as above)


def test_the_digest_of_shared_logs_is_that_of_their_sums(log, node):
    log.write(body=BAD)
    log.arrive()
    logs = logs_for("BF", begun=False)
    assert shared_digest(logs) == digest_of([expected((0, State.REJECTED))])
    assert shared_digest([]) == digest_of([])
    assert (len(logs), logs_for("TG")) == (1, [])


def test_no_digest_is_told_before_all_is_drawn(log):
    log.write()
    log.arrive()
    logs = logs_for("BF", begun=False)
    Counter.objects.update(projected=0)
    assert shared_digest(logs) is None
    projector.project_pending()
    assert shared_digest(logs) == digest_of([])


def test_no_digest_is_told_of_a_log_that_has_grown_since_it_was_read(log):
    log.write()
    log.arrive()
    before = logs_for("BF", begun=False)
    log.write()
    log.arrive()
    assert (shared_digest(before), shared_digest(logs_for("BF", begun=False))) == (
        None,
        digest_of([]),
    )


def test_no_digest_is_told_while_an_entry_is_held_that_was_shown_ahead(log, node):
    log.write(held=False)
    log.write(name=2, body=BAD)
    channel = ChannelValue(origin=ORIGIN, author="BF", audience=audience_id(ROSTER), lane=Lane.BULK)
    data, body = log.headers[1], log.bodies[1]
    shown = Accepted(
        seq=1, data=data, leaf=leaf_hash(data), salt=derive_salt(bytes(16), 1), body=body,
        header=decode_header(data),
    )  # fmt: skip
    signed = store.Signed(head_of(ORIGIN, CompactRange().extend(map(leaf_hash, log.headers))), b"")
    assert store.take_ahead(node, ROSTER, channel, signed, shown) == 1
    projector.project_pending()
    assert shared_digest(logs_for("BF", begun=False)) is None
    assert counted() == expected((1, State.REJECTED))
    log.arrive()
    words = ((0, Basis.NO_PAYLOAD), (1, State.REJECTED))
    assert counted() == expected(*words)
    assert shared_digest(logs_for("BF", begun=False)) == digest_of([expected(*words)])


def test_a_log_of_a_version_that_did_not_count_has_no_digest_until_a_rebuild(log):
    log.write(body=BAD)
    log.arrive()
    Tally.objects.all().delete()
    log.write(name=2, body=BAD)
    log.arrive()
    assert (shared_digest(logs_for("BF", begun=False)), tallies_of([ORIGIN])) == (None, {})
    projector.rebuild(lambda _done, _total: None)
    words = ((0, State.REJECTED), (1, State.REJECTED))
    assert shared_digest(logs_for("BF", begun=False)) == digest_of([expected(*words)])


@pytest.mark.parametrize("records", [1, 40])
def test_a_digest_costs_two_questions_however_many_records_there_are(log, records):
    for number in range(records):
        log.write(name=number, body=BAD, held=number % 2 == 0)
    log.arrive()
    logs = logs_for("BF", begun=False)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert shared_digest(logs) is not None
    assert len(asked) == 2


def test_the_rebuild_check_notices_sums_that_are_wrong(log):
    log.write(body=BAD)
    log.arrive()
    assert (Rejected.objects.count(), Payload.objects.count()) == (1, 1)
    Tally.objects.update(state=bytes(32))
    with pytest.raises(AssertionError):
        testing.check_rebuild()
