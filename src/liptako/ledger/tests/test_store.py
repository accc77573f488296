"""Appending and taking: all or nothing, signed, and only what may be referred to."""

import pytest

from conftest import START
from liptako.core.clock import Instant
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from liptako.core.log.checkpoint import open_checkpoint
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.records.envelope import Lane, Precedence, decode_header
from liptako.core.refs import Ref, audience_id, epoch_of
from liptako.ledger import checking, reader, store
from liptako.ledger.models import Channel, Counter, Entry, Package, Payload
from liptako.ledger.reader import head_of_log, logs_for, packages_of, thread_records
from liptako.ledger.records import Draft, Thread
from liptako.members.models import Office as OfficeRow
from liptako.members.records import AUDIT, OFFICE, Audit, Office

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})


def office(code="permanence", object_id="0000000000001", **changes):
    payload = Office(code=code, titles={"fr": "Permanence"}, roles=("watch_officer",))
    return Draft(kind=OFFICE, object=object_id, office="system", payload=payload, **changes)


def event(number, **changes):
    name = f"{number:013}"
    return Draft(kind=AUDIT, object=name, office="system", payload=Audit(event="e"), **changes)


def test_an_appended_record_is_stored_signed_and_drawn_in_one_go(node):
    (record,) = store.append(node, [office()])
    log = Channel.objects.get()
    assert open_checkpoint(bytes(log.checkpoint), log.origin, node.signer.public) == head_of_log(
        log
    )
    assert (log.size, record.seq, record.header.lamport) == (1, 0, 1)
    assert OfficeRow.objects.get().code == "permanence"


def test_the_default_audience_is_the_state_itself(node):
    store.append(node, [office()])
    assert Channel.objects.get().audience.members == ["ML"]


def test_each_audience_and_each_lane_has_a_log_of_its_own(node, compact):
    store.append(
        node,
        [
            event(1),
            event(2, audience=ALL),
            event(3, audience=ALL, precedence=Precedence.FLASH),
            event(4, audience=frozenset({"BF"})),
            event(5, audience=ALL, precedence=Precedence.PRIORITY),
        ],
    )
    logs = {(tuple(log.audience.members), log.lane): log.size for log in Channel.objects.all()}
    assert logs == {
        (("ML",), "bulk"): 1,
        (("BF", "ML", "NE"), "bulk"): 2,
        (("BF", "ML", "NE"), "urgent"): 1,
        (("BF", "ML"), "bulk"): 1,
    }


def test_a_record_that_breaks_a_rule_leaves_nothing_behind(node):
    with pytest.raises(RefusedError, match="expected a title"):
        store.append(
            node,
            [
                event(1),
                Draft(
                    kind=OFFICE,
                    object="0000000000001",
                    office="system",
                    payload=Office(code="x1", titles={}, roles=()),
                ),
            ],
        )
    assert (Entry.objects.count(), Channel.objects.count(), Counter.objects.count()) == (0, 0, 0)


def test_a_payload_that_is_too_long_is_refused(node):
    payload = Audit(event="e", detail="x" * 65_536)
    draft = Draft(kind=AUDIT, object="0000000000001", office="system", payload=payload)
    with pytest.raises(MalformedError, match="at most 65535 bytes"):
        store.append(node, [draft])


def test_an_audience_with_a_stranger_is_refused(node, compact):
    with pytest.raises(RefusedError, match="TG is not a member"):
        store.append(node, [event(1, audience=frozenset({"TG"}))])


def test_a_reference_must_lead_to_a_record_that_all_recipients_hold(node, compact):
    (own,) = store.append(node, [event(1)])
    (shared,) = store.append(node, [event(2, audience=ALL)])
    (third,) = store.append(node, [event(3, audience=ALL, refs=(shared.ref,))])
    assert third.header.refs == (shared.ref,)
    with pytest.raises(RefusedError, match="not all its recipients hold"):
        store.append(node, [event(4, audience=ALL, refs=(own.ref,))])


@pytest.mark.parametrize("changes", [{"seq": 7}, {"leaf": bytes(16)}])
def test_a_reference_to_nothing_is_refused(node, changes):
    (own,) = store.append(node, [event(1)])
    fields = {"origin": own.ref.origin, "seq": own.ref.seq, "leaf": own.ref.leaf} | changes
    with pytest.raises(RefusedError, match="not here"):
        store.append(node, [event(2, refs=(Ref(**fields),))])


def test_lamport_counts_up_for_each_audience_so_that_nobody_counts_what_others_got(node, compact):
    records = store.append(node, [event(1), event(2, audience=ALL), event(3)])
    urgent = event(4, audience=ALL, precedence=Precedence.FLASH)
    records += store.append(node, [urgent, event(5)])
    assert [record.header.lamport for record in records] == [1, 1, 2, 2, 3]


def test_a_record_comes_after_those_that_it_names(node, compact):
    *_, named = store.append(node, [event(n, audience=ALL) for n in range(5)])
    (record,) = store.append(node, [event(9, refs=(named.ref,))])
    assert record.header.lamport == named.header.lamport + 1


def test_a_header_names_the_compact_in_force(node, compact):
    (record,) = store.append(node, [event(1)])
    assert record.header.compact == 1


