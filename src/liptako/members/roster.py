"""What may be done with the roster of an office: plan turns, cancel one, let a calendar read it."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from django.db import transaction
from django.utils import timezone

from liptako.core.clock import Instant, instant_of
from liptako.core.errors import RefusedError
from liptako.core.refs import OBJECT_BYTES, object_id
from liptako.ledger.node import Node
from liptako.ledger.records import Draft, Record
from liptako.ledger.store import append, lock
from liptako.members import queries, records, rules
from liptako.members.actions import record_audit
from liptako.members.models import Subscription
from liptako.members.permissions import Actor, Right, require

NOTE_LIMIT = 200
"""Characters of what is said of a turn."""

TURNS_LIMIT = 120
"""Turns that are planned at a time."""

_SECRET_BYTES = 20
_LONGEST = timedelta(milliseconds=rules.DUTY_LIMIT)


@transaction.atomic
def plan(node: Node, actor: Actor, turns: Sequence[records.Duty]) -> list[Record]:
    """Put turns into the roster of the actor's office, all or none.

    Raises RefusedError for one that overlaps with another, for somebody who does not hold the
    office, and for too many at a time.
    """
    require(actor, Right.KEEP_WATCH)
    lock()
    if not 0 < len(turns) <= TURNS_LIMIT:
        raise RefusedError(
            "roster: expected 1 to %(most)d turns at a time, got %(got)d",
            most=TURNS_LIMIT,
            got=len(turns),
        )
    holders = set(queries.colleagues(actor.office).values_list("code", flat=True))
    for turn in turns:
        fault = rules.duty_fault(turn)
        if fault is not None:
            raise fault
        if turn.person not in holders:
            raise RefusedError("roster: expected somebody who holds this office")
    _check_apart(actor, turns)
    drafts = [
        Draft(
            kind=records.DUTY,
            object=object_id(node.random(OBJECT_BYTES)),
            office=actor.office,
            payload=turn,
        )
        for turn in turns
    ]
    return list(append(node, drafts))


def _check_apart(actor: Actor, turns: Sequence[records.Duty]) -> None:
    """Raise RefusedError if turns overlap with each other or with one of the roster."""
    ordered = sorted(turns, key=lambda turn: turn.begins)
    for before, after in pairwise(ordered):
        if after.begins < before.ends:
            raise RefusedError("roster: the turns overlap with each other: repeat them less often")
    held = queries.duties(
        actor.member, actor.office, Instant(ordered[0].begins).moment() - _LONGEST
    )
    for turn in ordered:
        begins, ends = Instant(turn.begins).moment(), Instant(turn.ends).moment()
        clash = held.filter(begins__lt=ends, ends__gt=begins).first()
        if clash is not None:
            raise RefusedError(
                "roster: there is a turn already from %(begins)s to %(ends)s UTC",
                begins=f"{clash.begins:%Y-%m-%d %H:%M}",
                ends=f"{clash.ends:%Y-%m-%d %H:%M}",
            )


@transaction.atomic
def cancel(node: Node, actor: Actor, name: str) -> Record:
    """Take a turn out of the roster of the actor's office. Raises RefusedError if it is not in."""
    require(actor, Right.KEEP_WATCH)
    lock()
    row = queries.duty(actor.member, name)
    if row is None or row.office != actor.office:
        raise RefusedError("roster: there is no such turn any longer")
    payload = records.Duty(
        person=row.person,
        begins=instant_of(row.begins).milliseconds,
        ends=instant_of(row.ends).milliseconds,
        cancelled=True,
    )
    draft = Draft(kind=records.DUTY, object=name, office=actor.office, payload=payload)
    return append(node, [draft])[0]


@transaction.atomic
def subscribe(node: Node, actor: Actor) -> str:
    """Return a new secret by which a calendar reads the roster of the actor's office.

    The one before no longer works. Raises NotAllowedError.
    """
    require(actor, Right.KEEP_WATCH)
    person = queries.person(actor.person)
    if person is None:
        raise RefusedError("there is no such person")
    secret = node.random(_SECRET_BYTES).hex()
    Subscription.objects.update_or_create(
        person=person,
        office=actor.office,
        defaults={"digest": digest_of(secret), "made_at": timezone.now()},
    )
    record_audit(node, "roster.subscribe", actor=actor)
    return secret


@transaction.atomic
def unsubscribe(node: Node, actor: Actor) -> None:
    """End the secret by which a calendar reads the roster. Raises RefusedError without one."""
    require(actor, Right.KEEP_WATCH)
    row = queries.subscription_of(actor)
    if row is None:
        raise RefusedError("roster: there is no address for a calendar")
    row.delete()
    record_audit(node, "roster.unsubscribe", actor=actor)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
