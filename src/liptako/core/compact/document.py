"""A version of the compact as its document says it: members with root keys, rules, audiences.

Reads and refuses; whether enough members have signed is in `versions`, what follows from it for the
keys of nodes in `members`. The format is that of docs/spec/compact.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import msgspec

from liptako.core.compact.envelope import from_base64
from liptako.core.errors import MalformedError
from liptako.core.keys import public_key
from liptako.core.records.fields import INT_LIMIT, decode_fields
from liptako.core.refs import audience_id, author_of, member_id

COMPACT_TYPE = "application/vnd.liptako.compact+json"
DOCUMENT_LIMIT = 2**20  # bytes
DIGEST_BYTES = 32

Names = Mapping[str, str]
"""A text in several languages: language tag → text."""


class State(StrEnum):
    """How a member stands in the compact. What is not active is frozen: nothing new is accepted."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The keys that speak for a member, and how many of them it takes."""

    threshold: int
    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """A member as a document names it.

    `frozen` are the sizes at which its logs end, if it is not active; one not named ends at 0.
    """

    id: str
    names: Names
    timezone: str
    root: Root
    state: State = State.ACTIVE
    frozen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """A set of members that the compact has a name for."""

    names: Names
    members: frozenset[str]

    @property
    def id(self) -> str:
        """The id that is computed from the roster."""
        return audience_id(self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one version says. `previous` is the hash of the one before, empty for the first.

    `approve` is how many active members must sign a new version; nothing stands for all of them.
    """

    version: int
    previous: bytes
    names: Names
    approve: int | None
    members: tuple[Signatory, ...]
    audiences: tuple[Audience, ...]

    @property
    def active(self) -> tuple[Signatory, ...]:
        """The members that decide."""
        return tuple(member for member in self.members if member.state is State.ACTIVE)

    @property
    def needed(self) -> int:
        """How many active members must sign."""
        return len(self.active) if self.approve is None else self.approve


class _Rules(msgspec.Struct):
    approve: int | Literal["all"]


class _Root(msgspec.Struct):
    threshold: int
    keys: list[str]


class RawMember(msgspec.Struct):
    """A member as it stands in a document or a card."""

    id: str
    names: dict[str, str]
    timezone: str
    root: _Root
    state: State = State.ACTIVE
    frozen: dict[str, int] = {}


class _Audience(msgspec.Struct):
    names: dict[str, str]
    members: list[str]


class _Document(msgspec.Struct):
    v: int
    version: int
    names: dict[str, str]
    rules: _Rules
    members: list[RawMember]
    audiences: list[_Audience]
    previous: str = ""


def read_document(payload: bytes) -> Document:
    """Read a version. Raises MalformedError for what is missing, unknown, or named twice."""
    try:
        raw = msgspec.convert(decode_fields(payload, limit=DOCUMENT_LIMIT), _Document)
    except msgspec.ValidationError as cause:
        raise MalformedError("compact: %(cause)s", cause=str(cause)) from cause
    if raw.v != 1 or not 1 <= raw.version <= INT_LIMIT:
        raise MalformedError("compact: expected v 1 and a version from 1 upwards")
    members = tuple(read_signatory(member) for member in raw.members)
    known = {member.id for member in members}
    if len(known) != len(members):
        raise MalformedError("compact: expected each member once")
    _check_keys(members)
    document = Document(
        version=raw.version,
        previous=read_previous(raw.previous, raw.version),
        names=raw.names,
        approve=None if raw.rules.approve == "all" else raw.rules.approve,
        members=members,
        audiences=tuple(_audience(audience, known) for audience in raw.audiences),
    )
    _check_rule(document)
    return document


def read_previous(text: str, number: int) -> bytes:
    """Return the hash that the document of a number gives of the one before it.

    Raises MalformedError unless it is there for all but the first.
    """
    previous = from_base64(text, "previous")
    if len(previous) != (DIGEST_BYTES if number > 1 else 0):
        raise MalformedError(
            "previous: expected a hash of 32 bytes, for the first document none; got %(got)d bytes",
            got=len(previous),
        )
    return previous


def read_signatory(raw: RawMember) -> Signatory:
    """Return a member that has been checked. Raises MalformedError."""
    if not raw.names:
        raise MalformedError("member %(member)s: expected a name", member=raw.id)
    active = raw.state is State.ACTIVE
    if active and raw.frozen:
        raise MalformedError(
            "member %(member)s: it is active, but its logs are frozen", member=raw.id
        )
    return Signatory(
        id=member_id(raw.id),
        names=raw.names,
        timezone=raw.timezone,
        root=_root(raw.root, raw.id),
        state=raw.state,
        frozen=read_sizes(raw.frozen, raw.id),
    )


def read_sizes(raw: Mapping[str, int], author: str) -> Mapping[str, int]:
    """Return sizes of logs of one author. Raises MalformedError for others, and for less than 0."""
    for origin, size in raw.items():
        if author_of(origin) != author or size < 0:
            raise MalformedError(
                "expected logs of %(author)s with their sizes, got %(origin)s: %(size)d",
                author=author,
                origin=origin,
                size=size,
            )
    return dict(raw)


def _root(raw: _Root, member: str) -> Root:
    """Return the root keys of a member. Raises MalformedError."""
    keys = tuple(public_key(from_base64(text, f"{member}: root")) for text in raw.keys)
    if not 1 <= raw.threshold <= len(set(keys)) == len(keys):
        raise MalformedError(
            "member %(member)s: expected a threshold from 1 to the number of its root keys, "
            "each of them once",
            member=member,
        )
    return Root(threshold=raw.threshold, keys=keys)


def _check_keys(members: tuple[Signatory, ...]) -> None:
    """Raise MalformedError if one key speaks for two members."""
    keys = [key for member in members for key in member.root.keys]
    if len(set(keys)) != len(keys):
        raise MalformedError("compact: two members have the same root key")


def _check_rule(document: Document) -> None:
    """Raise MalformedError unless more than half of the active members must sign.

    Two successors of one version can then not both be valid, unless a member has signed both.
    """
    active = len(document.active)
    if not active / 2 < document.needed <= active:
        raise MalformedError(
            "compact: expected “all” to approve a new version, or more than half of the %(active)d "
            "active members and no more than there are; got %(got)d",
            active=active,
            got=document.needed,
        )


def _audience(raw: _Audience, known: set[str]) -> Audience:
    """Return an audience of known members. Raises MalformedError."""
    strangers = set(raw.members) - known
    if strangers or not raw.members:
        raise MalformedError(
            "audience: expected members of the compact, got %(got)s",
            got=", ".join(sorted(strangers)) or "—",
        )
    return Audience(names=raw.names, members=frozenset(raw.members))
