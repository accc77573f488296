"""Hashes of a stored log for the proofs that go with its packages."""

from functools import cache

from liptako.core.log.merkle import CompactRange, Subtree, node_hash, tree_hash
from liptako.core.records.payload import PACKAGE
from liptako.ledger.models import Entry, Package


def stored_subtrees(origin: str) -> Subtree:
    """Return the subtree hashes of a log: roots of whole packages are read, the rest computed."""
    roots = dict(
        Package.objects.filter(channel_id=origin)
        .exclude(root=b"")
        .values_list("number", "root")
        .iterator()
    )

    @cache
    def subtree(start: int, end: int) -> bytes:
        size = end - start
        if size == PACKAGE:
            return bytes(roots[start // PACKAGE])
        if size < PACKAGE:
            return tree_hash(leaves(origin, start, end))
        middle = start + (1 << (size - 1).bit_length() - 1)
        return node_hash(subtree(start, middle), subtree(middle, end))

    return subtree


def leaves(origin: str, start: int, end: int) -> list[bytes]:
    """Return the leaf hashes of the entries [start, end) of a log."""
    found = Entry.objects.filter(channel_id=origin, seq__gte=start, seq__lt=end).order_by("seq")
    return [bytes(leaf) for leaf in found.values_list("leaf", flat=True)]


def root_at(origin: str, size: int) -> bytes:
    """Return the root that a stored log had with its first `size` entries."""
    return stored_subtrees(origin)(0, size)


def range_at(origin: str, size: int) -> CompactRange:
    """Return the compact range over the first entries of a stored log, from its leaves."""
    found = Entry.objects.filter(channel_id=origin, seq__lt=size).order_by("seq")
    return CompactRange().extend(
        bytes(leaf) for leaf in found.values_list("leaf", flat=True).iterator(chunk_size=10_000)
    )
