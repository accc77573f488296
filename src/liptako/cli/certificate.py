"""The TLS key of a node and its certificate, which we sign ourselves: partners pin the key."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from liptako.cli.files import write_file
from liptako.core.errors import SettingError
from liptako.federation.client import key_pin
from liptako.ledger.node import TLS_CERT, TLS_KEY

_YEARS = timedelta(days=3650)


def make_certificate(key: Path, certificate: Path, member: str) -> None:
    """Draw a TLS key and certify it, each unless its file is there."""
    if not key.exists():
        drawn = ec.generate_private_key(ec.SECP256R1())
        pem = drawn.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_file(key, pem, private=True)
    if not certificate.exists():
        made = _certificate(_read_key(key), member)
        write_file(certificate, made.public_bytes(Encoding.PEM), private=True)


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the TLS key in a file. Raises SettingError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as cause:
        raise SettingError("LIPTAKO_HOME: %(file)s is damaged", file=str(path)) from cause
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingError(
            "LIPTAKO_HOME: %(file)s is another kind of key: bring its certificate too",
            file=str(path),
        )
    return key


def _certificate(key: ec.EllipticCurvePrivateKey, member: str) -> x509.Certificate:
    """Return a certificate of the key, signed with the key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Liptako {member}")])
    now = datetime.now(tz=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _YEARS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )


def pin_of(path: Path) -> bytes:
    """Return the SHA-256 of the TLS key (SPKI, DER) in a certificate. Raises SettingError."""
    try:
        return key_pin(x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER))
    except (ValueError, OSError) as cause:
        raise SettingError("LIPTAKO_HOME: %(file)s is damaged", file=str(path)) from cause


def check_certificate(home: Path) -> None:
    """Raise SettingError unless key and certificate are there and belong together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(home / TLS_CERT, home / TLS_KEY)
    except OSError as cause:
        raise SettingError(
            "LIPTAKO_LISTEN: https needs %(certificate)s and its key: %(why)s",
            certificate=str(home / TLS_CERT),
            why=str(cause),
        ) from cause
