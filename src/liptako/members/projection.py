"""Draws offices, mandates, watches, the roster and the audit trail from their records."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from liptako.core.clock import Instant
from liptako.core.records.envelope import Header
from liptako.ledger.records import Record, Rejection, Thread
from liptako.ledger.registry import Folded, Kind, Module, Row, Rows, Table, Threads
from liptako.ledger.rows import columns_of
from liptako.members import models, records, rules

_KINDS_OF_MANDATE = {records.MANDATE, records.MANDATE_END}
_KINDS_OF_WATCH = {records.WATCH, records.HAND_OVER, records.WATCH_END}


def fold(threads: Threads) -> Folded:
    """Return the rows of these threads, and what breaks a rule."""
    rejections: list[Rejection] = []
    offices: list[Row] = []
    mandates: list[Row] = []
    watches: list[Row] = []
    duties: list[Row] = []
    events: list[Row] = []
    for thread, found in threads.items():
        known = [record for record in found if record.payload is not None]
        offices += list(_offices(thread, known, rejections))
        mandates += list(_mandates(thread, known, rejections))
        watches += list(_watches(thread, found, rejections))
        duties += list(_duties(thread, known, rejections))
        events += list(_events(thread, known, rejections))
    rows: Rows = {
        models.Office: offices,
        models.Mandate: mandates,
        models.Watch: watches,
        models.Duty: duties,
        models.AuditEvent: events,
    }
    return Folded(rows, rejections)


def _payloads(found: Sequence[Record], kinds: set[str]) -> tuple[list[Record], list[Any]]:
    """Return the records of these kinds and their payloads."""
    chosen = [record for record in found if record.header.kind in kinds]
    return chosen, [record.payload for record in chosen]


def _reject(
    rejections: list[Rejection], found: Sequence[Record], verdicts: Sequence[rules.Verdict]
) -> None:
    """Note every record that a fold rejected."""
    for record, fault in zip(found, verdicts, strict=True):
        if fault is not None:
            rejections.append(Rejection(record, fault))


def _offices(
    thread: Thread, found: Sequence[Record], rejections: list[Rejection]
) -> Iterator[models.Office]:
    """Give the row of an office, if the thread is one."""
    chosen, payloads = _payloads(found, {records.OFFICE})
    office, verdicts = rules.fold_office(payloads)
    _reject(rejections, chosen, verdicts)
    if office is not None:
        yield models.Office(
            **columns_of(thread),
            code=office.code,
            titles=office.titles,
            roles=list(office.roles),
            closed=office.closed,
        )


def _mandates(
    thread: Thread, found: Sequence[Record], rejections: list[Rejection]
) -> Iterator[models.Mandate]:
    """Give the row of a mandate, if the thread is one."""
    chosen, payloads = _payloads(found, _KINDS_OF_MANDATE)
    state, verdicts = rules.fold_mandate(payloads)
    _reject(rejections, chosen, verdicts)
    if state is not None:
        mandate = state.mandate
        yield models.Mandate(
            **columns_of(thread),
            office=mandate.office,
            subjects=list(mandate.subjects),
            begins=Instant(mandate.begins).moment(),
            ends=None if mandate.ends is None else Instant(mandate.ends).moment(),
            ended_because=state.ended.reason if state.ended else "",
        )


def _watches(
    thread: Thread, found: Sequence[Record], rejections: list[Rejection]
) -> Iterator[models.Watch]:
    """Give the row of a watch, if the thread is one; it stays when it was erased."""
    known = [record for record in found if record.payload is not None]
    chosen, payloads = _payloads(known, _KINDS_OF_WATCH)
    state, verdicts = rules.fold_watch(payloads)
    _reject(rejections, chosen, verdicts)
    if state is None:
        yield from _erased_watch(thread, {record.header.kind: record.header for record in found})
    else:
        times = {
            record.header.kind: record.header
            for record, fault in zip(chosen, verdicts, strict=True)
            if fault is None
        }
        yield _watch_row(thread, state, times)


def _erased_watch(thread: Thread, last: Mapping[str, Header]) -> Iterator[models.Watch]:
    """Give the row of a watch of which only headers are left, by the last one of each kind."""
    begun, handed = last.get(records.WATCH), last.get(records.HAND_OVER)
    if begun is not None:
        begins = begun.time.moment()
        ended = last.get(records.WATCH_END, begun).time.moment()
        yield models.Watch(
            **columns_of(thread),
            office=begun.office,
            begins=begins,
            due=ended,
            handed_at=handed.time.moment() if handed else None,
            items=[],
            more=0,
            ended_at=ended,
            erased=True,
        )


def _watch_row(thread: Thread, state: rules.WatchState, last: Mapping[str, Header]) -> models.Watch:
    """Return the row of a watch from its state and the last good header of each kind."""
    watch, handed, ended = state.watch, state.handed, state.ended
    return models.Watch(
        **columns_of(thread),
        office=last[records.WATCH].office,
        person=watch.person[:13],
        begins=last[records.WATCH].time.moment(),
        due=Instant(watch.due).moment(),
        after=watch.after[:13],
        remarks=watch.remarks,
        reason=watch.reason,
        proof=watch.proof[:32],
        handed_at=last[records.HAND_OVER].time.moment() if handed else None,
        handed_proof=handed.proof[:32] if handed else "",
        text=handed.text if handed else "",
        items=msgspec.to_builtins(handed.items) if handed else [],
        more=handed.more if handed else 0,
        ended_at=last[records.WATCH_END].time.moment() if ended else None,
        relieved_by=ended.by[:13] if ended else "",
        end_reason=ended.reason if ended else "",
    )


def _duties(
    thread: Thread, found: Sequence[Record], rejections: list[Rejection]
) -> Iterator[models.Duty]:
    """Give the row of a turn of the roster, if the thread is one."""
    chosen, payloads = _payloads(found, {records.DUTY})
    duty, verdicts = rules.fold_duty(payloads)
    _reject(rejections, chosen, verdicts)
    if duty is not None:
        yield models.Duty(
            **columns_of(thread),
            office=chosen[0].header.office,
            person=duty.person[:13],
            begins=Instant(duty.begins).moment(),
            ends=Instant(duty.ends).moment(),
            note=duty.note,
            cancelled=duty.cancelled,
        )


def _events(
    thread: Thread, found: Sequence[Record], rejections: list[Rejection]
) -> Iterator[models.AuditEvent]:
    """Give the row of an event; a second record about the same one is rejected."""
    chosen, payloads = _payloads(found, {records.AUDIT})
    for record, audit in zip(chosen[:1], payloads, strict=False):
        yield models.AuditEvent(
            **columns_of(thread),
            at=record.header.time.moment(),
            event=audit.event[:64],
            office=record.header.office,
            person=audit.person[:13],
            subject=audit.subject[:200],
            detail=audit.detail,
        )
    _reject(rejections, chosen[1:], [rules.EVENT_TWICE] * len(chosen[1:]))


MODULE = Module(
    name="members",
    kinds=tuple(Kind(name=name, payload=payload) for name, payload in records.RECORDS.items()),
    tables=(
        Table(model=models.Office),
        Table(model=models.Mandate),
        Table(model=models.Watch, single=True),
        Table(model=models.Duty, single=True),
        Table(model=models.AuditEvent),
    ),
    fold=fold,
)
