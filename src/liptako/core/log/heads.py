"""Heads: what one node tells another that it holds, as a signed note.

The first thing in every exchange: origin, size and root of each log that the two may share, those
of the receiver included. From it the other side knows what to send; its word about the receiver's
own logs is a receipt in the making. Nothing in it tells of logs that the receiver may not have.
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
_EPOCH_LINE = 3
_MIN_LINES = 4
_EPOCH = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """From whom, to whom, and the logs that the sender holds, in the order of their origins.

    `epoch` is that of the sender's own logs.
    """

    sender: str
    recipient: str
    epoch: int = 1
    logs: tuple[Checkpoint, ...] = ()

    @property
    def age(self) -> tuple[int, int]:
        """What is greater in the later of two heads from one sender to one recipient.

        Within an epoch no log becomes shorter or is left out, so that their sizes add up to more
        and more. A node that was restored from a backup may hold less: its epoch is greater.
        """
        return self.epoch, sum(log.size for log in self.logs)

    def text(self) -> str:
        """Return the note text of these heads."""
        lines = [_FIRST, self.sender, self.recipient, str(self.epoch)]
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
    if not _EPOCH.fullmatch(lines[_EPOCH_LINE]):
        raise MalformedError("heads: expected an epoch, got %(got)s", got=lines[_EPOCH_LINE][:60])
    logs = tuple(parse_checkpoint(line.replace(" ", "\n") + "\n") for line in lines[_MIN_LINES:])
    heads = Heads(
        sender=member_id(lines[1]),
        recipient=member_id(lines[2]),
        epoch=int(lines[_EPOCH_LINE]),
        logs=logs,
    )
    origins = [log.origin for log in logs]
    if heads.text() != text or origins != sorted(set(origins)):
        raise MalformedError("heads: expected each log once, in the order of the origins")
    return heads
