"""What a desk does about an incident that goes on: takes it in hand, hands it on, looks again."""

import msgspec
from django.db import transaction

from liptako.core.clock import Instant
from liptako.core.errors import RefusedError
from liptako.core.records.envelope import Header
from liptako.ledger.node import Node
from liptako.ledger.records import Record
from liptako.ledger.store import lock
from liptako.members import queries as members
from liptako.members.permissions import Actor
from liptako.situation import actions, queries
from liptako.situation.records import Incident, Status

CLOSED = frozenset({Status.DENIED, Status.CLOSED})
_HOUR = 3_600_000  # milliseconds
LONGEST_HOURS = 24 * 366
"""Hours after which an incident that holds is looked at again, at most."""


@transaction.atomic
def hand_to(node: Node, actor: Actor, name: str, office: str, *, seen: str | None = None) -> Record:
    """Let an office of this State handle an own incident; "" means nobody does any longer.

    Partners are not told who handles it. Raises RefusedError for an office that is not open, for
    one that handles it already, for what is closed, and what `actions.update` raises.
    """
    lock()
    before, latest = _open(node, name)
    if office == before.handled_by:
        raise RefusedError("incident: this office handles it already")
    if office and not members.office_is_open(node.member, office):
        raise RefusedError("incident: expected an open office, got %(got)s", got=office)
    after = msgspec.structs.replace(before, handled_by=office)
    return actions.update(node, actor, name, after, precedence=latest.precedence, seen=seen)


@transaction.atomic
def still_holds(
    node: Node, actor: Actor, name: str, hours: int, *, seen: str | None = None
) -> Record:
    """Say of an own incident that it holds, and is to be looked at again in so many hours.

    Raises RefusedError for what is closed, another number of hours, and what `actions.update` does.
    """
    if not 0 < hours <= LONGEST_HOURS:
        raise RefusedError(
            "incident: expected 1 to %(most)d hours, got %(got)d", most=LONGEST_HOURS, got=hours
        )
    lock()
    until = Instant(node.clock().milliseconds + hours * _HOUR)
    before, latest = _open(node, name)
    after = msgspec.structs.replace(before, valid_until=until.milliseconds)
    return actions.update(node, actor, name, after, precedence=latest.precedence, seen=seen)


@transaction.atomic
def link(node: Node, actor: Actor, name: str, reference: str, *, seen: str | None = None) -> Record:
    """Say of an own incident that another one tells the same event, and is kept; "" takes it back.

    Partners are not told. Raises RefusedError for a reference that names none, for itself, for one
    of which another is kept itself, and for one that others are linked to; and what
    `actions.update` raises.
    """
    lock()
    before, latest = actions.own_version(node, name)
    found = queries.named(actor, reference) if reference else None
    if reference and found is None:
        raise RefusedError("incident: there is none with the reference %(got)s", got=reference)
    kept = f"{found.author}/{found.object}" if found else ""
    if kept == f"{node.member}/{name}":
        raise RefusedError("incident: it cannot be linked to itself")
    if found is not None and found.same_as:
        raise RefusedError("incident: of that one another is kept; link it to that one")
    if kept and queries.linked_to(actor, node.member, name).exists():
        raise RefusedError("incident: others are linked to this one; link those first")
    after = msgspec.structs.replace(before, same_as=kept)
    return actions.update(node, actor, name, after, precedence=latest.precedence, seen=seen)


def _open(node: Node, name: str) -> tuple[Incident, Header]:
    """Return an own incident that goes on, and the header of its latest version.

    Raises RefusedError.
    """
    incident, latest = actions.own_version(node, name)
    if incident.status in CLOSED:
        raise RefusedError("incident: it is closed; change its status first")
    return incident, latest
