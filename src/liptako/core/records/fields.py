"""The one spelling of JSON in records: what a parser accepts is what it would print itself.

Rules (docs/spec/record.md): UTF-8, one object, no white space between tokens, no key twice, no
floats, integers within ±(2^53−1), at most 32 levels, strings escaped as little as JSON allows and
without U+0000 (which databases cannot hold). The order of keys is the author's and is kept; unknown
fields are kept. Two readers can therefore never see two different things in the same bytes.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from liptako.core.errors import MalformedError

T = TypeVar("T")
Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

INT_LIMIT = 2**53 - 1  # what every JSON reader can hold exactly (RFC 8259, section 6)
DEPTH_LIMIT = 32  # levels: far below what any reader's stack can hold, so that all agree


def _refuse_float(text: str) -> float:
    """Refuse a number with a fraction or an exponent: degrees and money are whole numbers here."""
    raise ValueError("a float: " + text)


_NUL = b"\\u0000"  # in the one spelling there is no other way to write it
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * len(str(INT_LIMIT))  # a number beyond the limit has as many digits


_decoder: msgspec.json.Decoder[Json] = msgspec.json.Decoder(float_hook=_refuse_float)
_encoder = msgspec.json.Encoder()


def encode_fields(fields: Mapping[str, Json]) -> bytes:
    """Return the bytes of the fields in their own order. Raises MalformedError for a bad value."""
    try:
        data = _encoder.encode(fields)
    except (TypeError, ValueError, RecursionError, OverflowError) as cause:
        raise MalformedError("record: a field cannot be written as JSON") from cause
    decode_fields(data, limit=len(data))
    return data


def decode_fields(data: bytes, *, limit: int) -> dict[str, Json]:
    """Read one JSON object of at most `limit` bytes. Raises MalformedError for another spelling."""
    if len(data) > limit:
        raise MalformedError(
            "record: expected at most %(limit)d bytes, got %(got)d", limit=limit, got=len(data)
        )
    try:
        fields = _decoder.decode(data)
        same = _encoder.encode(fields) == data
    except (msgspec.DecodeError, ValueError, RecursionError) as cause:
        raise MalformedError(
            "record: expected JSON without floats, got %(got)s", got=_head(data)
        ) from cause
    if not same or not isinstance(fields, dict) or _NUL in data:
        raise MalformedError(
            "record: expected one JSON object, no spaces, no key twice, no U+0000, got %(got)s",
            got=_head(data),
        )
    if not _is_within_bounds(data):
        _check_values(fields.values(), DEPTH_LIMIT)
    return fields


def exact_decoder(of: type[T]) -> msgspec.json.Decoder[T]:
    """Return what `decode_exact` reads values of a type with."""
    return msgspec.json.Decoder(of, float_hook=_refuse_float)


def decode_exact(data: bytes, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Return the value of bytes that are exactly what we would write for it, or else nothing.

    Many times faster than `decode_fields`, which is to be asked where this gives nothing: the bytes
    may be good all the same, with fields of a later version or in another order.
    """
    try:
        value = decoder.decode(data)
        same = _encoder.encode(value) == data
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return value if same and _NUL not in data and _is_within_bounds(data) else None


def _is_within_bounds(data: bytes) -> bool:
    """Say whether a glance shows that no integer and no depth can be beyond what readers hold."""
    shallow = data.count(b"{") + data.count(b"[") <= DEPTH_LIMIT
    return shallow and _LONG not in data.translate(_DIGITS)


def _check_values(values: Iterable[Json], levels: int) -> None:
    """Raise MalformedError for an integer or a depth that some readers could not hold."""
    if not levels:
        raise MalformedError("record: expected at most %(limit)d levels", limit=DEPTH_LIMIT)
    for value in values:
        if isinstance(value, dict):
            _check_values(value.values(), levels - 1)
        elif isinstance(value, list):
            _check_values(value, levels - 1)
        else:
            _check_integer(value)


def _check_integer(value: Json) -> None:
    """Raise MalformedError for an integer that some readers could not hold exactly."""
    if isinstance(value, int) and not -INT_LIMIT <= value <= INT_LIMIT:
        raise MalformedError("record: expected integers within ±(2^53−1), got %(got)d", got=value)


def _head(data: bytes) -> str:
    """Return the beginning of unreadable bytes, fit for a message."""
    return repr(data[:40])[1:]


def read_base64(text: str, length: int) -> bytes:
    """Read standard base64 of a fixed length, in its one spelling. Raises MalformedError."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != length or b64encode(raw).decode() != text:
        raise MalformedError(
            "base64: expected %(expected)d bytes, got %(got)s", expected=length, got=text[:60]
        )
    return raw
