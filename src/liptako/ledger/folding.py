"""What entries come to: which of them wait, which are wrong, and the rows of all others.

Pure, without a database: what it needs of other entries, the leaves of those that are named, is
handed in. So it gives the same wherever it is done (`helper` does it on another core).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from django.db import DataError, IntegrityError

from liptako.core.errors import LiptakoError, MalformedError, RefusedError
from liptako.core.log.delivery import Place
from liptako.core.reasons import PlainError, plain
from liptako.core.refs import LEAF_BYTES
from liptako.ledger import registry
from liptako.ledger.reader import StoredEntry, header_of, record_of
from liptako.ledger.records import Record, Rejection, Thread
from liptako.ledger.registry import Module, Threads
from liptako.ledger.rows import Values, prepared

POISON = (
    ArithmeticError,
    DataError,
    IntegrityError,
    LiptakoError,
    LookupError,
    TypeError,
    ValueError,
)
"""What a record that somebody else wrote may bring about where it is drawn."""

_REFS = b'"refs":'  # as it stands in every header that names something: there is one spelling


class Judged(NamedTuple):
    """The entries that can be read, in the order of folding, and which of all are set aside."""

    records: dict[int, Record]
    waiting: dict[int, Place]
    faults: dict[int, LiptakoError]
    unknown: list[int]


class Batch(msgspec.Struct, array_like=True, tag="batch"):
    """Entries whose threads are whole, and the places and leaves of what they name, where here."""

    entries: list[StoredEntry]
    held: list[tuple[Place, bytes]]


class Drawn(NamedTuple):
    """Whole threads of a module, and all their rows of each of its tables as they are written."""

    module: str
    threads: list[Thread]
    tables: list[list[Values]]


class Aside(NamedTuple):
    """What is noted of entries that are not folded, by their places in this node's order."""

    waiting: dict[int, Place]
    rejected: dict[int, PlainError]
    unknown: list[int]


class Sheet(NamedTuple):
    """All that is to be written of some entries, whose threads are whole."""

    drawn: list[Drawn]
    aside: Aside


def places_named(entries: Iterable[StoredEntry]) -> set[Place]:
    """Return the places of all records that entries name."""
    named: set[Place] = set()
    for entry in entries:
        if _REFS in bytes(entry.header):
            try:
                refs = header_of(entry).refs
            except MalformedError:
                continue
            named |= {(ref.origin, ref.seq) for ref in refs}
    return named


def judge(batch: Batch) -> Judged:
    """Read the entries of a batch and find out which of them wait or are wrong."""
    records: dict[int, Record] = {}
    faults: dict[int, LiptakoError] = {}
    for entry in batch.entries:
        try:
            records[entry.position] = record_of(entry)
        except LiptakoError as fault:
            faults[entry.position] = fault
    # In the order of folding from here on: the same on every node, whatever arrived first.
    records = dict(sorted(records.items(), key=lambda item: item[1].order))
    waiting = _find_waiting(records, dict(batch.held), faults)
    unknown = [
        position
        for position, record in records.items()
        if registry.module_of(record.header.kind) is None
    ]
    return Judged(records, waiting, faults, unknown)


def _find_waiting(
    records: Mapping[int, Record], held: Mapping[Place, bytes], faults: dict[int, LiptakoError]
) -> dict[int, Place]:
    """Return for each record that waits what it waits for; note wrong references as faults.

    Waits: who names a record that is not here, or one of its own thread that waits itself. A thread
    is always whole here, so the answer does not depend on what else is drawn with it.
    """
    waiting: dict[int, Place] = {}
    blocked: set[tuple[Thread, Place]] = set()
    for position, record in records.items():
        for ref in record.header.refs:
            place = (ref.origin, ref.seq)
            if place not in held or (record.thread, place) in blocked:
                waiting[position] = place
                blocked.add((record.thread, (record.origin, record.seq)))
                break
            if held[place][:LEAF_BYTES] != ref.leaf:
                faults[position] = RefusedError(
                    "it refers to another record than the one that is held: %(ref)s",
                    ref=ref.origin,
                )
                break  # it is rejected, whatever else it names may come
    return waiting


def threads_of(judged: Judged) -> dict[Module, Threads]:
    """Return the threads of each module, in the order of folding.

    A thread with nothing to fold is one too, so that its old rows go.
    """
    left_out = judged.faults.keys() | judged.waiting.keys()
    threads: defaultdict[str, defaultdict[Thread, list[Record]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for position, record in judged.records.items():
        module = registry.module_of(record.header.kind)
        if module is not None:
            thread = threads[module.name][record.thread]
            if position not in left_out:
                thread.append(record)
    return {module: threads[module.name] for module in registry.modules() if module.name in threads}


def fold(module: Module, threads: Threads) -> tuple[Drawn, Sequence[Rejection]]:
    """Return what is to be written of threads of a module, and what breaks one of its rules."""
    rows, rejections = module.fold(threads)
    tables = [prepared(table.model, rows.get(table.model, ())) for table in module.tables]
    return Drawn(module.name, list(threads), tables), rejections


def aside(judged: Judged, rejections: Sequence[Rejection]) -> Aside:
    """Return what is to be noted of entries after those that can be were folded."""
    faults = judged.faults
    if rejections:
        places = {(r.origin, r.seq): position for position, r in judged.records.items()}
        faults = faults | {places[r.record.origin, r.record.seq]: r.reason for r in rejections}
    waiting = {
        position: place for position, place in judged.waiting.items() if position not in faults
    }
    rejected = {position: plain(fault) for position, fault in faults.items()}
    return Aside(waiting, rejected, judged.unknown)


def sheet_of(batch: Batch) -> Sheet:
    """Return all that is to be written of a batch. Raises one of POISON if that cannot be told."""
    judged = judge(batch)
    folded = [fold(module, threads) for module, threads in threads_of(judged).items()]
    rejections = [rejection for _, some in folded for rejection in some]
    return Sheet([drawn for drawn, _ in folded], aside(judged, rejections))
