"""Envelopes: what is signed, who has signed, and that others read what we write."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.exceptions import VerificationError as ForeignVerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from liptako.core.compact import envelope
from liptako.core.compact.envelope import (
    Envelope,
    Signature,
    keyid,
    merge_envelopes,
    read_envelope,
    sign_envelope,
    signed_with,
    write_envelope,
)
from liptako.core.errors import MalformedError
from liptako.core.keys import SIGNATURE_BYTES
from tests.pact import signer

FIRST, SECOND = signer("first"), signer("second")
PLAIN = Envelope(type="application/vnd.test+json", payload=b'{"a":1}')
SIGNED = sign_envelope(PLAIN, FIRST)


def foreign_key(public):
    """Return a public key as the other library holds it, under our hint."""
    value = {"public": public.hex()}
    return SSlibKey(keyid(public), "ed25519", "ed25519", value)


def test_what_is_signed_is_the_example_of_the_dsse_protocol():
    example = Envelope(type="http://example.com/HelloWorld", payload=b"hello world")
    assert example.pae() == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_reads_what_it_writes():
    both = sign_envelope(SIGNED, SECOND)
    assert read_envelope(write_envelope(both)) == both
    assert signed_with(both, [FIRST.public, SECOND.public]) == {FIRST.public, SECOND.public}


@given(st.binary(max_size=60), st.text(max_size=20).filter(lambda text: "\0" not in text))
def test_any_bytes_of_any_type_are_signed_as_another_library_verifies(payload, type_):
    signed = sign_envelope(Envelope(type=type_, payload=payload), FIRST)
    foreign = ForeignEnvelope.from_dict(json.loads(write_envelope(signed).decode()))
    assert foreign.verify([foreign_key(FIRST.public)], 1).keys() == {keyid(FIRST.public)}


def test_another_library_counts_our_signatures_as_we_do():
    both = json.loads(write_envelope(sign_envelope(SIGNED, SECOND)))
    keys = [foreign_key(key.public) for key in (FIRST, SECOND, signer("third"))]
    foreign = ForeignEnvelope.from_dict(both)
    assert len(foreign.verify(keys, 2)) == 2
    with pytest.raises(ForeignVerificationError):
        foreign.verify(keys, 3)


def test_what_another_library_signs_counts_here():
    foreign_signer = CryptoSigner.generate_ed25519()
    public = bytes.fromhex(foreign_signer.public_key.keyval["public"])
    foreign_signer.public_key.keyid = keyid(public)
    foreign = ForeignEnvelope(PLAIN.payload, PLAIN.type, {})
    foreign.sign(foreign_signer)
    found = read_envelope(json.dumps(foreign.to_dict(), separators=(",", ":")).encode())
    assert signed_with(found, [public]) == {public}


def test_signing_twice_with_one_key_changes_nothing():
    assert sign_envelope(SIGNED, FIRST) == SIGNED


def test_a_signature_over_other_bytes_or_another_type_counts_as_none():
    for changed in (
        Envelope(type=SIGNED.type, payload=b'{"a":2}', signatures=SIGNED.signatures),
        Envelope(type="other", payload=SIGNED.payload, signatures=SIGNED.signatures),
    ):
        assert signed_with(changed, [FIRST.public]) == frozenset()


def test_a_hint_at_a_key_proves_nothing():
    stolen = Signature(keyid(SECOND.public), SIGNED.signatures[0].raw)
    forged = Envelope(type=SIGNED.type, payload=SIGNED.payload, signatures=(stolen,))
    assert signed_with(forged, [FIRST.public, SECOND.public]) == frozenset()


def test_a_wrong_signature_beside_a_right_one_does_no_harm():
    wrong = Signature(keyid(FIRST.public), bytes(64))
    both = merge_envelopes(SIGNED, Envelope(type="", payload=b"", signatures=(wrong,)))
    assert signed_with(read_envelope(write_envelope(both)), [FIRST.public]) == {FIRST.public}


def test_signatures_that_came_apart_are_put_together():
    assert merge_envelopes(SIGNED, sign_envelope(PLAIN, SECOND)) == sign_envelope(SIGNED, SECOND)


def raw(**changes):
    return json.loads(write_envelope(SIGNED)) | changes


def sig(text, **more):
    return {"sig": text, "keyid": "", **more}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (raw(payload="!"), "envelope:"),
        (raw(payload="YQ"), "envelope:"),
        (raw(payload="YR=="), "bits left over"),
        (raw(payload=7), "envelope:"),
        (raw(signatures=[sig("YQ==")]), "64 bytes"),
        (raw(signatures=[sig("YQ")]), "envelope:"),
        (raw(signatures=[{"keyid": ""}]), "envelope:"),
        (raw(signatures=[sig(b64encode(bytes(SIGNATURE_BYTES)).decode())] * 1025), "1024"),
        ({"payload": ""}, "envelope:"),
    ],
)
def test_an_envelope_that_is_wrong_says_what_is_wrong(fields, message):
    with pytest.raises(MalformedError, match=message):
        read_envelope(json.dumps(fields, separators=(",", ":")).encode())


def test_unknown_fields_are_passed_over():
    fields = raw(note="kept by nobody", signatures=[{**raw()["signatures"][0], "cert": "x"}])
    assert read_envelope(json.dumps(fields, separators=(",", ":")).encode()) == SIGNED


def test_a_document_in_base64_names_what_it_was_to_be():
    with pytest.raises(MalformedError, match="sign: expected base64"):
        envelope.from_base64("!", "sign")
