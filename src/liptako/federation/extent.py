"""How much goes into one bundle, and what it begins and ends with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from liptako.core.log.bundle import BundleWriter, PackageFrame
from liptako.core.log.delivery import Place
from liptako.core.log.heads import Heads
from liptako.federation import attachments, parcels
from liptako.federation.ahead import Lack
from liptako.ledger.reader import packages_of

_RATIO = 3  # bytes before compression for one after it, at least, of the records we know
_RESERVE = 256 * 2**10  # bytes that a strict limit keeps free: the largest entry, and receipts


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much goes into a bundle.

    `room` is how many bytes it should have at most (one package goes in any case), `answer` how
    many its answer; without `bulk` what is not urgent stays. A `standalone` one can be verified by
    somebody who holds nothing of its logs, and brings the files of its records: `files` bytes of
    them at most; a `strict` one never has more than `room`. `shown` is what the partner was shown
    ahead and kept. One that goes through a `carrier` is padded and leaves out what the carrier may
    have itself, and files.
    """

    room: int | None = None
    answer: int | None = None
    bulk: bool = True
    standalone: bool = False
    files: int | None = None
    strict: bool = False
    shown: frozenset[Place] = frozenset()
    carrier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a bundle begins with: what the partner has said it holds, and our signed heads."""

    said: Heads | None
    heads: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What went into a bundle: how many entries, and up to which size of each log."""

    count: int
    reached: Mapping[str, int]


class Budget:
    """What one bundle may still hold; without a limit, everything."""

    def __init__(self, extent: Extent, writer: BundleWriter) -> None:
        """Count what a writer has written."""
        self._room, self._writer, self._given = extent.room, writer, False
        self._ratio = 1 if extent.strict else _RATIO
        if extent.strict and extent.room is not None:
            self._room = max(extent.room - _RESERVE, 0)

    def take(self, lack: Lack) -> Iterator[PackageFrame]:
        """Give the packages of a log until nothing more fits in."""
        for package in packages_of(*lack, None if self._room is None else self.left):
            self._given = True
            yield package
            if self.is_spent:
                return

    @property
    def is_limited(self) -> bool:
        """Say whether something may be left for the next bundle."""
        return self._room is not None

    def left(self) -> int:
        """Return how many bytes of headers and payloads may still go in."""
        return self.bytes_left * self._ratio

    @property
    def bytes_left(self) -> int:
        """Return how many bytes may still go in that cannot be compressed."""
        if self._room is None:
            return parcels.PARCEL_LIMIT
        return max(self._room - self._writer.written, 0)

    def for_files(self, extent: Extent) -> attachments.Budget:
        """Return what is left for files: they go once all packages are through."""
        room = (self.bytes_left if extent.bulk else 0) if self.is_limited else extent.files
        return attachments.Budget(room=room, unasked=extent.standalone)

    @property
    def is_spent(self) -> bool:
        """Say whether the next package is for the next bundle."""
        return self._room is not None and self._given and self._writer.written >= self._room
