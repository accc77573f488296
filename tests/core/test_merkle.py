"""The Merkle tree: RFC 6962 against a plain definition, and cases that others wrote."""

import json
import os
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import VerificationError
from liptako.core.log.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    read_range,
    subtrees,
    tree_hash,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(os.environ.get("LIPTAKO_DATA", "../shared/data")) / "vectors"
LEAVES = [leaf_hash(i.to_bytes(2, "big")) for i in range(300)]
sizes = st.integers(1, 300)


def plain_root(leaves):
    """RFC 6962, 2.1, word by word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(plain_root(leaves[:k]), plain_root(leaves[k:]))


def test_the_roots_of_the_reference_log_are_reproduced():
    """The eight leaves that every implementation of RFC 6962 is tried on."""
    entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "60" * 16]
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in entries]
    assert [tree_hash(leaves[:size]).hex()[:16] for size in (0, 1, 2, 3)] == [
        "e3b0c44298fc1c14",
        "6e340b9cffb37a98",
        "fac54203e7cc696c",
        "aeb6bcfe274b70a1",
    ]


@given(sizes, sizes)
def test_a_compact_range_has_the_root_of_its_leaves_however_it_grew(size, cut):
    cut = min(cut, size)
    grown = CompactRange().extend(LEAVES[:cut]).extend(LEAVES[cut:size])
    assert grown.root() == plain_root(LEAVES[:size])
    assert read_range(size, grown.to_bytes()) == grown


@pytest.mark.parametrize(("size", "data"), [(-1, b""), (1, b""), (3, bytes(32)), (0, bytes(32))])
def test_a_compact_range_of_another_length_is_refused(size, data):
    with pytest.raises(VerificationError, match="bytes of hashes"):
        read_range(size, data)


@given(sizes, st.data())
def test_every_leaf_is_proved_at_its_place_and_at_no_other(size, data):
    index = data.draw(st.integers(0, size - 1))
    root = plain_root(LEAVES[:size])
    proof = inclusion_proof(index, size, subtrees(LEAVES))
    verify_inclusion(LEAVES[index], index=index, size=size, root=root, proof=proof)
    other = data.draw(st.integers(-1, size))
    if other != index:
        with pytest.raises(VerificationError):
            verify_inclusion(LEAVES[index], index=other, size=size, root=root, proof=proof)


@given(sizes, sizes)
def test_a_log_that_grew_is_proved_and_one_that_changed_is_not(one, other):
    old, new = sorted((one, other))
    proof = consistency_proof(old, new, subtrees(LEAVES))
    roots = {"old_root": plain_root(LEAVES[:old]), "new_root": plain_root(LEAVES[:new])}
    verify_consistency(old, new, proof=proof, **roots)
    with pytest.raises(VerificationError):
        verify_consistency(old, new, proof=proof, **roots | {"old_root": bytes(32)})
    with pytest.raises(VerificationError):
        verify_consistency(old, new, proof=[*proof, bytes(32)], **roots)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (5, 4), (-1, 3)])
def test_consistency_with_an_empty_or_shorter_log_is_refused(old, new):
    with pytest.raises(VerificationError, match="sizes from 1 upwards"):
        verify_consistency(old, new, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, proof=())


def test_an_inclusion_proof_longer_than_the_tree_is_refused():
    with pytest.raises(VerificationError, match="longer"):
        verify_inclusion(LEAVES[0], index=0, size=1, root=LEAVES[0], proof=[bytes(32)])


def test_an_empty_consistency_proof_between_two_sizes_is_refused():
    with pytest.raises(VerificationError):
        verify_consistency(3, 5, old_root=bytes(32), new_root=bytes(32), proof=())


@pytest.mark.parametrize("proof", [[bytes(31)], [bytes(32), b""], [bytes(33)]])
def test_a_proof_with_a_hash_of_another_length_is_refused(proof):
    with pytest.raises(VerificationError, match="hashes of 32 bytes"):
        verify_consistency(3, 5, old_root=bytes(32), new_root=bytes(32), proof=proof)
    with pytest.raises(VerificationError, match="hashes of 32 bytes"):
        verify_inclusion(bytes(32), index=0, size=4, root=bytes(32), proof=proof)


def vector_files(kind):
    return sorted((VECTORS / kind).rglob("*.json"))


def judge(case):
    decode = b64decode
    proof = [decode(item) for item in case["proof"] or ()]
    if "leafIdx" in case:
        verify_inclusion(
            decode(case["leafHash"]),
            index=case["leafIdx"],
            size=case["treeSize"],
            root=decode(case["root"]),
            proof=proof,
        )
    else:
        verify_consistency(
            case["size1"],
            case["size2"],
            old_root=decode(case["root1"]),
            new_root=decode(case["root2"]),
            proof=proof,
        )


@pytest.mark.skipif(not VECTORS.is_dir(), reason="LIPTAKO_DATA has no vectors folder here")
@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_the_cases_of_transparency_dev_are_judged_as_they_say(kind):
    wrong = []
    for path in vector_files(kind):
        case = json.loads(path.read_text())
        try:
            judge(case)
            accepted = True
        except VerificationError:
            accepted = False
        if accepted == case["wantErr"]:
            wrong.append(path.name)
    assert wrong == []


@pytest.mark.skipif(not VECTORS.is_dir(), reason="LIPTAKO_DATA has no vectors folder here")
def test_there_are_196_cases_of_transparency_dev():
    assert len(vector_files("inclusion")) + len(vector_files("consistency")) == 196
