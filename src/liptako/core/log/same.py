"""The shortest exchange: one signed line that says "nothing new here, and I am alive".

Two nodes that have exchanged before and written nothing since send about 170 bytes each way instead
of their heads. What it says is only a hash: who reads it on the way learns nothing.
"""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, replace

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import Signer
from liptako.core.log.heads import Heads, key_name
from liptako.core.log.note import open_note, read_note, sign_note
from liptako.core.refs import member_id

SAME_MAGIC = b"liptako.same/1\n"
_HASH_BYTES = 16
_TIME = re.compile(r"0|[1-9][0-9]{0,14}")
_LINES = 5
_UNTOLD = Instant(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """That nothing has changed since two heads: by whom, to whom, when, and a hash of both."""

    sender: str
    recipient: str
    time: Instant
    hash: str

    def text(self) -> str:
        """Return the note text."""
        lines = [SAME_MAGIC.decode().strip(), self.sender, self.recipient]
        lines += [str(self.time.milliseconds), self.hash]
        return "".join(f"{line}\n" for line in lines)


def same_of(mine: Heads, theirs: Heads, time: Instant) -> Same:
    """Return what the sender of `mine` says if both still hold what these heads say."""
    parts = [replace(heads, time=_UNTOLD).text().encode() for heads in (mine, theirs)]
    digest = hashlib.sha256(b"\0".join(parts)).digest()[:_HASH_BYTES]
    return Same(
        sender=mine.sender,
        recipient=mine.recipient,
        time=time,
        hash=b64encode(digest).decode(),
    )


def sign_same(same: Same, signer: Signer) -> bytes:
    """Return the signed note."""
    return sign_note(same.text(), key_name(same.sender), signer)


def read_same(data: bytes) -> Same:
    """Return what a note says, without trusting it. Raises MalformedError."""
    text = read_note(data).text
    lines = text.removesuffix("\n").split("\n")
    if len(lines) == _LINES and _TIME.fullmatch(lines[3]):
        same = Same(
            sender=member_id(lines[1]),
            recipient=member_id(lines[2]),
            time=Instant(int(lines[3])),
            hash=lines[4],
        )
        if same.text() == text:
            return same
    raise MalformedError(
        "same: expected sender, recipient, time and hash, got %(got)s", got=text[:60]
    )


def open_same(data: bytes, wanted: Same, public: bytes) -> Same | None:
    """Return what the sender of `wanted` says if it is that, but for the time; nothing if not.

    Raises MalformedError, or VerificationError for a signature by somebody else or a note to
    somebody else.
    """
    open_note(data, {key_name(wanted.sender): public})
    same = read_same(data)
    if (same.sender, same.recipient) != (wanted.sender, wanted.recipient):
        raise VerificationError(
            "bundle: expected from %(sender)s to %(recipient)s, got from %(from)s to %(to)s",
            sender=wanted.sender,
            recipient=wanted.recipient,
            **{"from": same.sender, "to": same.recipient},
        )
    return same if same.hash == wanted.hash else None
