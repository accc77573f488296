"""A foreign reader, part 4: bundle.md, Bytes and Frames. From the sealed file to typed frames."""

import io
from typing import NamedTuple

import msgspec
import pyrage
import zstandard

from tests.foreign.spelling import RefusedError, need

MAGIC = b"liptako bundle 1\n"
FRAME_LIMIT = 50_331_648
WINDOW = 8 << 20
_PIECE = 64


class Frame(NamedTuple):
    """A frame of a known name, its elements of the types that the page names."""

    name: str
    parts: tuple


def opened(sealed, identity):
    """Return what the seal gives, up to a damaged or missing tail; and whether it was whole."""
    target, whole = io.BytesIO(), True
    try:
        pyrage.decrypt_io(io.BytesIO(sealed), target, [pyrage.x25519.Identity.from_str(identity)])
    except Exception:  # noqa: BLE001 (pyrage raises errors of several kinds, which have no root)
        whole = False
    return target.getvalue(), whole


def stream_of(plain):
    """Return what zstd gives, block by block, up to a damaged tail; and whether it was whole."""
    need(plain.startswith(MAGIC), "magic")
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()
    found, rest, behind = [], plain[len(MAGIC) :], 0
    for behind in range(0, len(rest), _PIECE):
        if reader.eof:
            break
        try:
            found.append(reader.decompress(rest[behind : behind + _PIECE]))
        except zstandard.ZstdError:
            return b"".join(found), False
    padding = reader.unused_data + rest[behind if reader.eof else len(rest) :]
    return b"".join(found), reader.eof and not padding.strip(b"\0")


def frames_of(stream):
    """Give frames until one is refused or the bytes end; the last thing given: is all whole?"""
    at, count = 0, 0
    while at < len(stream):
        size = int.from_bytes(stream[at : at + 4], "big")
        data = stream[at + 4 : at + 4 + size]
        if len(stream) < at + 4 or size > FRAME_LIMIT or len(data) < size:
            break
        try:
            frame = read_frame(data)
        except RefusedError:
            break
        if frame is not None and frame.name == "end":
            yield frame.parts[0] == count and len(stream) == at + 4 + size
            return
        if frame is not None:
            yield frame
        at, count = at + 4 + size, count + 1
    yield False


def read_frame(data):
    """Return a frame; nothing for one of a name that this reader does not know."""
    try:
        raw = msgspec.msgpack.decode(data, type=list[msgspec.Raw])
        need(raw, "a frame has a name")
        name = msgspec.msgpack.decode(raw[0], type=str)
        types = TYPES.get(name)
        if types is None:
            return None
        need(len(raw) > len(types), f"{name}: an element is missing")
        parts = [_element(one, kind) for one, kind in zip(raw[1:], types, strict=False)]
    except (msgspec.MsgspecError, RecursionError, ValueError) as cause:
        raise RefusedError("frame") from cause
    return Frame(name, tuple(parts))


def _element(raw, kind):
    return msgspec.msgpack.decode(raw, type=kind)


_maybe = bytes | None
TYPES = {
    "deeds": (bytes,),
    "heads": (bytes,),
    "room": (int,),
    "shown": (str, list[int]),
    "channel": (str, list[str], str, bytes, int, bytes),
    "ahead": (int, bytes, _maybe, bytes, list[bytes]),
    "package": (int, list[bytes], list[_maybe], bytes, list[bytes], list[bytes]),
    "history": (str, bytes, int, bytes, list[bytes]),
    "receipt": (str, int, str, int, bytes),
    "carried": (str, str, bytes),
    "parcel": (str, str, bytes),
    "end": (int,),
}
