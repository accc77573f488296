"""The keys of this node on the page of the compact: which, since when, the next, what to do."""

from dataclasses import replace

import pytest

from liptako.core.clock import Instant
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.keys import fingerprint, signer_from_seed
from liptako.core.log.sealed import new_identity, recipient_of
from liptako.federation.own_keys import own_keys
from liptako.ledger import compacts
from tests import pact


def change(node, **changes):
    """Let the root key of ML delegate other keys."""
    line = compacts.delegations_of("ML")
    made = pact.delegated("ML", before=line[-1], **changes)
    compacts.adopt(write_dossier(dossier_of([made.envelope])), "ML", node.clock)


@pytest.mark.django_db
def test_a_node_that_stands_alone_has_none_to_show(node):
    assert own_keys(node, node.clock()) is None


@pytest.mark.django_db
def test_each_key_is_shown_with_its_groups_and_since_when(node, compact):
    found = own_keys(node, node.clock())
    assert [key.purpose for key in found.keys] == ["sign", "seal", "tls"]
    assert found.keys[0].phrase == fingerprint(node.signer.public)
    assert (found.serial, found.is_late, found.is_stale) == (1, False, False)
    assert len({key.since for key in found.keys}) == 1


@pytest.mark.django_db
def test_a_key_that_stays_keeps_its_day_and_the_next_one_is_told(node, compact):
    first = own_keys(node, node.clock())
    seals = (*compacts.delegations_of("ML")[-1].delegation.seals, recipient_of(new_identity()))
    change(node, sign=node.signer.public, seals=seals)
    found = own_keys(node, node.clock())
    assert (found.serial, found.keys[0]) == (2, first.keys[0])
    assert found.keys[1].following == (fingerprint(seals[1].encode()),)
    assert found.keys[1].since == first.keys[1].since


@pytest.mark.django_db
def test_late_and_stale_keys_are_told(node, compact):
    until = compacts.delegations_of("ML")[-1].delegation.until
    assert own_keys(node, Instant(until.milliseconds)).is_late
    other = replace(node, signer=signer_from_seed(bytes(32)))
    assert own_keys(other, node.clock()).is_stale


@pytest.mark.parametrize(("role", "is_told"), [("node_administrator", True), ("planner", False)])
def test_the_page_tells_the_commands_to_who_may_manage_them(desk_of, role, is_told):
    page = desk_of(role).get("/compact/").content.decode()
    assert ("Keys of this node" in page, "--renew sign" in page) == (True, is_told)
