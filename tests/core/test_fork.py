"""Proofs of a double history: what convinces somebody who trusts nobody but the author's key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.keys import signer_from_seed
from liptako.core.log.checkpoint import head_of, open_checkpoint, sign_checkpoint
from liptako.core.log.fork import FORK_LIMIT, Fork, View, check_fork, read_fork, write_fork
from liptako.core.log.merkle import CompactRange, consistency_proof, leaf_hash, subtrees, tree_hash

SIGNER = signer_from_seed(bytes(range(32)))
OTHER = signer_from_seed(bytes(32))
ORIGIN = "ML/c/0001020304050607/e1"


def opener(*signers):
    """Return what opens the checkpoints of an author who had these keys."""

    def open_one(data, origin):
        for key in signers[:-1]:
            try:
                return open_checkpoint(data, origin, key.public)
            except VerificationError:
                continue
        return open_checkpoint(data, origin, signers[-1].public)

    return open_one


def leaves(*texts):
    return [leaf_hash(text.encode()) for text in texts]


def view(log, size, signer=SIGNER, origin=ORIGIN):
    note = sign_checkpoint(head_of(origin, CompactRange().extend(log)), signer)
    proof = consistency_proof(size, len(log), subtrees(log))
    return View(note, tree_hash(log[:size]), proof)


ONE = leaves("a", "b", "c", "d", "e")
TWO = leaves("a", "x", "c")


def test_two_signed_histories_that_differ_are_a_proof():
    fork = Fork(ORIGIN, 2, view(ONE, 2), view(TWO, 2))
    check_fork(fork, opener(SIGNER))
    assert read_fork(write_fork(fork)) == fork


def test_two_keys_of_one_author_may_have_signed_them():
    fork = Fork(ORIGIN, 3, view(ONE, 3), view(TWO, 3, signer=OTHER))
    check_fork(fork, opener(SIGNER, OTHER))
    with pytest.raises(VerificationError):
        check_fork(fork, opener(SIGNER))


@given(st.integers(1, 40), st.integers(0, 40), st.data())
def test_a_log_that_only_grew_is_never_a_proof(size, more, data):
    log = leaves(*map(str, range(size + more)))
    at = data.draw(st.integers(1, size))
    fork = Fork(ORIGIN, at, view(log[:size], at), view(log, at))
    with pytest.raises(VerificationError, match="both histories are the same up to"):
        check_fork(fork, opener(SIGNER))


@given(st.binary(max_size=40), st.integers(1, 4))
def test_a_root_that_was_never_signed_is_no_proof(root, size):
    fork = Fork(ORIGIN, size, view(ONE, size), View(view(ONE, size).checkpoint, root))
    with pytest.raises(LiptakoError):
        check_fork(fork, opener(SIGNER))


@pytest.mark.parametrize(
    "second",
    [
        view(TWO, 2, signer=OTHER),
        view(TWO, 2, origin="ML/c/0001020304050608/e1"),
        View(view(TWO, 2).checkpoint, bytes(32), view(TWO, 2).proof),
        View(b"no note", bytes(32)),
    ],
    ids=["by a stranger", "of another log", "another root", "nothing signed"],
)
def test_what_the_author_has_not_signed_is_no_proof(second):
    with pytest.raises(LiptakoError):
        check_fork(Fork(ORIGIN, 2, view(ONE, 2), second), opener(SIGNER))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"origin":1}', b"\xff", b"[" * 10_000])
def test_a_file_that_is_no_proof_is_refused(data):
    with pytest.raises(MalformedError, match="expected two signed histories of one log"):
        read_fork(data)


def test_a_file_that_is_too_long_is_refused():
    with pytest.raises(MalformedError, match="expected at most"):
        read_fork(b" " * (FORK_LIMIT + 1))
