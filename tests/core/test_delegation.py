"""Delegations: the chain of a member's node keys, and what is refused in it."""

import json

import pytest

from liptako.core.compact.delegation import (
    Revoked,
    check_line,
    line_of,
    read_delegation,
    write_delegation,
)
from liptako.core.compact.document import Root
from liptako.core.compact.envelope import Envelope, keyid, to_base64
from liptako.core.errors import MalformedError, RefusedError, VerificationError
from tests.pact import RECIPIENTS, UNTIL, delegated, roots, signer

ROOT = Root(threshold=1, keys=(roots("SA")[0].public,))
OTHER_ROOT = Root(threshold=1, keys=(roots("SA", 2)[1].public,))
ORIGIN = "SA/c/0001020304050607/e1"
OLD, NEW = signer("node SA").public, signer("node SA new").public
FIRST = delegated("SA")


def capped(key=OLD, **caps):
    return Revoked(key=key, caps=caps)


SECOND = delegated("SA", before=FIRST, sign=NEW, revoked=(Revoked(key=OLD, caps={ORIGIN: 7}),))


def test_a_delegation_reads_what_it_writes():
    delegation = SECOND.delegation
    assert read_delegation(write_delegation(delegation)).delegation == delegation
    assert (delegation.serial, delegation.sign, delegation.seals) == (2, NEW, RECIPIENTS[:1])
    assert (delegation.until, delegation.revoked[0].caps) == (UNTIL, {ORIGIN: 7})
    assert SECOND.envelope.signatures[0].keyid == keyid(ROOT.keys[0])


def test_a_line_goes_from_the_first_to_the_newest():
    assert line_of([SECOND, FIRST, delegated("SB")], "SA", ROOT) == (FIRST, SECOND)


def test_what_other_keys_have_signed_behind_the_newest_counts_for_nothing():
    forged = delegated("SA", before=SECOND, keys=[signer("thief")])
    assert line_of([FIRST, SECOND, forged], "SA", ROOT) == (FIRST, SECOND)


def test_the_newest_that_the_root_keys_in_force_have_signed_vouches_for_those_before():
    unsigned = delegated("SA", keys=[])
    second = delegated("SA", before=unsigned)
    assert line_of([unsigned, second], "SA", ROOT) == (unsigned, second)


def test_other_root_keys_need_a_delegation_of_their_own():
    with pytest.raises(VerificationError, match="no delegation is signed by its root keys"):
        line_of([FIRST, SECOND], "SA", OTHER_ROOT)
    keys = roots("SA", 2)[1:]
    stolen = delegated("SA", before=FIRST)
    third = delegated("SA", before=SECOND, sign=NEW, keys=keys)
    assert line_of([FIRST, stolen, SECOND, third], "SA", OTHER_ROOT) == (FIRST, SECOND, third)


def test_of_two_with_one_serial_the_first_that_was_held_counts():
    twin = delegated("SA", seals=RECIPIENTS[1:])
    assert line_of([twin, FIRST], "SA", ROOT) == (twin,)


def test_a_line_with_a_hole_is_refused():
    with pytest.raises(RefusedError, match="expected delegation 1 of SA next, got 2 of SA"):
        line_of([SECOND], "SA", ROOT)


def test_a_line_of_somebody_else_is_refused():
    with pytest.raises(RefusedError, match="expected delegation 1 of SA next, got 1 of SB"):
        check_line([delegated("SB")], "SA", ROOT)


def test_a_delegation_behind_another_one_is_refused():
    twin = delegated("SA", seals=RECIPIENTS[1:])
    with pytest.raises(VerificationError, match="follows another one"):
        check_line([twin, SECOND], "SA", ROOT)


def test_a_line_without_an_end_is_refused():
    with pytest.raises(VerificationError, match="no delegation"):
        check_line([], "SA", ROOT)


def test_a_signing_key_is_not_left_without_a_cap():
    second = delegated("SA", before=FIRST, sign=NEW)
    with pytest.raises(RefusedError, match="delegation 2 of SA: the signing key before it has no"):
        check_line([FIRST, second], "SA", ROOT)


def test_a_key_that_was_taken_back_does_not_come_back():
    back = delegated("SA", before=SECOND, sign=OLD, revoked=(capped(NEW),))
    with pytest.raises(RefusedError, match="delegation 3 of SA: its signing key has been taken"):
        check_line([FIRST, SECOND, back], "SA", ROOT)
    own = delegated("SA", revoked=(capped(OLD),))
    with pytest.raises(RefusedError, match="delegation 1 of SA"):
        check_line([own], "SA", ROOT)


def fields(**changes):
    return json.loads(SECOND.envelope.payload) | changes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (fields(v=2), "expected v 1"),
        (fields(serial=0), "expected v 1"),
        (fields(serial=1), "hash of 32 bytes"),
        (fields(previous=""), "hash of 32 bytes"),
        (fields(member="sa"), "member: expected"),
        (fields(sign="!"), "sign: expected base64"),
        (fields(sign="AAAA"), "Ed25519"),
        (fields(seal=[]), "1 to 8 keys"),
        (fields(seal=[RECIPIENTS[0]] * 2), "each once"),
        (fields(seal=["age1"]), "age1"),
        (fields(tls=[]), "1 to 8 keys"),
        (fields(tls=["AAAA"]), "32 bytes of TLS"),
        (fields(tls=[to_base64(bytes([n] * 32)) for n in range(9)]), "1 to 8 keys"),
        (fields(until=-1), "time: expected"),
        (fields(until=None), "delegation:"),
        (fields(revoked=[{"key": "AAAA", "caps": {}}]), "Ed25519"),
        (fields(revoked=[{"key": to_base64(OLD), "caps": {ORIGIN: -1}}]), "logs of SA"),
    ],
)
def test_a_delegation_that_is_wrong_says_what_is_wrong(wrong, message):
    payload = json.dumps(wrong, separators=(",", ":")).encode()
    with pytest.raises(MalformedError, match=message):
        read_delegation(Envelope(type=SECOND.envelope.type, payload=payload))


def test_what_is_no_delegation_is_none():
    with pytest.raises(MalformedError, match="delegation: expected application"):
        read_delegation(Envelope(type="other", payload=b"{}"))
