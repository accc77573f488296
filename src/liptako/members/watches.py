"""What may be done with the watch of an office: begin, hand over, accept, take over, end it.

One person keeps the watch of an office at a time, and writes for it. The next one accepts what the
one before has handed over; both have shown who they are. Who finds nobody to accept it from takes
it over and says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from liptako.core.errors import LiptakoError, RefusedError
from liptako.core.refs import LEAF_BYTES, OBJECT_BYTES, Ref, object_id
from liptako.ledger.node import Node
from liptako.ledger.reader import thread_records
from liptako.ledger.records import Draft, Record, Thread
from liptako.ledger.store import append, lock
from liptako.members import queries, records, rules
from liptako.members.actions import audit_draft
from liptako.members.models import Watch
from liptako.members.permissions import Actor, Right, require

TEXT_LIMIT = 10_000
"""Characters of a hand-over, and of the remarks to it."""

ITEMS_LIMIT = 200
"""Open items that a hand-over names; of others it says how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Until when somebody means to keep a watch (ms UTC), and how they have shown who they are.

    `proof` is what `accounts.prove` gives; a watch that nobody hands over is begun without. `seen`
    is which hand-over was read (`seen_of`), for who accepts it.
    """

    due: int
    proof: str = ""
    seen: str = ""


def seen_of(watch: Watch) -> str:
    """Return what tells the last hand-over of a watch from one before it; "" for none."""
    return watch.handed_at.isoformat() if watch.handed_at else ""


@transaction.atomic
def begin(node: Node, actor: Actor, due: int) -> Record:
    """Begin the watch of an office that nobody keeps. Raises RefusedError if somebody does."""
    _lock(actor)
    last = _last(actor)
    if last is not None and last.ended_at is None:
        raise RefusedError("watch: somebody keeps it; accept it, or take it over and say why")
    name = object_id(node.random(OBJECT_BYTES))
    draft = _begun(actor, name, _watch(node, actor, Turn(due=due)), ())
    told = audit_draft(node, "watch.begin", actor=actor, subject=name)
    return append(node, [draft, told])[0]


@transaction.atomic
def hand_over(node: Node, actor: Actor, payload: records.HandOver) -> Record:
    """Hand the watch over to whoever accepts it; until then it is kept as before.

    Raises RefusedError if the actor does not keep it, or without a word to the next one.
    """
    _lock(actor)
    watch = _own(actor)
    fault = rules.watch_fault(_state(watch), payload)
    if fault is not None:
        raise fault
    draft = Draft(kind=records.HAND_OVER, object=watch.object, office=actor.office, payload=payload)
    return append(node, [draft, _told(node, actor, "watch.hand_over", watch)])[0]


@transaction.atomic
def accept(node: Node, actor: Actor, name: str, turn: Turn, remarks: str) -> Record:
    """Accept a watch that was handed over: it ends, and the actor's own begins.

    Raises RefusedError if it was not handed over, is not the one that was looked at, or is the
    actor's own.
    """
    _lock(actor)
    watch = _of_another(actor, name)
    handed = _last_hand_over(watch)
    if handed is None:
        raise RefusedError("watch: it was not handed over yet")
    if turn.seen != seen_of(watch):
        raise RefusedError("watch: it has changed meanwhile; look at it again")
    return _relieve(node, actor, watch, turn, (handed,), remarks=remarks)


@transaction.atomic
def take_over(node: Node, actor: Actor, name: str, turn: Turn, reason: str) -> Record:
    """Take a watch over without a hand-over, for a reason: who kept it is not there, say.

    Raises RefusedError without a reason, if it is not the one that was looked at, or the actor's.
    """
    _lock(actor)
    watch = _of_another(actor, name)
    if not reason.strip():
        raise RefusedError("watch: expected a reason why it is taken over without a hand-over")
    return _relieve(node, actor, watch, turn, reason=reason)


@transaction.atomic
def end(node: Node, actor: Actor, reason: str) -> Record:
    """End one's watch without relief: nobody keeps it until somebody begins one.

    Raises RefusedError without a reason, or if the actor does not keep it.
    """
    _lock(actor)
    watch = _own(actor)
    payload = records.WatchEnd(person=actor.person, reason=reason.strip())
    fault: LiptakoError | None = rules.watch_fault(_state(watch), payload)
    if fault is not None:
        raise fault
    return append(node, [_ended(actor, watch, payload), _told(node, actor, "watch.end", watch)])[0]


def _lock(actor: Actor) -> None:
    """Let nobody else change a watch until this is done. Raises NotAllowedError."""
    require(actor, Right.KEEP_WATCH)
    lock()


def _last(actor: Actor) -> Watch | None:
    """Return the last watch of the actor's office."""
    return queries.last_watch(actor.member, actor.office)


