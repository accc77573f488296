"""Reads and keeps what is known of partners; says in numbers what waits for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from liptako.core.compact.members import Member
from liptako.core.errors import LiptakoError, RefusedError
from liptako.core.log.heads import Heads, read_heads
from liptako.federation.models import Peer
from liptako.ledger import compacts
from liptako.ledger.models import Channel, Entry
from liptako.ledger.node import Node
from liptako.ledger.reader import all_logs


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerState:
    """A partner as a page shows it.

    `waiting` counts the records that the partner has not said it holds, `since` is when the oldest
    of them was taken; `stored` counts those that it has, by its own signed word.
    """

    peer: Peer
    names: dict[str, str]
    stored: int
    waiting: int
    since: datetime | None
    received: int


def peer(member: str) -> Peer:
    """Return what is known of a partner. Raises RefusedError for a stranger to the compact."""
    compacts.current().member(member)
    return Peer.objects.get_or_create(member=member)[0]


def partner(node: Node, member: str) -> Peer:
    """Return what is known of a partner of this node. Raises RefusedError for anybody else."""
    if member == node.member:
        raise RefusedError("a node is not its own partner")
    return peer(member)


def set_url(node: Node, member: str, url: str) -> None:
    """Keep the address of a partner's node; an empty one means: by file only."""
    row = partner(node, member)
    row.url = url
    row.save(update_fields=["url"])


def heads_of(row: Peer) -> Heads | None:
    """Return what a partner last said it holds, by its signed word."""
    return read_heads(bytes(row.heads)) if row.heads else None


def note_heard(member: str, heads: bytes, at: datetime, how: str) -> bool:
    """Keep what a partner says it holds; say whether it was its latest word.

    An older one (a file that was carried for long, or played again) changes nothing.
    """
    row = peer(member)
    before = heads_of(row)
    if before is not None and read_heads(heads).age < before.age:
        return False
    row.heads, row.heard_at, row.heard_by = heads, at, how
    row.save(update_fields=["heads", "heard_at", "heard_by"])
    return True


def note_faults(member: str, faults: Sequence[LiptakoError]) -> None:
    """Keep the first thing that was wrong with what came from a partner, by whatever door."""
    if faults:
        row = peer(member)
        _keep_fault(row, faults[0])
        row.save(update_fields=["fault_template", "fault_params"])


def note_tried(member: str, at: datetime, fault: LiptakoError | None) -> None:
    """Keep when an exchange was tried and what was wrong, if anything."""
    row = peer(member)
    row.tried_at = at
    _keep_fault(row, fault)
    row.save(update_fields=["tried_at", "fault_template", "fault_params"])


def _keep_fault(row: Peer, fault: LiptakoError | None) -> None:
    """Put a fault into a row; nothing takes the last one away."""
    row.fault_template = fault.template if fault else ""
    row.fault_params = {name: str(value) for name, value in fault.params.items()} if fault else {}


def state_of(node: Node, member: str) -> PeerState:
    """Return how it stands with a partner."""
    return _state(node, peer(member), compacts.current().member(member), all_logs())


def _state(node: Node, row: Peer, member: Member, logs: Sequence[Channel]) -> PeerState:
    """Return how it stands with a partner, from all logs that are held."""
    heads = heads_of(row)
    mine = (log for log in logs if log.author == node.member)
    ours = [log for log in mine if member.id in log.audience.members]
    stored = sum(min(heads.size_of(log.origin) if heads else 0, log.size) for log in ours)
    total = sum(log.size for log in ours)
    return PeerState(
        peer=row,
        names=dict(member.names),
        stored=stored,
        waiting=total - stored,
        since=_oldest_waiting(ours, heads),
        received=sum(log.size for log in logs if log.author == member.id),
    )


def _oldest_waiting(ours: Sequence[Channel], heads: Heads | None) -> datetime | None:
    """Return when the oldest record that a partner does not hold was written."""
    moments = []
    for log in ours:
        start = heads.size_of(log.origin) if heads else 0
        if start < log.size:
            first = Entry.objects.filter(channel=log, seq=start).values_list("taken_at", flat=True)
            moments += list(first)
    return min(moments, default=None)


def states(node: Node) -> list[PeerState]:
    """Return how it stands with every partner of the compact."""
    members, logs = compacts.current().others(node.member), all_logs()
    known = Peer.objects.in_bulk([member.id for member in members])
    return [
        _state(node, known.get(member.id) or peer(member.id), member, logs) for member in members
    ]
