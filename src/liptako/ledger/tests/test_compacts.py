"""Taking in deeds: versions and delegations that follow, once enough have signed; proofs of two."""

from dataclasses import replace

import pytest

from liptako.core.compact.delegation import Revoked
from liptako.core.compact.document import State
from liptako.core.compact.dossier import dossier_of, write_dossier
from liptako.core.compact.draft import Changes, next_draft
from liptako.core.compact.members import NO_COMPACT
from liptako.core.compact.signing import line_for
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from liptako.ledger import compacts
from liptako.ledger.models import Deed, OwnSignature
from liptako.ledger.records import Draft
from liptako.ledger.store import append
from liptako.members.records import AUDIT, Audit
from tests import pact

pytestmark = pytest.mark.django_db


def adopt(node, *envelopes):
    return compacts.adopt(write_dossier(dossier_of(envelopes)), node.member, node.clock)


def note(*audience):
    return Draft(
        kind=AUDIT,
        object="0000000000001",
        office="system",
        payload=Audit(event="e"),
        audience=frozenset(audience),
    )


def head():
    return compacts.dossier().versions[-1]


def rows():
    return [(str(row), row.rival) for row in Deed.objects.order_by("position")]


@pytest.fixture
def second(compact):
    """The second version, which all have signed."""
    return pact.after(head(), "BF", "ML", "NE")


def rotated(member="BF", **changes):
    """Return the next delegation of a member, with another signing key."""
    before = compacts.delegations_of(member)[-1]
    old = Revoked(key=before.delegation.sign, caps={})
    fields = {"sign": pact.signer(f"new {member}").public, "revoked": (old,)} | changes
    return pact.delegated(member, before=before, **fields)


def test_a_node_that_stands_alone_has_a_compact_without_members():
    assert (compacts.document(), compacts.current()) == (b"", NO_COMPACT)


def test_an_adopted_compact_is_in_force(compact, node):
    assert compacts.current() == compact
    assert [member.id for member in compact.members] == ["BF", "ML", "NE"]
    assert compact.member("ML").keys.sign == node.signer.public
    assert compacts.document() == head().envelope.payload


def test_what_is_held_can_be_handed_on_and_adopted_again(compact, node):
    held = write_dossier(compacts.dossier())
    Deed.objects.all().delete()
    assert compacts.current() == NO_COMPACT
    assert compacts.adopt(held, "ML", node.clock) == compact


def test_when_each_deed_was_taken_is_kept(compact, node):
    before = Deed.objects.latest("position").taken_at
    adopt(node, rotated().envelope)
    assert Deed.objects.latest("position").taken_at != before


def test_a_version_that_follows_is_in_force_and_the_older_ones_are_kept(node, second):
    adopt(node, second.envelope)
    assert compacts.current().version == 2
    assert rows() == [
        ("compact 1", False),
        ("BF 1", False),
        ("ML 1", False),
        ("NE 1", False),
        ("compact 2", False),
    ]


def test_a_version_with_too_few_signatures_is_refused(node, compact):
    version = pact.after(head(), "BF", "ML")
    with pytest.raises(VerificationError, match="missing: NE"):
        adopt(node, version.envelope)
    assert compacts.current() == compact


def test_a_version_over_a_gap_is_refused(node, second):
    third = pact.after(second, "BF", "ML", "NE")
    with pytest.raises(RefusedError, match="expected version 2 next, got 3"):
        adopt(node, third.envelope)
    adopt(node, third.envelope, second.envelope)
    assert compacts.current().version == 3


def test_what_is_held_already_is_told(node, compact):
    with pytest.raises(RefusedError, match="version 1 is held already"):
        compacts.adopt(write_dossier(compacts.dossier()), "ML", node.clock)


def test_another_version_of_one_number_is_refused(node, second):
    adopt(node, second.envelope)
    before = compacts.dossier().versions[0]
    twin = pact.after(before, approve=2).envelope
    with pytest.raises(RefusedError, match="compact: another version 2 is held"):
        adopt(node, twin)
    assert compacts.current().version == 2
    assert ("compact 2", True) not in rows()


def test_who_signs_two_versions_of_one_number_is_named_and_the_proof_is_kept(node, second):
    adopt(node, second.envelope)
    twin = pact.after(compacts.dossier().versions[0], "BF", approve=2)
    with pytest.raises(VerificationError, match="BF has signed two versions 2"):
        adopt(node, twin.envelope)
    assert rows()[-1] == ("compact 2", True)
    assert compacts.current().version == 2


