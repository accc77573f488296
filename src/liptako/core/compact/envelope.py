"""Envelopes (DSSE 1.0): bytes of a type and the signatures over both, by several keys.

Knows the format, what is signed, and which keys have signed. What the bytes mean, and how many keys
are enough, is left to others. A signature by an unknown key proves nothing and harms nothing.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from liptako.core.errors import MalformedError
from liptako.core.keys import SIGNATURE_BYTES, Signer, verifies
from liptako.core.records.fields import Json, decode_fields, encode_fields

ENVELOPE_LIMIT = 2**21  # bytes: a payload of 1 MiB in base64, and its signatures
SIGNATURES_LIMIT = 1_024
_KEYID_BYTES = 16


@dataclass(frozen=True, slots=True, order=True)
class Signature:
    """A signature under the hint at its key."""

    keyid: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What was signed, as bytes, what it is, and by whom."""

    type: str
    payload: bytes
    signatures: tuple[Signature, ...] = ()

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the payload: what its successor names as the one before."""
        return hashlib.sha256(self.payload).digest()

    def pae(self) -> bytes:
        """Return the bytes that are signed (DSSE protocol 1.0.0, "Signature definition")."""
        type_ = self.type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(self.payload), self.payload)


class _Signature(msgspec.Struct):
    sig: str
    keyid: str = ""


class _Envelope(msgspec.Struct):
    payload: str
    payloadType: str  # noqa: N815 (the name that DSSE gives)
    signatures: list[_Signature]


def keyid(public: bytes) -> str:
    """Return the hint at a public key: the first 16 bytes of its SHA-256, in hexadecimal digits."""
    return hashlib.sha256(public).digest()[:_KEYID_BYTES].hex()


def read_envelope(data: bytes) -> Envelope:
    """Read an envelope without trusting it. Raises MalformedError."""
    try:
        raw = msgspec.convert(decode_fields(data.strip(), limit=ENVELOPE_LIMIT), _Envelope)
        signatures = {Signature(item.keyid, _from_base64(item.sig)) for item in raw.signatures}
        payload = _from_base64(raw.payload)
    except (msgspec.ValidationError, ValueError) as cause:
        raise MalformedError("envelope: %(cause)s", cause=str(cause)) from cause
    if len(raw.signatures) > SIGNATURES_LIMIT:
        raise MalformedError(
            "envelope: expected at most %(limit)d signatures", limit=SIGNATURES_LIMIT
        )
    if any(len(signature.raw) != SIGNATURE_BYTES for signature in signatures):
        raise MalformedError("envelope: expected signatures of 64 bytes")
    return Envelope(type=raw.payloadType, payload=payload, signatures=tuple(sorted(signatures)))


def write_envelope(envelope: Envelope) -> bytes:
    """Return the bytes of an envelope: one line, without its end."""
    signatures: list[Json] = [
        {"keyid": signature.keyid, "sig": to_base64(signature.raw)}
        for signature in envelope.signatures
    ]
    return encode_fields(
        {
            "payload": to_base64(envelope.payload),
            "payloadType": envelope.type,
            "signatures": signatures,
        }
    )


def sign_envelope(envelope: Envelope, signer: Signer) -> Envelope:
    """Return the envelope with a signature more; unchanged if that key has signed already."""
    if signed_with(envelope, [signer.public]):
        return envelope
    added = Signature(keyid(signer.public), signer.sign(envelope.pae()))
    return replace(envelope, signatures=tuple(sorted({*envelope.signatures, added})))


def merge_envelopes(first: Envelope, second: Envelope) -> Envelope:
    """Return the first envelope with the signatures of the second over the same bytes too."""
    return replace(first, signatures=tuple(sorted({*first.signatures, *second.signatures})))


def signed_with(envelope: Envelope, publics: Iterable[bytes]) -> frozenset[bytes]:
    """Return which of these public keys have signed.

    A key is found by its hint, as `keyid` makes it (DSSE: a hint may be wrong, so nothing is
    believed because of it); a wrong signature counts as none (DSSE protocol, "Protocol", verify).
    """
    known = {keyid(public): public for public in publics}
    message = envelope.pae()
    return frozenset(
        public
        for signature in envelope.signatures
        if (public := known.get(signature.keyid)) and verifies(public, message, signature.raw)
    )


def to_base64(raw: bytes) -> str:
    """Return bytes as they stand in documents (RFC 4648, section 4)."""
    return b64encode(raw).decode()


def _from_base64(text: str) -> bytes:
    """Return the bytes of a text. Raises ValueError for any spelling but `to_base64`'s."""
    raw = b64decode(text, validate=True)
    if to_base64(raw) != text:
        raise ValueError("base64 with bits left over")
    return raw


def from_base64(text: str, what: str) -> bytes:
    """Return the bytes of a text. Raises MalformedError, which names what it was to be."""
    try:
        return _from_base64(text)
    except ValueError as cause:
        raise MalformedError("%(what)s: expected base64", what=what) from cause
