"""Delegations as a node makes them: from its keys, behind the last one, signed by root keys."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from liptako.cli.files import read_file
from liptako.cli.material import Material, material, take_prepared
from liptako.cli.roots import Note, RootKey, sign_with
from liptako.core.clock import Instant
from liptako.core.compact.delegation import (
    ADVICE_DAYS,
    Delegation,
    Revoked,
    Signed,
    read_delegation,
    write_delegation,
)
from liptako.core.compact.document import Root
from liptako.core.compact.dossier import read_dossier
from liptako.core.compact.envelope import signed_with
from liptako.core.compact.members import Compact
from liptako.core.errors import RefusedError

CARD = "card.json"
LINE = "keys/delegations.json"
_DAY = 24 * 3600 * 1000  # milliseconds


def own_line(home: Path, member: str, root: Root) -> tuple[Signed, ...]:
    """Return the delegations of a node that has no compact yet.

    None if they are of other root keys: a new line begins.
    """
    if not (home / LINE).exists():
        return ()
    line = read_dossier(read_file(home / LINE)).line(member)
    return line if line and signed_with(line[-1].envelope, root.keys) else ()


def delegation_behind(
    line: Sequence[Signed],
    member: str,
    keys: Material,
    until: Instant,
    revoked: Iterable[Revoked] = (),
) -> Signed:
    """Return the delegation of these keys behind the last one, not yet signed."""
    last = line[-1] if line else None
    delegation = Delegation(
        member=member,
        serial=last.delegation.serial + 1 if last else 1,
        previous=last.envelope.digest if last else b"",
        sign=keys.sign,
        seals=keys.seals,
        pins=keys.pins,
        until=until,
        revoked=tuple(revoked),
    )
    return read_delegation(write_delegation(delegation))


def advised_until(now: Instant, days: int = ADVICE_DAYS) -> Instant:
    """Return the day by which the keys should be changed."""
    return Instant(now.milliseconds + days * _DAY)


def signed_with_roots(signed: Signed, roots: Iterable[RootKey], note: Note | None) -> Signed:
    """Return a delegation with the signatures of root keys. Raises RefusedError."""
    envelope = signed.envelope
    for root in roots:
        envelope = sign_with(root, envelope, note)
    return read_delegation(envelope)


def is_current(line: Sequence[Signed], root: Root, keys: Material) -> bool:
    """Say whether the last delegation names these keys and one of these root keys has signed it."""
    if not line or not signed_with(line[-1].envelope, root.keys):
        return False
    last = line[-1].delegation
    return Material(sign=last.sign, seals=last.seals, pins=last.pins) == keys


def check_own_keys(home: Path, member: str, compact: Compact) -> None:
    """Raise RefusedError if a compact gives this node keys that it does not hold."""
    wanted = compact.member(member).keys
    if not any(material(home, prepared=prepared).is_of(wanted) for prepared in (False, True)):
        raise RefusedError(
            "compact: the keys of %(member)s in it are not those of this node", member=member
        )


def settle_keys(home: Path, member: str, compact: Compact) -> bool:
    """Use the keys that were prepared, once they are in force; say whether that was so."""
    from liptako.ledger import pen
    from liptako.ledger.node import this_node

    wanted = compact.member(member).keys
    if material(home).is_of(wanted) or not material(home, prepared=True).is_of(wanted):
        return False
    taken = take_prepared(home)
    this_node.cache_clear()
    pen.sign_heads_again(this_node())
    return taken
