"""Root keys in a PKCS#11 token: a card, a stick with a chip, a hardware module.

Named by a URI of RFC 7512, such as
`pkcs11:token=ML;object=root?module-path=/usr/lib/softhsm/libsofthsm2.so`. Ed25519 as in PKCS#11 3.0
(CKM_EDDSA). The library is an extra of the program: a clear error where it is not installed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from liptako.cli.files import read_file
from liptako.core.errors import (
    MalformedError,
    NotAllowedError,
    RefusedError,
    SettingError,
    StorageError,
)
from liptako.core.keys import PUBLIC_BYTES, public_key

if TYPE_CHECKING:
    from pkcs11 import Session

_SCHEME = "pkcs11:"
_FILE = "file:"
_ED25519 = bytes.fromhex("06032b6570")  # the curve's object identifier (RFC 8410), DER
_OCTETS = b"\x04\x20"  # DER before the 32 bytes of a point

Ask = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUri:
    """Which key in which token, through which module; the file with the PIN, else it is asked."""

    module: str
    token: str
    label: str | None
    id: bytes | None
    pin_file: Path | None

    @property
    def search(self) -> dict[str, Any]:
        """What the key is looked for by."""
        wanted = {"label": self.label, "id": self.id}
        return {name: value for name, value in wanted.items() if value is not None}


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs inside a token; the PIN is kept while the command runs."""

    uri: TokenUri
    pin: str
    public: bytes

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of an Ed25519 signature over the message (CKM_EDDSA)."""
        import pkcs11  # optional

        with _session(self.uri, self.pin) as session:
            key: Any = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, **self.uri.search)
            return bytes(key.sign(message, mechanism=pkcs11.Mechanism.EDDSA))


def is_token(name: str) -> bool:
    """Say whether a key is named by a URI of a token."""
    return name.startswith(_SCHEME)


def parse_uri(text: str) -> TokenUri:
    """Return which key a URI names. Raises MalformedError."""
    path, _question, query = text.removeprefix(_SCHEME).partition("?")
    parts = _attributes(path, ";") | _attributes(query, "&")
    unknown = parts.keys() - {"token", "object", "id", "module-path", "pin-source", "type"}
    missing = {"token", "module-path"} - parts.keys()
    if unknown or missing or not {"object", "id"} & parts.keys():
        raise MalformedError(
            "%(got)s: expected pkcs11:token=…;object=…?module-path=…, and pin-source=file:… for a "
            "PIN in a file",
            got=text,
        )
    source = unquote(parts["pin-source"]).removeprefix(_FILE) if "pin-source" in parts else None
    return TokenUri(
        module=unquote(parts["module-path"]),
        token=unquote(parts["token"]),
        label=unquote(parts["object"]) if "object" in parts else None,
        id=unquote_to_bytes(parts["id"]) if "id" in parts else None,
        pin_file=None if source is None else Path(source),
    )


def _attributes(text: str, separator: str) -> dict[str, str]:
    """Return the attributes of a part of a URI, still encoded."""
    pairs = (item.partition("=") for item in text.split(separator) if item)
    return {name: value for name, _equals, value in pairs}


def open_key(name: str, ask: Ask) -> TokenSigner:
    """Return the signer of a key in a token; asks for the PIN unless a file has it.

    Raises MalformedError, NotAllowedError for a wrong PIN, RefusedError for a key that is not
    there, SettingError without the library, StorageError for what else the token says.
    """
    uri = parse_uri(name)
    pin = _pin(uri, ask)
    with _session(uri, pin) as session:
        import pkcs11  # optional

        key = session.get_key(pkcs11.ObjectClass.PUBLIC_KEY, **uri.search)
        point = bytes(key[pkcs11.Attribute.EC_POINT])
    public = public_key(point.removeprefix(_OCTETS) if len(point) > PUBLIC_BYTES else point)
    return TokenSigner(uri, pin, public)


def make_key(name: str, ask: Ask) -> None:
    """Draw an Ed25519 key inside a token, from which it never comes out.

    Raises what `open_key` raises, and RefusedError if there is one under this name.
    """
    uri = parse_uri(name)
    with _session(uri, _pin(uri, ask), write=True) as session:
        import pkcs11  # optional

        if any(True for _key in session.get_objects(_template(uri))):
            raise RefusedError("%(token)s: there is a key of this name already", token=uri.token)
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS, {pkcs11.Attribute.EC_PARAMS: _ED25519}, local=True
        )
        parameters.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, **uri.search
        )


def _template(uri: TokenUri) -> dict[Any, Any]:
    """Return what objects are looked for by, as the library wants it."""
    import pkcs11  # optional

    names = {"label": pkcs11.Attribute.LABEL, "id": pkcs11.Attribute.ID}
    return {names[name]: value for name, value in uri.search.items()}


def _pin(uri: TokenUri, ask: Ask) -> str:
    """Return the PIN of a token, from its file or typed."""
    if uri.pin_file is not None:
        return read_file(uri.pin_file).decode(errors="replace").strip()
    return ask(_("PIN of the token %(token)s: ") % {"token": uri.token})


@contextmanager
def _session(uri: TokenUri, pin: str, *, write: bool = False) -> "Iterator[Session]":
    """Open a token; what the library says becomes an error of ours."""
    try:
        import pkcs11  # an extra of the program: most nodes keep their root keys in files
        from pkcs11 import exceptions as said
    except ImportError as cause:
        raise SettingError(
            "keys in tokens need the library python-pkcs11: install requirements/pkcs11.txt too"
        ) from cause
    try:
        token = pkcs11.lib(uri.module).get_token(token_label=uri.token)
        with token.open(user_pin=pin, rw=write) as session:
            yield session
    except (said.PinIncorrect, said.PinLocked, said.PinLenRange, said.PinInvalid) as cause:
        raise NotAllowedError("the token %(token)s refuses this PIN", token=uri.token) from cause
    except (said.NoSuchToken, said.NoSuchKey, said.MultipleObjectsReturned) as cause:
        raise RefusedError(
            "%(token)s: there is no such token, no such key in it, or more than one",
            token=uri.token,
        ) from cause
    except said.PKCS11Error as cause:
        raise StorageError(
            "the token %(token)s would not do it: %(why)s",
            token=uri.token,
            why=str(cause) or type(cause).__name__,
        ) from cause
