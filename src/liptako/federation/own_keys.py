"""The keys of this node as its administrator sees them: which, since when, and the next ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from liptako.core.clock import Instant
from liptako.core.compact.delegation import Delegation
from liptako.core.keys import fingerprint
from liptako.ledger import compacts
from liptako.ledger.models import Deed
from liptako.ledger.node import Node

Purpose = Literal["sign", "seal", "tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """A key in use: what for, its groups of digits, since when, and those that follow it."""

    purpose: Purpose
    phrase: str
    since: datetime | None
    following: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeys:
    """All keys of this node, until when they are meant to last, and whether they are in its files.

    `is_stale` if this process still signs with a key that the node has changed.
    """

    keys: tuple[OwnKey, ...]
    serial: int
    until: datetime
    is_late: bool
    is_stale: bool


_READERS: dict[Purpose, Callable[[Delegation], Sequence[bytes]]] = {
    "sign": lambda item: (item.sign,),
    "seal": lambda item: tuple(text.encode() for text in item.seals),
    "tls": lambda item: item.pins,
}
"""The keys of a purpose in a delegation, the one in use first."""


def own_keys(node: Node, now: Instant) -> OwnKeys | None:
    """Return the keys of this node; nothing while it stands alone."""
    if not compacts.current().version:
        return None
    line = [signed.delegation for signed in compacts.delegations_of(node.member)]
    rows = Deed.objects.filter(member=node.member, rival=False)
    taken = dict(rows.values_list("number", "taken_at"))
    newest = line[-1]
    return OwnKeys(
        keys=tuple(_own_key(purpose, line, taken) for purpose in _READERS),
        serial=newest.serial,
        until=newest.until.moment(),
        is_late=newest.until <= now,
        is_stale=newest.sign != node.signer.public,
    )


def _own_key(purpose: Purpose, line: Sequence[Delegation], taken: dict[int, datetime]) -> OwnKey:
    """Return the key of a purpose; it is in use since the first of the last delegations with it."""
    present, *following = _READERS[purpose](line[-1])
    since = line[-1].serial
    for item in reversed(line):
        if _READERS[purpose](item)[0] != present:
            break
        since = item.serial
    return OwnKey(
        purpose=purpose,
        phrase=fingerprint(present),
        since=taken.get(since),
        following=tuple(fingerprint(key) for key in following),
    )
