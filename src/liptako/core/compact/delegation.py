"""Delegations: a member's root keys say which keys its node signs, opens and serves with.

Numbered and chained, each signed by the member alone, so that keys change every month without the
other States. The newest one that the root keys in force have signed vouches for all before it, by
their hashes. A key that is taken back is good up to a size of each log, never up to a date.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from liptako.core.clock import Instant
from liptako.core.compact.document import DIGEST_BYTES, Root, read_previous, read_sizes
from liptako.core.compact.envelope import Envelope, from_base64, to_base64
from liptako.core.compact.versions import has_signed
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from liptako.core.keys import public_key
from liptako.core.log.sealed import check_recipient
from liptako.core.records.fields import INT_LIMIT, Json, decode_fields, encode_fields
from liptako.core.refs import member_id

DELEGATION_TYPE = "application/vnd.liptako.delegation+json"
DELEGATION_LIMIT = 2**18  # bytes
KEYS_LIMIT = 8  # age keys, and TLS keys, at a time
ADVICE_DAYS = 90
"""After so many days the keys of a node should have been changed; nothing stops if they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A signing key that was taken back, and the sizes of the member's logs it is good up to.

    In a log that is not named it is good for nothing.
    """

    key: bytes
    caps: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """What a member's node signs with; what to seal for it with, the present key first; its pins.

    `until` is the day by which the member means to change these keys: advice, checked by nobody.
    """

    member: str
    serial: int
    previous: bytes
    sign: bytes
    seals: tuple[str, ...]
    pins: tuple[bytes, ...]
    until: Instant
    revoked: tuple[Revoked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A delegation in its envelope."""

    delegation: Delegation
    envelope: Envelope


class _Revoked(msgspec.Struct):
    key: str
    caps: dict[str, int]


class _Delegation(msgspec.Struct):
    v: int
    member: str
    serial: int
    sign: str
    seal: list[str]
    tls: list[str]
    until: int
    previous: str = ""
    revoked: list[_Revoked] = []


def write_delegation(delegation: Delegation) -> Envelope:
    """Return the envelope of a delegation, not yet signed. Raises MalformedError for a bad one."""
    revoked: list[Json] = [
        {"key": to_base64(item.key), "caps": dict(item.caps)} for item in delegation.revoked
    ]
    fields: dict[str, Json] = {
        "v": 1,
        "member": delegation.member,
        "serial": delegation.serial,
        "previous": to_base64(delegation.previous),
        "sign": to_base64(delegation.sign),
        "seal": [*delegation.seals],
        "tls": [to_base64(pin) for pin in delegation.pins],
        "until": delegation.until.milliseconds,
        "revoked": revoked,
    }
    envelope = Envelope(type=DELEGATION_TYPE, payload=encode_fields(fields))
    read_delegation(envelope)
    return envelope


def read_delegation(envelope: Envelope) -> Signed:
    """Read a delegation without trusting it. Raises MalformedError."""
    if envelope.type != DELEGATION_TYPE:
        raise MalformedError(
            "delegation: expected %(expected)s, got %(got)s",
            expected=DELEGATION_TYPE,
            got=envelope.type,
        )
    try:
        raw = msgspec.convert(decode_fields(envelope.payload, limit=DELEGATION_LIMIT), _Delegation)
    except msgspec.ValidationError as cause:
        raise MalformedError("delegation: %(cause)s", cause=str(cause)) from cause
    if raw.v != 1 or not 1 <= raw.serial <= INT_LIMIT:
        raise MalformedError("delegation: expected v 1 and a serial from 1 upwards")
    sign = public_key(from_base64(raw.sign, "sign"))
    delegation = Delegation(
        member=member_id(raw.member),
        serial=raw.serial,
        previous=read_previous(raw.previous, raw.serial),
        sign=sign,
        seals=tuple(check_recipient(text) for text in raw.seal),
        pins=tuple(from_base64(text, "tls") for text in raw.tls),
        until=Instant(raw.until),
        revoked=tuple(_revoked(item, raw.member) for item in raw.revoked),
    )
    _check_keys(delegation)
    return Signed(delegation=delegation, envelope=envelope)


