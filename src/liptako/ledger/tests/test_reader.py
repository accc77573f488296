"""Reading the log: who may have which log, and packages that verify from any place on."""

import pytest

from liptako.core.errors import VerificationError
from liptako.core.log.merkle import CompactRange
from liptako.core.log.verify import accept_package
from liptako.core.records.payload import derive_salt
from liptako.core.refs import audience_id
from liptako.ledger import reader, store
from liptako.ledger.models import Channel, Entry, Package, Payload
from liptako.ledger.reader import (
    channel_value,
    head_of_log,
    logs_for,
    packages_of,
    record_of,
    roster_of,
    thread_records,
)
from liptako.ledger.records import Draft
from liptako.ledger.tree import range_at
from liptako.members.models import AuditEvent
from liptako.members.records import AUDIT, Audit

pytestmark = pytest.mark.django_db
ALL = frozenset({"ML", "BF", "NE"})


def event(number, **changes):
    name = f"{number:013}"
    return Draft(kind=AUDIT, object=name, office="system", payload=Audit(event="e"), **changes)


@pytest.fixture
def log(node, compact):
    """Return a log for all with two whole packages and a part of a third."""
    store.append(node, [event(number, audience=ALL) for number in range(600)])
    return Channel.objects.get()


def erase(seq):
    """Delete a payload, as recall and retention do."""
    AuditEvent.objects.all().delete()
    Payload.objects.filter(entry__seq=seq).delete()


def taken(log, start):
    """Return the range and the entries that a reader has who goes on from a place."""
    value, held, entries = channel_value(log), range_at(log.origin, start), []
    for package in packages_of(log, start, log.size):
        held, new = accept_package(value, held, head_of_log(log), package)
        entries += new
    return held, entries


def stored(start=0):
    """Return what the database holds of the entries from a place on."""
    rows = Entry.objects.filter(seq__gte=start).select_related("payload").order_by("seq")
    bodies = [getattr(row, "payload", None) for row in rows]
    return [
        (row.seq, bytes(row.header), payload and bytes(payload.body))
        for row, payload in zip(rows, bodies, strict=True)
    ]


@pytest.mark.parametrize("start", [0, 1, 100, 255, 256, 257, 511, 512, 599])
def test_a_reader_goes_on_from_any_place_and_proves_all_it_takes(log, start):
    held, entries = taken(log, start)
    assert (held.size, held.root()) == (600, head_of_log(log).root)
    assert [(entry.seq, entry.data, entry.body) for entry in entries] == stored(start)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (0, [(0, 256), (256, 256), (512, 88)]),
        (100, [(100, 156), (256, 256), (512, 88)]),
        (512, [(512, 88)]),
        (600, []),
    ],
)
def test_packages_end_where_256_entries_do(log, start, expected):
    packages = list(packages_of(log, start, log.size))
    assert [(package.start, len(package.headers)) for package in packages] == expected


def test_a_whole_package_travels_with_one_seed(log):
    seeds = [bytes(package.seed) for package in Package.objects.order_by("number")]
    assert [(item.seed, item.salts) for item in packages_of(log, 0, log.size)] == [
        (x, ()) for x in seeds
    ]


def test_a_package_of_another_log_proves_nothing(log):
    package = next(packages_of(log, 256, log.size))
    with pytest.raises(VerificationError, match="entries are missing: expected number 0 next"):
        accept_package(channel_value(log), CompactRange(), head_of_log(log), package)


@pytest.mark.parametrize("start", [0, 3, 7, 8, 200])
def test_a_payload_that_was_erased_leaves_the_proof_intact(log, start):
    erase(7)
    held, entries = taken(log, start)
    assert (held.size, held.root()) == (600, head_of_log(log).root)
    assert [(entry.seq, entry.data, entry.body) for entry in entries] == stored(start)


@pytest.mark.parametrize("start", [0, 7, 8, 200])
def test_the_salt_of_an_erased_payload_travels_no_more_nor_what_gives_it_back(log, start):
    seed = bytes(Package.objects.get(number=0).seed)
    erase(7)
    package = next(packages_of(log, start, log.size))
    places = range(start, 256)
    expected = tuple(b"" if seq == 7 else derive_salt(seed, seq) for seq in places)
    assert (package.seed, package.salts) == (b"", expected)


def test_the_other_packages_keep_their_seeds(log):
    erase(7)
    assert [bool(package.seed) for package in packages_of(log, 0, log.size)] == [False, True, True]


def test_the_record_of_an_erased_payload_is_there_without_it(log):
    erase(7)
    record = record_of(*reader.stored(Entry.objects.filter(seq=7)))
    assert (record.header.object, record.payload) == ("0000000000007", None)
    assert thread_records(record.thread) == []


def test_a_record_is_read_as_it_was_written(node):
    (written,) = store.append(node, [event(1)])
    assert record_of(*reader.stored(Entry.objects.all())) == written
    assert thread_records(written.thread) == [written]


def test_nobody_is_given_a_log_that_is_not_for_them(node, compact):
    store.append(node, [event(1), event(2, audience=ALL), event(3, audience=frozenset({"BF"}))])
    rosters = {
        member: sorted(log.audience.members for log in logs_for(member))
        for member in ("ML", "BF", "NE", "TG")
    }
    everyone, two = ["BF", "ML", "NE"], ["BF", "ML"]
    assert rosters == {
        "ML": [two, everyone, ["ML"]],
        "BF": [two, everyone],
        "NE": [everyone],
        "TG": [],
    }


def test_logs_come_in_the_order_of_their_origins(node, compact):
    store.append(node, [event(1), event(2, audience=ALL), event(3, audience=frozenset({"BF"}))])
    origins = [log.origin for log in logs_for("ML")]
    assert origins == sorted(origins)
    assert len(origins) == 3


def test_a_roster_is_found_by_its_id(log):
    assert roster_of(audience_id(ALL)) == ALL
    assert roster_of(audience_id(["ML", "TG"])) == frozenset()
