"""Signed notes (C2SP signed-note 1.0.0): text, an empty line, signature lines.

Knows the format and Ed25519 signatures of type 0x01. What the text means is left to others.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from liptako.core.errors import MalformedError, VerificationError
from liptako.core.keys import Signer, key_id, verifies

NOTE_LIMIT = 65_535  # bytes
SIGNATURE_LIMIT = 64  # lines; the specification asks for at least 16
_DASH = "— "
_ID_BYTES = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its 4-byte id, and the signature bytes."""

    name: str
    key: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text (ending in a newline) and the signatures under it."""

    text: str
    signatures: tuple[Signature, ...]


def sign_note(text: str, name: str, signer: Signer, *, limit: int = NOTE_LIMIT) -> bytes:
    """Return the note with one signature. Raises MalformedError for a text no note may hold."""
    signature = Signature(name, key_id(name, signer.public), signer.sign(text.encode()))
    data = write_note(Note(text, (signature,)))
    read_note(data, limit=limit)
    return data


def write_note(note: Note) -> bytes:
    """Return the bytes of a note."""
    lines = (
        f"{_DASH}{signature.name} {b64encode(signature.key + signature.raw).decode()}\n"
        for signature in note.signatures
    )
    return (note.text + "\n" + "".join(lines)).encode()


def read_note(data: bytes, *, limit: int = NOTE_LIMIT) -> Note:
    """Read a note without trusting it. Raises MalformedError for any spelling but our own."""
    if len(data) > limit:
        raise MalformedError(
            "note: expected at most %(limit)d bytes, got %(got)d", limit=limit, got=len(data)
        )
    try:
        whole = data.decode()
    except UnicodeDecodeError as cause:
        raise MalformedError("note: expected UTF-8") from cause
    text, gap, tail = whole.rpartition("\n\n")
    if not gap or any(char < " " and char != "\n" for char in whole):
        raise MalformedError("note: expected text, an empty line and signatures")
    lines = tail.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise MalformedError("note: expected at most %(limit)d signatures", limit=SIGNATURE_LIMIT)
    note = Note(text + "\n", tuple(_read_signature(line) for line in lines))
    if write_note(note) != data:
        raise MalformedError("note: expected every signature on one line with a line end")
    return note


def _read_signature(line: str) -> Signature:
    """Read one signature line. Raises MalformedError."""
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        raw = b64decode(encoded, validate=True)
    except ValueError:
        raw = b""
    if not (line.startswith(_DASH) and gap and _is_key_name(name) and len(raw) > _ID_BYTES):
        raise MalformedError("note: expected a signature line, got %(got)s", got=line[:60])
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


def _is_key_name(name: str) -> bool:
    """Say whether the name is one that a key may have: not empty, no space, no plus."""
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)


def open_note(data: bytes, keys: Mapping[str, bytes], *, limit: int = NOTE_LIMIT) -> Note:
    """Return the note with only its good signatures, by public keys under their names.

    Raises MalformedError, or VerificationError if a signature by a known key is bad or no known
    key has signed (C2SP signed-note, "Signatures").
    """
    note = read_note(data, limit=limit)
    good = []
    for signature in note.signatures:
        public = keys.get(signature.name)
        if public is None or key_id(signature.name, public) != signature.key:
            continue
        if not verifies(public, note.text.encode(), signature.raw):
            raise VerificationError("note: the signature of %(name)s is wrong", name=signature.name)
        good.append(signature)
    if not good:
        names = ", ".join(sorted({signature.name for signature in note.signatures}))
        raise VerificationError("note: signed by no key that is known here: %(names)s", names=names)
    return Note(note.text, tuple(good))
