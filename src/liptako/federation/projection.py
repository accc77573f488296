"""Draws recalls, what members destroyed or hold whole, and test messages from their records."""

from collections.abc import Iterator

from liptako.core.records.shared import DESTROYED, FILES, RECALL, RECORDS, TEST
from liptako.federation import models
from liptako.ledger.records import Record, Thread
from liptako.ledger.registry import Folded, Kind, Module, Row, Rows, Table, Threads
from liptako.ledger.rows import columns_of

_WHY = 16
_TEXT = 2_000


def fold(threads: Threads) -> Folded:
    """Return the rows of these threads. Nothing is rejected: what names nothing does nothing."""
    recalls: list[Row] = []
    destroyed: list[Row] = []
    files: list[Row] = []
    probes: list[Row] = []
    for thread, found in threads.items():
        for record in found:
            if record.payload is None:
                continue
            if record.header.kind == RECALL:
                recalls.append(_recall_row(thread, record))
            elif record.header.kind == DESTROYED:
                destroyed += list(_destroyed_rows(thread, record))
            elif record.header.kind == FILES:
                files += list(_files_rows(thread, record))
            elif record.header.kind == TEST:
                probes.append(_probe_row(thread, record))
    rows: Rows = {
        models.Recall: recalls,
        models.Destroyed: destroyed,
        models.FilesHeld: files,
        models.Probe: probes,
    }
    return Folded(rows)


def _part(record: Record) -> str:
    """Return what tells the rows of a thread apart: where the record stands."""
    return f"{record.origin.split('/')[2][:8]}{record.seq}"


def _recall_row(thread: Thread, record: Record) -> models.Recall:
    """Return the row of a recall."""
    return models.Recall(
        **columns_of(thread, _part(record)),
        at=record.header.time.moment(),
        office=record.header.office,
        reason=record.payload.reason[:_TEXT],
        count=len(record.header.refs),
    )


def _destroyed_rows(thread: Thread, record: Record) -> Iterator[models.Destroyed]:
    """Give a row for each record that somebody holds no longer."""
    for number, ref in enumerate(record.header.refs):
        yield models.Destroyed(
            **columns_of(thread, f"{_part(record)}.{number}"),
            at=record.header.time.moment(),
            why=record.payload.why[:_WHY],
            origin=ref.origin,
            seq=ref.seq,
        )


def _files_rows(thread: Thread, record: Record) -> Iterator[models.FilesHeld]:
    """Give a row for each record whose files somebody holds."""
    for number, ref in enumerate(record.header.refs):
        yield models.FilesHeld(
            **columns_of(thread, f"{_part(record)}.{number}"),
            at=record.header.time.moment(),
            origin=ref.origin,
            seq=ref.seq,
        )


def _probe_row(thread: Thread, record: Record) -> models.Probe:
    """Return the row of a test message."""
    return models.Probe(
        **columns_of(thread, _part(record)),
        at=record.header.time.moment(),
        text=record.payload.text[:_TEXT],
        origin=record.origin,
        seq=record.seq,
    )


MODULE = Module(
    name="exchange",
    kinds=tuple(Kind(name=name, payload=payload) for name, payload in RECORDS.items()),
    tables=(
        Table(model=models.Recall),
        Table(model=models.Destroyed),
        Table(model=models.FilesHeld),
        Table(model=models.Probe),
    ),
    fold=fold,
)
