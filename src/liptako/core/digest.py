"""The digest that two partners compare: how a node judges the records of the logs that both hold.

Computed from nothing but what docs/spec/state.md says of a record, so that any other program comes
to the same. Sums by exclusive or: what is counted once more is taken out again, so a node keeps one
number for each log and reads no record again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

SUM_BYTES = 32
_SHOWN = 8  # bytes of each sum that two partners compare
_NOTHING = ("liptako basis v1", "liptako state v1")


class Basis(StrEnum):
    """What a node lacks to judge a record as others do: its payload, or knowledge of its kind."""

    NO_PAYLOAD = "no-payload"
    NO_KIND = "no-kind"


class State(StrEnum):
    """What a node holds of a record that it does not fold."""

    WAITING = "waiting"
    REJECTED = "rejected"


def term(origin: str, seq: int, word: Basis | State) -> int:
    """Return what a word about the record at a place of a log adds to a sum, or takes out again."""
    return int.from_bytes(hashlib.sha256(f"{origin} {seq} {word}\n".encode()).digest(), "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The sums over the records of a log, or of several."""

    basis: int = 0
    state: int = 0

    def __xor__(self, other: "Sums") -> "Sums":
        """Return the sums over the records of both."""
        return Sums(basis=self.basis ^ other.basis, state=self.state ^ other.state)

    def with_word(self, origin: str, seq: int, word: Basis | State) -> "Sums":
        """Return the sums with a word about a record; without it if it was there before."""
        added = term(origin, seq, word)
        return self ^ (Sums(basis=added) if isinstance(word, Basis) else Sums(state=added))


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What two partners compare: 16 hexadecimal digits each."""

    basis: str
    state: str


def digest_of(logs: Iterable[Sums]) -> Digest:
    """Return the digest of a set of logs."""
    total = Sums()
    for sums in logs:
        total ^= sums
    return Digest(basis=_shown(total.basis, 0), state=_shown(total.state, 1))


def _shown(total: int, which: int) -> str:
    """Return how a sum is written; that over no words is not zero, which says nothing at all."""
    nothing = hashlib.sha256(_NOTHING[which].encode()).digest()
    mixed = total ^ int.from_bytes(nothing, "big")
    return mixed.to_bytes(SUM_BYTES, "big")[:_SHOWN].hex()


def judges_otherwise(mine: Digest, theirs: Digest) -> bool:
    """Say whether two nodes that hold the same logs judge them differently, for no good reason.

    Where one of them lacks a payload that the other has, or does not know a kind, nothing follows.
    """
    return mine.basis == theirs.basis and mine.state != theirs.state
