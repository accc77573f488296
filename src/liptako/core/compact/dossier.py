"""A dossier: a text file of cards, versions of the compact and delegations, one on each line.

What a node needs in order to trust, and what is carried from desk to desk until enough have signed.
Two dossiers are one when their lines stand in one file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from liptako.core.compact.delegation import DELEGATION_TYPE, Signed, read_delegation
from liptako.core.compact.document import (
    COMPACT_TYPE,
    RawMember,
    Signatory,
    read_signatory,
)
from liptako.core.compact.envelope import (
    ENVELOPE_LIMIT,
    Envelope,
    merge_envelopes,
    read_envelope,
    to_base64,
    write_envelope,
)
from liptako.core.compact.members import Compact, in_force
from liptako.core.compact.versions import Version, check_chain, read_version
from liptako.core.errors import MalformedError
from liptako.core.records.fields import Json, decode_fields, encode_fields

DOSSIER_LIMIT = 2**26  # bytes
_TYPES = {COMPACT_TYPE, DELEGATION_TYPE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A member as it wants to be named in the compact: its fields as they came, and read."""

    fields: dict[str, Json]
    member: Signatory


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Cards, and versions and delegations in the order of their numbers."""

    cards: tuple[Card, ...] = ()
    versions: tuple[Version, ...] = ()
    delegations: tuple[Signed, ...] = ()

    def line(self, member: str) -> tuple[Signed, ...]:
        """Return the delegations of a member."""
        return tuple(item for item in self.delegations if item.delegation.member == member)

    def compact(self) -> Compact:
        """Return the compact of the last version, all of it checked from the first version on.

        Raises MalformedError if there is none, RefusedError and VerificationError.
        """
        return in_force(check_chain(self.versions).document, self.delegations)


def dossier_of(envelopes: Iterable[Envelope], cards: Sequence[Card] = ()) -> Dossier:
    """Return a dossier of envelopes; the signatures over the same bytes are put together.

    Raises MalformedError for an envelope of another type.
    """
    merged: dict[tuple[str, bytes], Envelope] = {}
    for envelope in envelopes:
        if envelope.type not in _TYPES:
            raise MalformedError(
                "dossier: expected a compact or a delegation, got %(got)s", got=envelope.type
            )
        key = (envelope.type, envelope.payload)
        merged[key] = merge_envelopes(merged.get(key, envelope), envelope)
    versions = [read_version(item) for item in merged.values() if item.type == COMPACT_TYPE]
    signed = [read_delegation(item) for item in merged.values() if item.type == DELEGATION_TYPE]
    return Dossier(
        cards=tuple(cards),
        versions=tuple(sorted(versions, key=lambda item: item.document.version)),
        delegations=tuple(
            sorted(signed, key=lambda item: (item.delegation.member, item.delegation.serial))
        ),
    )


def read_dossier(data: bytes) -> Dossier:
    """Read a dossier without trusting it. Raises MalformedError."""
    if len(data) > DOSSIER_LIMIT:
        raise MalformedError(
            "dossier: expected at most %(limit)d bytes, got %(got)d",
            limit=DOSSIER_LIMIT,
            got=len(data),
        )
    cards: list[Card] = []
    envelopes: list[Envelope] = []
    for line in filter(None, map(bytes.strip, data.split(b"\n"))):
        fields = decode_fields(line, limit=ENVELOPE_LIMIT)
        if "payload" in fields:
            envelopes.append(read_envelope(line))
        else:
            cards.append(_card(fields))
    return dossier_of(envelopes, cards)


def write_dossier(dossier: Dossier) -> bytes:
    """Return the bytes of a dossier."""
    lines = [encode_fields(card.fields) for card in dossier.cards]
    lines += [write_envelope(version.envelope) for version in dossier.versions]
    lines += [write_envelope(signed.envelope) for signed in dossier.delegations]
    return b"".join(line + b"\n" for line in lines)


def join_dossiers(dossiers: Iterable[Dossier]) -> Dossier:
    """Return one dossier of several: cards once each, signatures put together."""
    parts = tuple(dossiers)
    cards = {encode_fields(card.fields): card for part in parts for card in part.cards}
    envelopes = [version.envelope for part in parts for version in part.versions]
    envelopes += [signed.envelope for part in parts for signed in part.delegations]
    return dossier_of(envelopes, tuple(cards.values()))


def make_card(signatory: Signatory) -> Card:
    """Return the card of a member."""
    root: dict[str, Json] = {
        "threshold": signatory.root.threshold,
        "keys": [to_base64(key) for key in signatory.root.keys],
    }
    return _card(
        {
            "id": signatory.id,
            "names": dict(signatory.names),
            "timezone": signatory.timezone,
            "root": root,
        }
    )


def _card(fields: dict[str, Json]) -> Card:
    """Return a card. Raises MalformedError."""
    try:
        raw = msgspec.convert(fields, RawMember)
    except msgspec.ValidationError as cause:
        raise MalformedError("card: %(cause)s", cause=str(cause)) from cause
    if {"state", "frozen"} & fields.keys():
        raise MalformedError("card: how a member stands is said by the compact, not by its card")
    return Card(fields=fields, member=read_signatory(raw))
