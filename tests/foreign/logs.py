"""A foreign reader, part 2: what log.md says of proofs, notes, checkpoints, receipts."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from tests.foreign.spelling import (
    LIMIT,
    MEMBER,
    ORIGIN,
    RefusedError,
    from_base64,
    matches,
    need,
)

HASH = 32
CHECKPOINT, COSIGNATURE = b"\x01", b"\x04"


# The tree: RFC 6962, section 2.1; proofs as in RFC 9162, sections 2.1.3.2 and 2.1.4.2


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def extended(subtrees, size, leaf):
    """Return the compact range one leaf longer: a perfect subtree for each 1 in its size."""
    found, node = list(subtrees), leaf
    while size & 1:
        node, size = node_hash(found.pop(), node), size >> 1
    return [*found, node]


def root_of(subtrees):
    """Return the root over a compact range: from the right, the last two first."""
    *rest, root = subtrees
    for subtree in reversed(rest):
        root = node_hash(subtree, root)
    return root


def proves_inclusion(leaf, index, size, root, proof):
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size or {len(leaf), len(root)} != {HASH}:
        return False
    fn, sn, found = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = node_hash(step, found)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def proves_consistency(old, new, proof):
    """RFC 9162, section 2.1.4.2, for (size, root) and a later (size, root)."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return old_size > 0 and not proof and old_root == new_root
    if not 0 < old_size < new_size or not proof:
        return False
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(step, fr), node_hash(step, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (fr, sr) == (old_root, new_root)


# Signed notes: C2SP signed-note 1.0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and its signatures, none of them verified: (name, key id, bytes)."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @property
    def lines(self):
        return self.text.removesuffix("\n").split("\n")


def read_note(data, limit=LIMIT):
    """Return a note whose form is good."""
    need(len(data) <= limit, "note: size")
    try:
        said = data.decode()
    except UnicodeDecodeError as cause:
        raise RefusedError("note: UTF-8") from cause
    need(all(c >= " " or c == "\n" for c in said), "note: characters")
    body, gap, tail = said.rpartition("\n\n")
    need(gap and body and tail.endswith("\n"), "note: form")
    lines = tail.removesuffix("\n").split("\n")
    need(1 <= len(lines) <= 64, "note: number of signatures")
    return Note(text=f"{body}\n", signatures=tuple(map(_signature, lines)))


def _signature(line):
    parts = line.split(" ")
    need(len(parts) == 3 and parts[0] == "—" and parts[1], "note: signature line")
    need("+" not in parts[1], "note: name of a key")
    raw = from_base64(parts[2])
    need(len(raw) > 4, "note: signature")
    return parts[1], raw[:4], raw[4:]


def key_id(name, public, kind):
    return hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def good_key(public):
    """A public key is a point of the prime-order subgroup, and not of low order."""
    return len(public) == 32 and crypto_core_ed25519_is_valid_point(public)


def is_signed(public, message, signature):
    """Verify as libsodium does."""
    if not good_key(public) or len(signature) != 64:
        return False
    try:
        VerifyKey(public).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def signed_by(note, name, public):
    """Say whether a key has signed a note; refuse the note if one of its signatures is wrong."""
    wanted = key_id(name, public, CHECKPOINT)
    mine = [raw for said, kid, raw in note.signatures if (said, kid) == (name, wanted)]
    need(all(is_signed(public, note.text.encode(), raw) for raw in mine), "note: signature")
    return bool(mine)


# Checkpoints: C2SP tlog-checkpoint 1.0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How many entries a log has, and their root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self):
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def read_size(said):
    need(said.isascii() and said.isdecimal() and len(said) <= 16, "size")
    need(said == str(int(said)), "size without leading zeros")
    return int(said)


def read_checkpoint(lines):
    """Return what three lines say."""
    need(len(lines) == 3, "checkpoint: three lines")
    need(matches(ORIGIN, lines[0]), "checkpoint: origin")
    return Checkpoint(origin=lines[0], size=read_size(lines[1]), root=from_base64(lines[2], 32))


# Receipts: C2SP tlog-cosignature 1.0.1


def is_receipt(checkpoint, member, public, time, signature):
    """Say whether a member has cosigned a checkpoint at a time."""
    need(matches(MEMBER, member), "receipt: member")
    message = f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
    return is_signed(public, message, signature)


def read_cosignature(note, member, public):
    """Return the time of a member's cosignature on a note that carries it."""
    name = f"{member}/node"
    wanted = key_id(name, public, COSIGNATURE)
    (raw,) = [raw for said, kid, raw in note.signatures if (said, kid) == (name, wanted)]
    need(len(raw) == 72, "cosignature: size")
    time = int.from_bytes(raw[:8], "big")
    checkpoint = read_checkpoint(note.lines)
    need(is_receipt(checkpoint, member, public, time, raw[8:]), "cosignature")
    return time