def test_a_member_changes_its_keys_without_the_others(node, compact):
    old = compact.member("BF").keys.sign
    member = adopt(node, rotated().envelope).member("BF")
    assert member.keys.sign == pact.signer("new BF").public
    assert [item.key for item in member.former] == [old]


def test_who_signs_two_delegations_of_one_serial_is_named_and_the_proof_is_kept(node, compact):
    one, other = rotated(), rotated(sign=pact.signer("newest BF").public)
    adopt(node, one.envelope)
    with pytest.raises(VerificationError, match="BF has signed two delegations 2"):
        adopt(node, other.envelope)
    assert rows()[-1] == ("BF 2", True)
    assert compacts.current().member("BF").keys.sign == pact.signer("new BF").public


def test_a_delegation_that_its_member_has_not_signed_is_refused(node, compact):
    forged = rotated(keys=[pact.signer("thief")])
    with pytest.raises(VerificationError, match="delegation 2 of BF is not signed by its root"):
        adopt(node, forged.envelope)
    with pytest.raises(RefusedError, match="TG is not a member"):
        adopt(node, pact.delegated("TG").envelope)
    assert compacts.current() == compact


def test_a_new_member_comes_with_its_keys(node, compact):
    version = pact.after(head(), "BF", "ML", "NE", "TG", cards=(pact.card("TG"),))
    with pytest.raises(VerificationError, match="TG: no delegation"):
        adopt(node, version.envelope)
    adopt(node, version.envelope, pact.delegated("TG").envelope)
    assert compacts.current().active == {"BF", "ML", "NE", "TG"}


def test_other_root_keys_come_with_a_delegation_of_theirs(node, compact):
    keys = pact.roots("BF", 2)[1:]
    stolen = rotated()
    draft = next_draft(head(), Changes(cards=(pact.card("BF", keys=keys),)))
    version = pact.signed_by(pact.by(draft, "BF", "ML", "NE").envelope, keys)
    with pytest.raises(VerificationError, match="BF: no delegation is signed by its root keys"):
        adopt(node, version)
    mine = rotated(sign=pact.signer("mine").public, keys=keys)
    adopt(node, stolen.envelope)
    adopt(node, version, mine.envelope)
    assert compacts.current().member("BF").keys.sign == pact.signer("mine").public


def test_one_without_this_member_is_refused(compact, node):
    held = write_dossier(compacts.dossier())
    Deed.objects.all().delete()
    with pytest.raises(RefusedError, match="TG is not a member of the compact"):
        compacts.adopt(held, "TG", node.clock)
    assert compacts.current() == NO_COMPACT


@pytest.mark.parametrize("data", [b"{}", b"no compact", b'{"v":1,"version":2}'])
def test_bytes_that_are_no_dossier_are_refused(node, compact, data):
    with pytest.raises(MalformedError):
        compacts.adopt(data, "ML", node.clock)
    assert compacts.current() == compact


def test_a_file_without_a_compact_is_no_beginning(node):
    with pytest.raises(RefusedError, match="this node has no compact yet"):
        adopt(node, pact.delegated("ML").envelope)


def test_nothing_is_written_for_a_member_that_is_suspended(node, amend):
    amend(Changes(states={"NE": (State.SUSPENDED, {})}))
    append(node, [note("ML", "BF")])
    with pytest.raises(RefusedError, match="NE is suspended or has left"):
        append(node, [note("ML", "NE")])


def test_a_process_with_a_key_that_was_changed_writes_nothing_more(node, compact):
    adopt(node, rotated("ML").envelope)
    with pytest.raises(RefusedError, match="start serve and work again"):
        append(node, [note("ML")])
    append(replace(node, signer=pact.signer("new ML")), [note("ML")])


def test_a_root_key_signs_one_deed_of_a_number_at_this_node(node, second):
    public = pact.roots("ML")[0].public
    line = line_for(second.envelope, public)
    compacts.note_signature(line, node.clock)
    compacts.note_signature(line, node.clock)
    twin = pact.after(head(), approve=2)
    with pytest.raises(RefusedError, match="another document with number 2 already"):
        compacts.note_signature(line_for(twin.envelope, public), node.clock)
    assert [str(row) for row in OwnSignature.objects.all()] == [f"{line.keyid}: compact 2"]