def test_256_entries_make_a_package_with_a_root(node):
    store.append(node, [event(i) for i in range(300)])
    roots = [bool(package.root) for package in Package.objects.order_by("number")]
    assert roots == [True, False]
    assert all(len(package.seed) == 16 for package in Package.objects.all())


def test_a_new_epoch_goes_on_in_new_logs(node):
    store.append(node, [event(1)])
    assert reader.epoch() == 1
    epoch = store.begin_epoch(Instant(START + 5_999))
    assert reader.epoch() == epoch
    assert epoch == (START - 1_767_225_600_000) // 1000 + 5  # seconds since 2026
    store.append(node, [event(2)])
    logs = Channel.objects.order_by("epoch")
    assert [(log.epoch, log.size) for log in logs] == [(1, 1), (epoch, 1)]
    assert logs[1].origin.endswith(f"/e{epoch}")


def test_a_clock_that_is_wrong_still_gives_a_new_epoch(node):
    assert [store.begin_epoch(Instant(0)), store.begin_epoch(Instant(0))] == [2, 3]


def test_a_clock_that_is_decades_ahead_gives_an_epoch_that_a_name_may_have(node):
    assert store.begin_epoch(Instant(4_070_908_800_000)) == 2  # 2099-01-01
    (record,) = store.append(node, [event(2)])
    assert epoch_of(record.origin) == 2


def test_a_payload_whose_time_has_ended_goes_and_the_proof_stays(node):
    kept, _ = store.append(node, [office(), office("bureau", "0000000000002", retain=Instant(9))])
    assert (store.expire(Instant(8)), OfficeRow.objects.count()) == (0, 2)
    assert (store.expire(Instant(9)), store.expire(Instant(9))) == (1, 0)
    counter = Counter.objects.get()  # one place is left out for what was drawn again, and only one
    assert (counter.position, counter.projected) == (3, 3)
    assert [row.object for row in OfficeRow.objects.all()] == [kept.header.object]
    assert [bytes(package.seed) for package in Package.objects.all()] == [b""]
    assert checking.check_logs(node, lambda _done, _total: None) == ([], 2)


def test_the_records_of_a_thread_come_in_the_order_of_folding(node):
    store.append(node, [office(), office(code="permanence")])
    thread = Thread("ML", "0000000000001", audience_id(["ML"]))
    assert [record.header.lamport for record in thread_records(thread)] == [1, 2]


def value_of(log):
    return ChannelValue(
        origin=log.origin, author=log.author, audience=log.audience_id, lane=Lane(log.lane)
    )


@pytest.fixture
def sent(make_node, compact):
    """Three records of BF for all, as they would come in; the database is empty again."""
    author = make_node("BF")
    store.append(author, [event(i, audience=ALL) for i in range(3)])
    (log,) = logs_for("ML")
    roster, value = log.audience.members, value_of(log)
    signed = store.Signed(head_of_log(log), bytes(log.checkpoint))
    packages = list(packages_of(log, 0, log.size))
    for model in (Payload, Entry, Package, Channel, Counter):
        model.objects.all().delete()
    return roster, value, signed, packages


def test_what_is_taken_is_evidence_first_and_drawn_later(node, sent):
    roster, value, signed, (package,) = sent
    assert len(store.take(node, roster, value, signed, package)) == 3
    log = Channel.objects.get()
    assert (log.size, bytes(log.checkpoint)) == (3, signed[1])
    assert Counter.objects.get().projected == 0
    assert [decode_header(bytes(entry.header)).lamport for entry in Entry.objects.all()] == [
        1,
        2,
        3,
    ]


def test_what_is_taken_twice_changes_nothing(node, sent):
    roster, value, signed, (package,) = sent
    store.take(node, roster, value, signed, package)
    assert not store.take(node, roster, value, signed, package)
    assert Entry.objects.count() == 3


def test_what_was_changed_on_the_way_leaves_nothing_behind(node, sent):
    roster, value, signed, (package,) = sent
    body = package.bodies[1].replace(b'"e"', b'"f"')
    broken = type(package)(
        start=0,
        headers=package.headers,
        bodies=(package.bodies[0], body, package.bodies[2]),
        seed=package.seed,
        salts=(),
        proof=package.proof,
    )
    with pytest.raises(VerificationError, match="changed, left out, added or moved"):
        store.take(node, roster, value, signed, broken)
    assert (Entry.objects.count(), Channel.objects.count()) == (0, 0)


def test_our_own_count_follows_what_was_taken(node, compact, sent):
    roster, value, signed, (package,) = sent
    store.take(node, roster, value, signed, package)
    alone, answer = store.append(node, [event(9), event(9, audience=ALL)])
    assert (alone.header.lamport, answer.header.lamport) == (1, 4)


def test_listeners_are_told_once_for_which_partners_something_was_written(
    node, compact, django_capture_on_commit_callbacks
):
    told = []
    store.on_append(told.append)
    store.on_append(told.append)
    with django_capture_on_commit_callbacks(execute=True):
        store.append(node, [event(1)])
        store.append(node, [event(2, audience=ALL)])
    assert told == [frozenset({"BF", "NE"})]
