"""The bundle: what travels between two nodes, over HTTPS or on a stick, as a run of frames.

`magic ‖ zstd(frame*)`, each frame a 32-bit length and a MessagePack array. A package holds at most
256 entries with a proof against the checkpoint before it, so that every prefix which ends with a
package can be taken for good: a cut bundle loses at most one package. Sealing for the recipient is
in `sealed`; what the frames hold is in `frames`, what they prove in `verify` (docs/spec/bundle.md).
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import BinaryIO, get_args

import msgspec
import zstandard

from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.log.frames import EndFrame, Frame, Known, LaterFrame
from liptako.core.log.inflate import Inflater, cut_short, deflater
from liptako.core.records.payload import payload_hash

MAGIC = b"liptako bundle 1\n"
FRAME_LIMIT = 48 * 2**20  # bytes: 256 entries with the largest headers and payloads, and room
_LENGTH_BYTES = 4
_EMPTY_HASH = b'"payload":{"hash":""'


class _AnyFrame(msgspec.Struct, frozen=True, array_like=True):
    """The name of a frame; what stands behind it is passed over without being built."""

    name: str


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Known] = msgspec.msgpack.Decoder(Known)
_any_decoder: msgspec.msgpack.Decoder[_AnyFrame] = msgspec.msgpack.Decoder(_AnyFrame)
_NAMES = frozenset(frame.__struct_config__.tag for frame in get_args(Known))


class BundleWriter:
    """Writes the frames of one bundle to a stream; `close` ends it.

    `written` counts its bytes, `plain` those before compression.
    """

    def __init__(self, target: BinaryIO, size: int | None = None) -> None:
        """Write the magic and begin to compress: the better, the fewer bytes it is to have."""
        target.write(MAGIC)
        self._target = target
        self.written = self.plain = len(MAGIC)
        self._compressor = deflater(size)
        self._frames = 0

    def write(self, frame: Known) -> None:
        """Write one frame, so that a reader of what is written up to here can have it whole."""
        body = _encoder.encode(frame)
        data = len(body).to_bytes(_LENGTH_BYTES, "big") + body
        part = self._compressor.compress(data)
        part += self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        self._target.write(part)
        self.written += len(part)
        self.plain += len(data)
        self._frames += 1

    def close(self) -> None:
        """Write the last frame; the stream itself stays open."""
        self.write(EndFrame(self._frames))
        self._target.write(self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))


def add_cut(faults: list[LiptakoError]) -> None:
    """Add to what was found in a bundle that its end is missing, unless that was found already."""
    cut = cut_short()
    if cut.template not in [fault.template for fault in faults]:
        faults.append(cut)


def read_bundle(source: BinaryIO) -> Iterator[Frame]:
    """Give the frames of a bundle one by one, without the last.

    Raises MalformedError where the bytes are cut or wrong; what was given before stands.
    """
    if source.read(len(MAGIC)) != MAGIC:
        raise MalformedError("bundle: this is not a Liptako bundle of version 1")
    inflater = Inflater(source)
    count = 0
    while True:
        frame = _read_frame(inflater)
        if isinstance(frame, EndFrame):
            if frame.frames != count or not inflater.is_spent():
                raise MalformedError("bundle: expected nothing after its end")
            return
        count += 1
        yield frame


def _read_frame(inflater: Inflater) -> Frame:
    """Read one frame. Raises MalformedError."""
    length = int.from_bytes(inflater.read(_LENGTH_BYTES), "big")
    if length > FRAME_LIMIT:
        raise MalformedError(
            "bundle: expected a frame of at most %(limit)d bytes, got %(got)d",
            limit=FRAME_LIMIT,
            got=length,
        )
    data = inflater.read(length)
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        return _later_frame(data, cause)


def _later_frame(data: bytes, cause: Exception) -> LaterFrame:
    """Return a frame whose name is not known here. Raises MalformedError for any other fault."""
    name: str | None
    try:
        name = _any_decoder.decode(data).name
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        name = None
    if name is None or name in _NAMES:
        raise MalformedError("bundle: a frame cannot be read") from cause
    return LaterFrame(name)


def strip_hash(header: bytes, salt: bytes, body: bytes) -> bytes:
    """Return the header without its payload hash, which the receiver computes, if that is safe."""
    full = _EMPTY_HASH[:-1] + b64encode(payload_hash(salt, body)) + b'"'
    if header.count(full) != 1 or _EMPTY_HASH in header:
        return header
    return header.replace(full, _EMPTY_HASH)


def restore_hash(header: bytes, salt: bytes, body: bytes) -> bytes:
    """Return the header as its author wrote it, with the hash of the payload that came along."""
    if header.count(_EMPTY_HASH) != 1:
        return header
    digest = b64encode(payload_hash(salt, body))
    return header.replace(_EMPTY_HASH, _EMPTY_HASH[:-1] + digest + b'"', 1)
