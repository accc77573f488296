"""Draws the tables from the log: whole threads, folded by the module that reads their kinds.

A record that names one which is not here waits; one that breaks a rule is rejected with its
reason; neither blocks another. The same records give the same rows in whatever order they came.
"""

from collections import Counter as Tally
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from django.db import transaction

from liptako.core.errors import RefusedError
from liptako.core.log.delivery import Place
from liptako.ledger import helping, registry
from liptako.ledger.aside import forget_all, note_aside
from liptako.ledger.digest import state_digest
from liptako.ledger.folding import (
    POISON,
    Batch,
    Drawn,
    Sheet,
    aside,
    fold,
    judge,
    places_named,
    threads_of,
)
from liptako.ledger.helping import Helper
from liptako.ledger.models import Counter, Entry, Waiting
from liptako.ledger.reader import StoredEntry, stored
from liptako.ledger.records import Record, Rejection, Thread
from liptako.ledger.registry import Module, Threads
from liptako.ledger.rows import of_threads, one_of, replace_rows
from liptako.ledger.tally import begin_again

BATCH = 1024  # entries that are drawn in one transaction: as many are drawn again after a crash
_REBUILT = 4000  # about as many at a time in a rebuild, which is one transaction
_GIVEN = 2  # batches of a rebuild that are with a helper
_IN = 500  # values in one IN (…)


def project_own(records: Sequence[Record]) -> None:
    """Draw what was just appended. Raises RefusedError if one of these records breaks a rule."""
    mine = {(record.origin, record.seq) for record in records}
    for rejection in _project({record.header.object for record in records}):
        if (rejection.record.origin, rejection.record.seq) in mine:
            raise RefusedError(rejection.reason.template, **rejection.reason.params)


