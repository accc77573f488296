"""The check of all evidence: whatever was changed in the database is found and named."""

import pytest

from liptako.core.clock import Instant
from liptako.core.errors import VerificationError
from liptako.core.keys import signer_from_seed
from liptako.core.log.checkpoint import sign_checkpoint
from liptako.core.log.merkle import leaf_hash
from liptako.ledger import store
from liptako.ledger.checking import check_logs
from liptako.ledger.models import (
    Audience,
    Channel,
    Counter,
    Deed,
    Entry,
    Package,
    Payload,
)
from liptako.ledger.reader import channel_value, head_of_log, logs_for, packages_of
from liptako.ledger.records import Draft
from liptako.members.models import AuditEvent
from liptako.members.records import AUDIT, Audit

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})


def event(number, **changes):
    name = f"{number:013}"
    return Draft(kind=AUDIT, object=name, office="system", payload=Audit(event="e"), **changes)


def found(node):
    """Return what the check finds, with the log's name left out."""
    faults, _ = check_logs(node, lambda _done, _total: None)
    return [str(fault).replace(fault.params.get("origin", "\0"), "log") for fault in faults]


@pytest.fixture
def log(node):
    """Return a log of our own with a whole package and a half one."""
    store.append(node, [event(number) for number in range(300)])
    return Channel.objects.get()


def entry(seq):
    return Entry.objects.get(seq=seq)


def test_evidence_that_nobody_touched_is_in_order(node, log):
    assert check_logs(node, lambda _done, _total: None) == ([], 300)


def test_a_node_without_records_is_in_order(node):
    assert check_logs(node, lambda _done, _total: None) == ([], 0)


def test_the_check_tells_how_far_it_is(node):
    store.append(node, [event(number) for number in range(1001)])
    told = []
    check_logs(node, lambda done, total: told.append((done, total)))
    assert told == [(1000, 1001), (1001, 1001)]


UNSIGNED = "log: the entries are not those that the checkpoint signs"


def test_a_changed_header_is_found(node, log):
    header = bytes(entry(7).header).replace(b"system", b"cystem")
    Entry.objects.filter(seq=7).update(header=header)
    assert found(node) == [f"{log}@7: the header is not the one that was hashed"]


def test_a_changed_header_with_a_leaf_to_match_is_found(node, log):
    header = bytes(entry(7).header).replace(b"system", b"cystem")
    Entry.objects.filter(seq=7).update(header=header, leaf=leaf_hash(header))
    root = "log: the root of package 0 is not that of its entries"
    assert found(node) == [root, UNSIGNED]


def test_a_changed_leaf_is_found(node, log):
    Entry.objects.filter(seq=299).update(leaf=bytes(32))
    changed = f"{log}@299: the header is not the one that was hashed"
    assert found(node) == [changed, UNSIGNED]


def test_a_header_that_nobody_can_read_any_longer_is_found(node, log):
    Entry.objects.filter(seq=299).update(header=b"{}", leaf=leaf_hash(b"{}"))
    columns = f"{log}@299: its kind, object or lamport is not that of its header"
    assert found(node) == [columns, UNSIGNED]


@pytest.mark.parametrize("column", [{"kind": ""}, {"object": "0000000000009"}, {"lamport": 9}])
def test_a_changed_column_beside_a_header_is_found(node, log, column):
    Entry.objects.filter(seq=7).update(**column)
    assert found(node) == [f"{log}@7: its kind, object or lamport is not that of its header"]


@pytest.mark.parametrize("change", [{"body": b'{"event":"f"}'}, {"salt": bytes(16)}])
def test_a_changed_payload_is_found(node, log, change):
    Payload.objects.filter(entry__seq=7).update(**change)
    assert found(node) == [f"{log}@7: the payload is not the one that the header names"]


def test_a_payload_of_ours_that_was_deleted_is_found(node, log):
    Payload.objects.filter(entry__seq=7).delete()
    told = f"{log}@7: its payload is missing though it has neither expired nor been recalled: "
    assert found(node) == [told + "somebody deleted it, or the database was damaged"]


@pytest.mark.parametrize(("later", "faults"), [(0, 0), (10**6, 1)], ids=["expired", "not yet"])
def test_a_payload_of_ours_may_be_gone_once_it_has_expired(node, later, faults):
    store.append(node, [event(1, retain=Instant(node.clock().milliseconds + later))])
    Payload.objects.all().delete()
    assert ["missing though it has neither expired" in fault for fault in found(node)] == [
        True
    ] * faults


@pytest.mark.parametrize("retain", [None, 9])
def test_a_changed_time_of_deletion_is_found(node, retain):
    store.append(node, [event(1, retain=Instant(2 * 10**12)), event(2, retain=None)])
    Entry.objects.filter(seq=0).update(retain=retain)
    log = Channel.objects.get()
    told = f"{log}@0: the time at which its payload is deleted is not the one in its header"
    assert found(node) == [told]


