"""Takes apart what zstd has pressed together, bit by bit: hostile bytes cannot fill the memory."""

from typing import BinaryIO

import zstandard

from liptako.core.errors import CutError, MalformedError

WINDOW_LOG = 23  # 8 MiB: what a reader must hold, on the oldest PC too
_STEP = 1024  # bytes of input at a time: at worst 32 MiB come out of them


def cut_short() -> CutError:
    """Return the error for a bundle whose end is missing."""
    return CutError("bundle: it is cut short; what came before its end was kept")


class Inflater:
    """Decompresses a stream bit by bit, so that hostile bytes cannot fill the memory."""

    def __init__(self, source: BinaryIO) -> None:
        """Read from a source; nothing is read yet."""
        self._source = source
        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << WINDOW_LOG)
        self._inflate = decompressor.decompressobj()
        self._ready = bytearray()

    def read(self, length: int) -> bytes:
        """Return exactly that many bytes. Raises MalformedError if there are fewer."""
        while len(self._ready) < length:
            self._fill()
        with memoryview(self._ready) as ready:
            data = bytes(ready[:length])
        del self._ready[:length]
        return data

    def is_spent(self) -> bool:
        """Say whether nothing is left but the mark that ends the compressed bytes, and padding.

        Raises MalformedError if that mark is missing.
        """
        while not (self._ready or self._inflate.eof):
            self._fill()
        return not self._ready and self._is_padding()

    def _is_padding(self) -> bool:
        """Say whether only zero bytes, if any, follow what was pressed together."""
        part = self._inflate.unused_data or self._source.read(_STEP)
        while part:
            if any(part):
                return False
            part = self._source.read(_STEP)
        return True

    def _fill(self) -> None:
        """Decompress some more bytes. Raises MalformedError if there are none, or wrong ones."""
        part = b"" if self._inflate.eof else self._source.read(_STEP)
        if not part:
            raise cut_short()
        try:
            self._ready += self._inflate.decompress(part)
        except zstandard.ZstdError as cause:
            raise MalformedError("bundle: the bytes are damaged") from cause
