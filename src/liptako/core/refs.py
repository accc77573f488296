"""Names of things: members, objects, channels, and references to records.

An id is computed or drawn once and never changes. Randomness is an argument, never taken here.
"""

import hashlib
import re
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass

from liptako.core.errors import MalformedError

OBJECT_BYTES = 8  # 64 random bits per author: a collision is refused when the object is created
SHORT_BYTES = 3
LEAF_BYTES = 16  # a reference carries half of the leaf hash (protocol: refs)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: no i, l, o, u to misread on paper
MEMBER_PATTERN = r"[A-Z][A-Z0-9]{1,11}"
OBJECT_PATTERN = r"[0-9a-f][0-9a-hjkmnp-tv-z]{12}"  # 64 bits in 65: the first is 0
_MEMBER = re.compile(MEMBER_PATTERN)
_OBJECT = re.compile(OBJECT_PATTERN)
_ORIGIN = re.compile(r"([A-Z][A-Z0-9]{1,11})/c/([0-9a-f]{16})/e([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A reference to one record: its channel, its place there, and 16 bytes of its leaf hash."""

    origin: str
    seq: int
    leaf: bytes


def member_id(text: str) -> str:
    """Return the id of a member (`ML`) unchanged. Raises MalformedError for another spelling."""
    if not _MEMBER.fullmatch(text):
        raise MalformedError(
            "member: expected 2 to 12 capital letters or digits, got %(got)s", got=text[:40]
        )
    return text


def object_id(random: bytes) -> str:
    """Return the id of a new object (13 characters) from 8 random bytes."""
    number = int.from_bytes(random[:OBJECT_BYTES], "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def short_code(random: bytes) -> str:
    """Return 4 characters from 3 random bytes, for a name that people read aloud.

    Not counted up: a number that counts would tell partners how much is kept from them.
    """
    number = int.from_bytes(random[:SHORT_BYTES], "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(15, -1, -5)).upper()


def parse_object_id(text: str) -> str:
    """Return an object id unchanged. Raises MalformedError for another spelling."""
    if not _OBJECT.fullmatch(text):
        raise MalformedError(
            "object: expected 13 letters or digits without i, l, o, u, got %(got)s", got=text[:40]
        )
    return text


def audience_id(members: Iterable[str]) -> str:
    """Return the id of an audience: 16 characters computed from its roster, in any order."""
    roster = "\n".join(["liptako audience v1", *sorted(set(members))])
    return b32encode(hashlib.sha256(roster.encode()).digest()[:10]).decode().lower()


def channel_origin(author: str, random: bytes, epoch: int) -> str:
    """Return the origin of a channel: `<author>/c/<16 hex digits of 8 random bytes>/e<epoch>`."""
    return f"{author}/c/{random[:8].hex()}/e{epoch}"


def author_of(origin: str) -> str:
    """Return the member who writes a channel. Raises MalformedError for another spelling."""
    return _parts(origin)[1]


def epoch_of(origin: str) -> int:
    """Return the epoch of a channel. Raises MalformedError for another spelling."""
    return int(_parts(origin)[3])


def _parts(origin: str) -> re.Match[str]:
    """Return the parts of an origin. Raises MalformedError for another spelling."""
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        raise MalformedError(
            "channel: expected <member>/c/<16 hex digits>/e<number>, got %(got)s", got=origin[:60]
        )
    return match
