"""Reads and keeps what is known of partners."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Literal

from django.db import transaction

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, RefusedError
from liptako.core.log.heads import Heads, read_heads
from liptako.core.reasons import PlainError, plain
from liptako.federation.client import check_address
from liptako.federation.models import Peer
from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.members.actions import record_audit
from liptako.members.permissions import Actor

Door = Literal["file", "network", "answer", "carried"]
"""How a bundle came: out of a file, in a partner's request, as the answer to a request of ours, or
through a third member.

Of these only an answer is known to be of today: it came from who holds the pinned key of TLS.
"""


def peer(member: str) -> Peer:
    """Return what is known of a partner. Raises RefusedError for a stranger to the compact."""
    compacts.current().member(member)
    return Peer.objects.get_or_create(member=member)[0]


def partner(node: Node, member: str) -> Peer:
    """Return what is known of a partner of this node. Raises RefusedError for anybody else."""
    if member == node.member:
        raise RefusedError("a node is not its own partner")
    return peer(member)


def set_url(node: Node, member: str, url: str) -> str:
    """Keep the address of a partner's node, and return it; an empty one means: by file only.

    Raises MalformedError for what is no address.
    """
    row = partner(node, member)
    row.url = check_address(url) if url.strip() else ""
    row.save(update_fields=["url"])
    return row.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a line an exchange may take: kbit/s (0: no cap), hours for the not urgent."""

    cap_kbit: int = 0
    bulk_from: time | None = None
    bulk_until: time | None = None


@transaction.atomic
def change_limits(node: Node, actor: Actor, member: str, limits: Limits) -> None:
    """Keep how much of the line to a partner may be taken, and never without a trace."""
    row = partner(node, member)
    row.cap_kbit, row.bulk_from, row.bulk_until = (
        limits.cap_kbit, limits.bulk_from, limits.bulk_until
    )  # fmt: skip
    row.save(update_fields=["cap_kbit", "bulk_from", "bulk_until"])
    told = [f"{limits.cap_kbit} kbit/s" if limits.cap_kbit else ""]
    if limits.bulk_from and limits.bulk_until:
        told.append(f"{limits.bulk_from:%H:%M}–{limits.bulk_until:%H:%M}")
    detail = ", ".join(filter(None, told))
    record_audit(node, "partner.limits", actor=actor, subject=member, detail=detail)


@transaction.atomic
def change_address(node: Node, actor: Actor, member: str, url: str) -> str:
    """Keep the address of a partner's node as `set_url` does, and never without a trace."""
    kept = set_url(node, member, url)
    record_audit(node, "partner.address", actor=actor, subject=member, detail=kept)
    return kept


def heads_of(row: Peer) -> Heads | None:
    """Return what a partner last said it holds, by its signed word."""
    return read_heads(bytes(row.heads)) if row.heads else None


def said_by(member: str) -> Heads | None:
    """Return what a partner last said it holds; nothing if it was never heard, or is unknown."""
    row = Peer.objects.filter(member=member).first()
    return heads_of(row) if row else None


def _locked(member: str) -> Peer:
    """Return what is known of a partner, for nobody else to change until the transaction ends."""
    return Peer.objects.select_for_update().get(pk=peer(member).pk)


@transaction.atomic
def note_heard(member: str, heads: bytes, at: datetime, how: Door) -> bool:
    """Keep what a partner says it holds; say whether nothing later was known of it.

    An older word (a file that was carried for long, or played again) changes nothing. The latest
    one said again may be played again too: only as an answer does it prove that the partner is
    alive. An answer is of today, so it counts even if it seems older: the partner was set back,
    or its clock was put right.
    """
    row = _locked(member)
    before, said = heads_of(row), read_heads(heads)
    later = before is None or how == "answer" or said.is_later_than(before)
    changed = []
    if later:
        row.heads = heads
        changed += ["heads"]
    if later:
        row.heard_at, row.heard_by = at, how
        changed += ["heard_at", "heard_by"]
    row.save(update_fields=changed)
    return later or said == before


@transaction.atomic
def note_alive(member: str, said: Instant, at: datetime, how: Door) -> None:
    """Keep that a partner said, by its clock, that nothing was new; an earlier word is none."""
    row = _locked(member)
    if said.milliseconds > row.alive:
        row.alive, row.heard_at, row.heard_by = said.milliseconds, at, how
        row.save(update_fields=["alive", "heard_at", "heard_by"])


def wants_of(member: str) -> list[tuple[str, str, int]]:
    """Return the files that a partner last said it lacks: audience, hash, how far it has it."""
    kept = Peer.objects.filter(member=member).values_list("wants", flat=True).first() or ()
    return [(audience, digest, offset) for audience, digest, offset in kept]


def note_wants(member: str, wants: Sequence[tuple[str, str, int]]) -> None:
    """Keep which files a partner says it lacks."""
    Peer.objects.filter(member=member).update(wants=list(wants))


def note_told(member: str, told: str) -> None:
    """Keep what stands for the files that a partner knows we lack."""
    Peer.objects.filter(member=member).update(told=told)


def note_judged(member: str, at: datetime, *, otherwise: bool | None) -> None:
    """Keep since when a partner judges the same records differently; nothing changes nothing."""
    row = peer(member)
    if otherwise is not None and otherwise != (row.differs_since is not None):
        row.differs_since = at if otherwise else None
        row.save(update_fields=["differs_since"])


def note_rate(member: str, rate: int) -> None:
    """Keep how many bytes a second went to and fro."""
    Peer.objects.filter(member=member).update(rate=rate)


def note_read(member: str, faults: Sequence[LiptakoError], *, outdated: bool) -> None:
    """Keep the first thing that was wrong with a bundle; one in order takes that away again.

    Not one that is outdated: anybody may play it again. That our last try to reach the partner
    failed stays as well: whether it can be reached, the next try tells.
    """
    row = peer(member)
    if faults or not (outdated or row.fault_of_try):
        _keep_fault(row, faults)


def note_exchanged(member: str, at: datetime, faults: Sequence[LiptakoError]) -> None:
    """Keep when a partner was reached, and the first thing that was wrong with what it sent."""
    row = peer(member)
    row.tried_at = at
    _keep_fault(row, faults, "tried_at")


def note_failed(member: str, at: datetime, fault: LiptakoError) -> None:
    """Keep when an exchange was tried in vain, and why."""
    row = peer(member)
    row.tried_at = at
    _keep_fault(row, [fault], "tried_at", of_try=True)


def _keep_fault(
    row: Peer, faults: Sequence[LiptakoError], *changed: str, of_try: bool = False
) -> None:
    """Keep the first of some faults with what else has changed; none takes the last one away."""
    kept = plain(faults[0]) if faults else PlainError(template="", params={})
    row.fault_template, row.fault_params = kept["template"], kept["params"]
    row.fault_of_try = of_try
    row.save(update_fields=[*changed, "fault_template", "fault_params", "fault_of_try"])
