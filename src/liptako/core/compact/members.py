"""The compact in force: its members with the keys of their nodes, and what to believe and to whom.

Put together from a valid version and the delegations of its members. Says which keys may have
signed a checkpoint and up to which size, with whom anything may be exchanged, and where a frozen
log ends.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from liptako.core.compact.delegation import Revoked, Signed, line_of
from liptako.core.compact.document import Audience, Document, Names, Signatory, State
from liptako.core.errors import RefusedError, VerificationError
from liptako.core.keys import fingerprint, key_id
from liptako.core.log.checkpoint import Checkpoint, open_checkpoint
from liptako.core.log.note import read_note
from liptako.core.refs import author_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKeys:
    """The public keys of a member's node: Ed25519 (32 bytes), age, SHA-256 of the TLS key.

    `next_seals` and `next_pins` are published ahead: sealed with or served with from the next
    change on.
    """

    sign: bytes
    seal: str
    tls: bytes
    next_seals: tuple[str, ...] = ()
    next_pins: tuple[bytes, ...] = ()

    @property
    def pins(self) -> tuple[bytes, ...]:
        """The TLS keys under which the node may answer."""
        return (self.tls, *self.next_pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A State of the compact: its id, its names, its time zone, the keys of its node.

    `former` are signing keys that were taken back; `frozen` is where its logs end, unless it is
    active.
    """

    id: str
    names: Names
    timezone: str
    keys: NodeKeys
    former: tuple[Revoked, ...] = ()
    state: State = State.ACTIVE
    frozen: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Say whether it takes part: sends, receives, decides."""
        return self.state is State.ACTIVE

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The key that its node signs with, and those it signed with before, once each."""
        return tuple(dict.fromkeys((self.keys.sign, *(item.key for item in self.former))))

    def cap(self, public: bytes, origin: str) -> int | None:
        """Return up to which size of a log a key is good; nothing if there is no limit.

        0 for a key that is none of this member's. The smallest cap counts: who finds out later that
        a key was stolen earlier takes it back once more.
        """
        caps = [item.caps.get(origin, 0) for item in self.former if item.key == public]
        if public != self.keys.sign:
            return min(caps, default=0)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    """The compact in force. `version` 0 is a node that has joined none yet."""

    version: int
    names: Names
    members: tuple[Member, ...]
    audiences: tuple[Audience, ...]

    def member(self, wanted: str) -> Member:
        """Return a member by its id, active or not. Raises RefusedError for a stranger."""
        for member in self.members:
            if member.id == wanted:
                return member
        raise RefusedError("%(member)s is not a member of the compact", member=wanted)

    def others(self, me: str) -> tuple[Member, ...]:
        """Return all members but one, active or not."""
        return tuple(member for member in self.members if member.id != me)

    @property
    def active(self) -> frozenset[str]:
        """The members that take part."""
        return frozenset(member.id for member in self.members if member.is_active)

    def may_exchange(self, member: str) -> bool:
        """Say whether anything may be sent to a member or accepted from it."""
        return member in self.active

    def check_exchange(self, member: str) -> Member:
        """Return a member with whom anything may be exchanged.

        Raises RefusedError for a stranger, one that is suspended, one that has left.
        """
        found = self.member(member)
        if not found.is_active:
            raise RefusedError(
                "%(member)s is suspended or has left the compact: nothing is sent to it, nothing "
                "is accepted from it",
                member=member,
            )
        return found

    def cap_of(self, origin: str) -> int | None:
        """Return the size at which a log is frozen; nothing if it may grow.

        A log of a suspended member that its frozen sizes do not name ends at 0. Raises RefusedError
        for the log of a stranger, and MalformedError for what is no name of a log.
        """
        author = self.member(author_of(origin))
        return None if author.is_active else author.frozen.get(origin, 0)

    def open_checkpoint(self, data: bytes, origin: str) -> Checkpoint:
        """Return a checkpoint that the author of a log signed with a key that was good for it.

        Raises MalformedError, VerificationError for a key that was taken back before, and
        RefusedError for the log of a stranger. That a log is frozen is left to `cap_of`: what was
        held before stays verifiable.
        """
        author = self.member(author_of(origin))
        hints = {signature.key for signature in read_note(data).signatures}
        found = [key for key in author.signing_keys if key_id(origin, key) in hints]
        public = found[0] if found else author.keys.sign
        checkpoint = open_checkpoint(data, origin, public)
        cap = author.cap(public, origin)
        if cap is not None and checkpoint.size > cap:
            raise VerificationError(
                "%(origin)s: signed with a key that %(member)s has taken back: it is good up to "
                "%(cap)d entries, got %(size)d",
                origin=origin,
                member=author.id,
                cap=cap,
                size=checkpoint.size,
            )
        return checkpoint


NO_COMPACT = Compact(version=0, names={}, members=(), audiences=())
"""What a node has that stands alone."""


def in_force(document: Document, held: Iterable[Signed]) -> Compact:
    """Return the compact of a valid version with the keys that its members have delegated.

    Raises VerificationError for a member without a delegation that its root keys have signed, and
    what `line_of` raises.
    """
    delegations = tuple(held)
    members = tuple(_member(signatory, delegations) for signatory in document.members)
    return Compact(
        version=document.version,
        names=document.names,
        members=members,
        audiences=document.audiences,
    )


def _member(signatory: Signatory, held: Iterable[Signed]) -> Member:
    """Return a member with the keys of its newest delegation."""
    line = line_of(held, signatory.id, signatory.root)
    newest = line[-1].delegation
    return Member(
        id=signatory.id,
        names=signatory.names,
        timezone=signatory.timezone,
        keys=NodeKeys(
            sign=newest.sign,
            seal=newest.seals[0],
            tls=newest.pins[0],
            next_seals=newest.seals[1:],
            next_pins=newest.pins[1:],
        ),
        former=tuple(item for signed in line for item in signed.delegation.revoked),
        state=signatory.state,
        frozen=signatory.frozen,
    )


def compact_phrase(document: bytes) -> str:
    """Return 8 groups of 5 digits that two people compare aloud before they adopt a compact."""
    return fingerprint(hashlib.sha256(document).digest())
