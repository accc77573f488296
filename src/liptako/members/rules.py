"""What offices, mandates, watches and turns must be: pure functions of their records in order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, MalformedError, RefusedError
from liptako.members.records import (
    Duty,
    HandOver,
    Mandate,
    MandateEnd,
    Office,
    Role,
    Watch,
    WatchEnd,
)

MORE_LIMIT = 2**31 - 1
"""How many open things a hand-over may leave unnamed."""

_CODE = re.compile(r"[a-z][a-z0-9-]{1,31}")
_ROLES = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateState:
    """A mandate and whether it was ended."""

    mandate: Mandate
    ended: MandateEnd | None = None


Verdict = LiptakoError | None


def fold_office(records: Sequence[Office]) -> tuple[Office | None, list[Verdict]]:
    """Return the office as its records leave it, and for each record why it is rejected, if so."""
    office: Office | None = None
    verdicts: list[Verdict] = []
    for record in records:
        fault = _office_fault(office, record)
        verdicts.append(fault)
        office = office if fault else record
    return office, verdicts


def _office_fault(before: Office | None, after: Office) -> Verdict:
    """Return what is wrong with an office, or nothing."""
    if not _CODE.fullmatch(after.code):
        return RefusedError(
            "office: expected a code of 2 to 32 small letters, digits or hyphens, got %(got)s",
            got=after.code[:40],
        )
    if before is not None and before.code != after.code:
        return RefusedError("office: its code %(code)s cannot be changed", code=before.code)
    unknown = sorted(set(after.roles) - _ROLES)
    if unknown:
        return RefusedError("office: there is no role %(role)s", role=unknown[0])
    if not any(title.strip() for title in after.titles.values()):
        return RefusedError("office: expected a title")
    return None


def fold_mandate(
    records: Sequence[Mandate | MandateEnd],
) -> tuple[MandateState | None, list[Verdict]]:
    """Return the mandate as its records leave it, and for each record why it is rejected, if so."""
    state: MandateState | None = None
    verdicts: list[Verdict] = []
    for record in records:
        fault = _mandate_fault(state, record)
        verdicts.append(fault)
        if fault is None and isinstance(record, Mandate):
            state = MandateState(mandate=record)
        elif fault is None and isinstance(record, MandateEnd) and state is not None:
            state = MandateState(mandate=state.mandate, ended=record)
    return state, verdicts


def _mandate_fault(state: MandateState | None, record: Mandate | MandateEnd) -> Verdict:
    """Return what is wrong with a step of a mandate, or nothing."""
    if isinstance(record, MandateEnd):
        return _end_fault(state, record)
    if state is not None:
        return RefusedError("mandate: it was given already; end it and give another")
    if not record.subjects or not _CODE.fullmatch(record.office):
        return RefusedError("mandate: expected an office and at least one subject")
    return _mandate_period_fault(record)


def _mandate_period_fault(mandate: Mandate) -> Verdict:
    """Return what is wrong with the period of a mandate, or nothing."""
    try:
        begins = Instant(mandate.begins)
        ends = None if mandate.ends is None else Instant(mandate.ends)
    except MalformedError as fault:
        return fault
    if ends is not None and ends <= begins:
        return RefusedError("mandate: expected an end after its beginning")
    return None


def _end_fault(state: MandateState | None, end: MandateEnd) -> Verdict:
    """Return what is wrong with the end of a mandate, or nothing."""
    if state is None or state.ended is not None:
        return RefusedError("mandate: there is none in force that could end")
    if not end.reason.strip():
        return RefusedError("mandate: expected a reason for its end")
    return None


EVENT_TWICE = RefusedError("audit: an event is written once and never changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """A watch, its last hand-over and its end."""

    watch: Watch
    handed: HandOver | None = None
    ended: WatchEnd | None = None


WatchRecord = Watch | HandOver | WatchEnd


def fold_watch(records: Sequence[WatchRecord]) -> tuple[WatchState | None, list[Verdict]]:
    """Return the watch as its records leave it, and for each record why it is rejected, if so."""
    state: WatchState | None = None
    verdicts: list[Verdict] = []
    for record in records:
        fault = watch_fault(state, record)
        verdicts.append(fault)
        state = state if fault else _after(state, record)
    return state, verdicts


def _after(state: WatchState | None, record: WatchRecord) -> WatchState | None:
    """Return a watch after a record that keeps the rules."""
    if isinstance(record, Watch):
        return WatchState(watch=record)
    if isinstance(record, HandOver):
        return state and replace(state, handed=record)
    return state and replace(state, ended=record)


def watch_fault(state: WatchState | None, record: WatchRecord) -> Verdict:
    """Return what is wrong with a step of a watch, or nothing."""
    if isinstance(record, Watch):
        return _begin_fault(state, record)
    if state is None or state.ended is not None:
        return RefusedError("watch: there is none that is kept now")
    if isinstance(record, HandOver):
        return _hand_over_fault(state, record)
    if not record.by and not record.reason.strip():
        return RefusedError("watch: expected a reason why it ends without relief")
    return None


def _begin_fault(state: WatchState | None, watch: Watch) -> Verdict:
    """Return what is wrong with the beginning of a watch, or nothing."""
    if state is not None:
        return RefusedError("watch: it has begun already")
    try:
        Instant(watch.due)
    except MalformedError as fault:
        return fault
    return None if watch.person else RefusedError("watch: expected somebody who keeps it")


def _hand_over_fault(state: WatchState, record: HandOver) -> Verdict:
    """Return what is wrong with a hand-over, or nothing."""
    if record.person != state.watch.person:
        return RefusedError("watch: only who keeps it hands it over")
    if not record.text.strip():
        return RefusedError("watch: expected what the next officer must know; if nothing, say so")
    if not 0 <= record.more <= MORE_LIMIT:
        return RefusedError("watch: expected how much more is open, got %(got)d", got=record.more)
    return None


DUTY_LIMIT = 7 * 86_400_000
"""Milliseconds that a turn of the roster may last."""


def fold_duty(records: Sequence[Duty]) -> tuple[Duty | None, list[Verdict]]:
    """Return a turn as its records leave it, and for each record why it is rejected, if so."""
    verdicts = [duty_fault(record) for record in records]
    good = [record for record, fault in zip(records, verdicts, strict=True) if fault is None]
    return (good[-1] if good else None), verdicts


def duty_fault(duty: Duty) -> Verdict:
    """Return what is wrong with a turn of the roster, or nothing."""
    try:
        Instant(duty.begins)
        Instant(duty.ends)
    except MalformedError as fault:
        return fault
    if not 0 < duty.ends - duty.begins <= DUTY_LIMIT:
        return RefusedError("roster: expected an end after the beginning, within seven days")
    return None if duty.person else RefusedError("roster: expected somebody who keeps the watch")
