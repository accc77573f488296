"""Heads: what one node tells another that it holds, as a signed note.

The first thing in every exchange: origin, size and root of each log that the two may share, those
of the receiver included. From it the other side knows what to send, and which receipts are still
asked for. Nothing in it tells of logs that the receiver may not have.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from liptako.core.clock import Instant
from liptako.core.digest import Digest
from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import Signer
from liptako.core.log.checkpoint import Checkpoint, parse_checkpoint
from liptako.core.log.note import open_note, read_note, sign_note
from liptako.core.refs import member_id

_FIRST = "liptako.heads/1"
_AGE_LINE = 3
_MIN_LINES = 4
_AGE = re.compile(
    r"([1-9][0-9]{0,8}) (0|[1-9][0-9]{0,14}) ([0-9a-f]{16})(?: ([0-9a-f]{16}) ([0-9a-f]{16}))?"
)
_ASKED = re.compile(r"([A-Z0-9]{2,12})=(0|[1-9][0-9]{0,15})")
_LOG_PARTS = 3
HEADS_LIMIT = 2**20  # bytes: some ten thousand logs, where other notes have one head
_UNTOLD = Instant(0)
NO_TRUST = "0" * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A receipt that is wanted: who holds the log `origin` has `member`'s only up to `size`."""

    origin: str
    member: str
    size: int


@dataclass(frozen=True, kw_only=True)  # no slots: what is looked up for each log is kept
class Heads:
    """From whom, to whom, and the logs that the sender holds, in the order of their origins.

    `epoch` is that of the sender's own logs, `time` when it said so by its own clock, `trust` tells
    apart the deeds that it believes in, `digest` is how it judges the records of these logs if it
    can say so, `asked` are the receipts that it wants, in the order of origins and members.
    """

    sender: str
    recipient: str
    epoch: int = 1
    time: Instant = _UNTOLD
    trust: str = NO_TRUST
    digest: Digest | None = None
    logs: tuple[Checkpoint, ...] = ()
    asked: tuple[Asked, ...] = ()

    @property
    def total(self) -> int:
        """How many entries the sender holds in all."""
        return sum(log.size for log in self.logs)

    def is_later_than(self, other: "Heads") -> bool:
        """Say whether this is news after other heads from this sender to this recipient.

        Within an epoch no log becomes shorter, so that more entries are later ones, whatever the
        clock says. Who says later that it holds less was set back, or restored with a new epoch.
        After a clock was put right, two heads may each be news after the other: what that costs is
        an entry that is sent twice.
        """
        if self.epoch != other.epoch:
            return self.epoch > other.epoch
        return self.total > other.total or self.time > other.time

    def text(self) -> str:
        """Return the note text of these heads."""
        lines = [_FIRST, self.sender, self.recipient, self._age()]
        lines += [self._line(log) for log in self.logs]
        return "".join(f"{line}\n" for line in lines)

    def _age(self) -> str:
        """Return the line of epoch, time, trust and digest."""
        digest = f" {self.digest.basis} {self.digest.state}" if self.digest else ""
        return f"{self.epoch} {self.time.milliseconds} {self.trust}{digest}"

    def _line(self, log: Checkpoint) -> str:
        """Return the line of a log: origin, size, root, and the receipts that are wanted of it."""
        wanted = self._asked_of.get(log.origin, {}).items()
        asked = "".join(f" {member}={size}" for member, size in wanted)
        return f"{log.origin} {log.size} {b64encode(log.root).decode()}{asked}"

    @cached_property
    def _held(self) -> dict[str, Checkpoint]:
        """The logs by their origins."""
        return {log.origin: log for log in self.logs}

    @cached_property
    def _asked_of(self) -> dict[str, dict[str, int]]:
        """The receipts that are wanted of each log, by member."""
        found: dict[str, dict[str, int]] = {}
        for item in self.asked:
            found.setdefault(item.origin, {})[item.member] = item.size
        return found

    def size_of(self, origin: str) -> int:
        """Return how many entries of a log the sender holds, in one run from the first."""
        found = self._held.get(origin)
        return found.size if found else 0

    def root_of(self, origin: str) -> bytes:
        """Return the root that the sender has of a log, nothing if it holds none of it."""
        found = self._held.get(origin)
        return found.root if found else b""

    def wants(self, origin: str, member: str) -> int | None:
        """Return up to where the sender has a member's receipt, if it asks for a later one."""
        return self._asked_of.get(origin, {}).get(member)


