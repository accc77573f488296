"""Takes in versions of the compact and keys of members, from a partner's bundle or a file.

They prove themselves: who hands them on does not matter. The first compact of a node is compared
aloud; what changes the keys of this node itself is left to the commands that change its files.

A partner that was cut off while this node changed its TLS key twice no longer knows whom it calls:
it asks for the deeds alone, which need no one to be trusted, and then for everything else.
"""

import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from django.db import transaction

from liptako.core.compact.dossier import read_dossier, write_dossier
from liptako.core.compact.members import Compact, compact_phrase
from liptako.core.errors import LiptakoError, MalformedError, RefusedError
from liptako.core.log.bundle import BundleWriter, read_bundle
from liptako.core.log.frames import DeedsFrame
from liptako.core.log.sealed import recipients_of, seal, unseal
from liptako.federation import adopting
from liptako.federation.client import Client
from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.members.actions import record_audit
from liptako.members.permissions import Actor, Right, require

logger = logging.getLogger(__name__)

DEEDS_LIMIT = 2**20  # bytes of them in a bundle; more goes by file


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a file would bring: the compact that would be in force, and its phrase."""

    compact: Compact
    phrase: str
    is_first: bool


def take_deeds(node: Node, dossier: bytes) -> list[LiptakoError]:
    """Take in what a bundle brings that is new; return what is wrong with it.

    On a node that stands alone nothing is taken: its first compact is compared aloud.
    """
    held = compacts.current()
    if not held.version:
        return []
    try:
        if len(dossier) > DEEDS_LIMIT:
            raise MalformedError(
                "compact: expected at most %(limit)d bytes, got %(got)d",
                limit=DEEDS_LIMIT,
                got=len(dossier),
            )
        if not compacts.examine(dossier).is_news:
            return []
        _adopt(node, dossier, None)
    except LiptakoError as fault:
        return [fault]
    return []


def deeds_for(member: str) -> bytes:
    """Return a bundle with nothing but our deeds, sealed for a member: nobody else can read it.

    Raises RefusedError for a stranger to the compact, or one that does not take part.
    """
    keys = compacts.current().check_exchange(member).keys
    plain, sealed = io.BytesIO(), io.BytesIO()
    writer = BundleWriter(plain)
    writer.write(DeedsFrame(write_dossier(compacts.dossier())))
    writer.close()
    plain.seek(0)
    seal(plain, sealed, keys.seal)
    return sealed.getvalue()


def learns_keys(node: Node, member: str, url: str, client: Client) -> bool:
    """Ask whoever answers at a partner's address for deeds; say whether they change its keys.

    Who hands them on does not matter: what the member's root keys have not signed is not taken.
    """
    before = compacts.current().check_exchange(member).keys
    try:
        plain = io.BytesIO()
        unseal(io.BytesIO(client.deeds(url, node.member)), plain, node.identity)
        plain.seek(0)
        first = next(read_bundle(plain), None)
    except LiptakoError as fault:
        logger.warning("deeds from %s: %s", member, fault)
        return False
    for wrong in take_deeds(node, first.dossier) if isinstance(first, DeedsFrame) else ():
        logger.warning("deeds from %s: %s", member, wrong)
    return compacts.current().member(member).keys != before


def offer(data: bytes) -> Offer:
    """Say what a file would bring, and change nothing. Raises what `compacts.examine` raises."""
    found, held = read_dossier(data), compacts.current()
    if not found.versions and not (found.delegations and held.version):
        raise MalformedError("compact: expected a version of it")
    last = found.versions[-1].envelope.payload if found.versions else compacts.document()
    return Offer(
        compact=compacts.examine(data).compact,
        phrase=compact_phrase(last),
        is_first=not held.version,
    )


def adopt(node: Node, actor: Actor, data: bytes, phrase: str) -> Compact:
    """Take in a file, the first compact once its phrase was confirmed; return what is in force.

    Raises NotAllowedError; RefusedError for another phrase or a change of this node's own keys; and
    what `compacts.adopt` raises.
    """
    require(actor, Right.MANAGE_COMPACT)
    found = offer(data)
    if found.is_first and phrase.split() != found.phrase.split():
        raise RefusedError("the groups of digits are not the same: the compact was not adopted")
    return _adopt(node, data, actor)


def _adopt(node: Node, data: bytes, actor: Actor | None) -> Compact:
    """Take in deeds that leave the keys of this node as they are."""
    before = compacts.current().version
    with transaction.atomic():
        intake = compacts.examine(data)
        if not intake.faults:
            _check_own_keys(node, intake.compact)
            compact, _gone = adopting.adopt(node, data, partial(note_gone, node))
            if compact.version > before:
                record_audit(node, "compact.adopt", actor=actor, detail=str(compact.version))
            return compact
    return compacts.adopt(data, node.member, node.clock)  # keeps the proof, and raises


def note_gone(node: Node, gone: Mapping[str, int]) -> None:
    """Leave a trace of what was deleted as keys were taken back: how many entries of which log."""
    for origin, entries in gone.items():
        record_audit(node, "log.cut", subject=origin, detail=str(entries))


def _check_own_keys(node: Node, compact: Compact) -> None:
    """Raise RefusedError if this node would have other keys than those that lie in its folder."""
    keys = compact.member(node.member).keys
    if keys.sign != node.signer.public or keys.seal not in recipients_of(node.identity):
        raise RefusedError(
            "compact: it changes the keys of this node: take it in with the command compact-adopt"
        )
