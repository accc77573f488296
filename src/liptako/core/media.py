"""Which kind of file some bytes are, and photos without what the camera wrote beside the picture.

A camera notes where and when a photo was taken, with which device, sometimes a name or a film.
That is left out by leaving parts of the file out: the picture itself stays as it was, bit by bit,
and no decoder of pictures ever runs on what somebody hands in.
"""

from collections.abc import Iterator

from liptako.core.errors import MalformedError

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
SUFFIXES = {JPEG: "jpg", PNG: "png", PDF: "pdf"}

_JPEG_START, _PNG_START, _PDF_START = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-"
_SCAN, _END = 0xDA, 0xD9
_MARKER = 2  # bytes: 0xFF and which
_LENGTH = 2  # bytes of the length of a part
_APPS = range(0xE0, 0xF0)
_COMMENT = 0xFE
_KEPT_APPS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_JFIF_PLAIN = 16  # bytes of the part without a small picture in it
_RESTARTS = range(0xD0, 0xD8)
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
_TURNS = range(2, 9)  # 1 is upright: nothing need be said
_TAG_BYTES = 12
_PNG_KEPT = frozenset((b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD", b"pHYs"))


def type_of(data: bytes) -> str | None:
    """Return which of the kinds that are taken a file is, by its own bytes; nothing if none."""
    for start, kind in ((_JPEG_START, JPEG), (_PNG_START, PNG), (_PDF_START, PDF)):
        if data.startswith(start):
            return kind
    return None


def without_traces(data: bytes, kind: str) -> bytes:
    """Return a photo without what its camera wrote beside it; other kinds as they are.

    Raises MalformedError for a photo that is cut or damaged.
    """
    if kind == JPEG:
        return b"".join(_jpeg_parts(data))
    if kind == PNG:
        return _PNG_START + b"".join(_png_parts(data))
    return data


def _unreadable() -> MalformedError:
    """Return the error for a photo that is no such thing."""
    return MalformedError("attachment: this photo is cut short or damaged")


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    """Give what is kept of a JPEG file; what stands behind its end is left out too."""
    yield data[:_MARKER]
    at = _MARKER
    while True:
        code, end = _jpeg_part(data, at)
        if code == _END:
            yield data[at:end]
            return
        yield from _kept(code, data[at:end])
        at = end
        if code == _SCAN:
            end = _scan_end(data, at)
            yield data[at:end]
            at = end


def _jpeg_part(data: bytes, at: int) -> tuple[int, int]:
    """Return which part begins here and where it ends. Raises MalformedError."""
    if data[at : at + 1] != b"\xff" or at + _MARKER > len(data):
        raise _unreadable()
    code = data[at + 1]
    if code == _END:
        return code, at + _MARKER
    length = int.from_bytes(data[at + _MARKER : at + _MARKER + _LENGTH], "big")
    end = at + _MARKER + length
    if length < _LENGTH or end > len(data):
        raise _unreadable()
    return code, end


def _kept(code: int, part: bytes) -> Iterator[bytes]:
    """Give a part of a JPEG file if it belongs to the picture; of Exif only how it is turned."""
    body = part[_MARKER + _LENGTH :]
    if code == _COMMENT:
        return
    if code not in _APPS:
        yield part
    elif code in _KEPT_APPS and body.startswith(_KEPT_APPS[code]):
        if code != _APPS.start or len(body) + _LENGTH == _JFIF_PLAIN:
            yield part
    elif body.startswith(_EXIF) and (turn := _orientation(body[len(_EXIF) :])) in _TURNS:
        yield _turned(turn)


def _scan_end(data: bytes, at: int) -> int:
    """Return where the compressed picture that begins here ends. Raises MalformedError."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise _unreadable()
        code = data[at + 1]
        if code == 0xFF:  # noqa: PLR2004 (filling before a marker)
            at += 1
        elif code == 0 or code in _RESTARTS:
            at += _MARKER
        else:
            return at


def _orientation(tiff: bytes) -> int:
    """Return how a photo is turned, by its Exif; 0 if that is not told."""
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(tiff[:4])
    if order is None:
        return 0

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if order == "little" else "big")

    first = number(4, 4)
    for entry in range(min(number(first, 2), len(tiff) // _TAG_BYTES)):
        at = first + 2 + entry * _TAG_BYTES
        if number(at, 2) == _ORIENTATION:
            return number(at + 8, 2)
    return 0


def _turned(turn: int) -> bytes:
    """Return an Exif part that tells how the photo is turned, and nothing else."""
    tag = _ORIENTATION.to_bytes(2, "big") + b"\0\3\0\0\0\1" + turn.to_bytes(2, "big") + b"\0\0"
    body = _EXIF + b"MM\0*\0\0\0\10" + b"\0\1" + tag + b"\0\0\0\0"
    return b"\xff\xe1" + (len(body) + _LENGTH).to_bytes(2, "big") + body


def _png_parts(data: bytes) -> Iterator[bytes]:
    """Give what is kept of a PNG file: what the picture needs, and its colours."""
    at, name = len(_PNG_START), b""
    while name != b"IEND":
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if end > len(data) or not name.isalpha():
            raise _unreadable()
        if name[:1].isupper() or name in _PNG_KEPT:
            yield data[at:end]
        at = end