def redraw(objects: set[str]) -> None:
    """Draw what is about these objects again, after a payload or an entry was deleted; in a lock.

    A place in this node's order is left out, by which whoever draws along with an intake sees it.
    """
    counter = Counter.objects.select_for_update().get(id=1)
    counter.projected += counter.projected == counter.position
    counter.position += 1
    counter.save(update_fields=["position", "projected"])
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
    last = batch[-1][0] if batch else counter.position  # what came last may have been deleted
    if counter.projected != last:
        Counter.objects.filter(id=1).update(projected=last)
    return len(batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild came to: how many entries, and the state before and after."""

    entries: int
    before: str
    after: str


@transaction.atomic
def rebuild(progress: Callable[[int, int], None], helper: Helper | None = None) -> Rebuilt:
    """Empty all projected tables and draw them again from the log.

    Readers see the old tables until it is done, and writers wait, so that both digests are of the
    same records. `progress` is told how many of how many. A helper folds, if one is given, or if
    there are many entries and it pays.
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
    with ExitStack() as stack:
        if helper is None and total >= BATCH and helping.pays():
            helper = stack.enter_context(Helper())
        for count in _draw_all(helper):
            done += count
            progress(done, total)
    if counter is not None:
        counter.projected = counter.position
        counter.save(update_fields=["projected"])
    return Rebuilt(entries=done, before=before, after=state_digest())


def _draw_all(helper: Helper | None) -> Iterator[int]:
    """Draw all entries; give how many, batch for batch. A helper folds one while others are read.

    Nobody else can write meanwhile.
    """
    given: deque[tuple[list[StoredEntry], Future[Sheet | None]]] = deque()
    for batch in _by_objects():
        if helper is None or not helper.is_ready():
            _draw(batch)
            yield len(batch)
            continue
        given.append((batch, helper.ask(batch_of(batch))))
        if len(given) == _GIVEN:
            yield _draw_folded(*given.popleft())
    while given:
        yield _draw_folded(*given.popleft())


def _draw_folded(entries: list[StoredEntry], answer: "Future[Sheet | None]") -> int:
    """Write what a helper has folded entries to, or draw them if it has not; return how many."""
    sheet = answer.result()
    try:
        if sheet is not None:
            _write_sheet(entries, sheet, is_new=True)  # the tables were emptied
            return len(entries)
    except POISON:  # a record that the database does not take: it is found in the ordinary way
        pass
    _draw(entries)
    return len(entries)


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
        entries = list(entries_of(objects))
        rejections += _draw(entries)
        drawn |= objects
        objects = _unblocked(entries) - drawn
    return rejections


def entries_of(objects: Collection[str]) -> Iterator[StoredEntry]:
    """Give all entries about these objects, with their logs and payloads."""
    return stored(Entry.objects.filter(object__in=one_of(objects)))


def write(entries: Sequence[StoredEntry], sheet: Sheet, *, is_new: bool) -> None:
    """Write what entries were folded to, and draw what waited for them.

    `is_new` if nothing was drawn of their threads so far. Raises one of POISON if the database does
    not take it, as something was after all; then it is to be drawn in the other way.
    """
    _write_sheet(entries, sheet, is_new=is_new)
    _project(_unblocked(entries) - {entry.object for entry in entries})


@transaction.atomic
def _write_sheet(entries: Sequence[StoredEntry], sheet: Sheet, *, is_new: bool = False) -> None:
    """Write rows and notes of entries, all or nothing."""
    for drawn in sheet.drawn:
        _write(drawn, is_new=is_new)
        _settle(registry.module_named(drawn.module), drawn.threads)
    note_aside(entries, sheet.aside)


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
    judged = judge(batch_of(entries))
    rejections: list[Rejection] = []
    for module, threads in threads_of(judged).items():
        rejections += draw_threads(module, threads)
        _settle(module, threads)
    note_aside(entries, aside(judged, rejections))
    return rejections


def batch_of(entries: Sequence[StoredEntry]) -> Batch:
    """Return entries, whose threads are whole, with what they name."""
    return Batch(list(entries), list(_leaves_of(places_named(entries)).items()))


def _leaves_of(places: set[Place]) -> dict[Place, bytes]:
    """Return the leaf hashes of those records that are here."""
    held: dict[Place, bytes] = {}
    for origin, wanted in _by_origin(places).items():
        seqs = sorted(wanted)
        for i in range(0, len(seqs), _IN):
            found = Entry.objects.filter(channel_id=origin, seq__in=seqs[i : i + _IN])
            held |= {(origin, seq): bytes(leaf) for seq, leaf in found.values_list("seq", "leaf")}
    return held


def draw_threads(module: Module, threads: Threads) -> list[Rejection]:
    """Replace the rows of threads of a module; return what it rejects.

    A thread that cannot be drawn at all is rejected whole: no record that a partner could write may
    stop the others (protocol: one poison record). A database that cannot take anything is another
    matter and ends the work.
    """
    try:
        with transaction.atomic():
            drawn, rejections = fold(module, threads)
            _write(drawn)
            return list(rejections)
    except POISON as cause:
        if len(threads) == 1:
            reason = RefusedError("it cannot be drawn: %(why)s", why=str(cause)[:200])
            _write(fold(module, dict.fromkeys(threads, ()))[0])
            return [Rejection(record, reason) for found in threads.values() for record in found]
    keys = list(threads)
    half = len(keys) // 2
    parts = ({key: threads[key] for key in part} for part in (keys[:half], keys[half:]))
    return [rejection for part in parts for rejection in draw_threads(module, part)]


def _write(drawn: Drawn, *, is_new: bool = False) -> None:
    """Replace the rows of threads in all tables of their module; there are none if they are new."""
    tables = registry.module_named(drawn.module).tables
    for table, rows in zip(tables, drawn.tables, strict=True):
        replace_rows(table.model, None if is_new else of_threads(drawn.threads, table), rows)


def _settle(module: Module, threads: Collection[Thread]) -> None:
    """Let a module correct what differs between nodes, once all threads of objects are drawn."""
    counted = Tally(thread.object for thread in threads)
    shared = [thread for thread in threads if counted[thread.object] > 1]
    if module.settle is not None and shared:
        module.settle(shared)
