"""Files in a bundle, checked by somebody who holds nothing: they are the ones that were named."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from liptako.core.errors import VerificationError
from liptako.core.log.bundle import ChunkFrame
from liptako.core.records.envelope import Header

File = tuple[str, bytes]
"""For which audience, and the hash."""


@dataclass(slots=True)
class _Coming:
    """A file as far as it has come, from its first byte on without a gap."""

    total: Any = field(default_factory=sha256)
    size: int = 0


class FileCheck:
    """Puts the files of a bundle together by their hashes alone, whatever their size."""

    def __init__(self) -> None:
        """Know of no file yet."""
        self._sizes: dict[File, int] = {}
        self._coming: dict[File, _Coming] = {}

    def name(self, header: Header) -> None:
        """Take note of the files that a record names."""
        for item in header.attachments:
            self._sizes[header.audience, item.hash] = item.size

    def take(self, frame: ChunkFrame) -> None:
        """Take some bytes of a file; of one that begins further on nothing can be said."""
        file = self._coming.setdefault((frame.audience, frame.hash), _Coming())
        if frame.offset == file.size:
            file.total.update(frame.data)
            file.size += len(frame.data)

    def faults(self) -> Iterator[VerificationError]:
        """Give the files that have come whole and are others than were named."""
        for (audience, digest), file in self._coming.items():
            size = self._sizes.get((audience, digest))
            if size is not None and file.size >= size and file.total.digest() != digest:
                yield VerificationError(
                    "attachment %(digest)s: it is another file than the one that was named",
                    digest=digest.hex(),
                )
