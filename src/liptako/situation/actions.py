"""What a desk may do: report, update and release incidents, write the journal, import."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError, RefusedError
from liptako.core.geo import Region
from liptako.core.records.envelope import Precedence
from liptako.core.refs import OBJECT_BYTES, audience_id, object_id
from liptako.ledger.node import Node
from liptako.ledger.reader import thread_records
from liptako.ledger.records import Draft, Record, Thread
from liptako.ledger.store import append, lock
from liptako.members.permissions import Actor, Right, require
from liptako.situation import queries, rules
from liptako.situation.imports import Published
from liptako.situation.models import ImportRun, Incident
from liptako.situation.records import (
    INCIDENT,
    JOURNAL,
    RELEASE,
    JournalEntry,
    Release,
    Transform,
)
from liptako.situation.records import Incident as IncidentPayload

IMPORT_BATCH = 100  # rows that are written in one transaction


@transaction.atomic
def report(
    node: Node,
    actor: Actor,
    incident: IncidentPayload,
    *,
    precedence: Precedence = Precedence.ROUTINE,
    marking: str = "",
) -> Record:
    """Write a new incident for our own State only. An empty reference is given a number."""
    require(actor, Right.REPORT_INCIDENT)
    lock()
    if not incident.reference:
        incident = msgspec.structs.replace(incident, reference=_next_reference(node))
    draft = Draft(
        kind=INCIDENT,
        object=object_id(node.random(OBJECT_BYTES)),
        office=actor.office,
        payload=incident,
        precedence=precedence,
        marking=marking,
    )
    return append(node, [draft])[0]


def _next_reference(node: Node) -> str:
    """Return the next number of this year, such as ML-2026-0042."""
    prefix = f"{node.member}-{node.clock().moment().year}-"
    numbers = [
        int(tail)
        for reference in Incident.objects.filter(
            author=node.member, reference__startswith=prefix
        ).values_list("reference", flat=True)
        if (tail := reference.removeprefix(prefix)).isdecimal()
    ]
    return f"{prefix}{max(numbers, default=0) + 1:04}"


def own_state(node: Node, name: str) -> rules.IncidentState:
    """Return an own incident from its records. Raises RefusedError if there is none."""
    thread = Thread(node.member, name, audience_id(node.alone))
    found = [
        record.payload
        for record in thread_records(thread)
        if isinstance(record.payload, IncidentPayload | Release)
    ]
    state, _ = rules.fold_incident(found)
    if state.incident is None:
        raise RefusedError("incident: only the State that reported it can change or release it")
    return state


def update(
    node: Node,
    actor: Actor,
    name: str,
    incident: IncidentPayload,
    *,
    precedence: Precedence = Precedence.ROUTINE,
) -> Record:
    """Replace an own incident by a newer version of it; partners see it only once released."""
    require(actor, Right.REPORT_INCIDENT)
    own_state(node, name)
    draft = Draft(
        kind=INCIDENT, object=name, office=actor.office, payload=incident, precedence=precedence
    )
    return append(node, [draft])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOrder:
    """What is released to whom: how coarse, under which summary, on what basis, until when."""

    members: frozenset[str]
    transform: Transform
    summary: str
    basis: str
    until: int | None = None
    precedence: Precedence = Precedence.ROUTINE
    region: Region | None = None


def preview(node: Node, name: str, order: ReleaseOrder) -> IncidentPayload:
    """Return exactly what the audience would get. Raises RefusedError."""
    state = own_state(node, name)
    assert state.incident is not None  # noqa: S101 (own_state has checked it)
    return rules.transformed(state.incident, order.transform, order.region, order.summary)


@transaction.atomic
def release(node: Node, actor: Actor, name: str, order: ReleaseOrder) -> Record:
    """Let an audience see an own incident, and write down on what basis.

    Raises RefusedError for an audience of ourselves alone, or one outside the compact.
    """
    require(actor, Right.RELEASE_INCIDENT)
    members = order.members | node.alone
    if members == node.alone:
        raise RefusedError("release: expected at least one partner")
    note = Release(
        audience=audience_id(members),
        members=tuple(sorted(members)),
        transform=order.transform,
        basis=order.basis,
        until=order.until,
    )
    copy, _ = append(
        node,
        [
            Draft(
                kind=INCIDENT,
                object=name,
                office=actor.office,
                payload=preview(node, name, order),
                audience=members,
                precedence=order.precedence,
                retain=None if order.until is None else Instant(order.until),
            ),
            Draft(kind=RELEASE, object=name, office=actor.office, payload=note),
        ],
    )
    return copy


def write_journal(node: Node, actor: Actor, entry: JournalEntry) -> Record:
    """Write a line into the journal. Raises RefusedError if it corrects none of ours."""
    require(actor, Right.WRITE_JOURNAL)
    if entry.corrects and not queries.journal(actor).filter(object=entry.corrects).exists():
        raise RefusedError("journal: there is no entry that could be corrected")
    draft = Draft(
        kind=JOURNAL,
        object=object_id(node.random(OBJECT_BYTES)),
        office=actor.office,
        payload=entry,
    )
    return append(node, [draft])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """Which published incidents to take (all countries if none is named), and for whom."""

    countries: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


def start_import(node: Node, actor: Actor, total: int) -> ImportRun:
    """Write down that an import begins."""
    require(actor, Right.IMPORT_INCIDENTS)
    return ImportRun.objects.create(started_at=node.clock().moment(), total=total)


def import_published(
    node: Node,
    actor: Actor,
    rows: Iterable[Published | MalformedError],
    order: ImportOrder,
    progress: Callable[[int, int], None],
) -> list[MalformedError]:
    """Write published incidents, and release them as they are to the members that are named.

    Those that are held already are passed over, so that it can be interrupted and done again.
    `progress` is told how many rows were read and how many were new. Returns the faulty rows.
    """
    require(actor, Right.IMPORT_INCIDENTS)
    faults, batch = [], []
    done = added = 0
    for row in rows:
        done += 1
        fault = row if isinstance(row, MalformedError) else _row_fault(row)
        if fault is not None:
            faults.append(fault)
        elif isinstance(row, Published) and _is_ordered(row, order):
            batch.append(row)
        if len(batch) >= IMPORT_BATCH:
            added += _import_batch(node, actor, batch, order)
            batch = []
            progress(done, added)
    added += _import_batch(node, actor, batch, order)
    progress(done, added)
    return faults


def _row_fault(row: Published) -> MalformedError | None:
    """Return what is wrong with the incident of a row, or nothing."""
    fault = rules.incident_fault(None, row.incident)
    if fault is None:
        return None
    return MalformedError("line %(line)d: %(fault)s", line=row.line, fault=str(fault))


def _is_ordered(row: Published, order: ImportOrder) -> bool:
    """Say whether a row is of a country that was asked for."""
    return not order.countries or row.country in order.countries


def _import_batch(node: Node, actor: Actor, batch: Sequence[Published], order: ImportOrder) -> int:
    """Write those of a batch that are not held yet; return how many."""
    held = queries.held_sources([row.incident.source.id for row in batch])
    new = [row.incident for row in batch if row.incident.source.id not in held]
    drafts = []
    for incident in new:
        name = object_id(hashlib.sha256(f"{node.member} {incident.source.id}".encode()).digest())
        drafts.append(Draft(kind=INCIDENT, object=name, office=actor.office, payload=incident))
        if order.members - node.alone:
            drafts += _published_release(node, actor, name, incident, order.members)
    append(node, drafts)
    return len(new)


def _published_release(
    node: Node, actor: Actor, name: str, incident: IncidentPayload, members: frozenset[str]
) -> list[Draft]:
    """Return the drafts that release a published incident as it is."""
    roster = members | node.alone
    note = Release(
        audience=audience_id(roster),
        members=tuple(sorted(roster)),
        transform=Transform.AS_IS,
        basis=incident.source.credit,
    )
    copy = rules.transformed(incident, Transform.AS_IS, None, incident.summary)
    return [
        Draft(kind=INCIDENT, object=name, office=actor.office, payload=copy, audience=roster),
        Draft(kind=RELEASE, object=name, office=actor.office, payload=note),
    ]
