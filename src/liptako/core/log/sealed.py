"""Sealing a bundle for its recipient with age v1, and opening as much of it as is whole.

age proves that the bytes were not changed, not who wrote them: that is the work of the signatures
inside.
"""

from typing import BinaryIO

from pyrage import (
    DecryptError,
    EncryptError,
    IdentityError,
    RecipientError,
    decrypt_io,
    encrypt_io,
    x25519,
)

from liptako.core.errors import MalformedError, VerificationError

_SMALLEST = 1024  # bytes of what is padded
AGE_MAGIC = b"age-encryption.org/v1\n"


def new_identity() -> str:
    """Return a fresh secret key in age's own spelling (`AGE-SECRET-KEY-1…`)."""
    return str(x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """Return the public key (`age1…`) of a secret key, of several the first.

    Raises MalformedError.
    """
    return recipients_of(identity)[0]


def recipients_of(identity: str) -> tuple[str, ...]:
    """Return the public keys of the secret keys in a text, one on each line.

    As in the identity files of age itself: the first is the present one, others are the next one
    and former ones. Raises MalformedError.
    """
    return tuple(str(key.to_public()) for key in _identities(identity))


def check_recipient(text: str) -> str:
    """Return an age public key unchanged. Raises MalformedError for another spelling."""
    try:
        return str(x25519.Recipient.from_str(text))
    except RecipientError as cause:
        raise MalformedError("key: expected age1…, got %(got)s", got=text[:70]) from cause


def padded_size(size: int) -> int:
    """Return to how many bytes what a stranger carries is padded: 1 KiB, and Padmé above.

    At most 12 % more; what the size tells is of the order of log log n bits (Nikitin et al.,
    "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PETS 2019).
    """
    size = max(size, _SMALLEST)
    exponent = size.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-size // step) * step


def seal(source: BinaryIO, target: BinaryIO, recipient: str) -> None:
    """Write the source encrypted to one recipient.

    What the target raises (a full disk) comes through unchanged: age would make another error of
    it, and none at all of the last bytes.
    """
    sealed = _Target(target)
    try:
        encrypt_io(source, sealed, [x25519.Recipient.from_str(check_recipient(recipient))])
    except EncryptError as cause:
        raise sealed.fault or OSError(str(cause)) from cause
    if sealed.fault is not None:
        raise sealed.fault


def unseal(source: BinaryIO, target: BinaryIO, identity: str) -> bool:
    """Write what can be opened with a secret key, or one of several; say whether it was whole.

    A damaged or cut tail is left out: age authenticates chunk by chunk, so what was written is
    what was sealed. Raises VerificationError if it was sealed for somebody else or nothing of it is
    whole, and MalformedError for a file that is no such thing. What the target raises (a full disk)
    comes through unchanged: it is no fault of the bundle.
    """
    start = source.read(len(AGE_MAGIC))
    if start != AGE_MAGIC:
        raise MalformedError("bundle: this file is no bundle of Liptako, or its beginning is lost")
    source.seek(0)
    opened = _Target(target)
    try:
        decrypt_io(source, opened, _identities(identity))
    except DecryptError as cause:
        raise VerificationError(
            "bundle: it cannot be opened with the keys of this node: it is for another one, it was "
            "changed, or its sender missed our last changes of keys: hand it a file of ours, and "
            "ask for another one"
        ) from cause
    except OSError as cause:
        if opened.fault is not None:
            raise opened.fault from None
        if not opened.written:
            raise VerificationError(
                "bundle: it is damaged or cut short; nothing of it was kept: ask for another one"
            ) from cause
        return False
    return True


class _Target:
    """Hands on what was sealed or opened; keeps what the target raises apart from other faults."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.written = 0
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, and remember why that was not possible."""
        try:
            count = self._target.write(data)
        except OSError as fault:
            self.fault = fault
            raise
        self.written += count
        return count

    def flush(self) -> None:
        """Leave it to whoever owns the target."""


def _identities(text: str) -> list[x25519.Identity]:
    """Read secret keys. Raises MalformedError, without a key in its message."""
    try:
        return [x25519.Identity.from_str(line) for line in text.split("\n")]
    except IdentityError as cause:
        raise MalformedError("key: expected AGE-SECRET-KEY-1…") from cause