def key_name(member: str) -> str:
    """Return the name under which a member's node signs its heads."""
    return f"{member}/node"


def sign_heads(heads: Heads, signer: Signer) -> bytes:
    """Return the signed heads."""
    return sign_note(heads.text(), key_name(heads.sender), signer, limit=HEADS_LIMIT)


def read_heads(data: bytes) -> Heads:
    """Return heads that were verified when they came, or whom to verify them against."""
    return _parse(read_note(data, limit=HEADS_LIMIT).text)


def signers_of(data: bytes) -> frozenset[bytes]:
    """Return the ids of the keys that heads say they are signed with. Raises MalformedError."""
    note = read_note(data, limit=HEADS_LIMIT)
    return frozenset(signature.key for signature in note.signatures)


def open_heads(data: bytes, *, sender: str, recipient: str, public: bytes) -> Heads:
    """Return the heads that `sender` signed for `recipient`. Raises on anything else."""
    heads = _parse(open_note(data, {key_name(sender): public}, limit=HEADS_LIMIT).text)
    if (heads.sender, heads.recipient) != (sender, recipient):
        raise VerificationError(
            "bundle: expected from %(sender)s to %(recipient)s, got from %(from)s to %(to)s",
            sender=sender,
            recipient=recipient,
            **{"from": heads.sender, "to": heads.recipient},
        )
    return heads


def _parse(text: str) -> Heads:
    """Read the text of heads. Raises MalformedError for any spelling but our own."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _MIN_LINES or lines[0] != _FIRST:
        raise MalformedError("heads: expected %(first)s, got %(got)s", first=_FIRST, got=text[:60])
    age = _AGE.fullmatch(lines[_AGE_LINE])
    if age is None:
        raise MalformedError(
            "heads: expected an epoch, a time and a trust, got %(got)s", got=lines[_AGE_LINE][:60]
        )
    digest = Digest(basis=age[4], state=age[5]) if age[4] else None
    logs, asked = _parse_logs(lines[_MIN_LINES:])
    heads = Heads(
        sender=member_id(lines[1]),
        recipient=member_id(lines[2]),
        epoch=int(age[1]),
        time=Instant(int(age[2])),
        trust=age[3],
        digest=digest,
        logs=logs,
        asked=asked,
    )
    origins = [log.origin for log in logs]
    if heads.text() != text or origins != sorted(set(origins)):
        raise MalformedError("heads: expected each log once, in the order of the origins")
    return heads


def _parse_logs(lines: Sequence[str]) -> tuple[tuple[Checkpoint, ...], tuple[Asked, ...]]:
    """Read the lines of the logs. Raises MalformedError."""
    logs: list[Checkpoint] = []
    asked: list[Asked] = []
    for line in lines:
        parts = line.split(" ")
        log = parse_checkpoint("\n".join(parts[:_LOG_PARTS]) + "\n")
        logs.append(log)
        asked += _parse_asked(log.origin, parts[_LOG_PARTS:])
    return tuple(logs), tuple(asked)


def _parse_asked(origin: str, parts: Sequence[str]) -> Iterator[Asked]:
    """Read which receipts of a log are wanted, each member once, in order. Raises MalformedError.

    The first one that is wrong ends it: of a few bytes repeated come hundreds of thousands.
    """
    before = ""
    for part in parts:
        match = _ASKED.fullmatch(part)
        if match is None or match[1] <= before:
            raise MalformedError("heads: expected receipts as ML=3, got %(got)s", got=part[:60])
        before = match[1]
        yield Asked(origin=origin, member=match[1], size=int(match[2]))
