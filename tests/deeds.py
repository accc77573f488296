"""Deeds of the members of a fleet: taken in, and keys of their nodes that change."""

from dataclasses import replace

from liptako.core.compact.delegation import Revoked
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.keys import signer_from_seed
from liptako.ledger import compacts
from liptako.ledger.pen import own_sizes
from tests import pact

NEW = signer_from_seed(b"new".ljust(32))


def adopt(fleet, member, *envelopes):
    """Let a member's node take in deeds."""
    with fleet.at(member) as node:
        compacts.adopt(write_dossier(dossier_of(envelopes)), member, node.clock)


def rotated(fleet, member, **changes):
    """Let a member's node have another signing key; return its delegation."""
    with fleet.at(member) as node:
        before, caps = compacts.delegations_of(member)[-1], own_sizes(node)
    keys = {"seals": before.delegation.seals, "pins": before.delegation.pins}
    gone = (Revoked(key=before.delegation.sign, caps=caps),)
    signed = pact.delegated(
        member, before=before, sign=NEW.public, **{"revoked": gone} | keys | changes
    )
    adopt(fleet, member, signed.envelope)
    fleet.nodes[member] = replace(fleet.nodes[member], signer=NEW)
    return signed
