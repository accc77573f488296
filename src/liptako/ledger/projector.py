"""Draws the tables from the log: whole threads, folded by the module that reads their kinds.

A record that names one which is not here waits; one that breaks a rule is rejected with its
reason; neither blocks another. The same records give the same rows in whatever order they came.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from django.db import DataError, IntegrityError, transaction

from liptako.core.errors import LiptakoError, RefusedError
from liptako.core.log.delivery import Place
from liptako.core.refs import LEAF_BYTES
from liptako.ledger import registry
from liptako.ledger.aside import forget_all, note_aside
from liptako.ledger.digest import state_digest
from liptako.ledger.models import Counter, Entry, Waiting
from liptako.ledger.reader import StoredEntry, record_of, stored
from liptako.ledger.records import Record, Rejection, Thread
from liptako.ledger.rows import one_of
from liptako.ledger.tally import begin_again

BATCH = 1024  # entries that are drawn in one transaction: as many are drawn again after a crash
_REBUILT = 4000  # about as many at a time in a rebuild, which is one transaction
_IN = 500  # values in one IN (…)

_POISON = (
    ArithmeticError,
    DataError,
    IntegrityError,
    LiptakoError,
    LookupError,
    TypeError,
    ValueError,
)

Threads = Mapping[Thread, Sequence[Record]]


def project_own(records: Sequence[Record]) -> None:
    """Draw what was just appended. Raises RefusedError if one of these records breaks a rule."""
    mine = {(record.origin, record.seq) for record in records}
    for rejection in _project({record.header.object for record in records}):
        if (rejection.record.origin, rejection.record.seq) in mine:
            raise RefusedError(rejection.reason.template, **rejection.reason.params)


def redraw(objects: set[str]) -> None:
    """Draw what is about these objects again, after one of their payloads was deleted."""
    _project(objects)


def project_pending() -> int:
    """Draw everything that was taken since the last time; return how many entries that was."""
    total = 0
    while count := _project_batch():
        total += count
    return total


@transaction.atomic
def _project_batch() -> int:
    """Draw the next entries in this node's order and remember how far that reached."""
    counter = Counter.objects.select_for_update().filter(id=1).first()
    if counter is None:
        return 0
    batch = list(
        Entry.objects.filter(position__gt=counter.projected)
        .order_by("position")
        .values_list("position", "object")[:BATCH]
    )
    if batch:
        _project({name for _, name in batch})
        counter.projected = batch[-1][0]
        counter.save(update_fields=["projected"])
    return len(batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild came to: how many entries, and the state before and after."""

    entries: int
    before: str
    after: str


@transaction.atomic
def rebuild(progress: Callable[[int, int], None]) -> Rebuilt:
    """Empty all projected tables and draw them again from the log.

    Readers see the old tables until it is done, and writers wait, so that both digests are of the
    same records. `progress` is told how many of how many.
    """
    counter = Counter.objects.select_for_update().filter(id=1).first()
    project_pending()
    before, total = state_digest(), Entry.objects.count()
    for module in registry.modules():
        for table in module.tables:
            table.model._default_manager.all().delete()
    forget_all()
    begin_again()
    done = 0
    for batch in _by_objects():
        _draw(batch)
        done += len(batch)
        progress(done, total)
    if counter is not None:
        counter.projected = counter.position
        counter.save(update_fields=["projected"])
    return Rebuilt(entries=done, before=before, after=state_digest())


def _by_objects() -> Iterator[list[StoredEntry]]:
    """Give all entries in batches that never part the entries of one object."""
    rows = stored(Entry.objects.order_by("object", "position"), chunk=_REBUILT)
    batch: list[StoredEntry] = []
    for _, group in groupby(rows, attrgetter("object")):
        batch.extend(group)
        if len(batch) >= _REBUILT:
            yield batch
            batch = []
    if batch:
        yield batch


def _project(objects: set[str]) -> list[Rejection]:
    """Draw the threads of these objects, then of those that waited for one of their records."""
    rejections: list[Rejection] = []
    drawn: set[str] = set()
    while objects:
        entries = list(_entries_of(objects))
        rejections += _draw(entries)
        drawn |= objects
        objects = _unblocked(entries) - drawn
    return rejections


def _entries_of(objects: Collection[str]) -> Iterator[StoredEntry]:
    """Give all entries about these objects, with their logs and payloads."""
    return stored(Entry.objects.filter(object__in=one_of(objects)).order_by("position"))


def _unblocked(entries: Sequence[StoredEntry]) -> set[str]:
    """Return the objects whose records waited for one of these entries.

    Only what waits for a place between the first and the last of them is looked at: there may be
    a great many that wait for others.
    """
    objects: set[str] = set()
    for origin, seqs in _by_origin((entry.origin, entry.seq) for entry in entries).items():
        rows = Waiting.objects.filter(origin=origin, seq__range=(min(seqs), max(seqs)))
        found = rows.values_list("seq", "entry__object")
        objects |= {name for seq, name in found.iterator() if seq in seqs}
    return objects


def _by_origin(places: Iterable[Place]) -> dict[str, set[int]]:
    """Return places by the logs that they are in."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for origin, seq in places:
        found[origin].add(seq)
    return found


def _draw(entries: Sequence[StoredEntry]) -> list[Rejection]:
    """Draw the threads of these entries, which must be whole, and note what waits or is wrong."""
    records: dict[int, Record] = {}
    faults: dict[int, LiptakoError] = {}
    for entry in entries:
        try:
            records[entry.position] = record_of(entry)
        except LiptakoError as fault:
            faults[entry.position] = fault
    # In the order of folding from here on: the same on every node, whatever arrived first.
    records = dict(sorted(records.items(), key=lambda item: item[1].order))
    waiting = _find_waiting(records, faults)
    rejections = _fold(records, faults.keys() | waiting.keys())
    positions = {(record.origin, record.seq): position for position, record in records.items()}
    for rejection in rejections:
        place = (rejection.record.origin, rejection.record.seq)
        faults[positions[place]] = rejection.reason
    unknown = {place for place, record in records.items() if not _is_known(record)}
    note_aside(entries, waiting, faults, unknown)
    return rejections


def _is_known(record: Record) -> bool:
    """Say whether a module reads the kind of a record."""
    return registry.module_of(record.header.kind) is not None


def _find_waiting(records: dict[int, Record], faults: dict[int, LiptakoError]) -> dict[int, Place]:
    """Return for each record that waits what it waits for; note wrong references as faults.

    Waits: who names a record that is not here, or one of its own thread that waits itself. A thread
    is always whole here, so the answer does not depend on what else is drawn with it.
    """
    named = {(ref.origin, ref.seq) for record in records.values() for ref in record.header.refs}
    held = _leaves_of(named)
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


def _leaves_of(places: set[Place]) -> dict[Place, bytes]:
    """Return the leaf hashes of those records that are here."""
    held: dict[Place, bytes] = {}
    for origin, wanted in _by_origin(places).items():
        seqs = sorted(wanted)
        for i in range(0, len(seqs), _IN):
            found = Entry.objects.filter(channel_id=origin, seq__in=seqs[i : i + _IN])
            held |= {(origin, seq): bytes(leaf) for seq, leaf in found.values_list("seq", "leaf")}
    return held


def _fold(records: dict[int, Record], left_out: set[int]) -> list[Rejection]:
    """Hand each module its threads, in the order of folding; return what it rejects.

    A thread with nothing to fold is handed over too, so that its old rows go.
    """
    threads: defaultdict[str, defaultdict[Thread, list[Record]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for position, record in records.items():
        module = registry.module_of(record.header.kind)
        if module is not None:
            thread = threads[module.name][record.thread]
            if position not in left_out:
                thread.append(record)
    return [
        rejection
        for module in registry.modules()
        if module.name in threads
        for rejection in _fold_safely(module, threads[module.name])
    ]


def _fold_safely(module: registry.Module, threads: Threads) -> list[Rejection]:
    """Return what a module rejects. A thread that it cannot draw at all is rejected whole.

    No record that a partner could write may stop the others (protocol: one poison record). A
    database that cannot take anything is another matter and ends the work.
    """
    try:
        with transaction.atomic():
            return list(module.project(threads))
    except _POISON as cause:
        if len(threads) == 1:
            reason = RefusedError("it cannot be drawn: %(why)s", why=str(cause)[:200])
            module.project(dict.fromkeys(threads, ()))
            return [Rejection(record, reason) for found in threads.values() for record in found]
    keys = list(threads)
    half = len(keys) // 2
    parts = ({key: threads[key] for key in part} for part in (keys[:half], keys[half:]))
    return [rejection for part in parts for rejection in _fold_safely(module, part)]
