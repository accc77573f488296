"""The port to the network against real servers: only who holds the pinned key is told anything."""

import hashlib
import socket
import ssl
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from liptako.core.errors import MalformedError, NetworkError, PinError
from liptako.federation.client import (
    ANSWER_LIMIT,
    CONTENT_TYPE,
    DEEDS_LIMIT,
    DEEDS_PATH,
    PATH,
    HttpsClient,
    check_address,
    key_pin,
)

KEY = ec.generate_private_key(ec.SECP256R1())
PIN = hashlib.sha256(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).digest()
LATEST, OLDER = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2


def certificate():
    """Return a certificate of the key that no authority knows and that is long out of date."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    then = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(KEY.public_key()).serial_number(1)
    builder = builder.not_valid_before(then).not_valid_after(then + timedelta(days=1))
    return builder.sign(KEY, hashes.SHA256())


@pytest.fixture
def files(tmp_path):
    """Return where key and certificate of the servers of these tests lie."""
    (tmp_path / "tls.crt").write_bytes(certificate().public_bytes(Encoding.PEM))
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "tls.key").write_bytes(pem)
    return tmp_path / "tls.crt", tmp_path / "tls.key"


class Door(BaseHTTPRequestHandler):
    """Notes every request and gives the answer of its server."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, self.headers["Content-Type"], body))
        self.answer()

    def do_GET(self):
        self.server.requests.append(self.path)
        self.answer()

    def answer(self):
        status, answer = self.server.answer
        if status is None:
            self.wfile.write(answer)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args):
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server in this process; a client that hangs up is no fault of it."""

    daemon_threads = True

    def handle_error(self, *_args):
        """Say nothing."""


@contextmanager
def served(answer, tls=None, version=LATEST):
    """Run a server that gives an answer; gives its address and the requests it had."""
    with Server(("127.0.0.1", 0), Door) as server:
        server.answer, server.requests = answer, []
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.maximum_version = version
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}", server.requests
        finally:
            server.shutdown()
            thread.join()


def exchange(url, pins, bundle):
    """Make one exchange with a client of its own."""
    with HttpsClient() as client:
        return client.exchange(url, pins, bundle)


def test_a_pin_is_the_hash_of_the_public_key_whatever_certificate_it_comes_in():
    assert key_pin(certificate().public_bytes(Encoding.DER)) == PIN


def test_who_holds_the_pinned_key_is_asked_and_answers(files):
    with served((200, b"answer"), files) as (url, requests):
        assert exchange(url, [PIN], b"bundle") == b"answer"
    assert requests == [(PATH, CONTENT_TYPE, b"bundle")]


def test_deeds_are_asked_of_whoever_answers_who_is_told_only_by_whom(files):
    with served((200, b"deeds"), files) as (url, requests):
        assert HttpsClient().deeds(url, "BF") == b"deeds"
    assert requests == [f"{DEEDS_PATH}/BF"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [((200, bytes(DEEDS_LIMIT + 1)), "too many bytes"), ((404, b"no"), "answered 404: no")],
    ids=["too many", "older"],
)
def test_deeds_that_are_none_say_what_came(files, answer, message):
    with served(answer, files) as (url, _), pytest.raises(NetworkError, match=message):
        HttpsClient().deeds(url, "BF")


def test_who_holds_another_key_is_told_nothing(files):
    with (
        served((200, b"answer"), files) as (url, requests),
        pytest.raises(PinError, match="does not hold the key of the compact"),
    ):
        exchange(url, [bytes(32)], b"bundle")
    assert requests == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((422, b"bundle: not for us"), "answered 422: bundle: not for us"),
        ((500, "é".encode("latin-1")), "answered 500: �"),
        ((302, b""), "answered 302: $"),
        ((400, b"x" * 400), "answered 400: x{300}$"),
        ((None, b"no HTTP at all\r\n\r\n"), "cannot be reached: no HTTP at all"),
        ((None, b""), "cannot be reached: "),
    ],
    ids=["refused", "broken", "elsewhere", "long", "no HTTP", "nothing"],
)
def test_an_answer_that_is_none_says_what_came(files, answer, message):
    with served(answer, files) as (url, _), pytest.raises(NetworkError, match=message):
        exchange(url, [PIN], b"bundle")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n4\r\n",
    ],
)
def test_an_answer_that_is_cut_is_handed_on_as_far_as_it_came(files, answer):
    with served((None, answer), files) as (url, _):
        assert exchange(url, [PIN], b"bundle") == b"short"


def test_an_answer_that_never_ends_is_not_taken(files):
    with (
        served((200, bytes(ANSWER_LIMIT + 1)), files) as (url, _),
        pytest.raises(NetworkError, match="too many bytes"),
    ):
        exchange(url, [PIN], b"bundle")


def test_an_older_tls_is_not_spoken(files):
    with (
        served((200, b"answer"), files, OLDER) as (url, requests),
        pytest.raises(NetworkError, match="cannot be reached"),
    ):
        exchange(url, [PIN], b"bundle")
    assert requests == []


def test_a_server_without_tls_is_told_nothing():
    with (
        served((200, b"answer")) as (url, requests),
        pytest.raises(NetworkError, match="cannot be reached"),
    ):
        exchange(url, [PIN], b"bundle")
    assert requests == []


def test_where_nobody_listens_it_says_so():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(NetworkError, match=f"127.0.0.1:{port} cannot be reached"):
            exchange(f"https://127.0.0.1:{port}", [PIN], b"bundle")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://node.bf", "https://node.bf"),
        (" https://node.bf:8443/ ", "https://node.bf:8443"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://nœud.bf", "https://nœud.bf"),
    ],
)
def test_an_address_is_kept_without_spaces_and_slash(text, url):
    assert check_address(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "node.bf:8443",
        "http://node.bf",
        "http://foo/bar?x",
        "https://node.bf/path",
        "https://node.bf?x",
        "https://awa@node.bf",
        "https://node.bf:99999",
        "https://node bf",
        "https://node.bf\nx",
        "https://" + "x" * 193,
    ],
)
def test_what_is_no_address_is_told_to_be_none(text):
    with pytest.raises(MalformedError, match="address: expected https://HOST:PORT, got"):
        check_address(text)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "node.bf",
        "http://127.0.0.1:9",
        "https://",
        "https://:8443",
        "https://[::1",
        "https://127.0.0.1:port",
        "https://127.0.0.1:99999",
        "https://node bf",
        "https://" + "x" * 70 + ".é",
    ],
)
def test_an_address_that_is_none_is_an_error_of_ours(url):
    with pytest.raises((MalformedError, NetworkError)):
        exchange(url, [PIN], b"bundle")
