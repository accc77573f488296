"""Ed25519 keys: who can sign, and one verifier for every node.

PyNaCl (libsodium) everywhere: on 914 edge cases another common library accepts 165 signatures
that it rejects, so members could disagree. Keys of low order are refused.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from typing import Protocol

from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from liptako.core.errors import MalformedError

SEED_BYTES = 32
PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
_PREFIX = "PRIVATE+KEY+"
_ED25519 = b"\x01"  # C2SP signed-note, signature types
COSIGNATURE = b"\x04"  # the same: a timestamped cosignature


class Signer(Protocol):
    """Something that signs with a key we may never see (a file, a token, an HSM)."""

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of an Ed25519 signature over the message."""


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A signer that holds its key in memory."""

    key: SigningKey

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return bytes(self.key.verify_key)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of an Ed25519 signature over the message (RFC 8032)."""
        return self.key.sign(message).signature


def signer_from_seed(seed: bytes) -> Ed25519Signer:
    """Return the signer of a 32-byte seed. Raises MalformedError for another length."""
    if len(seed) != SEED_BYTES:
        raise MalformedError("key: expected 32 bytes, got %(got)d", got=len(seed))
    return Ed25519Signer(SigningKey(seed))


def public_key(raw: bytes) -> bytes:
    """Return a public key unchanged. Raises MalformedError if it is no point of the prime order.

    That refuses the keys of low order, under which one signature fits many messages.
    """
    if len(raw) != PUBLIC_BYTES or not crypto_core_ed25519_is_valid_point(raw):
        raise MalformedError("key: expected an Ed25519 public key, got %(got)s", got=raw.hex()[:64])
    return raw


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the signature over the message was made with that public key."""
    try:
        VerifyKey(public).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def key_id(name: str, public: bytes, purpose: bytes = _ED25519) -> bytes:
    """Return the 4 bytes that name a key in a signed note (C2SP signed-note, "Signatures").

    `purpose` is the signature type: an ordinary signature, or `COSIGNATURE`.
    """
    return hashlib.sha256(name.encode() + b"\n" + purpose + public).digest()[:4]


def fingerprint(public: bytes) -> str:
    """Return the key as 8 groups of 5 digits, to be read aloud in any language (132 bits)."""
    number = int.from_bytes(hashlib.sha512(b"liptako fingerprint v1" + public).digest(), "big")
    groups = []
    for _ in range(8):
        number, group = divmod(number, 100_000)
        groups.append(f"{group:05}")
    return " ".join(groups)


def write_private_key(name: str, seed: bytes) -> str:
    """Return the text of a private key file, in the form of Go's `sumdb/note`."""
    public = signer_from_seed(seed).public
    secret = b64encode(_ED25519 + seed).decode()
    return f"{_PREFIX}{name}+{key_id(name, public).hex()}+{secret}\n"


def read_private_key(text: str) -> tuple[str, bytes]:
    """Return the name and the seed in a private key file. Raises MalformedError."""
    error = MalformedError("key: expected a file that begins with PRIVATE+KEY+")
    parts = text.strip().removeprefix(_PREFIX).split("+", 2)
    if not text.startswith(_PREFIX) or len(parts) != 3:  # noqa: PLR2004 (name, id, secret)
        raise error
    try:
        secret = b64decode(parts[2], validate=True)
    except (Base64Error, ValueError) as cause:
        raise error from cause
    seed = secret[1:]
    if secret[:1] != _ED25519 or len(seed) != SEED_BYTES:
        raise error
    if write_private_key(parts[0], seed) != text:
        raise MalformedError("key: the name or the id in the file is not that of the secret")
    return parts[0], seed
