"""Receipts: what a member signed that it stored, as others read it."""

import hashlib
from base64 import b64decode
from dataclasses import replace

import pytest
from nacl.signing import VerifyKey

from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import signer_from_seed
from liptako.core.log.checkpoint import head_of, parse_checkpoint
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.receipt import Receipt, check_receipt, cosign, read_receipt

SIGNER = signer_from_seed(bytes(range(32)))
OTHER = signer_from_seed(bytes(32))
HEAD = head_of("ML/c/0001020304050607/e1", CompactRange().extend([leaf_hash(b"a")]))
RECEIPT = cosign(HEAD, "BF", 1_790_000_000, SIGNER)


def test_a_receipt_is_a_cosignature_as_the_specification_has_it():
    """Checked without our code, clause by clause of C2SP tlog-cosignature 1.0.1."""
    text, _, line = RECEIPT.note(SIGNER.public).decode().partition("\n\n")
    dash, name, encoded = line.removesuffix("\n").split(" ")
    raw = b64decode(encoded, validate=True)
    key_id = hashlib.sha256(name.encode() + b"\n\x04" + SIGNER.public).digest()[:4]
    time = int.from_bytes(raw[4:12], "big")
    message = f"cosignature/v1\ntime {time}\n{text}\n".encode()
    assert (dash, name, raw[:4], time) == ("—", "BF/node", key_id, 1_790_000_000)
    assert VerifyKey(SIGNER.public).verify(message, raw[12:]) == message


def test_the_example_of_the_specification_is_read():
    note = (
        "example.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— W1/node jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
        "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    receipt = read_receipt(note.encode())
    assert (receipt.member, receipt.time) == ("W1", 1_679_315_147)
    assert receipt.checkpoint == parse_checkpoint(note.partition("\n\n")[0] + "\n")


def test_a_receipt_opens_for_the_key_of_its_member():
    assert read_receipt(RECEIPT.note(SIGNER.public)) == RECEIPT
    assert check_receipt(RECEIPT, [OTHER.public, SIGNER.public]) == SIGNER.public


@pytest.mark.parametrize(
    "changed",
    [
        {"time": RECEIPT.time + 1},
        {"checkpoint": replace(HEAD, size=2)},
        {"checkpoint": replace(HEAD, root=bytes(32))},
        {"signature": bytes(64)},
    ],
    ids=str,
)
def test_a_receipt_that_was_changed_is_refused(changed):
    with pytest.raises(VerificationError, match="the receipt of BF for"):
        check_receipt(replace(RECEIPT, **changed), [SIGNER.public])


def test_a_receipt_by_another_key_is_refused():
    with pytest.raises(VerificationError, match="does not fit"):
        check_receipt(RECEIPT, [OTHER.public])


@pytest.mark.parametrize(
    "changed", [{"time": -1}, {"time": 2**63}, {"signature": b""}, {"member": "bf"}], ids=str
)
def test_a_receipt_out_of_bounds_is_refused(changed):
    with pytest.raises(MalformedError, match="expected"):
        check_receipt(replace(RECEIPT, **changed), [SIGNER.public])


@pytest.mark.parametrize("line", ["— BF/node AAAAAAA=\n", None], ids=["short", "another key"])
def test_what_is_no_cosignature_of_a_node_is_refused(line):
    note = Receipt.note(replace(RECEIPT), SIGNER.public).decode()
    wrong = note.partition("— ")[0] + line if line else note.replace("BF/node", "BF/witness")
    with pytest.raises(MalformedError, match="receipt: expected a cosignature of a node"):
        read_receipt(wrong.encode())
