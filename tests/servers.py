"""Servers on this machine that a client of the federation talks to, under a key that it may pin."""

import hashlib
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


def write_tls(folder):
    """Write key and certificate of these servers into a folder; return where they lie."""
    (folder / "tls.crt").write_bytes(certificate().public_bytes(Encoding.PEM))
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.key").write_bytes(pem)
    return folder / "tls.crt", folder / "tls.key"


class Door(BaseHTTPRequestHandler):
    """Notes every request and gives the answer of its server."""

    def do_POST(self):
        body = self.read_body(int(self.headers["Content-Length"]))
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

    def read_body(self, size):
        return self.rfile.read(size)

    def log_message(self, *_args):
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server in this process; a client that hangs up is no fault of it."""

    daemon_threads = True

    def handle_error(self, *_args):
        """Say nothing."""


class StayingDoor(Door):
    """The same, over a connection that stays open."""

    protocol_version = "HTTP/1.1"


class SlowDoor(StayingDoor):
    """Takes a request a piece at a time."""

    def read_body(self, size):
        pieces = []
        for begin in range(0, size, 2**18):
            pieces.append(self.rfile.read(min(size - begin, 2**18)))
            time.sleep(0.05)
        return b"".join(pieces)


@contextmanager
def served(answer, tls=None, version=LATEST, door=Door):
    """Run a server that gives an answer; gives its address and the requests it had."""
    with Server(("127.0.0.1", 0), door) as server:
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
