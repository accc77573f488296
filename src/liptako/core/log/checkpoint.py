"""Checkpoints (C2SP tlog-checkpoint 1.0.0): a log's origin, size and root, signed by its author."""

from base64 import b64decode, b64encode
from dataclasses import dataclass

from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import Signer
from liptako.core.log.merkle import HASH_BYTES, CompactRange
from liptako.core.log.note import open_note, sign_note

_SIZE_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of one log: its origin, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note text of this checkpoint."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def head_of(origin: str, log: CompactRange) -> Checkpoint:
    """Return the head of a log from its compact range."""
    return Checkpoint(origin=origin, size=log.size, root=log.root())


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Return the signed checkpoint; its key is named like the origin (tlog-checkpoint)."""
    return sign_note(checkpoint.text(), checkpoint.origin, signer)


def open_checkpoint(data: bytes, origin: str, public: bytes) -> Checkpoint:
    """Return a checkpoint that the holder of `public` signed for `origin`.

    Raises MalformedError or VerificationError.
    """
    checkpoint = parse_checkpoint(open_note(data, {origin: public}).text)
    if checkpoint.origin != origin:
        raise VerificationError(
            "checkpoint: expected the log %(expected)s, got %(got)s",
            expected=origin,
            got=checkpoint.origin,
        )
    return checkpoint


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint. Extension lines are refused: nobody audits them."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) == 3 and lines[1].isdecimal() and len(lines[1]) <= _SIZE_DIGITS:  # noqa: PLR2004
        try:
            root = b64decode(lines[2], validate=True)
        except ValueError:
            root = b""
        checkpoint = Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
        if len(root) == HASH_BYTES and lines[0] and checkpoint.text() == text:
            return checkpoint
    raise MalformedError("checkpoint: expected origin, size and root, got %(got)s", got=text[:60])
