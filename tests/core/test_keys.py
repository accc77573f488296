"""Keys: signing, verifying, and refusing what must never verify."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import MalformedError
from liptako.core.keys import (
    fingerprint,
    key_id,
    public_key,
    read_private_key,
    signer_from_seed,
    verifies,
    write_private_key,
)

SIGNER = signer_from_seed(bytes(range(32)))


def test_a_signature_verifies_with_its_key_and_message_only():
    signature = SIGNER.sign(b"text")
    assert verifies(SIGNER.public, b"text", signature)
    assert not verifies(SIGNER.public, b"other", signature)
    assert not verifies(signer_from_seed(bytes(32)).public, b"text", signature)
    assert not verifies(SIGNER.public, b"text", signature[:-1])


def test_the_first_vector_of_rfc_8032_is_reproduced():
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = signer_from_seed(seed)
    assert signer.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873")


@pytest.mark.parametrize(
    "low_order",
    [
        bytes(32),
        b"\x01" + bytes(31),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        b"short",
    ],
)
def test_a_key_of_low_order_is_refused(low_order):
    with pytest.raises(MalformedError, match="Ed25519"):
        public_key(low_order)


def test_a_good_key_is_taken_unchanged():
    assert public_key(SIGNER.public) == SIGNER.public


def test_a_seed_of_another_length_is_refused():
    with pytest.raises(MalformedError, match="32 bytes, got 31"):
        signer_from_seed(bytes(31))


def test_a_fingerprint_can_be_read_aloud():
    words = fingerprint(SIGNER.public).split(" ")
    assert [len(word) for word in words] == [5] * 8
    assert all(word.isdecimal() for word in words)
    assert fingerprint(SIGNER.public) != fingerprint(bytes(32))


@given(st.binary(min_size=32, max_size=32))
def test_a_private_key_file_reads_what_it_writes(seed):
    assert read_private_key(write_private_key("ML/node", seed)) == ("ML/node", seed)


def test_the_id_of_a_key_depends_on_its_name():
    assert key_id("ML/node", SIGNER.public) != key_id("BF/node", SIGNER.public)


GOOD = write_private_key("ML/node", bytes(range(32)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PRIVATE+KEY+ML",
        GOOD.replace("PRIVATE", "PUBLIC"),
        "PRIVATE+KEY+ML/node+00000000+!!!",
        "PRIVATE+KEY+ML/node+00000000+AAAA",
        GOOD.replace("ML", "BF"),
    ],
)
def test_a_damaged_private_key_file_is_refused(text):
    with pytest.raises(MalformedError, match="key:"):
        read_private_key(text)
