"""How much goes into one bundle, and what it begins and ends with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from liptako.core.log.bundle import BundleWriter
from liptako.core.log.delivery import Place
from liptako.core.log.frames import PackageFrame
from liptako.core.log.heads import Heads
from liptako.federation import attachments, parcels
from liptako.federation.ahead import Lack
from liptako.ledger.reader import packages_of

_CRUMBS = 8  # less than this part of the room is left alone: each package has a proof of its own
_SHARE_OF_REST = 4  # one of so many parts of the room is left where something urgent goes
_BEST = 6  # bytes before compression for one after it that are counted on at most
_RESERVE = 256 * 2**10  # bytes that a strict limit keeps free: the largest entry, and receipts


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much goes into a bundle.

    `room` is how many bytes it should have at most (one package goes in any case), `answer` how
    many its answer; without `bulk` what is not urgent stays. A `standalone` one can be verified by
    somebody who holds nothing of its logs, and brings the files of its records: `files` bytes of
    them at most; a `strict` one never has more than `room`. `shown` is what the partner was shown
    ahead and kept. One that goes through a `carrier` is padded and leaves out what the carrier may
    have itself, and files. One that `follows` another before the answer to that is here brings only
    more of the logs and files: the rest went with the other. A `brief` one brings none of these,
    but what overtakes.
    """

    room: int | None = None
    answer: int | None = None
    bulk: bool = True
    standalone: bool = False
    files: int | None = None
    strict: bool = False
    shown: frozenset[Place] = frozenset()
    carrier: str = ""
    follows: bool = False
    brief: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a bundle begins with: what the partner has said it holds, and our signed heads.

    `course` goes on from one volume of a set to the next, and so do the `given` parcels: from whom
    and for whom those are that an earlier one has.
    """

    said: Heads | None
    heads: bytes
    course: attachments.Course
    given: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What went into a bundle: entries, bytes of files, parcels, up to which size of each log."""

    count: int
    files: int
    parcels: int
    reached: Mapping[str, int]


class Budget:
    """What one bundle may still hold; without a limit, everything."""

    def __init__(self, extent: Extent, writer: BundleWriter) -> None:
        """Count what a writer has written."""
        self._room, self._writer, self._given = extent.room, writer, False
        self._is_strict = extent.strict
        if extent.strict and extent.room is not None:
            self._room = max(extent.room - _RESERVE, 0)

    def take(self, lack: Lack) -> Iterator[PackageFrame]:
        """Give the packages of a log until nothing more fits in."""
        for package in packages_of(
            *lack.span, None if self._room is None else self.left, signed=lack.signed
        ):
            self._given = True
            yield package
            if self.is_spent:
                return

    def hurry(self) -> None:
        """Leave little room for the rest: what is urgent is read when all of its bundle is there.

        Not none: a log that the partner cannot take must not stop the others for ever.
        """
        if self._room is not None:
            self._room //= _SHARE_OF_REST

    @property
    def is_limited(self) -> bool:
        """Say whether something may be left for the next bundle."""
        return self._room is not None

    def left(self) -> int:
        """Return how many bytes of headers and payloads may still go in.

        As many more as compression has made of the packages so far; nothing is counted on before
        the first one, for a page of noise takes as long on the line as five of words.
        """
        if self._is_strict or not self._given:
            return self.bytes_left
        return int(self.bytes_left * min(self._writer.plain / self._writer.written, _BEST))

    @property
    def bytes_left(self) -> int:
        """Return how many bytes may still go in that cannot be compressed."""
        if self._room is None:
            return parcels.PARCEL_LIMIT
        return max(self._room - self._writer.written, 0)

    def for_files(self, extent: Extent) -> attachments.Budget:
        """Return what is left for files: they go once all packages are through."""
        room = (
            (self.bytes_left if extent.bulk and not extent.brief else 0)
            if self.is_limited
            else extent.files
        )
        return attachments.Budget(room=room, unasked=extent.standalone)

    @property
    def is_spent(self) -> bool:
        """Say whether the next package is for the next bundle."""
        if self._room is None or not self._given:
            return False
        return self.bytes_left <= (0 if self._is_strict else self._room // _CRUMBS)
