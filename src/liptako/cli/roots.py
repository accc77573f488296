"""Root keys of a member: in a file, with or without a passphrase, or in a PKCS#11 token.

A root key is named by the path of its file, or by a PKCS#11 URI (RFC 7512). Beside the file, in the
database of a node, or in both, a line is kept of each deed before it is signed.
"""

import getpass
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

import msgspec
from pyrage import DecryptError, passphrase

from liptako.cli import tokens
from liptako.cli.files import cannot_write, read_file, write_file
from liptako.core.compact.envelope import Envelope, sign_envelope
from liptako.core.compact.signing import Line, Place, check_unsigned, line_for
from liptako.core.errors import MalformedError, NotAllowedError, RefusedError
from liptako.core.keys import Signer, read_private_key, signer_from_seed, write_private_key
from liptako.core.log.sealed import AGE_MAGIC

JOURNAL = ".signed"
"""What a key file's name is followed by in the name of its list of signatures."""

Note = Callable[[Line], None]
"""Keeps a line of a signature, or raises RefusedError if it would be a second one."""


@dataclass(frozen=True, slots=True)
class RootKey:
    """A root key: who signs with it, and the file with the list of its signatures, if any."""

    signer: Signer
    journal: Path | None


class _Line(msgspec.Struct):
    keyid: str
    type: str
    member: str
    number: int
    digest: bytes


def open_root(name: str) -> RootKey:
    """Return a root key; asks for passphrase or PIN if need be.

    Raises MalformedError for what is no key, NotAllowedError for a wrong passphrase or PIN.
    """
    if tokens.is_token(name):
        return RootKey(tokens.open_key(name, ask), None)
    path = Path(name)
    text = _opened(path, read_file(path))
    _name, seed = read_private_key(text)
    return RootKey(signer_from_seed(seed), path.parent / (path.name + JOURNAL))


def make_root(name: str, member: str, *, protect: bool) -> RootKey:
    """Draw a root key into a new file or a token. Raises RefusedError if there is one already."""
    if tokens.is_token(name):
        tokens.make_key(name, ask)
    else:
        write_root(Path(name), write_private_key(f"{member}/root", os.urandom(32)), protect=protect)
    return open_root(name)


def write_root(path: Path, text: str, *, protect: bool) -> None:
    """Write a key file that is for its owner only. Raises RefusedError if there is one already."""
    if path.exists():
        raise RefusedError("%(file)s is there already: it is not written over", file=str(path))
    data = text.encode()
    if protect:
        data = passphrase.encrypt(data, _new_passphrase(path))
    write_file(path, data, private=True)


def read_root_text(path: Path) -> str:
    """Return the text of a key file; asks for its passphrase if it has one."""
    return _opened(path, read_file(path))


def _opened(path: Path, data: bytes) -> str:
    """Return the text of a key file. Raises NotAllowedError for a wrong passphrase."""
    if data.startswith(AGE_MAGIC):
        try:
            data = passphrase.decrypt(data, ask(_("Passphrase of %(file)s: ") % {"file": path}))
        except DecryptError as cause:
            raise NotAllowedError("%(file)s: this is not its passphrase", file=str(path)) from cause
    return data.decode(errors="replace")


def _new_passphrase(path: Path) -> str:
    """Return a passphrase that was typed twice. Raises RefusedError if it was not the same."""
    first = ask(_("New passphrase for %(file)s: ") % {"file": path})
    if not first or ask(_("Once more: ")) != first:
        raise RefusedError("the passphrase was empty or not the same twice: nothing was written")
    return first


def ask(prompt: str) -> str:
    """Return what a person types unseen. Raises RefusedError where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise RefusedError("a passphrase or a PIN is asked for: run this at a terminal")
    return getpass.getpass(prompt)


def sign_with(root: RootKey, envelope: Envelope, note: Note | None) -> Envelope:
    """Return a deed with the signature of a root key, of which a line is kept first.

    Raises RefusedError if this key has signed another one with its number, or if there is nowhere
    to keep the line.
    """
    line = line_for(envelope, root.signer.public)
    if root.journal is None and note is None:
        raise RefusedError(
            "a key in a token signs at a node, where a list of its signatures is kept: give --home"
        )
    if note is not None:
        note(line)
    if root.journal is not None:
        _note_in_file(root.journal, line)
    return sign_envelope(envelope, root.signer)


def _note_in_file(path: Path, line: Line) -> None:
    """Keep a line in a file. Raises RefusedError if it would be a second one, StorageError."""
    kept = _read_journal(path)
    check_unsigned(kept, line)
    if line in kept:
        return
    place = line.place
    raw = _Line(line.keyid, place.type, place.member, place.number, line.digest)
    try:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(raw) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as cause:
        raise cannot_write(path, cause) from cause


def _read_journal(path: Path) -> Sequence[Line]:
    """Return what a key has signed. Raises MalformedError for a damaged list."""
    if not path.exists():
        return ()
    try:
        raws = [
            msgspec.json.decode(text, type=_Line) for text in read_file(path).splitlines() if text
        ]
    except msgspec.MsgspecError as cause:
        raise MalformedError(
            "%(file)s is damaged: %(why)s", file=str(path), why=str(cause)
        ) from cause
    return [
        Line(
            keyid=raw.keyid,
            place=Place(type=raw.type, member=raw.member, number=raw.number),
            digest=raw.digest,
        )
        for raw in raws
    ]