def test_a_time_of_deletion_that_somebody_put_in_is_found(node, log):
    Entry.objects.filter(seq=7).update(retain=9)
    told = f"{log}@7: the time at which its payload is deleted is not the one in its header"
    assert found(node) == [told]


def test_a_changed_seed_of_salts_is_found(node, log):
    Package.objects.filter(number=1).update(seed=bytes(16))
    told = f"{log}@256: the salt is not drawn from the seed of its package"
    assert found(node)[:1] == [told]
    assert len(found(node)) == 44


@pytest.mark.parametrize("root", [b"", bytes(32)])
def test_a_changed_root_of_a_package_is_found(node, log, root):
    Package.objects.filter(number=0).update(root=root)
    assert found(node) == ["log: the root of package 0 is not that of its entries"]


def drop(seqs):
    """Take entries out of the database with all that hangs on them."""
    AuditEvent.objects.all().delete()
    Payload.objects.filter(entry__seq__in=seqs).delete()
    Entry.objects.filter(seq__in=seqs).delete()


def test_a_missing_entry_is_found(node, log):
    drop([257])
    assert found(node) == [f"{log}@258: an entry before this one is missing", UNSIGNED]


def test_missing_entries_at_the_end_are_found(node, log):
    drop([298, 299])
    assert found(node) == [UNSIGNED]


def test_an_older_checkpoint_of_our_own_log_is_found(node, log):
    older = bytes(log.checkpoint)
    store.append(node, [event(300)])
    Channel.objects.update(checkpoint=older)
    assert found(node) == ["log: the entries are not those of its head"]


def test_what_is_written_during_the_check_is_no_fault(node, log):
    told = []

    def write_meanwhile(done, total):
        told.append(store.append(node, [event(1000 + len(told))]))

    assert check_logs(node, write_meanwhile)[0] == []
    assert told


def test_a_head_that_was_set_back_is_found(node, log):
    Channel.objects.update(size=299)
    assert found(node) == ["log: the entries are not those that the checkpoint signs"]


@pytest.mark.parametrize("change", [{"frontier": bytes(4 * 32)}, {"checkpoint": b""}])
def test_a_changed_head_is_found(node, log, change):
    Channel.objects.update(**change)
    assert found(node) == ["log: the entries are not those of its head"]


def test_a_checkpoint_that_somebody_else_signed_is_found(node, log):
    forged = sign_checkpoint(head_of_log(log), signer_from_seed(bytes(32)))
    Channel.objects.update(checkpoint=forged)
    (fault,) = found(node)
    assert fault.startswith("log: note: ")


def test_a_checkpoint_that_is_no_note_is_found(node, log):
    Channel.objects.update(checkpoint=b"spoilt")
    assert [fault.startswith("log: note: ") for fault in found(node)] == [True]


def test_a_stranger_in_a_roster_is_found(node, log):
    Audience.objects.update(members=["ML", "TG"])
    assert found(node) == [f"{log.audience_id}: the roster is not the one of this id"]


@pytest.fixture
def taken(node, make_node, compact):
    """Take the first package of a log of BF with 300 entries, as if the rest was still to come."""
    store.append(make_node("BF"), [event(number, audience=ALL) for number in range(300)])
    (log,) = logs_for("ML")
    value, roster = channel_value(log), log.audience.members
    signed, packages = (
        store.Signed(head_of_log(log), bytes(log.checkpoint)),
        list(packages_of(log, 0, log.size)),
    )
    for model in (Payload, Entry, Package, Channel, Counter):
        model.objects.all().delete()

    def take(count):
        for package in packages[:count]:
            store.take(node, roster, value, signed, package)
        return Channel.objects.get()

    return take


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_partner_signed_is_in_order_even_when_the_rest_is_still_to_come(node, taken, count):
    taken(count)
    assert found(node) == []


def test_a_payload_that_a_partner_withholds_is_no_fault(node, taken):
    taken(2)
    Payload.objects.filter(entry__seq=7).delete()
    assert found(node) == []


def test_a_change_before_the_signature_has_come_is_found(node, taken):
    log = taken(1)
    header = bytes(entry(7).header).replace(b"system", b"cystem")
    Entry.objects.filter(seq=7).update(header=header, leaf=leaf_hash(header))
    root = "log: the root of package 0 is not that of its entries"
    assert found(node) == [root, "log: the entries are not those of its head"]
    assert log.checkpoint == b""


def test_a_log_of_a_stranger_is_found(node, taken):
    taken(2)
    Deed.objects.all().delete()
    assert found(node) == ["log: BF is not a member of the compact"]


def test_what_is_found_can_be_told_in_any_language(node, log):
    Package.objects.filter(number=0).update(root=b"")
    (fault,), _ = check_logs(node, lambda _done, _total: None)
    assert isinstance(fault, VerificationError)
    assert fault.params == {"origin": log.origin, "number": 0}
