"""The port to the network: one request to a partner's node, under the key that is pinned for it.

TLS 1.3; no certificate authority is asked. The other side is who holds the key whose hash stands
in the compact, checked before a byte of ours is sent.
"""

import hashlib
import http.client
import logging
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from liptako.core.errors import LiptakoError, MalformedError, NetworkError, PinError
from liptako.federation.pipe import Answer, Pipe

logger = logging.getLogger(__name__)

PATH = "/federation/exchange"
DEEDS_PATH = "/federation/deeds"
SEALED_LIMIT = 2**21  # bytes of sealed deeds: what a bundle may have of them, and room
TIMEOUT = 30  # seconds for each step on a slow line
ANSWER_LIMIT = 64 * 2**20  # bytes
ADDRESS_LIMIT = 200  # characters
_ADDRESS = re.compile(r"https://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class Follow(NamedTuple):
    """What may be sent while an answer is on its way back.

    `write` gives a bundle, or nothing if it has to wait for the answer. It is told how many bytes a
    second the line has taken (0 if that could not be seen), once no more are left to go than the
    line takes in a second, by the `rate` so far: what is urgent meanwhile waits behind one bundle.
    """

    write: Callable[[int], bytes]
    rate: int


class Client(Protocol):
    """Something that hands a sealed bundle to a partner and brings back the sealed answer."""

    def exchange(
        self, url: str, pins: Sequence[bytes], bundle: bytes, follow: Follow | None = None
    ) -> bytes:
        """Return the answer. Raises NetworkError, or PinError for somebody without the key.

        A client that sends another bundle meanwhile is given that very one with the next call. None
        has to.
        """

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
    """The client over HTTPS: a connection that stays open from one request to the next.

    A bundle that follows goes over it before the answer to the one before has come (RFC 9112, 9.3.2
    Pipelining): who gets a bundle twice takes it once, so that it may be sent again.
    """

    def __init__(self) -> None:
        """Open nothing yet."""
        self._url = ""
        self._pipe: Pipe | None = None
        self._under_way: bytes | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close what is open."""
        self._close()

    def exchange(
        self, url: str, pins: Sequence[bytes], bundle: bytes, follow: Follow | None = None
    ) -> bytes:
        """Return the answer of the node at `url`, which must hold a pinned key.

        A partner may have closed an idle connection: what could not be sent over one that was used
        before goes over a new one. Whoever gets a bundle twice takes it once.
        """
        try:
            if url == self._url and self._pipe is not None and self._pipe.is_open:
                try:
                    return self._request(self._pipe, bundle, follow)
                except (OSError, http.client.HTTPException):
                    logger.info("%s: the connection was closed meanwhile: another one", url)
            self._close()
            self._url, self._pipe = url, _connected(url, pins)
            return self._request(self._pipe, bundle, follow)
        except (OSError, http.client.HTTPException) as cause:
            self._close()
            raise _unreachable(urlsplit(url).netloc, cause) from cause
        except LiptakoError:
            self._close()
            raise

    def _request(self, pipe: Pipe, bundle: bytes, follow: Follow | None) -> bytes:
        """Send the bundle, unless it is on its way, and what follows it; return the answer."""
        if self._under_way is not bundle:
            pipe.send(PATH, bundle)
        self._under_way = None
        if follow is not None:
            rate = pipe.wait_until_gone(follow.rate)
            self._under_way = None if rate is None else follow.write(rate) or None
            if self._under_way is not None:
                pipe.send(PATH, self._under_way)
        return _checked(pipe.receive(ANSWER_LIMIT), ANSWER_LIMIT)

    def deeds(self, url: str, asker: str) -> bytes:
        """Return the sealed deeds that the node at `url` has for a member, whatever its key.

        Over a connection of its own, which tells nothing but who asks.
        """
        connection = _open(url)
        try:
            connection.request("GET", f"{DEEDS_PATH}/{asker}")
            response = connection.getresponse()
            body = response.read(SEALED_LIMIT + 1)
        except (OSError, http.client.HTTPException) as cause:
            raise _unreachable(urlsplit(url).netloc, cause) from cause
        finally:
            connection.close()
        return _checked(Answer(connection.host, response.status, body), SEALED_LIMIT)

    def _close(self) -> None:
        """Close the connection that is open, if one is."""
        if self._pipe is not None:
            self._pipe.close()
        self._url, self._pipe, self._under_way = "", None, None


def _connected(url: str, pins: Sequence[bytes]) -> Pipe:
    """Return an open connection to the node at an address, which holds a pinned key.

    Raises OSError, MalformedError and PinError.
    """
    connection = _open(url)
    try:
        _connect(connection, pins)
    except BaseException:
        connection.close()
        raise
    return Pipe(connection)


def _open(url: str) -> http.client.HTTPSConnection:
    """Return a connection to an address, not yet open."""
    parts = urlsplit(check_address(url))
    try:
        host = str(parts.hostname).encode("idna").decode()
        return http.client.HTTPSConnection(host, parts.port, timeout=TIMEOUT, context=_context())
    except (ValueError, http.client.InvalidURL) as cause:
        raise _no_address(url) from cause


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


def _checked(answer: Answer, limit: int) -> bytes:
    """Return the body of an answer. Raises NetworkError if it tells of a fault, or is too long."""
    if answer.status != http.HTTPStatus.OK:
        raise NetworkError(
            "%(host)s answered %(status)d: %(why)s",
            host=answer.host,
            status=answer.status,
            why=answer.body[:300].decode(errors="replace"),
        )
    if len(answer.body) > limit:
        raise NetworkError("%(host)s answered with too many bytes", host=answer.host)
    return answer.body