def _own(actor: Actor) -> Watch:
    """Return the watch that the actor keeps. Raises RefusedError."""
    watch = _last(actor)
    if watch is None or watch.ended_at is not None or watch.person != actor.person:
        raise RefusedError("watch: you do not keep it now")
    return watch


def _of_another(actor: Actor, name: str) -> Watch:
    """Return the watch that somebody else keeps, if it is the one of this name."""
    watch = _last(actor)
    if watch is None or watch.ended_at is not None or watch.object != name:
        raise RefusedError("watch: it has changed meanwhile; look at it again")
    if watch.person == actor.person:
        raise RefusedError("watch: expected another officer than the one who hands it over")
    return watch


def _records(watch: Watch) -> Sequence[Record]:
    """Return the records of a watch, in order."""
    found = thread_records(Thread(watch.author, watch.object, watch.audience))
    return [record for record in found if record.payload is not None]


def _state(watch: Watch) -> rules.WatchState | None:
    """Return a watch as its records leave it."""
    return rules.fold_watch([record.payload for record in _records(watch)])[0]


def _last_hand_over(watch: Watch) -> Ref | None:
    """Return what names the hand-over that counts, if there is one."""
    found = [record for record in _records(watch) if record.header.kind == records.HAND_OVER]
    if not found:
        return None
    last = found[-1]
    return Ref(origin=last.origin, seq=last.seq, leaf=last.leaf[:LEAF_BYTES])


def _relieve(
    node: Node, actor: Actor, watch: Watch, turn: Turn, refs: tuple[Ref, ...] = (), **words: str
) -> Record:
    """End a watch, and begin the one that relieves it. Returns the record of that one."""
    name = object_id(node.random(OBJECT_BYTES))
    payload = records.WatchEnd(person=actor.person, by=name)
    event = "watch.accept" if refs else "watch.take_over"
    drafts = [
        _ended(actor, watch, payload),
        _begun(actor, name, _watch(node, actor, turn, after=watch.object, **words), refs),
        _told(node, actor, event, watch),
    ]
    return append(node, drafts)[1]


def _watch(node: Node, actor: Actor, turn: Turn, **words: str) -> records.Watch:
    """Return a watch that begins now. Raises RefusedError for an end that makes no sense."""
    now = node.clock().milliseconds
    if not now < turn.due <= now + rules.DUTY_LIMIT:
        raise RefusedError("watch: expected relief later than now and within seven days")
    stripped = {name: text.strip() for name, text in words.items()}
    return records.Watch(person=actor.person, due=turn.due, proof=turn.proof, **stripped)


def _begun(actor: Actor, name: str, payload: records.Watch, refs: tuple[Ref, ...]) -> Draft:
    """Return the draft that begins a watch."""
    return Draft(kind=records.WATCH, object=name, office=actor.office, payload=payload, refs=refs)


def _ended(actor: Actor, watch: Watch, payload: records.WatchEnd) -> Draft:
    """Return the draft that ends a watch."""
    return Draft(kind=records.WATCH_END, object=watch.object, office=actor.office, payload=payload)


def _told(node: Node, actor: Actor, event: str, watch: Watch) -> Draft:
    """Return the line of the audit trail about a watch; its words stay where they were written."""
    return audit_draft(node, event, actor=actor, subject=watch.object)
