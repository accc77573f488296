"""Writes incidents that others have published, in batches that may be interrupted and repeated."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from liptako.core.errors import MalformedError
from liptako.core.refs import object_id
from liptako.ledger.node import Node
from liptako.ledger.records import Draft
from liptako.ledger.store import append, lock
from liptako.members.actions import record_audit
from liptako.members.permissions import Actor, Right, require
from liptako.situation import queries, rules
from liptako.situation.actions import ReleaseOrder, released
from liptako.situation.imports import Published, row_fault
from liptako.situation.models import ImportRun
from liptako.situation.records import INCIDENT, Transform
from liptako.situation.records import Incident as IncidentPayload

BATCH = 100
"""Rows that are written in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """Which published incidents to take (all countries if none is named), and for whom."""

    countries: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


def start_import(
    node: Node, actor: Actor, total: int, members: frozenset[str] = frozenset()
) -> ImportRun:
    """Write down that an import for these members begins."""
    _require_import(node, actor, members)
    return ImportRun.objects.create(started_at=node.clock().moment(), total=total)


def _require_import(node: Node, actor: Actor, members: frozenset[str]) -> None:
    """Raise NotAllowedError without the right to import, and for partners the one to release."""
    require(actor, Right.IMPORT_INCIDENTS)
    if members - node.alone:
        require(actor, Right.RELEASE_INCIDENT)


def import_published(
    node: Node,
    actor: Actor,
    rows: Iterable[Published | MalformedError],
    order: ImportOrder,
    progress: Callable[[int, int], None],
) -> list[MalformedError]:
    """Write published incidents, and release them as they are to the members that are named.

    The audit trail says for whom it was done, how many rows were read and how many were new. Those
    that are held already are passed over, so that it can be interrupted and done again.

    `progress` is told how many rows were read and how many were new. Returns the faulty rows.
    """
    _require_import(node, actor, order.members)
    faults, batch = [], []
    done = added = 0
    for row in rows:
        done += 1
        fault = row if isinstance(row, MalformedError) else row_fault(row)
        if fault is not None:
            faults.append(fault)
        elif isinstance(row, Published) and row.country in (order.countries or {row.country}):
            batch.append(row)
        if len(batch) >= BATCH:
            added += _import_batch(node, actor, batch, order)
            batch = []
            progress(done, added)
    added += _import_batch(node, actor, batch, order)
    progress(done, added)
    whom, count = " ".join(sorted(order.members | node.alone)), f"{added}/{done}"
    record_audit(node, "incidents.import", actor=actor, subject=whom, detail=count)
    return faults


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
            drafts += _as_published(actor, name, incident, order.members | node.alone)
    append(node, drafts)
    return len(new)


def _as_published(
    actor: Actor, name: str, incident: IncidentPayload, members: frozenset[str]
) -> list[Draft]:
    """Return the drafts that release a published incident as it is."""
    order = ReleaseOrder(
        members=members,
        transform=Transform.AS_IS,
        summary=incident.summary,
        basis=incident.source.credit or incident.source.words,
    )
    copy = rules.transformed(incident, order.transform, order.region, order.summary)
    return released(actor, name, (copy, members), order)
