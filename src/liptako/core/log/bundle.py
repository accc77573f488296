"""The bundle: what travels between two nodes, over HTTPS or on a stick, as a run of frames.

`magic ‖ zstd(frame*)`, each frame a 32-bit length and a MessagePack array. A package holds at most
256 entries with a proof against the checkpoint before it, so that every prefix which ends with a
package can be taken for good: a cut bundle loses at most one package. Sealing for the recipient is
in `sealed`; what the frames prove is in `verify` (docs/spec/bundle.md).
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, BinaryIO, get_args

import msgspec
import zstandard

from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.log.inflate import WINDOW_LOG, Inflater, cut_short
from liptako.core.records.payload import payload_hash

MAGIC = b"liptako bundle 1\n"
FRAME_LIMIT = 48 * 2**20  # bytes: 256 entries with the largest headers and payloads, and room
_LENGTH_BYTES = 4
_LEVEL = 10
_SHORT = 2**17  # bytes: what so slow a line is asked to carry at once is worth any pains
_LEVEL_OF_SHORT = 19
_RATIO = 4  # bytes before compression for one after it, of the records we know
_EMPTY_HASH = b'"payload":{"hash":""'

_Many = msgspec.Meta(max_length=2**16)
"""More parts than any good frame has: a list of millions would fill the memory unread."""


class HeadsFrame(msgspec.Struct, frozen=True, array_like=True, tag="heads"):
    """The sender's signed heads; always the first frame."""

    note: bytes


class DeedsFrame(msgspec.Struct, frozen=True, array_like=True, tag="deeds"):
    """The versions and delegations that the sender believes in: what its heads are judged by."""

    dossier: bytes


class RoomFrame(msgspec.Struct, frozen=True, array_like=True, tag="room"):
    """How many bytes the answer should have at most: what the line carries in a few seconds."""

    size: int


class ChannelFrame(msgspec.Struct, frozen=True, array_like=True, tag="channel"):
    """A log of which entries follow: its roster, lane, and the author's signed checkpoint.

    `start` entries go before; `frontier` holds their hashes as a compact range, so that a reader
    who does not hold them can verify the rest, or is empty.
    """

    origin: str
    roster: Annotated[tuple[str, ...], _Many]
    lane: str
    checkpoint: bytes
    start: int
    frontier: bytes


class PackageFrame(msgspec.Struct, frozen=True, array_like=True, tag="package"):
    """Up to 256 entries from place `start` on.

    `headers` without the payload hash where the payload is here; `bodies` with nothing for a
    payload that is withheld or gone; `seed` for all salts, or `salts` one by one; `proof` from the
    log up to here to the checkpoint.
    """

    start: int
    headers: Annotated[tuple[bytes, ...], _Many]
    bodies: Annotated[tuple[bytes | None, ...], _Many]
    seed: bytes
    salts: Annotated[tuple[bytes, ...], _Many]
    proof: Annotated[tuple[bytes, ...], _Many]


class AheadFrame(msgspec.Struct, frozen=True, array_like=True, tag="ahead"):
    """An entry of the log shown before its turn, with its inclusion proof in the checkpoint."""

    seq: int
    header: bytes
    body: bytes | None
    salt: bytes
    proof: Annotated[tuple[bytes, ...], _Many]


class ShownFrame(msgspec.Struct, frozen=True, array_like=True, tag="shown"):
    """What the sender was shown ahead of a log and has kept: places beyond those it holds."""

    origin: str
    places: Annotated[tuple[int, ...], _Many]


class ReceiptFrame(msgspec.Struct, frozen=True, array_like=True, tag="receipt"):
    """What a member signed that it stored of a log, but for the root, which its reader knows."""

    origin: str
    size: int
    member: str
    time: int
    signature: bytes


class HistoryFrame(msgspec.Struct, frozen=True, array_like=True, tag="history"):
    """What its author signed of a log that the receiver holds otherwise: once it had this root.

    `proof` leads from `root` over `size` entries to `checkpoint`.
    """

    origin: str
    checkpoint: bytes
    size: int
    root: bytes
    proof: Annotated[tuple[bytes, ...], _Many]


class WantFrame(msgspec.Struct, frozen=True, array_like=True, tag="want"):
    """A file that the sender lacks, named by a record for an audience, and how far it has it."""

    audience: str
    hash: bytes
    offset: int


class ChunkFrame(msgspec.Struct, frozen=True, array_like=True, tag="chunk"):
    """Some bytes of a file that a record for an audience names, from `offset` on."""

    audience: str
    hash: bytes
    offset: int
    data: bytes


class ParcelFrame(msgspec.Struct, frozen=True, array_like=True, tag="parcel"):
    """A bundle sealed for `recipient` on its way through a third member, who cannot read it.

    From `sender` for who carries it, or from who has carried it for its recipient.
    """

    sender: str
    recipient: str
    sealed: bytes


class CarriedFrame(msgspec.Struct, frozen=True, array_like=True, tag="carried"):
    """Says that a parcel is here: it is carried on, or has come to its recipient."""

    sender: str
    recipient: str
    digest: bytes


class LaterFrame(msgspec.Struct, frozen=True):
    """A frame that only a later version can read; it is passed over."""

    name: str


class _AnyFrame(msgspec.Struct, frozen=True, array_like=True):
    """The name of a frame; what stands behind it is passed over without being built."""

    name: str


class EndFrame(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The last frame, with how many came before it: without it the bundle was cut."""

    frames: int


Known = (
    DeedsFrame
    | HeadsFrame
    | RoomFrame
    | ShownFrame
    | ChannelFrame
    | AheadFrame
    | PackageFrame
    | ReceiptFrame
    | HistoryFrame
    | WantFrame
    | ChunkFrame
    | ParcelFrame
    | CarriedFrame
    | EndFrame
)
Frame = Known | LaterFrame

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
        short = size is not None and size <= _SHORT
        parameters = zstandard.ZstdCompressionParameters.from_level(
            _LEVEL_OF_SHORT if short else _LEVEL,
            source_size=_SHORT * _RATIO if short else 0,
            window_log=WINDOW_LOG,
        )
        self._compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
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
