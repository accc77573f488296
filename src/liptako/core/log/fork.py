"""A double history: an author has signed two heads of one log of which neither extends the other.

Two signed notes and two short proofs show it to anybody who knows the author's key, so that nobody
has to take the word of whoever found it.
"""

from collections.abc import Callable

import msgspec

from liptako.core.errors import MalformedError, VerificationError
from liptako.core.log.checkpoint import Checkpoint
from liptako.core.log.merkle import HASH_BYTES, verify_consistency

FORK_LIMIT = 2**18  # bytes: two notes and two proofs are far below


class View(msgspec.Struct, frozen=True):
    """One of two histories: the author's signed checkpoint, the root it had, and the way there.

    `proof` leads from `root`, over the entries that both histories count, to the checkpoint.
    """

    checkpoint: bytes
    root: bytes
    proof: tuple[bytes, ...] = ()


class Fork(msgspec.Struct, frozen=True):
    """Two histories of a log that differ within their first `size` entries."""

    origin: str
    size: int
    first: View
    second: View


Opener = Callable[[bytes, str], Checkpoint]
"""Returns a checkpoint of a log if its author signed it: `Compact.open_checkpoint`."""


def check_view(origin: str, size: int, view: View, opener: Opener) -> Checkpoint:
    """Return the checkpoint of a view in which the log had `view.root` at `size`.

    Raises MalformedError or VerificationError if its author has not signed that.
    """
    checkpoint = opener(view.checkpoint, origin)
    if len(view.root) != HASH_BYTES:
        raise MalformedError("%(origin)s: expected a root of 32 bytes", origin=origin)
    verify_consistency(
        size, checkpoint.size, old_root=view.root, new_root=checkpoint.root, proof=view.proof
    )
    return checkpoint


def check_fork(fork: Fork, opener: Opener) -> None:
    """Raise VerificationError or MalformedError unless both histories are signed and differ."""
    check_view(fork.origin, fork.size, fork.first, opener)
    check_view(fork.origin, fork.size, fork.second, opener)
    if fork.first.root == fork.second.root:
        raise VerificationError(
            "%(origin)s: both histories are the same up to %(size)d entries",
            origin=fork.origin,
            size=fork.size,
        )


def write_fork(fork: Fork) -> bytes:
    """Return a proof of a double history as JSON, bytes as base64: a file to hand to anybody."""
    return msgspec.json.format(msgspec.json.encode(fork), indent=1) + b"\n"


def read_fork(data: bytes) -> Fork:
    """Read a proof of a double history without trusting it. Raises MalformedError."""
    if len(data) > FORK_LIMIT:
        raise MalformedError("proof: expected at most %(limit)d bytes", limit=FORK_LIMIT)
    try:
        return msgspec.json.decode(data, type=Fork)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise MalformedError("proof: expected two signed histories of one log") from cause
