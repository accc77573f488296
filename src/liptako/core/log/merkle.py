"""The Merkle tree of RFC 6962 (section 2.1): hashes, proofs, and the compact range of a reader.

A reader keeps only the compact range (one hash per perfect subtree, at most 63) and still proves
that everything it took is everything that was signed. A tree of size 0 proves nothing here.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from liptako.core.errors import VerificationError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962, 2.1: the hash of an empty list

Subtree = Callable[[int, int], bytes]
"""Gives the hash of the leaves [start, end) of a log, as the author of proofs holds them."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one leaf: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The first `size` leaves as the hashes of their perfect subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root of the tree over these leaves."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def extend(self, leaves: Iterable[bytes]) -> "CompactRange":
        """Return the range with more leaf hashes at its end."""
        size, hashes = self.size, list(self.hashes)
        for leaf in leaves:
            node, bit = leaf, size
            while bit & 1:
                node, bit = node_hash(hashes.pop(), node), bit >> 1
            hashes.append(node)
            size += 1
        return CompactRange(size, tuple(hashes))

    def to_bytes(self) -> bytes:
        """Return the hashes one after the other; the size is kept beside them."""
        return b"".join(self.hashes)


def read_range(size: int, data: bytes) -> CompactRange:
    """Return the range of `size` leaves from its bytes. Raises VerificationError."""
    if size < 0 or len(data) != size.bit_count() * HASH_BYTES:
        raise VerificationError(
            "log: expected %(expected)d bytes of hashes for %(size)d entries, got %(got)d",
            expected=max(size, 0).bit_count() * HASH_BYTES,
            size=size,
            got=len(data),
        )
    hashes = (data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES))
    return CompactRange(size, tuple(hashes))


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    return CompactRange().extend(leaves).root()


def _split(size: int) -> int:
    """Return the largest power of two below `size` (RFC 6962, 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in the tree of `size` leaves (RFC 6962, 2.1.1)."""
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, subtree: Subtree) -> tuple[bytes, ...]:
    """Return the proof that the first `old` of `new` leaves are a prefix (RFC 6962, 2.1.2)."""
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(subtree(start, end))
    return tuple(reversed(path))


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a leaf stands at `index` (RFC 9162, 2.1.3.2). Raises VerificationError."""
    if not 0 <= index < size:
        raise VerificationError(
            "proof: expected a place below %(size)d, got %(got)d", size=size, got=index
        )
    _check_hashes([leaf, root, *proof])
    node, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise VerificationError("proof: longer than the tree is high")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while node & 1 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    if last or result != root:
        raise VerificationError("proof: the record is not in the signed log")


def verify_consistency(
    old: int, new: int, *, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a log only grew (RFC 9162, 2.1.4.2). Raises VerificationError."""
    if not 0 < old <= new:
        raise VerificationError(
            "proof: expected sizes from 1 upwards, got %(old)d and %(new)d", old=old, new=new
        )
    _check_hashes(proof)
    if old == new:
        if proof or old_root != new_root:
            raise VerificationError("proof: two logs of the same size differ")
        return
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path or (_climb(path, old - 1, new - 1) != (old_root, new_root)):
        raise VerificationError("proof: the longer log does not begin with the shorter one")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    """Raise VerificationError for a hash that cannot be one."""
    if any(len(digest) != HASH_BYTES for digest in hashes):
        raise VerificationError("proof: expected hashes of 32 bytes")


def _climb(path: Sequence[bytes], node: int, last: int) -> tuple[bytes, bytes]:
    """Return both roots that a consistency path leads to, or empty ones if it does not fit."""
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return b"", b""
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node & 1 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return (b"", b"") if last else (old, new)


def subtrees(leaves: Sequence[bytes]) -> Subtree:
    """Return the subtree hashes of a log whose leaf hashes are all at hand."""
    return lambda start, end: tree_hash(leaves[start:end])
