"""Takes released records back, says what was destroyed here, and shows who has confirmed it.

Payloads are deleted where recalls are stored (`ledger.recalls`); here is what people do and see.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from liptako.core.errors import RefusedError
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import DESTROYED, RECALL, Destroyed, Recall, Why, reason_fault
from liptako.core.refs import LEAF_BYTES, Ref
from liptako.federation import models
from liptako.ledger import compacts, store
from liptako.ledger.models import Entry, Recalled
from liptako.ledger.node import Node
from liptako.ledger.reader import entries_of, roster_of
from liptako.ledger.records import Draft, Thread
from liptako.members.permissions import Actor

_AT_ONCE = 400  # references in one record: far below what a header may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How far a recall or an expiry of one thread got at one member."""

    member: str
    confirmed: int
    wanted: int
    at: datetime | None

    @property
    def is_done(self) -> bool:
        """Say whether the member has confirmed all of it."""
        return self.confirmed >= self.wanted


def by_thread(entries: Iterable[Entry]) -> dict[Thread, list[Entry]]:
    """Return entries, read with their logs, by the threads that they are in."""
    threads: defaultdict[Thread, list[Entry]] = defaultdict(list)
    for entry in entries:
        channel = entry.channel
        threads[Thread(channel.author, entry.object, channel.audience_id)].append(entry)
    return threads


def ref_of(entry: Entry) -> Ref:
    """Return how a record names an entry."""
    return Ref(origin=entry.channel_id, seq=entry.seq, leaf=bytes(entry.leaf)[:LEAF_BYTES])


def recall_drafts(actor: Actor, thread: Thread, reason: str) -> list[Draft]:
    """Return the drafts that take back all that was said in an own thread; none if nothing is left.

    Raises RefusedError without a reason, for a thread of ourselves alone, and for another State's.
    """
    fault = reason_fault(reason)
    if fault is not None:
        raise fault
    members = roster_of(thread.audience)
    if thread.author != actor.member or members <= {actor.member}:
        raise RefusedError("recall: only what this State has released can be taken back")
    return taking_back(actor, thread, _left_of(thread), reason)


def erase_drafts(actor: Actor, name: str, reason: str) -> list[Draft]:
    """Return the drafts that delete all that this State has said of an object, to itself too.

    Partners get a recall of what they hold; what names the records of our own log alone is one too.
    Raises RefusedError without a reason, and if nothing is left.
    """
    fault = reason_fault(reason)
    if fault is not None:
        raise fault
    threads = threads_about(actor.member, name)
    drafts = [
        draft
        for thread in threads
        for draft in taking_back(actor, thread, _left_of(thread), reason)
    ]
    if not drafts:
        raise RefusedError("erase: nothing is left of it here, or it is not of this State")
    return drafts


def _left_of(thread: Thread) -> QuerySet[Entry]:
    """Return what is left of a thread and can be taken back, in order."""
    left = entries_of(thread).exclude(payload=None).exclude(kind__startswith="exchange.")
    return left.order_by("position")


def taking_back(actor: Actor, thread: Thread, entries: Iterable[Entry], reason: str) -> list[Draft]:
    """Return the drafts that take back entries of an own thread."""
    members = roster_of(thread.audience)
    refs = [ref_of(entry) for entry in entries]
    return [
        Draft(
            kind=RECALL,
            object=thread.object,
            office=actor.office,
            payload=Recall(reason=reason.strip()),
            audience=members,
            precedence=Precedence.IMMEDIATE,
            refs=tuple(refs[start : start + _AT_ONCE]),
        )
        for start in range(0, len(refs), _AT_ONCE)
    ]


def _unconfirmed(node: Node) -> QuerySet[Entry]:
    """Return the entries of others that were taken back or expired and that we said nothing of.

    Of those that take part: nobody else may be told.
    """
    said = models.Destroyed.objects.filter(
        author=node.member, origin=OuterRef("channel_id"), seq=OuterRef("seq")
    )
    named = Recalled.objects.filter(origin=OuterRef("channel_id"), seq=OuterRef("seq"))
    ended = Q(Exists(named)) | Q(retain__lte=node.clock().milliseconds)
    authors = compacts.current().active - {node.member}
    gone = Entry.objects.filter(ended, payload=None, channel__author__in=authors)
    return gone.filter(~Exists(said)).select_related("channel__audience").order_by("position")


@transaction.atomic
def confirm(node: Node) -> int:
    """Tell authors which of their records are here no longer; return how many.

    Safe to run again: what was told once is not told again.
    """
    store.lock()
    threads = by_thread(_unconfirmed(node)[: store.EXPIRED_AT_ONCE])
    drafts = [draft for thread, found in threads.items() for draft in _answers(thread, found)]
    if drafts:
        store.append(node, drafts)
    return sum(len(found) for found in threads.values())


def _answers(thread: Thread, found: Sequence[Entry]) -> Iterator[Draft]:
    """Give the records that tell an author what is here no longer, apart by why."""
    recalled = {
        (row.origin, row.seq)
        for row in Recalled.objects.filter(origin__in={entry.channel_id for entry in found})
    }
    by_why: dict[Why, list[Ref]] = defaultdict(list)
    for entry in found:
        why = Why.RECALL if (entry.channel_id, entry.seq) in recalled else Why.EXPIRY
        by_why[why].append(ref_of(entry))
    for why, refs in sorted(by_why.items()):
        for start in range(0, len(refs), _AT_ONCE):
            yield Draft(
                kind=DESTROYED,
                object=thread.object,
                office="",
                payload=Destroyed(why=why.value),
                audience=frozenset({thread.author}),
                refs=tuple(refs[start : start + _AT_ONCE]),
            )


def taken(thread: Thread) -> list[Taken]:
    """Return for each member who had a thread of ours how much it has confirmed to be gone."""
    gone = entries_of(thread).filter(payload=None).exclude(kind__startswith="exchange.")
    places = set(gone.values_list("channel_id", "seq"))
    if not places:
        return []
    said: dict[str, set[tuple[str, int]]] = defaultdict(set)
    last: dict[str, datetime] = {}
    rows = models.Destroyed.objects.filter(origin__in={origin for origin, _ in places})
    for row in rows.filter(object=thread.object):
        if (row.origin, row.seq) in places:
            said[row.author].add((row.origin, row.seq))
            last[row.author] = max(row.at, last.get(row.author, row.at))
    return [
        Taken(member=member, confirmed=len(said[member]), wanted=len(places), at=last.get(member))
        for member in sorted(roster_of(thread.audience) - {thread.author})
    ]


def recalls_of(thread: Thread) -> list[models.Recall]:
    """Return the recalls of a thread, the latest first."""
    return list(models.Recall.objects.filter(object=thread.object, thread=thread.key))


def recalls_about(author: str, names: Collection[str]) -> dict[str, models.Recall]:
    """Return the latest recall of each of these objects of a member, in whatever audience."""
    rows = models.Recall.objects.filter(author=author, object__in=set(names))
    return {row.object: row for row in rows.order_by("at", "key")}


def threads_about(author: str, name: str, kind: str = "") -> list[Thread]:
    """Return the threads about an object that are held here, if so with a record of a kind."""
    found = Entry.objects.filter(channel__author=author, object=name)
    found = found.filter(kind=kind) if kind else found
    audiences = found.values_list("channel__audience_id", flat=True).distinct()
    return [Thread(author, name, audience) for audience in sorted(audiences)]


def all_recalls() -> QuerySet[models.Recall]:
    """Return all recalls that are known here, the latest first."""
    return models.Recall.objects.all()
