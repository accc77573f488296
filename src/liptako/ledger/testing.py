"""The invariants I1 to I3 as checks that every module runs for every kind it reads.

I4 (a rule gives the same answer everywhere) follows from the rules being pure, which the import
contracts hold; I5 (nobody sees what the release does not allow) is `tests/journeys/test_release`,
which walks through every address of the program, those of a later page included.
"""

import itertools
import random
from collections.abc import Iterator, Sequence

import msgspec
from django.db import transaction

from liptako.core.digest import Sums
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import consistency_proof
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.records.fields import decode_fields, encode_fields
from liptako.core.records.payload import PAYLOAD_LIMIT
from liptako.ledger import projector, registry, store
from liptako.ledger.digest import state_digest
from liptako.ledger.models import (
    FILES,
    Channel,
    Counter,
    DoubleHistory,
    Entry,
    Package,
    Payload,
    Recalled,
    Receipt,
    Rejected,
    Tally,
    Unknown,
    Waiting,
)
from liptako.ledger.node import Node
from liptako.ledger.reader import channel_value, head_of_log, packages_of
from liptako.ledger.tally import tallies_of
from liptako.ledger.tree import stored_subtrees

MOST_ORDERS = 24


def check_bytes(kind: str, payload: msgspec.Struct) -> bytes:
    """I1: a payload reads what it writes, and a field of a later version stands in nobody's way.

    That bytes stay as they came, whatever is in them, is held by the ledger for all kinds.

    Returns the bytes, for a golden vector.
    """
    data = registry.encode_payload(payload)
    assert registry.decode_payload(kind, data) == payload
    later = decode_fields(data, limit=PAYLOAD_LIMIT) | {"later": {"x": [1, "é"]}}
    assert registry.decode_payload(kind, encode_fields(later)) == payload
    return data


def check_rebuild() -> str:
    """I2: a rebuild changes nothing. Returns the digest of the state."""
    before = _noted()
    projector.rebuild(lambda _done, _total: None)
    assert _noted() == before
    return before[0]


def _noted() -> tuple[str, list[object], list[object], dict[str, tuple[int, Sums]]]:
    """Return the state with what waits and what was rejected, and the sums over each log."""
    waiting = Waiting.objects.order_by("pk").values_list("entry__channel", "entry__seq")
    rejected = Rejected.objects.order_by("pk").values_list(
        "entry__channel", "entry__seq", "template"
    )
    sums = dict(tallies_of(Channel.objects.values_list("origin", flat=True)))
    return state_digest(), list(waiting), list(rejected), sums


def check_order(node: Node) -> int:
    """I3: whatever order the logs arrive in, the tables come out the same.

    Takes the logs of this database, empties it, and lets the entries come again one by one, in
    orders that keep each log's own. Returns how many orders were tried.
    """
    expected = _noted_by_place()
    logs = _all_logs()
    tried = 0
    for order in _orders(logs):
        with transaction.atomic():
            _empty()
            for arrival in order:
                store.take(node, *arrival)
                projector.project_pending()
            assert _noted_by_place() == expected
            transaction.set_rollback(True)
        tried += 1
    return tried


def _noted_by_place() -> tuple[str, set[object], set[object], dict[str, tuple[int, Sums]]]:
    """Return the state with what waits and what was rejected, without this node's own order."""
    digest, waiting, rejected, sums = _noted()
    return digest, set(waiting), set(rejected), sums


Arrival = tuple[tuple[str, ...], ChannelValue, store.Signed, PackageFrame]


def _all_logs() -> list[list[Arrival]]:
    """Return for each log of this database its entries, each as a package with its proof."""
    return [_arrivals(log) for log in Channel.objects.select_related("audience")]


def _arrivals(log: Channel) -> list[Arrival]:
    """Return the entries of a log as they would arrive one by one."""
    subtree = stored_subtrees(log.origin)
    signed = store.Signed(head_of_log(log), b"")
    roster, channel = tuple(log.audience.members), channel_value(log)
    whole = list(packages_of(log, 0, log.size))
    salts = {
        payload.entry.seq: bytes(payload.salt)
        for payload in Payload.objects.filter(entry__channel=log).select_related("entry")
    }
    arrivals: list[Arrival] = []
    for package in whole:
        for i, header in enumerate(package.headers):
            seq = package.start + i
            frame = PackageFrame(
                start=seq,
                headers=(header,),
                bodies=(package.bodies[i],),
                seed=b"",
                salts=(salts.get(seq, b""),),
                proof=consistency_proof(seq + 1, log.size, subtree),
            )
            arrivals.append((roster, channel, signed, frame))
    return arrivals


def _orders(logs: Sequence[Sequence[Arrival]]) -> Iterator[list[Arrival]]:
    """Give orders of arrival: all of them if they are few, else a seeded choice."""
    turns = [index for index, log in enumerate(logs) for _ in log]
    few = len(turns) <= 6  # noqa: PLR2004 (720 permutations at most)
    every = sorted(set(itertools.permutations(turns))) if few else []
    chance = random.Random(1)  # noqa: S311 (a test)
    drawn = [tuple(chance.sample(turns, len(turns))) for _ in range(MOST_ORDERS)]
    for order in every if 0 < len(every) <= MOST_ORDERS else drawn:
        left = [iter(log) for log in logs]
        yield [next(left[index]) for index in order]


def _empty() -> None:
    """Take all entries out of the database, and what was drawn from them."""
    for module in registry.modules():
        for table in module.tables:
            table.model._default_manager.all().delete()
    evidence = (Payload, Entry, Package, Channel, Counter)
    kept = (Receipt, DoubleHistory, Recalled, *FILES[:-1], *evidence)
    for model in (Waiting, Rejected, Unknown, Tally, *kept):
        model._default_manager.all().delete()
