"""A record as modules see it: header and payload together, under the thread it belongs to."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError
from liptako.core.records.attachments import Attachment
from liptako.core.records.envelope import Header, Precedence
from liptako.core.refs import LEAF_BYTES, Ref


class Thread(NamedTuple):
    """What is folded together: the records of one author about one object for one audience.

    Nothing from another audience enters, so two nodes that share an audience draw the same rows.
    """

    author: str
    object: str
    audience: str

    @property
    def key(self) -> str:
        """The thread as one text, the primary key of what is drawn from it."""
        return "/".join(self)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record in its place. `payload` is nothing once it was erased or withheld.

    A Struct, as its header is: a node draws millions.
    """

    origin: str
    seq: int
    leaf: bytes
    header: Header
    payload: Any  # the Struct that the kind registered; each fold knows its own

    @property
    def thread(self) -> Thread:
        """Where the record is folded."""
        return Thread(self.header.author, self.header.object, self.header.audience)

    @property
    def order(self) -> tuple[int, str, str, int]:
        """The order of folding: the same on every node, whatever arrived first."""
        return (self.header.lamport, self.header.author, self.origin, self.seq)

    @property
    def ref(self) -> Ref:
        """How another record names this one."""
        return Ref(origin=self.origin, seq=self.seq, leaf=self.leaf[:LEAF_BYTES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record before it is written. No audience means the State itself."""

    kind: str
    object: str
    office: str
    payload: msgspec.Struct
    audience: frozenset[str] = frozenset()
    precedence: Precedence = Precedence.ROUTINE
    marking: str = ""
    retain: Instant | None = None
    refs: tuple[Ref, ...] = ()
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that breaks a rule, and which."""

    record: Record
    reason: LiptakoError = field(compare=False)


def is_flash(header: Header | None) -> bool:
    """Say whether a record may be shown ahead of its place in the log."""
    return header is not None and header.precedence is Precedence.FLASH


def retain_of(header: Header | None) -> int | None:
    """Return when the payload of a record is to be deleted (ms UTC), if it is."""
    return header.retain.milliseconds if header and header.retain else None
