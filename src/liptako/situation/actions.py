"""What a desk may do: report, update and release incidents, write the journal."""

import hashlib
from dataclasses import dataclass

import msgspec
from django.db import transaction

from liptako.core.clock import Instant
from liptako.core.errors import RefusedError
from liptako.core.geo import Region
from liptako.core.records.envelope import Header, Precedence
from liptako.core.refs import OBJECT_BYTES, SHORT_BYTES, audience_id, object_id, short_code
from liptako.federation.recalls import erase_drafts, recall_drafts
from liptako.ledger.node import Node
from liptako.ledger.reader import roster_of, thread_records
from liptako.ledger.records import Draft, Record, Thread
from liptako.ledger.registry import encode_payload
from liptako.ledger.store import append, lock
from liptako.members import queries as members
from liptako.members.actions import audit_draft
from liptako.members.permissions import Actor, Right, require
from liptako.situation import attaching, queries, rules
from liptako.situation.records import (
    INCIDENT,
    JOURNAL,
    RECALLED,
    RELEASE,
    JournalEntry,
    Release,
    Transform,
)
from liptako.situation.records import Incident as IncidentPayload
from liptako.situation.records import Recalled as RecalledPayload
from liptako.situation.scanning import Personal, personal_in


@transaction.atomic
def report(
    node: Node,
    actor: Actor,
    incident: IncidentPayload,
    *,
    precedence: Precedence = Precedence.ROUTINE,
    marking: str = "",
) -> Record:
    """Write a new incident for our own State only. An empty reference is drawn."""
    require(actor, Right.REPORT_INCIDENT)
    lock()
    if not incident.reference:
        incident = msgspec.structs.replace(incident, reference=_new_reference(node))
    draft = Draft(
        kind=INCIDENT,
        object=object_id(node.random(OBJECT_BYTES)),
        office=actor.office,
        payload=incident,
        precedence=precedence,
        marking=marking,
    )
    return append(node, [draft])[0]


def _new_reference(node: Node) -> str:
    """Return a reference that names none of our incidents yet, such as ML-2026-7K3F."""
    prefix = f"{node.member}-{node.clock().moment().year}-"
    while queries.is_taken(node.member, reference := prefix + short_code(node.random(SHORT_BYTES))):
        pass
    return reference


def own_version(node: Node, name: str) -> tuple[IncidentPayload, Header]:
    """Return an own incident as its records say, and the header of its latest version.

    Raises RefusedError if there is none.
    """
    thread = Thread(node.member, name, audience_id(node.alone))
    found = [
        record
        for record in thread_records(thread)
        if isinstance(record.payload, IncidentPayload | Release)
    ]
    state, _ = rules.fold_incident([record.payload for record in found])
    if state.incident is None:
        raise RefusedError("incident: only the State that reported it can change or release it")
    *_, latest = (record.header for record in found if record.header.kind == INCIDENT)
    return state.incident, latest


def own_incident(node: Node, name: str) -> IncidentPayload:
    """Return what an own incident says. Raises RefusedError if there is none."""
    return own_version(node, name)[0]


@transaction.atomic
def update(  # noqa: PLR0913 (what a release has in its order stands here one by one)
    node: Node,
    actor: Actor,
    name: str,
    incident: IncidentPayload,
    *,
    precedence: Precedence = Precedence.ROUTINE,
    seen: str | None = None,
) -> Record:
    """Replace an own incident by a newer version of it; partners see it only once released.

    Raises RefusedError where `seen` is the lamport of the version that the officer began with, if
    there is a later one by now.
    """
    require(actor, Right.REPORT_INCIDENT)
    lock()
    _, latest = own_version(node, name)
    if seen is not None and seen != str(latest.lamport):
        raise RefusedError(
            "incident: somebody else changed it meanwhile; compare, then save what you typed again"
        )
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
    """What is released to whom: how coarse, under which summary, on what basis, until when.

    `looked`: the officer has looked at what in it may tell who somebody is.
    """

    members: frozenset[str]
    transform: Transform
    summary: str
    basis: str
    until: int | None = None
    precedence: Precedence = Precedence.ROUTINE
    region: Region | None = None
    files: frozenset[str] = frozenset()
    looked: bool = False


def files_ordered(node: Node, order: ReleaseOrder) -> attaching.FileOrder:
    """Return which files go along; their words only where the text goes too."""
    return attaching.FileOrder(
        digests=order.files,
        members=order.members | node.alone,
        until=order.until,
        precedence=order.precedence,
        words=order.transform is Transform.AS_IS,
    )


