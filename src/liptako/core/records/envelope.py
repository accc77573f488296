"""The header of a record: JSON bytes written once by the author, hashed and verified as sent.

A header never holds the substance, only what must stay provable when the payload is gone. Its
bytes are kept for ever; the value below is a reading of them (docs/spec/record.md).
"""

import enum
import re
from base64 import b64encode
from typing import Annotated, Any, Literal

import msgspec

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError
from liptako.core.records.attachments import (
    Attachment,
    AttachmentWire,
    attachment_fields,
    read_attachments,
)
from liptako.core.records.fields import (
    INT_LIMIT,
    Json,
    decode_exact,
    decode_fields,
    encode_fields,
    exact_decoder,
    read_base64,
)
from liptako.core.records.payload import PAYLOAD_LIMIT
from liptako.core.refs import (
    LEAF_BYTES,
    MEMBER_PATTERN,
    OBJECT_PATTERN,
    Ref,
    author_of,
    member_id,
    parse_object_id,
)

HEADER_LIMIT = 65_535  # bytes (protocol: Record)
HASH_BYTES = 32
_KIND_PATTERN = r"[a-z]+\.[a-z_]+/[1-9][0-9]{0,3}"
_KIND = re.compile(_KIND_PATTERN)
_SHORT = 64  # characters of a kind, an office, a marking, an audience id

_Name = Annotated[str, msgspec.Meta(max_length=_SHORT)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=INT_LIMIT)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
_Leaf = Annotated[bytes, msgspec.Meta(min_length=LEAF_BYTES, max_length=LEAF_BYTES)]
_Size = Annotated[int, msgspec.Meta(ge=0, le=PAYLOAD_LIMIT)]


class Precedence(enum.StrEnum):
    """How urgently a record travels, most urgent first."""

    FLASH = "flash"
    IMMEDIATE = "immediate"
    PRIORITY = "priority"
    ROUTINE = "routine"


class Lane(enum.StrEnum):
    """The two logs of a channel: what is urgent never queues behind what is not."""

    URGENT = "urgent"
    BULK = "bulk"


def lane_of(precedence: Precedence) -> Lane:
    """Return the lane that a precedence travels in."""
    urgent = precedence is Precedence.FLASH or precedence is Precedence.IMMEDIATE
    return Lane.URGENT if urgent else Lane.BULK


