"""A compact for tests: root keys, cards, delegations, versions, signed as members would.

Pure: nothing here needs Django. Keys come from names, so that a test can make any of them again.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from liptako.core.clock import Instant
from liptako.core.compact.delegation import Delegation, Signed, read_delegation, write_delegation
from liptako.core.compact.document import Root, Signatory
from liptako.core.compact.dossier import Card, Dossier, dossier_of, make_card
from liptako.core.compact.draft import Changes, first_draft, next_draft
from liptako.core.compact.envelope import Envelope, sign_envelope
from liptako.core.compact.versions import Version, read_version
from liptako.core.keys import Ed25519Signer, signer_from_seed
from liptako.core.log.sealed import new_identity, recipient_of

UNTIL = Instant(1_800_000_000_000)
RECIPIENTS = tuple(recipient_of(new_identity()) for _ in range(3))


def signer(name: str) -> Ed25519Signer:
    """Return the signer of a name: `signer("root ML 0")`."""
    return signer_from_seed(hashlib.sha256(name.encode()).digest())


def roots(member: str, count: int = 1) -> list[Ed25519Signer]:
    """Return the signers of a member's root keys."""
    return [signer(f"root {member} {number}") for number in range(count)]


def card(
    member: str,
    *,
    keys: Iterable[Ed25519Signer] | None = None,
    threshold: int = 1,
    names: Mapping[str, str] | None = None,
    timezone: str = "UTC",
) -> Card:
    """Return the card of a member."""
    publics = tuple(key.public for key in keys or roots(member))
    return make_card(
        Signatory(
            id=member,
            names=names or {"fr": f"État {member}"},
            timezone=timezone,
            root=Root(threshold=threshold, keys=publics),
        )
    )


def signed_by(envelope: Envelope, keys: Iterable[Ed25519Signer]) -> Envelope:
    """Return an envelope with the signatures of these keys."""
    for key in keys:
        envelope = sign_envelope(envelope, key)
    return envelope


def delegated(
    member: str,
    *,
    before: Signed | None = None,
    keys: Iterable[Ed25519Signer] | None = None,
    **changes: Any,
) -> Signed:
    """Return a delegation of a member behind another one, signed with root keys."""
    fields: dict[str, Any] = {
        "sign": signer(f"node {member}").public,
        "seals": RECIPIENTS[:1],
        "pins": (bytes(32),),
        "until": UNTIL,
    }
    delegation = Delegation(
        member=member,
        serial=before.delegation.serial + 1 if before else 1,
        previous=before.envelope.digest if before else b"",
        **fields | changes,
    )
    return read_delegation(
        signed_by(write_delegation(delegation), roots(member) if keys is None else keys)
    )


def by(version: Version, *members: str) -> Version:
    """Return a version with the signatures of the first root key of these members."""
    return read_version(signed_by(version.envelope, [roots(member)[0] for member in members]))


def first(*members: str, approve: int | str = "all") -> Version:
    """Return a first version, signed by all."""
    draft = first_draft({"fr": "Entraide"}, map(card, members), {"fr": "Tous"}, approve)
    return by(draft, *members)


def after(before: Version, *members: str, **changes: Any) -> Version:
    """Return the version after another one with changes, signed by these members."""
    return by(next_draft(before, Changes(**changes)), *members)


def dossier(*versions: Version, delegations: Iterable[Signed] = ()) -> Dossier:
    """Return a dossier of versions and delegations."""
    return dossier_of([item.envelope for item in (*versions, *delegations)])
