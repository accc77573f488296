"""Heads: what one node tells another that it holds, as a signed note.

The first thing in every exchange: origin, size and root of each log that the two may share, those
of the receiver included. From it the other side knows what to send; its word about the receiver's
own logs is a receipt in the making. An epoch and a count tell which of two heads is the later one,
though a log may have become shorter: a node that was restored from a backup holds less than before.
"""

import re
from base64 import b64encode
from dataclasses import dataclass

from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import Signer
from liptako.core.log.checkpoint import Checkpoint, parse_checkpoint
from liptako.core.log.note import open_note, read_note, sign_note
from liptako.core.refs import member_id

_FIRST = "liptako.heads/1"
_AGE_LINE = 3
_MIN_LINES = 4
_AGE = re.compile(r"([1-9][0-9]{0,8}) (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """From whom, to whom, and the logs that the sender holds, in the order of their origins.

    `age` is the sender's epoch and how many entries it has taken: later heads have a greater one.
    """

    sender: str
    recipient: str
    age: tuple[int, int] = (1, 0)
    logs: tuple[Checkpoint, ...] = ()

    def text(self) -> str:
        """Return the note text of these heads."""
        epoch, count = self.age
        lines = [_FIRST, self.sender, self.recipient, f"{epoch} {count}"]
        lines += [f"{log.origin} {log.size} {b64encode(log.root).decode()}" for log in self.logs]
        return "".join(f"{line}\n" for line in lines)

    def size_of(self, origin: str) -> int:
        """Return how many entries of a log the sender holds, in one run from the first."""
        return next((log.size for log in self.logs if log.origin == origin), 0)


def key_name(member: str) -> str:
    """Return the name under which a member's node signs its heads."""
    return f"{member}/node"


def sign_heads(heads: Heads, signer: Signer) -> bytes:
    """Return the signed heads."""
    return sign_note(heads.text(), key_name(heads.sender), signer)


def read_heads(data: bytes) -> Heads:
    """Return heads that were verified when they came, or whom to verify them against."""
    return _parse(read_note(data).text)


def open_heads(data: bytes, *, sender: str, recipient: str, public: bytes) -> Heads:
    """Return the heads that `sender` signed for `recipient`. Raises on anything else."""
    heads = _parse(open_note(data, {key_name(sender): public}).text)
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
            "heads: expected an epoch and a count, got %(got)s", got=lines[_AGE_LINE][:60]
        )
    logs = tuple(parse_checkpoint(line.replace(" ", "\n") + "\n") for line in lines[_MIN_LINES:])
    heads = Heads(
        sender=member_id(lines[1]),
        recipient=member_id(lines[2]),
        age=(int(age[1]), int(age[2])),
        logs=logs,
    )
    origins = [log.origin for log in logs]
    if heads.text() != text or origins != sorted(set(origins)):
        raise MalformedError("heads: expected each log once, in the order of the origins")
    return heads
