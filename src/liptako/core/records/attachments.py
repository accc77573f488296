"""Files that go with a record: the header names them by hash, their bytes lie outside the log.

The name is for people and for their disk: letters, digits, `.`, `-` and `_`, so that it can be no
path and tells nothing that a header, which is kept for ever, should not (docs/spec/record.md).
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from liptako.core.errors import MalformedError
from liptako.core.records.fields import Json, read_base64

ATTACHMENTS_LIMIT = 16  # in one record
SIZE_LIMIT = 2**30  # bytes; each node has a limit of its own below it
DIGEST_BYTES = 32
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,62}/[a-z0-9][a-z0-9.+-]{0,62}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file as a header names it: SHA-256 of its bytes, size in bytes, media type, name."""

    hash: bytes
    size: int
    type: str
    name: str


class AttachmentWire(msgspec.Struct):
    """A file as it stands in the bytes of a header."""

    hash: str
    size: int
    type: str
    name: str


def attachment_of(data: bytes, *, type_: str, name: str) -> Attachment:
    """Return how a header names a file of these bytes."""
    return Attachment(hash=sha256(data).digest(), size=len(data), type=type_, name=name)


def attachment_fields(item: Attachment) -> Json:
    """Return a file as it stands in a header."""
    digest = b64encode(item.hash).decode()
    return {"hash": digest, "size": item.size, "type": item.type, "name": item.name}


def read_attachments(found: Sequence[AttachmentWire]) -> tuple[Attachment, ...]:
    """Return the files of a header. Raises MalformedError for a value out of bounds."""
    if len(found) > ATTACHMENTS_LIMIT:
        raise MalformedError(
            "attachment: expected at most %(limit)d of them, got %(got)d",
            limit=ATTACHMENTS_LIMIT,
            got=len(found),
        )
    return tuple(map(_attachment, found))


def _attachment(wire: AttachmentWire) -> Attachment:
    """Return one file of a header. Raises MalformedError."""
    if not 0 < wire.size <= SIZE_LIMIT:
        raise MalformedError(
            "attachment: expected a size of 1 to %(limit)d bytes, got %(got)d",
            limit=SIZE_LIMIT,
            got=wire.size,
        )
    if not _TYPE.fullmatch(wire.type):
        raise MalformedError(
            "attachment: expected a type such as image/jpeg, got %(got)s", got=wire.type[:60]
        )
    if not _NAME.fullmatch(wire.name):
        raise MalformedError(
            "attachment: expected a name such as ML-2026-7K3F-1.jpg, got %(got)s",
            got=wire.name[:60],
        )
    digest = read_base64(wire.hash, DIGEST_BYTES)
    return Attachment(hash=digest, size=wire.size, type=wire.type, name=wire.name)
