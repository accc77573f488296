"""The hashes of a stored log are those of the tree over all its leaves."""

import pytest

from liptako.core.log.merkle import CompactRange, tree_hash
from liptako.ledger import store
from liptako.ledger.models import Channel
from liptako.ledger.records import Draft
from liptako.ledger.tree import leaves, range_at, stored_subtrees
from liptako.members.records import AUDIT, Audit

pytestmark = pytest.mark.django_db


def event(number):
    return Draft(kind=AUDIT, object=f"{number:013}", office="system", payload=Audit(event="e"))


def ranges(start, end):
    """Give the ranges that the proofs of a log ask for: halves, and halves of these."""
    yield start, end
    if end - start > 1:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        yield from ranges(start, middle)
        yield from ranges(middle, end)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 600])
def test_every_subtree_is_that_of_the_leaves(node, size):
    store.append(node, [event(number) for number in range(size)])
    origin = Channel.objects.get().origin
    subtree, all_leaves = stored_subtrees(origin), leaves(origin, 0, size)
    wanted = [(start, end) for start, end in ranges(0, size) if end - start >= 64 or size < 3]
    assert [subtree(*each) for each in wanted] == [
        tree_hash(all_leaves[start:end]) for start, end in wanted
    ]


def test_a_log_that_grew_in_steps_has_the_same_tree(node):
    for first, last in ((0, 200), (200, 256), (256, 300), (300, 700)):
        store.append(node, [event(number) for number in range(first, last)])
    origin = Channel.objects.get().origin
    assert stored_subtrees(origin)(0, 700) == tree_hash(leaves(origin, 0, 700))


def test_whole_packages_are_not_hashed_again(node, django_assert_num_queries):
    store.append(node, [event(number) for number in range(600)])
    origin = Channel.objects.get().origin
    with django_assert_num_queries(2):  # the roots of two packages, and the leaves of the rest
        stored_subtrees(origin)(0, 600)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 300])
def test_the_range_at_a_size_is_that_of_its_first_entries(node, size):
    store.append(node, [event(number) for number in range(300)])
    origin = Channel.objects.get().origin
    assert range_at(origin, size) == CompactRange().extend(leaves(origin, 0, size))


def test_leaves_come_in_their_order_from_any_place(node):
    store.append(node, [event(number) for number in range(5)])
    origin = Channel.objects.get().origin
    assert leaves(origin, 2, 4) == leaves(origin, 0, 5)[2:4]
    assert leaves("BF/c/0001020304050607/e1", 0, 5) == []
