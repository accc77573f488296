"""The digest that partners compare: sums that take words in and out, and what follows from them."""

import hashlib
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.digest import Basis, Digest, State, Sums, digest_of, judges_otherwise, term

ORIGIN = "ML/c/0001020304050607/e1"
ALL_WORDS = (*Basis, *State)
words = st.tuples(st.integers(0, 9), st.sampled_from(ALL_WORDS))
NOTHING = Digest(
    basis=hashlib.sha256(b"liptako basis v1").hexdigest()[:16],
    state=hashlib.sha256(b"liptako state v1").hexdigest()[:16],
)


def summed(said, origin=ORIGIN):
    return reduce(lambda sums, word: sums.with_word(origin, *word), said, Sums())


def test_a_word_is_a_line_of_text():
    digest = hashlib.sha256(f"{ORIGIN} 12 no-payload\n".encode()).digest()
    assert term(ORIGIN, 12, Basis.NO_PAYLOAD) == int.from_bytes(digest, "big")


def test_no_words_are_not_zero():
    assert digest_of([]) == digest_of([Sums(), Sums()]) == NOTHING


@pytest.mark.parametrize("word", ALL_WORDS)
def test_a_word_changes_the_part_that_it_belongs_to_and_no_other(word):
    digest = digest_of([summed([(0, word)])])
    changed = (digest.basis != NOTHING.basis, digest.state != NOTHING.state)
    assert changed == (word in tuple(Basis), word in tuple(State))


@given(st.sets(words))
def test_the_order_of_words_does_not_matter(said):
    assert summed(sorted(said)) == summed(sorted(said, reverse=True))


@given(st.sets(words), words)
def test_a_word_that_is_true_no_longer_leaves_nothing_behind(said, word):
    assert summed([*said, word, word]) == summed(said)


@given(st.sets(words, min_size=1), st.sets(words))
def test_other_words_give_another_digest(said, others):
    same = digest_of([summed(said)]) == digest_of([summed(others)])
    assert same == (said == others)


def test_logs_are_added_in_any_order_and_are_not_taken_for_each_other():
    one = summed([(0, State.WAITING)])
    other = summed([(0, State.WAITING)], "BF/c/0001020304050607/e1")
    assert digest_of([one, other]) == digest_of([other, one]) == digest_of([one ^ other])
    assert len({digest_of([one]), digest_of([other]), digest_of([one, other])}) == 3


REJECTED, WAITING, ERASED = (0, State.REJECTED), (0, State.WAITING), (0, Basis.NO_PAYLOAD)


@pytest.mark.parametrize(
    ("mine", "theirs", "differs"),
    [
        ([], [], False),
        ([REJECTED], [REJECTED], False),
        ([REJECTED], [], True),
        ([REJECTED], [WAITING], True),
        ([ERASED], [], False),
        ([ERASED], [REJECTED], False),
        ([ERASED], [ERASED, REJECTED], True),
    ],
)
def test_only_on_the_same_basis_another_state_is_a_fault(mine, theirs, differs):
    one, other = digest_of([summed(mine)]), digest_of([summed(theirs)])
    assert judges_otherwise(one, other) == judges_otherwise(other, one) == differs
