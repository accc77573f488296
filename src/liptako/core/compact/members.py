"""The compact as data: its members with their keys, and the audiences they have named.

A compact is a JSON document (docs/spec/compact.md). Names, titles and languages come from it and
from nowhere else. What it takes to change it is left to the issue of versions and thresholds.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from liptako.core.errors import MalformedError, RefusedError
from liptako.core.keys import fingerprint, public_key
from liptako.core.log.sealed import check_recipient
from liptako.core.records.fields import Json, decode_fields, encode_fields
from liptako.core.refs import audience_id, member_id

COMPACT_LIMIT = 2**20  # bytes
PIN_BYTES = 32

Names = Mapping[str, str]
"""A text in several languages: language tag → text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKeys:
    """The public keys of a member's node: Ed25519 (32 bytes), age, SHA-256 of the TLS key."""

    sign: bytes
    seal: str
    tls: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A State of the compact: its id, its names, its time zone, the keys of its node."""

    id: str
    names: Names
    timezone: str
    keys: NodeKeys


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
class Compact:
    """One version of the compact. `version` 0 is a node that has joined none yet."""

    version: int
    names: Names
    members: tuple[Member, ...]
    audiences: tuple[Audience, ...]

    def member(self, wanted: str) -> Member:
        """Return a member by its id. Raises RefusedError for a stranger."""
        for member in self.members:
            if member.id == wanted:
                return member
        raise RefusedError("%(member)s is not a member of the compact", member=wanted)

    def others(self, me: str) -> tuple[Member, ...]:
        """Return all members but one."""
        return tuple(member for member in self.members if member.id != me)


class _Keys(msgspec.Struct):
    sign: str
    seal: str
    tls: str


class _Member(msgspec.Struct):
    id: str
    names: dict[str, str]
    timezone: str
    keys: _Keys


class _Audience(msgspec.Struct):
    names: dict[str, str]
    members: list[str]


class _Document(msgspec.Struct):
    v: int
    version: int
    names: dict[str, str]
    members: list[_Member]
    audiences: list[_Audience]


def read_card(data: bytes) -> Member:
    """Read the card that a node hands to the others: one member with its public keys."""
    try:
        card = msgspec.convert(decode_fields(data.strip(), limit=COMPACT_LIMIT), _Member)
    except msgspec.ValidationError as cause:
        raise MalformedError("card: %(cause)s", cause=str(cause)) from cause
    return _member(card)


def write_card(member: Member) -> bytes:
    """Return the bytes of a member's card."""
    return encode_fields(_member_fields(member)) + b"\n"


def read_compact(data: bytes) -> Compact:
    """Read a compact. Raises MalformedError for what is missing, unknown, or named twice."""
    try:
        document = msgspec.convert(decode_fields(data.strip(), limit=COMPACT_LIMIT), _Document)
    except msgspec.ValidationError as cause:
        raise MalformedError("compact: %(cause)s", cause=str(cause)) from cause
    if document.v != 1 or document.version < 1 or not document.members:
        raise MalformedError("compact: expected v 1, a version from 1 upwards, and members")
    members = tuple(_member(member) for member in document.members)
    known = {member.id for member in members}
    if len(known) != len(members):
        raise MalformedError("compact: expected each member once")
    audiences = tuple(_audience(audience, known) for audience in document.audiences)
    return Compact(
        version=document.version, names=document.names, members=members, audiences=audiences
    )


def write_compact(compact: Compact) -> bytes:
    """Return the bytes of a compact."""
    fields: dict[str, Json] = {
        "v": 1,
        "version": compact.version,
        "names": dict(compact.names),
        "members": [_member_fields(member) for member in compact.members],
        "audiences": [
            {"names": dict(audience.names), "members": [*sorted(audience.members)]}
            for audience in compact.audiences
        ],
    }
    return encode_fields(fields) + b"\n"


def compact_phrase(data: bytes) -> str:
    """Return 8 groups of 5 digits that two people compare aloud before they adopt a compact."""
    return fingerprint(hashlib.sha256(data.strip()).digest())


def draft_compact(names: Names, members: Iterable[Member], everyone: Names) -> Compact:
    """Return a first compact of these members with one audience: all of them."""
    roster = tuple(sorted(members, key=lambda member: member.id))
    audience = Audience(names=everyone, members=frozenset(member.id for member in roster))
    return Compact(version=1, names=names, members=roster, audiences=(audience,))


def _member_fields(member: Member) -> dict[str, Json]:
    """Return the JSON of a member."""
    return {
        "id": member.id,
        "names": dict(member.names),
        "timezone": member.timezone,
        "keys": {
            "sign": b64encode(member.keys.sign).decode(),
            "seal": member.keys.seal,
            "tls": b64encode(member.keys.tls).decode(),
        },
    }


def _member(raw: _Member) -> Member:
    """Return a member. Raises MalformedError."""
    try:
        sign, tls = (b64decode(text, validate=True) for text in (raw.keys.sign, raw.keys.tls))
    except ValueError as cause:
        raise MalformedError("member %(member)s: its keys are not base64", member=raw.id) from cause
    if not raw.names or len(tls) != PIN_BYTES:
        raise MalformedError(
            "member %(member)s: expected a name and 32 bytes of TLS key hash", member=raw.id
        )
    keys = NodeKeys(sign=public_key(sign), seal=check_recipient(raw.keys.seal), tls=tls)
    return Member(id=member_id(raw.id), names=raw.names, timezone=raw.timezone, keys=keys)


def _audience(raw: _Audience, known: set[str]) -> Audience:
    """Return an audience of known members. Raises MalformedError."""
    strangers = set(raw.members) - known
    if strangers or not raw.members:
        raise MalformedError(
            "audience: expected members of the compact, got %(got)s",
            got=", ".join(sorted(strangers)) or "—",
        )
    return Audience(names=raw.names, members=frozenset(raw.members))
