"""How it stands with each partner, in numbers: what is stored, what waits, what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from liptako.core.clock import Instant
from liptako.core.compact.members import Member
from liptako.core.log.heads import Heads
from liptako.core.refs import author_of, epoch_of
from liptako.federation.models import Peer
from liptako.federation.peers import heads_of, peer
from liptako.ledger import compacts
from liptako.ledger.fence import begun_at
from liptako.ledger.models import Channel, Entry
from liptako.ledger.node import Node
from liptako.ledger.reader import all_logs, epoch
from liptako.ledger.receipts import NOTHING, Sizes, sizes
from liptako.members import queries

Link = Literal["passing", "cut", "file", "untried"]
"""Both ways work; they do not; nothing but files; not tried yet, or only the partner came to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerState:
    """A partner as a page shows it.

    `stored` counts our records for which we have its receipt, `waiting` the others, `since` is when
    the oldest of these was written. `received` counts its records here, `missing` those that it
    says it has released to us and that are not here; `said_at` is when it said so, by its clock.
    """

    peer: Peer
    names: dict[str, str]
    stored: int
    waiting: int
    since: datetime | None
    received: int
    missing: int
    said_at: datetime | None

    @property
    def link(self) -> Link:
        """How it stands with the way to the partner; both ways are proved by an answer only."""
        if not self.peer.url:
            return "file"
        if self.peer.fault_of_try:
            return "cut"
        return "passing" if self.peer.tried_at else "untried"

    @property
    def is_complete(self) -> bool:
        """Say whether we hold all that the partner has told us of."""
        return self.said_at is not None and not self.missing


@dataclass(slots=True, kw_only=True)
class Gone:
    """How many records of a member were deleted as it took back a key, and when the last ones."""

    author: str
    entries: int
    at: datetime


_SHOWN = timedelta(days=30)


def deleted(node: Node) -> list[Gone]:
    """Return what was deleted of members' records in the last 30 days as keys were taken back."""
    found: dict[str, Gone] = {}
    events = queries.audit(node.member, "log.cut").filter(at__gte=node.clock().moment() - _SHOWN)
    for event in events:
        author = author_of(event.subject)
        gone = found.setdefault(author, Gone(author=author, entries=0, at=event.at))
        gone.entries += int(event.detail)
    return list(found.values())


def state_of(node: Node, member: str) -> PeerState:
    """Return how it stands with a partner."""
    return _state(node, peer(member), compacts.current().member(member), (all_logs(), sizes()))


def _state(
    node: Node, row: Peer, member: Member, held: tuple[Sequence[Channel], Sizes]
) -> PeerState:
    """Return how it stands with a partner, from all logs and receipts that are held."""
    logs, signed = held
    said = heads_of(row)
    ours = [log for log in logs if log.author == node.member and member.id in log.audience.members]
    theirs = {log.origin: log.size for log in logs if log.author == member.id}
    stored = {log.origin: stored_of(log, member.id, said, signed) for log in ours}
    released = {log.origin: log.size for log in said.logs} if said else {}
    return PeerState(
        peer=row,
        names=dict(member.names),
        stored=sum(stored.values()),
        waiting=sum(log.size - stored[log.origin] for log in ours),
        since=_oldest_waiting(ours, stored),
        received=sum(theirs.values()),
        missing=sum(
            max(size - theirs.get(origin, 0), 0)
            for origin, size in released.items()
            if author_of(origin) == member.id
        ),
        said_at=max(said.time, Instant(row.alive)).moment() if said else None,
    )


def stored_of(log: Channel, member: str, said: Heads | None, signed: Sizes) -> int:
    """Return how many entries of a log a partner has by its signed word: a receipt.

    Less if it has said later that it holds less: it was restored from a backup.
    """
    size, time = signed.get((log.origin, member), NOTHING)
    if said is not None and said.time.milliseconds // 1000 > time:
        size = min(size, said.size_of(log.origin))
    return size


def _oldest_waiting(ours: Sequence[Channel], stored: Mapping[str, int]) -> datetime | None:
    """Return when the oldest record was written of which a partner's receipt is not here."""
    moments = []
    for log in ours:
        if stored[log.origin] < log.size:
            first = Entry.objects.filter(channel=log, seq=stored[log.origin])
            moments += list(first.values_list("taken_at", flat=True))
    return min(moments, default=None)


def states(node: Node) -> list[PeerState]:
    """Return how it stands with every partner of the compact."""
    members, held = compacts.current().others(node.member), (all_logs(), sizes())
    known = Peer.objects.in_bulk([member.id for member in members])
    return [
        _state(node, known.get(member.id) or peer(member.id), member, held) for member in members
    ]


def ahead_of_us(node: Node) -> set[str]:
    """Return the partners that may hold more of our own logs than this node does.

    After a restore: those not heard since, and those that say so of logs that we wrote before.
    """
    now = epoch()
    begun = begun_at(now)
    if begun is None:
        return set()
    ours = {log.origin: log.size for log in all_logs() if log.author == node.member}
    found = set()
    for member in compacts.current().others(node.member):
        row = peer(member.id)
        said = heads_of(row)
        told = [log for log in said.logs if author_of(log.origin) == node.member] if said else []
        before = [log for log in told if epoch_of(log.origin) < now]
        lacking = any(log.size > ours.get(log.origin, 0) for log in before)
        if lacking or _heard(row, said) < begun.moment():
            found.add(member.id)
    return found


def _heard(row: Peer, said: Heads | None) -> datetime:
    """Return since when at least a partner's word is known: of a file its own clock tells that."""
    if row.heard_at is None or said is None:
        return Instant(0).moment()
    by_itself = max(said.time, Instant(row.alive)).moment()
    return min(row.heard_at, by_itself) if row.heard_by in ("file", "carried") else row.heard_at
