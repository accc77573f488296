"""The keys of a node in its folder: those in use, and those prepared for the next delegation.

Keys that are prepared lie in `keys/next` until the member has delegated them; then they take the
place of those in use. What was sealed for a former age key can be opened for two changes more.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from liptako.cli.certificate import make_certificate, pin_of
from liptako.cli.files import cannot_write, write_file
from liptako.core.compact.members import NodeKeys
from liptako.core.keys import read_private_key, signer_from_seed, write_private_key
from liptako.core.log.sealed import new_identity, recipients_of
from liptako.ledger.node import (
    SEAL_KEY,
    SIGN_KEY,
    TLS_CERT,
    TLS_KEY,
    TLS_NEXT_CERT,
    TLS_NEXT_KEY,
    age_identity,
    read_key,
)

NEXT = "keys/next"
FILES = (SEAL_KEY, TLS_KEY, TLS_CERT, TLS_NEXT_KEY, TLS_NEXT_CERT, SIGN_KEY)
PUBLISHED = 2  # age keys: the present one and the next one
_FORMER = 2  # age keys that are kept after they were changed
KINDS = ("sign", "seal", "tls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The public halves of a node's keys, as a delegation names them."""

    sign: bytes
    seals: tuple[str, ...]
    pins: tuple[bytes, ...]

    def is_of(self, keys: NodeKeys) -> bool:
        """Say whether these are the keys that a member has delegated."""
        return (self.sign, self.seals, self.pins) == (
            keys.sign,
            (keys.seal, *keys.next_seals),
            keys.pins,
        )


def draw_keys(home: Path, member: str) -> None:
    """Draw the keys of a new node, each unless it is there. Raises StorageError, SettingError."""
    if not (home / SIGN_KEY).exists():
        _write_sign(home / SIGN_KEY, member)
    if not (home / SEAL_KEY).exists():
        write_file(home / SEAL_KEY, f"{new_identity()}\n{new_identity()}\n".encode(), private=True)
    make_certificate(home / TLS_KEY, home / TLS_CERT, member)
    make_certificate(home / TLS_NEXT_KEY, home / TLS_NEXT_CERT, member)


def _write_sign(path: Path, member: str) -> None:
    """Draw a signing key."""
    text = write_private_key(f"{member}/node", os.urandom(32))
    write_file(path, text.encode(), private=True)


def material(home: Path, *, prepared: bool = False) -> Material:
    """Return the public keys of a node; with those that are prepared, if wanted.

    Raises SettingError for a key that cannot be read.
    """
    paths = {name: _path(home, name, prepared=prepared) for name in FILES}
    _name, seed = read_key(paths[SIGN_KEY], read_private_key)
    identity = read_key(paths[SEAL_KEY], age_identity)
    certificates = [paths[name] for name in (TLS_CERT, TLS_NEXT_CERT)]
    return Material(
        sign=signer_from_seed(seed).public,
        seals=recipients_of(identity)[:PUBLISHED],
        pins=tuple(pin_of(path) for path in certificates if path.exists()),
    )


def _path(home: Path, name: str, *, prepared: bool) -> Path:
    """Return where a key lies."""
    ahead = home / NEXT / Path(name).name
    return ahead if prepared and ahead.exists() else home / name


def prepare(home: Path, member: str, kinds: Collection[str]) -> Material:
    """Draw what is to be delegated next, and return its public keys; what is drawn already stays.

    Raises StorageError, and SettingError for a key that cannot be read.
    """
    folder = home / NEXT
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as cause:
        raise cannot_write(folder, cause) from cause
    if "sign" in kinds and not (folder / "node.key").exists():
        _write_sign(folder / "node.key", member)
    if "seal" in kinds and not (folder / "node.age").exists():
        _prepare_seal(home, folder)
    if "tls" in kinds and not (folder / "tls-next.crt").exists():
        _prepare_tls(home, folder, member)
    return material(home, prepared=True)


def _prepare_seal(home: Path, folder: Path) -> None:
    """Let the next age key be the present one, with a new next one and a few former ones."""
    held = read_key(home / SEAL_KEY, age_identity).split("\n")
    published, former = held[:PUBLISHED], held[PUBLISHED:]
    lines = [*published[1:], new_identity(), published[0], *former]
    wanted = lines[: PUBLISHED + _FORMER]
    write_file(folder / "node.age", "".join(f"{line}\n" for line in wanted).encode(), private=True)


def _prepare_tls(home: Path, folder: Path, member: str) -> None:
    """Let the next TLS key be the present one, with a new next one."""
    make_certificate(home / TLS_NEXT_KEY, home / TLS_NEXT_CERT, member)
    for present, ahead in ((TLS_KEY, TLS_NEXT_KEY), (TLS_CERT, TLS_NEXT_CERT)):
        write_file(folder / Path(present).name, (home / ahead).read_bytes(), private=True)
    make_certificate(folder / "tls-next.key", folder / "tls-next.crt", member)


def take_prepared(home: Path) -> bool:
    """Put the keys that are prepared in the place of those in use; say whether there were any.

    Can be done again after it was interrupted. Raises StorageError.
    """
    folder = home / NEXT
    if not folder.exists():
        return False
    try:
        for name in FILES:
            if (folder / Path(name).name).exists():
                (folder / Path(name).name).replace(home / name)
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    except OSError as cause:
        raise cannot_write(folder, cause) from cause
    return True
