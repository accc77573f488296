"""The payload: bytes under a salted hash, so that they can be deleted and the log still proves.

Salts are derived from one random seed per package of 256 entries: whole packages travel with one
seed instead of 256 salts. Once a payload of a package is erased, the seed must be erased too and
the remaining salts kept one by one, or else the seed would give the erased salt back.
"""

import hashlib

SEED_BYTES = 16
SALT_BYTES = 16
PAYLOAD_LIMIT = 65_535  # bytes; larger things are attachments
PACKAGE = 256  # entries that share a seed, travel and are committed together


def derive_salt(seed: bytes, seq: int) -> bytes:
    """Return the 16-byte salt of the entry at `seq` from the seed of its package."""
    return hashlib.sha256(b"liptako salt v1" + seed + seq.to_bytes(8, "big")).digest()[:SALT_BYTES]


def payload_hash(salt: bytes, body: bytes) -> bytes:
    """Return the 32 bytes that a header carries for a payload: SHA-256(salt ‖ body)."""
    return hashlib.sha256(salt + body).digest()