def preview(node: Node, name: str, order: ReleaseOrder) -> IncidentPayload:
    """Return exactly what the audience would get. Raises RefusedError."""
    incident = own_incident(node, name)
    return rules.transformed(incident, order.transform, order.region, order.summary)


def personal_of(
    node: Node, name: str, copy: IncidentPayload, order: ReleaseOrder
) -> list[Personal]:
    """Return what of a copy and its files may tell who somebody is. Raises RefusedError."""
    along = files_ordered(node, order)
    brought = attaching.to_release(node, name, along) if along.words else ()
    return personal_in(node.home, copy, [file.caption for file in brought])


def fingerprint(copy: IncidentPayload, order: ReleaseOrder) -> str:
    """Return a hash of what would go to whom and how: a release says by it what was seen."""
    how = [
        *(sorted(order.members), order.basis, order.until, order.precedence, order.transform),
        *sorted(order.files),
    ]
    return hashlib.sha256(msgspec.json.encode(how) + encode_payload(copy)).hexdigest()


@transaction.atomic
def release(
    node: Node, actor: Actor, name: str, order: ReleaseOrder, *, seen: str | None = None
) -> Record:
    """Let an audience see an own incident, and write down on what basis.

    Raises RefusedError for an audience of ourselves alone, or one outside the compact; for what may
    tell who somebody is, unless it was looked at; and, where `seen` is the fingerprint of what the
    officer was shown, if something else would go out.
    """
    require(actor, Right.RELEASE_INCIDENT)
    lock()
    members = order.members | node.alone
    if members == node.alone:
        raise RefusedError("release: expected at least one partner")
    shown = preview(node, name, order)
    if seen is not None and seen != fingerprint(shown, order):
        raise RefusedError("release: this is not what was shown; look at it again, then release it")
    personal = personal_of(node, name, shown, order)
    if personal and not order.looked:
        raise RefusedError(
            "release: this may tell who somebody is: %(found)s; take it out, or say that it may go",
            found=", ".join(item.text for item in personal),
        )
    told = audit_draft(
        node,
        "incident.release",
        actor=actor,
        subject=shown.reference,
        detail=", ".join(sorted(order.members - node.alone)),
    )
    along = attaching.release_drafts(node, actor, name, files_ordered(node, order))
    return append(node, [*released(actor, name, (shown, members), order), *along, told])[0]


def released(
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


@transaction.atomic
def recall(node: Node, actor: Actor, name: str, audience: str, reason: str) -> Record:
    """Take back what was released of an own incident to an audience; it is deleted everywhere.

    Returns the note for ourselves. Raises RefusedError without a reason, or if it is not released
    to this audience.
    """
    require(actor, Right.RELEASE_INCIDENT)
    lock()
    incident = own_incident(node, name)
    thread = Thread(node.member, name, audience)
    members = roster_of(audience)
    drafts = recall_drafts(actor, thread, reason)
    note = RecalledPayload(audience=audience, reason=reason.strip())
    told = audit_draft(
        node,
        "incident.recall",
        actor=actor,
        subject=incident.reference,
        detail=", ".join(sorted(members - node.alone)),
    )
    own = Draft(kind=RECALLED, object=name, office=actor.office, payload=note)
    attaching.sweep_later(node)
    return append(node, [own, *drafts, told])[0]


@transaction.atomic
def erase(node: Node, actor: Actor, name: str, reason: str) -> Record:
    """Delete for good what an own incident or line of the journal said, such as personal data.

    Here at once and with all versions; at partners who hold a copy by a recall. Headers and proofs
    stay. Returns the line of the audit trail. Raises RefusedError without a reason, and if there is
    no such thing or nothing is left of it.
    """
    require(actor, Right.ERASE_RECORDS)
    lock()
    if not (queries.is_own_object(node.member, name) or members.is_own_object(node.member, name)):
        raise RefusedError("erase: there is no such incident or line of the journal of this State")
    kept = members.watch(node.member, name)
    if kept is not None and kept.ended_at is None:
        raise RefusedError("erase: this watch is still kept; hand it over or end it first")
    drafts = erase_drafts(actor, name, reason)
    count = str(sum(len(draft.refs) for draft in drafts))
    told = audit_draft(node, "record.erase", actor=actor, subject=name, detail=count)
    attaching.sweep_later(node)
    return append(node, [*drafts, told])[-1]


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
