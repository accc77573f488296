"""Grants a member what was released before it joined: as copies, each released to it once.

Audiences never change, so a new member gets no history by itself. What the others hold is released
again, as it is, to this State and the new member; a second run goes on where the first one stopped.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from liptako.core.clock import instant_of
from liptako.core.errors import RefusedError
from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.ledger.reader import all_logs, roster_of, thread_records
from liptako.ledger.records import Draft, Thread
from liptako.ledger.store import append, lock
from liptako.members.actions import audit_draft
from liptako.members.permissions import Actor, Right, require
from liptako.situation import attaching, queries
from liptako.situation.actions import ReleaseOrder, released
from liptako.situation.attaching import Given
from liptako.situation.models import Release
from liptako.situation.records import Incident, Transform

BATCH = 100
"""Incidents that are granted in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """To which member, of what was released to which audience, since when, on what basis."""

    member: str
    audience: str
    since: datetime
    basis: str


def check_grant(node: Node, grant: Grant) -> None:
    """Raise RefusedError for a grant without a basis, to a stranger, or to one who had it."""
    compacts.current().check_exchange(grant.member)
    members = roster_of(grant.audience)
    if grant.member == node.member or node.member not in members or grant.member in members:
        raise RefusedError(
            "backfill: expected a partner, and an audience of ours that it is not in"
        )
    if not grant.basis.strip():
        raise RefusedError("release: expected the basis on which it is given")


def left_of(node: Node, grant: Grant) -> QuerySet[Release]:
    """Return the releases that the member has not been granted yet, the earliest first."""
    held = {log.audience_id for log in all_logs() if grant.member in log.audience.members}
    return queries.releases_to_grant(node.member, grant.audience, grant.since, held)


def audiences_to_grant(node: Node, member: str = "") -> dict[str, frozenset[str]]:
    """Return the audiences of which something is released now, and which a member is not in."""
    targets = {target: roster_of(target) for target in queries.release_targets(node.member)}
    return {target: members for target, members in targets.items() if member not in members}


def fingerprint(node: Node, found: QuerySet[Release], grant: Grant) -> str:
    """Return a hash of what would be granted and how: an order says by it what was seen."""
    rows = [f"{key} {at.isoformat()}" for key, at in found.values_list("key", "released_at")]
    rows += [f"{file.object} {file.digest}" for file in files_left(node, found, grant)]
    text = "\n".join([grant.member, grant.audience, grant.basis, *rows])
    return hashlib.sha256(text.encode()).hexdigest()


def files_left(node: Node, found: QuerySet[Release], grant: Grant) -> list[Given]:
    """Return the files that go along with what would be granted."""
    return attaching.given_to(node.member, grant.audience, found.values("object"))


def give(
    node: Node,
    actor: Actor,
    grant: Grant,
    progress: Callable[[int], None] = lambda _done: None,
    *,
    seen: str | None = None,
) -> int:
    """Release to a member what it was not granted yet; return how many incidents.

    Each batch is written whole, with its line in the audit trail. Raises NotAllowedError, what
    `check_grant` raises, and RefusedError if `seen` is not the fingerprint of what would go out.
    """
    require(actor, Right.RELEASE_INCIDENT)
    check_grant(node, grant)
    if seen is not None and seen != fingerprint(node, left_of(node, grant), grant):
        raise RefusedError("release: this is not what was shown; look at it again, then release it")
    done = 0
    while count := _give_batch(node, actor, grant):
        done += count
        progress(done)
    return done


@transaction.atomic
def _give_batch(node: Node, actor: Actor, grant: Grant) -> int:
    """Release the next ones; return how many."""
    lock()
    rows = list(left_of(node, grant)[:BATCH])
    drafts = [draft for row in rows for draft in _copies(node, actor, grant, row)]
    if rows:
        detail = str(len(rows))
        told = audit_draft(
            node, "incidents.backfill", actor=actor, subject=grant.member, detail=detail
        )
        append(node, [*drafts, told])
    return len(rows)


def _copies(node: Node, actor: Actor, grant: Grant, row: Release) -> Sequence[Draft]:
    """Return the drafts that release to the member what the others hold of an incident."""
    thread = Thread(row.author, row.object, grant.audience)
    held = [x.payload for x in thread_records(thread) if isinstance(x.payload, Incident)]
    members = frozenset({node.member, grant.member})
    order = ReleaseOrder(
        members=members,
        transform=Transform(row.transform),
        summary=held[-1].summary,
        basis=grant.basis.strip(),
        until=instant_of(row.until).milliseconds if row.until else None,
    )
    files = attaching.copied(actor, thread, members)
    return [*released(actor, row.object, (held[-1], members), order), *files]
