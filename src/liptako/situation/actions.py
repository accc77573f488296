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
from liptako.ledger.registry import encode_payload
from liptako.ledger.store import append, lock
from liptako.members.permissions import Actor, Right, require
from liptako.situation import queries, rules
from liptako.situation.imports import Published
from liptako.situation.models import ImportRun
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
    return f"{prefix}{queries.last_number(node.member, prefix) + 1:04}"


def own_incident(node: Node, name: str) -> IncidentPayload:
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
    return state.incident


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
    own_incident(node, name)
    draft = Draft(
        kind=INCIDENT,
        object=name,
        office=actor.office,
        payload=incident,
        precedence=precedence,
        marking=queries.marking_of(node.member, name, audience_id(node.alone)),
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
    incident = own_incident(node, name)
    return rules.transformed(incident, order.transform, order.region, order.summary)


def fingerprint(copy: IncidentPayload, members: frozenset[str]) -> str:
    """Return a hash of what would go to whom: by it a release says what its officer has seen."""
    roster = audience_id(members).encode()
    return hashlib.sha256(roster + encode_payload(copy)).hexdigest()


@transaction.atomic
def release(
    node: Node, actor: Actor, name: str, order: ReleaseOrder, *, seen: str | None = None
) -> Record:
    """Let an audience see an own incident, and write down on what basis.

    Raises RefusedError for an audience of ourselves alone, or one outside the compact; and, where
    `seen` is the fingerprint of what the officer was shown, if something else would go out.
    """
    require(actor, Right.RELEASE_INCIDENT)
    lock()
    members = order.members | node.alone
    if members == node.alone:
        raise RefusedError("release: expected at least one partner")
    shown = preview(node, name, order)
    if seen is not None and seen != fingerprint(shown, members):
        raise RefusedError("release: this is not what was shown; look at it again, then release it")
    copy, _ = append(node, _released(actor, name, (shown, members), order))
    return copy


def _released(
    actor: Actor, name: str, sent: tuple[IncidentPayload, frozenset[str]], order: ReleaseOrder
) -> list[Draft]:
    """Return the two drafts of a release: the copy for the audience, the note for ourselves."""
    copy, members = sent
    note = Release(
        audience=audience_id(members),
        members=tuple(sorted(members)),
        transform=order.transform,
        basis=order.basis,
        until=order.until,
    )
    return [
        Draft(
            kind=INCIDENT,
            object=name,
            office=actor.office,
            payload=copy,
            audience=members,
            precedence=order.precedence,
            retain=None if order.until is None else Instant(order.until),
        ),
        Draft(kind=RELEASE, object=name, office=actor.office, payload=note),
    ]


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
    """Return why the incident of a row cannot be written, or nothing."""
    fault = rules.incident_fault(None, row.incident) or _payload_fault(row.incident)
    if fault is None:
        return None
    return MalformedError("line %(line)d: %(fault)s", line=row.line, fault=str(fault))


def _payload_fault(incident: IncidentPayload) -> MalformedError | None:
    """Return why no record may hold an incident: too long, U+0000, a number too large."""
    try:
        encode_payload(incident)
    except MalformedError as fault:
        return fault
    return None


def _is_ordered(row: Published, order: ImportOrder) -> bool:
    """Say whether a row is of a country that was asked for."""
    return not order.countries or row.country in order.countries


@transaction.atomic
def _import_batch(node: Node, actor: Actor, batch: Sequence[Published], order: ImportOrder) -> int:
    """Write those of a batch that are not held yet; return how many."""
    lock()
    by_source = {row.incident.source.id: row.incident for row in batch}
    held = queries.held_sources(by_source.keys())
    new = [incident for source, incident in by_source.items() if source not in held]
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
        basis=incident.source.credit or incident.source.words,
    )
    copy = rules.transformed(incident, Transform.AS_IS, None, incident.summary)
    return [
        Draft(kind=INCIDENT, object=name, office=actor.office, payload=copy, audience=roster),
        Draft(kind=RELEASE, object=name, office=actor.office, payload=note),
    ]