class PayloadStub(msgspec.Struct, frozen=True, kw_only=True):
    """What the header says of the payload: salted hash (32 bytes), size in bytes, media type."""

    hash: _Hash
    size: _Size
    type: str = "json"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A header as a value. `extra` holds the fields that this version does not know.

    A Struct: a node reads millions, and a frozen dataclass takes fifteen times as long to make.
    """

    kind: str
    author: str
    office: str
    audience: str
    compact: int
    object: str
    lamport: int
    time: Instant
    payload: PayloadStub
    precedence: Precedence = Precedence.ROUTINE
    marking: str = ""
    retain: Instant | None = None
    refs: tuple[Ref, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    extra: tuple[tuple[str, Any], ...] = ()  # any Json: msgspec knows no type that names itself

    def has_ended(self, now: Instant) -> bool:
        """Say whether the time is over for which the payload is to be kept."""
        return self.retain is not None and self.retain <= now


class _Stub(msgspec.Struct, forbid_unknown_fields=False):
    hash: str
    size: int
    type: str


class _Wire(msgspec.Struct):
    """The known fields as they stand in the bytes; a field left out has its default."""

    v: int
    kind: str
    author: str
    office: str
    audience: str
    compact: int
    object: str
    lamport: int
    time: int
    payload: _Stub
    precedence: Precedence = Precedence.ROUTINE
    marking: str = ""
    retain: int | None = None
    refs: list[tuple[str, int, str]] = []
    attachments: list[AttachmentWire] = []


def _whole(pattern: str) -> str:
    """Return a pattern that a whole text has to match."""
    return rf"\A{pattern}\Z"


class _Exact(msgspec.Struct, omit_defaults=True):
    """The same within its bounds, in the order in which we write it: the way to read millions."""

    v: Literal[1]
    kind: Annotated[str, msgspec.Meta(max_length=_SHORT, pattern=_whole(_KIND_PATTERN))]
    author: Annotated[str, msgspec.Meta(pattern=_whole(MEMBER_PATTERN))]
    office: _Name
    audience: _Name
    compact: _Number
    object: Annotated[str, msgspec.Meta(pattern=_whole(OBJECT_PATTERN))]
    lamport: Annotated[int, msgspec.Meta(gt=0, le=INT_LIMIT)]
    time: _Number
    payload: PayloadStub
    precedence: Precedence = Precedence.ROUTINE
    marking: _Name = ""
    retain: _Number | None = None
    refs: tuple[tuple[str, _Number, _Leaf], ...] = ()


_KNOWN = frozenset(_Wire.__struct_fields__)
_exact = exact_decoder(_Exact)


def encode_header(header: Header) -> bytes:
    """Write a header: known fields in a fixed order, defaults left out, then the unknown ones.

    Raises MalformedError for values that `decode_header` would refuse.
    """
    stub = header.payload
    fields: dict[str, Json] = {
        "v": 1,
        "kind": header.kind,
        "author": header.author,
        "office": header.office,
        "audience": header.audience,
        "compact": header.compact,
        "object": header.object,
        "lamport": header.lamport,
        "time": header.time.milliseconds,
        "payload": {"hash": b64encode(stub.hash).decode(), "size": stub.size, "type": stub.type},
    }
    fields |= _optional_fields(header) | dict(header.extra)
    data = encode_fields(fields)
    decode_header(data)
    return data


def _optional_fields(header: Header) -> dict[str, Json]:
    """Return the fields that are written only where they differ from their default."""
    fields: dict[str, Json] = {}
    if header.precedence is not Precedence.ROUTINE:
        fields["precedence"] = header.precedence.value
    if header.marking:
        fields["marking"] = header.marking
    if header.retain is not None:
        fields["retain"] = header.retain.milliseconds
    if header.refs:
        fields["refs"] = [
            [ref.origin, ref.seq, b64encode(ref.leaf).decode()] for ref in header.refs
        ]
    if header.attachments:
        fields["attachments"] = [attachment_fields(item) for item in header.attachments]
    return fields


def decode_header(data: bytes) -> Header:
    """Read a header. Raises MalformedError for another spelling, type, or a value out of bounds."""
    exact = decode_exact(data, _exact) if len(data) <= HEADER_LIMIT else None
    if exact is not None:
        return _exact_header(exact)
    fields = decode_fields(data, limit=HEADER_LIMIT)
    try:
        wire = msgspec.convert(fields, _Wire)
    except msgspec.ValidationError as cause:
        raise MalformedError("header: %(cause)s", cause=str(cause)) from cause
    _check_header(wire)
    return Header(
        kind=wire.kind,
        author=member_id(wire.author),
        office=wire.office,
        audience=wire.audience,
        compact=wire.compact,
        object=parse_object_id(wire.object),
        lamport=wire.lamport,
        time=Instant(wire.time),
        payload=_payload_stub(wire.payload),
        precedence=wire.precedence,
        marking=wire.marking,
        retain=None if wire.retain is None else Instant(wire.retain),
        refs=tuple(_ref(*ref) for ref in wire.refs),
        attachments=read_attachments(wire.attachments),
        extra=tuple((key, value) for key, value in fields.items() if key not in _KNOWN),
    )


def _exact_header(exact: _Exact) -> Header:
    """Return the header of what is within its bounds.

    Raises MalformedError for a time that nobody can write, or a wrong name in a reference.
    """
    return Header(
        kind=exact.kind,
        author=exact.author,
        office=exact.office,
        audience=exact.audience,
        compact=exact.compact,
        object=exact.object,
        lamport=exact.lamport,
        time=Instant(exact.time),
        payload=exact.payload,
        precedence=exact.precedence,
        marking=exact.marking,
        retain=None if exact.retain is None else Instant(exact.retain),
        refs=tuple(_exact_ref(*ref) for ref in exact.refs) if exact.refs else (),
    )


def _exact_ref(origin: str, seq: int, leaf: bytes) -> Ref:
    """Return one reference of a header. Raises MalformedError for a wrong name."""
    author_of(origin)
    return Ref(origin=origin, seq=seq, leaf=leaf)


def _check_header(wire: _Wire) -> None:
    """Raise MalformedError for a version, kind, length or number out of bounds."""
    if wire.v != 1:
        raise MalformedError("header: expected version 1, got %(got)d", got=wire.v)
    if not _KIND.fullmatch(wire.kind) or len(wire.kind) > _SHORT:
        raise MalformedError(
            "header: expected a kind such as situation.incident/1, got %(got)s", got=wire.kind[:60]
        )
    if max(len(wire.office), len(wire.marking), len(wire.audience)) > _SHORT:
        raise MalformedError("header: expected office, marking and audience within 64 characters")
    if not (0 < wire.lamport <= INT_LIMIT and wire.compact >= 0):
        raise MalformedError("header: expected a lamport above 0 and a compact of 0 or more")


def _payload_stub(stub: _Stub) -> PayloadStub:
    """Return what the header says of its payload. Raises MalformedError."""
    digest = read_base64(stub.hash, HASH_BYTES)
    if not 0 <= stub.size <= PAYLOAD_LIMIT:
        raise MalformedError(
            "payload: expected at most %(limit)d bytes, got %(got)d",
            limit=PAYLOAD_LIMIT,
            got=stub.size,
        )
    return PayloadStub(hash=digest, size=stub.size, type=stub.type)


def _ref(origin: str, seq: int, leaf: str) -> Ref:
    """Return one reference of a header. Raises MalformedError."""
    author_of(origin)
    if not 0 <= seq <= INT_LIMIT:
        raise MalformedError("reference: expected a place of 0 or more, got %(got)d", got=seq)
    return Ref(origin=origin, seq=seq, leaf=read_base64(leaf, LEAF_BYTES))
