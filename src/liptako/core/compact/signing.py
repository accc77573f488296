"""What a root key may sign once only: one document of each number; the proof if it signed two.

Versions of the compact are numbered for all, delegations for each member. Whoever signs keeps a
line of each signature, and asks here before the next one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from liptako.core.compact.delegation import read_delegation
from liptako.core.compact.document import COMPACT_TYPE, Root
from liptako.core.compact.envelope import Envelope, keyid
from liptako.core.compact.versions import has_signed, read_version
from liptako.core.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which document it is: a version of the compact, or a delegation of a member; its number."""

    type: str
    member: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a key has signed: the hint at it, the place, the hash of the document."""

    keyid: str
    place: Place
    digest: bytes


def place_of(envelope: Envelope) -> Place:
    """Return where a version or a delegation stands. Raises MalformedError for anything else."""
    if envelope.type == COMPACT_TYPE:
        return Place(type=envelope.type, member="", number=read_version(envelope).document.version)
    delegation = read_delegation(envelope).delegation
    return Place(type=envelope.type, member=delegation.member, number=delegation.serial)


def line_for(envelope: Envelope, public: bytes) -> Line:
    """Return the line to keep before a key signs an envelope. Raises MalformedError."""
    return Line(keyid=keyid(public), place=place_of(envelope), digest=envelope.digest)


def check_unsigned(kept: Iterable[Line], new: Line) -> None:
    """Raise RefusedError if this key has signed another document in the same place."""
    for line in kept:
        if (line.keyid, line.place) == (new.keyid, new.place) and line.digest != new.digest:
            raise RefusedError(
                "this key has signed another document with number %(number)d already: "
                "two of them would be proof of a fraud",
                number=new.place.number,
            )


def proves_double(first: Envelope, second: Envelope, root: Root) -> bool:
    """Say whether two envelopes prove that a member has signed two documents in one place.

    Anybody can check it who knows the root keys. Raises MalformedError for what is no document.
    """
    return (
        place_of(first) == place_of(second)
        and first.payload != second.payload
        and has_signed(first, root)
        and has_signed(second, root)
    )