def _revoked(raw: _Revoked, member: str) -> Revoked:
    """Return a key that was taken back. Raises MalformedError."""
    key = public_key(from_base64(raw.key, "revoked"))
    return Revoked(key=key, caps=read_sizes(raw.caps, member))


def _check_keys(delegation: Delegation) -> None:
    """Raise MalformedError for no keys or too many, a wrong pin, or a key that is taken back."""
    for keys in (delegation.seals, delegation.pins):
        if not 1 <= len(set(keys)) == len(keys) <= KEYS_LIMIT:
            raise MalformedError(
                "delegation of %(member)s: expected 1 to %(limit)d keys of each kind, each once",
                member=delegation.member,
                limit=KEYS_LIMIT,
            )
    if any(len(pin) != DIGEST_BYTES for pin in delegation.pins):
        raise MalformedError(
            "delegation of %(member)s: expected 32 bytes of TLS key hash", member=delegation.member
        )


def line_of(held: Iterable[Signed], member: str, root: Root) -> tuple[Signed, ...]:
    """Return the delegations of a member from the first to the newest that its root keys signed.

    `held` may have those of others, and such as were signed with root keys that are no longer in
    force: the line goes back from the newest by the hashes. Of two with one serial the first that
    was held counts. Raises VerificationError if there is none, and what `check_line` raises.
    """
    ours = [signed for signed in held if signed.delegation.member == member]
    by_digest = {signed.envelope.digest: signed for signed in ours}
    heads = [signed for signed in ours if has_signed(signed.envelope, root)]
    line: list[Signed] = []
    step = max(heads, key=lambda signed: signed.delegation.serial, default=None)
    while step is not None:
        line.append(step)
        step = by_digest.get(step.delegation.previous)
    line.reverse()
    check_line(line, member, root)
    return tuple(line)


def check_line(chain: Sequence[Signed], member: str, root: Root) -> None:
    """Raise unless these are all delegations of a member from the first on.

    Its root keys must have signed the last one, which vouches for those before it by their hashes.
    Raises RefusedError if one is missing or of somebody else, or a key comes back or is left
    without a cap, and VerificationError if the last is not signed or one is not what it names.
    """
    gone: set[bytes] = set()
    before: Signed | None = None
    for signed in chain:
        _check_place(signed, before, member)
        delegation = signed.delegation
        gone |= {item.key for item in delegation.revoked}
        if before and before.delegation.sign not in gone | {delegation.sign}:
            raise RefusedError(
                "delegation %(serial)d of %(member)s: the signing key before it has no cap",
                serial=delegation.serial,
                member=member,
            )
        if delegation.sign in gone:
            raise RefusedError(
                "delegation %(serial)d of %(member)s: its signing key has been taken back",
                serial=delegation.serial,
                member=member,
            )
        before = signed
    if before is None or not has_signed(before.envelope, root):
        raise VerificationError(
            "%(member)s: no delegation is signed by its root keys of the compact", member=member
        )


def _check_place(signed: Signed, before: Signed | None, member: str) -> None:
    """Raise unless a delegation follows the one before it."""
    delegation = signed.delegation
    expected = before.delegation.serial + 1 if before else 1
    if (delegation.member, delegation.serial) != (member, expected):
        raise RefusedError(
            "expected delegation %(expected)d of %(member)s next, got %(serial)d of %(got)s",
            expected=expected,
            member=member,
            serial=delegation.serial,
            got=delegation.member,
        )
    if before and delegation.previous != before.envelope.digest:
        raise VerificationError(
            "delegation %(serial)d of %(member)s follows another one than that before it",
            serial=delegation.serial,
            member=member,
        )
