"""Receipts: a recipient cosigns the checkpoint of what it has stored (C2SP tlog-cosignature 1.0.1).

Proof of delivery and witness at once: whoever holds a receipt can show what the recipient has, and
that the author's log had this root. Nobody waits for one before a record counts.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import COSIGNATURE, SIGNATURE_BYTES, Signer, key_id, verifies
from liptako.core.log.checkpoint import Checkpoint, parse_checkpoint
from liptako.core.log.heads import key_name
from liptako.core.log.note import Note, Signature, read_note, write_note
from liptako.core.refs import member_id

_TIME_BYTES = 8
_TIME_LIMIT = 2**63 - 1  # tlog-cosignature, "Format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What `member` signed that it stored of a log, at `time` (POSIX seconds, by its own clock)."""

    checkpoint: Checkpoint
    member: str
    time: int
    signature: bytes

    def note(self, public: bytes) -> bytes:
        """Return the checkpoint with the cosignature under it, as a signed note."""
        name = key_name(self.member)
        raw = self.time.to_bytes(_TIME_BYTES, "big") + self.signature
        line = Signature(name, key_id(name, public, COSIGNATURE), raw)
        return write_note(Note(self.checkpoint.text(), (line,)))


def _message(checkpoint: Checkpoint, time: int) -> bytes:
    """Return what is signed (tlog-cosignature, "Ed25519 signed message")."""
    return f"cosignature/v1\ntime {time}\n{checkpoint.text()}".encode()


def cosign(checkpoint: Checkpoint, member: str, time: int, signer: Signer) -> Receipt:
    """Return a member's receipt for a checkpoint up to which it has stored the log."""
    signature = signer.sign(_message(checkpoint, time))
    return Receipt(checkpoint=checkpoint, member=member, time=time, signature=signature)


def check_receipt(receipt: Receipt, publics: Sequence[bytes]) -> bytes:
    """Return the key, of its member's, that signed a receipt.

    Raises MalformedError, or VerificationError if none of them did.
    """
    member_id(receipt.member)
    if not 0 <= receipt.time <= _TIME_LIMIT or len(receipt.signature) != SIGNATURE_BYTES:
        raise MalformedError("receipt: expected a time and 64 bytes of signature")
    message = _message(receipt.checkpoint, receipt.time)
    for public in publics:
        if verifies(public, message, receipt.signature):
            return public
    raise VerificationError(
        "%(origin)s: the receipt of %(member)s for %(size)d entries does not fit this log",
        origin=receipt.checkpoint.origin,
        member=receipt.member,
        size=receipt.checkpoint.size,
    )


def read_receipt(data: bytes) -> Receipt:
    """Return the receipt in a signed note, without trusting it. Raises MalformedError."""
    note = read_note(data)
    line = note.signatures[0]
    member, _, rest = line.name.partition("/")
    if len(line.raw) != _TIME_BYTES + SIGNATURE_BYTES or rest != "node":
        raise MalformedError(
            "receipt: expected a cosignature of a node, got %(got)s",
            got=f"{line.name} {b64encode(line.raw).decode()[:20]}",
        )
    return Receipt(
        checkpoint=parse_checkpoint(note.text),
        member=member_id(member),
        time=int.from_bytes(line.raw[:_TIME_BYTES], "big"),
        signature=line.raw[_TIME_BYTES:],
    )
