"""The port to the network: one request to a partner's node, under the key that is pinned for it.

TLS 1.3; no certificate authority is asked. The other side is who holds the key whose hash stands
in the compact, checked before a byte of ours is sent.
"""

import hashlib
import http.client
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from liptako.core.errors import LiptakoError, MalformedError, NetworkError, PinError

PATH = "/federation/exchange"
DEEDS_PATH = "/federation/deeds"
TIMEOUT = 30  # seconds for each step on a slow line
ANSWER_LIMIT = 64 * 2**20  # bytes
DEEDS_LIMIT = 2**21  # bytes of sealed deeds: what a bundle may have of them, and room
CONTENT_TYPE = "application/octet-stream"
ADDRESS_LIMIT = 200  # characters
_ADDRESS = re.compile(r"https://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class Client(Protocol):
    """Something that hands a sealed bundle to a partner and brings back the sealed answer."""

    def exchange(self, url: str, pins: Sequence[bytes], bundle: bytes) -> bytes:
        """Return the answer. Raises NetworkError, or PinError for somebody without a pinned key."""

    def deeds(self, url: str, asker: str) -> bytes:
        """Return what whoever answers gives of deeds, sealed. Nothing proves yet who that is.

        Raises NetworkError.
        """


def key_pin(certificate: bytes) -> bytes:
    """Return the SHA-256 of the public key (SPKI, DER) in a certificate (DER)."""
    key = load_der_x509_certificate(certificate).public_key()
    return hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).digest()


def check_address(text: str) -> str:
    """Return the address of a node, without spaces around it or a slash behind it.

    Raises MalformedError for anything but https://HOST:PORT.
    """
    url = text.strip().rstrip("/")
    if not _ADDRESS.fullmatch(url) or len(url) > ADDRESS_LIMIT:
        raise _no_address(text)
    try:
        urlsplit(url).port  # noqa: B018 (reading it checks its bounds)
    except ValueError as cause:
        raise _no_address(text) from cause
    return url


def _no_address(text: str) -> MalformedError:
    """Return the error for what is no address of a node."""
    return MalformedError("address: expected https://HOST:PORT, got %(got)s", got=text[:80])


class HttpsClient:
    """The client over HTTPS: a connection that stays open from one request to the next."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._url = ""
        self._connection: http.client.HTTPSConnection | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close what is open."""
        self._close()

    def exchange(self, url: str, pins: Sequence[bytes], bundle: bytes) -> bytes:
        """Return the answer of the node at `url`, which must hold a pinned key.

        A partner may have closed an idle connection: what could not be sent over one that was used
        before goes over a new one. Whoever gets a bundle twice takes it once.
        """
        if url == self._url and self._connection is not None:
            try:
                return _send(self._connection, bundle)
            except (OSError, http.client.HTTPException):
                self._close()
        with _closing(url) as connection:
            _connect(connection, pins)
            answer = _send(connection, bundle)
        self._close()
        self._url, self._connection = url, connection
        return answer

    def deeds(self, url: str, asker: str) -> bytes:
        """Return the sealed deeds that the node at `url` has for a member, whatever its key.

        Over a connection of its own, which tells nothing but who asks.
        """
        with _closing(url) as connection:
            connection.request("GET", f"{DEEDS_PATH}/{asker}")
            answer = _answer(connection, DEEDS_LIMIT)
            connection.close()
        return answer

    def _close(self) -> None:
        """Close the connection that is open, if one is."""
        if self._connection is not None:
            self._connection.close()
        self._url, self._connection = "", None


@contextmanager
def _closing(url: str) -> Iterator[http.client.HTTPSConnection]:
    """Give a connection to an address, not yet open; a fault closes it.

    Raises NetworkError for a partner that could not be reached.
    """
    host, connection = _open(url)
    try:
        yield connection
    except (OSError, http.client.HTTPException) as cause:
        connection.close()
        raise _unreachable(host, cause) from cause
    except LiptakoError:
        connection.close()
        raise


def _open(url: str) -> tuple[str, http.client.HTTPSConnection]:
    """Return the host of an address and a connection to it, not yet open."""
    parts = urlsplit(check_address(url))
    try:
        host = str(parts.hostname).encode("idna").decode()
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=TIMEOUT, context=_context()
        )
    except (ValueError, http.client.InvalidURL) as cause:
        raise _no_address(url) from cause
    return parts.netloc, connection


def _unreachable(host: str, cause: Exception) -> NetworkError:
    """Return the error for a partner that could not be reached, in words where we know them."""
    if isinstance(cause, ConnectionRefusedError):
        return NetworkError("%(host)s cannot be reached: nobody answers at that port", host=host)
    if isinstance(cause, TimeoutError):
        return NetworkError("%(host)s cannot be reached: no answer in time", host=host)
    if isinstance(cause, socket.gaierror):
        return NetworkError("%(host)s cannot be reached: no such host is known", host=host)
    why = str(cause) or type(cause).__name__
    return NetworkError("%(host)s cannot be reached: %(why)s", host=host, why=why)


def _context() -> ssl.SSLContext:
    """Return TLS 1.3 without authorities; the key is checked by `_connect`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connect(connection: http.client.HTTPSConnection, pins: Sequence[bytes]) -> None:
    """Connect, and check the key of the other side. Raises PinError for another one."""
    connection.connect()
    certificate = connection.sock.getpeercert(binary_form=True)
    found = key_pin(certificate) if certificate else b""
    if found not in pins:
        raise PinError(
            "%(host)s does not hold the key of the compact: expected %(expected)s, got %(got)s",
            host=connection.host,
            expected=", ".join(b64encode(pin).decode() for pin in pins),
            got=b64encode(found).decode(),
        )


def _send(connection: http.client.HTTPSConnection, bundle: bytes) -> bytes:
    """Send the bundle, return the answer."""
    connection.request("POST", PATH, bundle, {"Content-Type": CONTENT_TYPE})
    return _answer(connection, ANSWER_LIMIT)


def _answer(connection: http.client.HTTPSConnection, limit: int) -> bytes:
    """Return the answer to what was sent. Raises NetworkError for one that is none."""
    response = connection.getresponse()
    try:
        answer = response.read(limit + 1)
    except http.client.IncompleteRead as cut:
        answer = cut.partial  # its whole packages are kept; the next exchange goes on after them
    if response.status != http.HTTPStatus.OK:
        raise NetworkError(
            "%(host)s answered %(status)d: %(why)s",
            host=connection.host,
            status=response.status,
            why=answer[:300].decode(errors="replace"),
        )
    if len(answer) > limit:
        raise NetworkError("%(host)s answered with too many bytes", host=connection.host)
    return answer
