"""What `liptako init` does: keys, settings file, database, offices, administrator, base map."""

import os
import secrets
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from gettext import gettext as _
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from liptako.cli.words import say
from liptako.core.compact.members import Member, NodeKeys, read_card, write_card
from liptako.core.errors import MalformedError, SettingError, StorageError
from liptako.core.keys import fingerprint, write_private_key
from liptako.core.log.sealed import new_identity, recipient_of
from liptako.env import ENV_FILE, read_settings
from liptako.federation.client import key_pin
from liptako.ledger.node import SEAL_KEY, SIGN_KEY, TLS_CERT, TLS_KEY, Node, open_node
from liptako.web import basemap

CARD = "card.json"
_YEARS = timedelta(days=3650)


def make_folder(home: Path, args: Namespace) -> None:
    """Write keys, secret, settings and card into a folder; what is there already stays.

    Raises SettingError if the folder is the node of another member, MalformedError for a name that
    is not given as fr=…, and StorageError if the folder cannot be written.
    """
    names = names_of(args.name)
    try:
        (home / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(home / SIGN_KEY, write_private_key(f"{args.member}/node", os.urandom(32)))
        _write_once(home / SEAL_KEY, new_identity() + "\n")
        _write_once(home / "secret", secrets.token_urlsafe(48) + "\n")
        if not (home / TLS_CERT).exists():
            _write_certificate(home, args.member)
        _write_once(home / ENV_FILE, _env_lines(args))
        if not (home / CARD).exists():
            member = _member(open_node(home, args.member), names or {"fr": args.member}, args)
            (home / CARD).write_bytes(write_card(member))
    except OSError as cause:
        raise StorageError(
            "the folder %(home)s cannot be written: %(why)s", home=str(home), why=str(cause)
        ) from cause
    if read_card((home / CARD).read_bytes()).id != args.member:
        raise SettingError("LIPTAKO_HOME: %(home)s is the node of another member", home=str(home))


def names_of(pairs: list[str]) -> dict[str, str]:
    """Return names by language from fr=Mali en=Mali. Raises MalformedError."""
    names = {}
    for pair in pairs:
        language, equals, name = pair.partition("=")
        if not (equals and language.isalpha() and name.strip()):
            raise MalformedError("name: expected fr=Mali, got %(got)s", got=pair)
        names[language] = name.strip()
    return names


def _write_once(path: Path, text: str) -> None:
    """Write a file that only its owner reads, unless it is there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _env_lines(args: Namespace) -> str:
    """Return the settings file of a node."""
    lines = {
        "LIPTAKO_MEMBER": args.member,
        "LIPTAKO_LISTEN": args.listen,
        "LIPTAKO_HOSTS": args.hosts,
        "DATABASE_URL": args.database_url,
        "LIPTAKO_DATA": args.data,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items() if value is not None)


def _write_certificate(home: Path, member: str) -> None:
    """Draw a TLS key and certify it ourselves: partners pin the key, nobody else is asked."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Liptako {member}")])
    now = datetime.now(tz=UTC)
    certificate = (
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
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write_once(home / TLS_KEY, private.decode())
    _write_once(home / TLS_CERT, certificate.public_bytes(serialization.Encoding.PEM).decode())


def _member(node: Node, names: dict[str, str], args: Namespace) -> Member:
    """Return this node's member with its public keys."""
    certificate = x509.load_pem_x509_certificate((node.home / TLS_CERT).read_bytes())
    keys = NodeKeys(
        sign=node.signer.public,
        seal=recipient_of(node.identity),
        tls=key_pin(certificate.public_bytes(serialization.Encoding.DER)),
    )
    return Member(id=node.member, names=names, timezone=args.timezone, keys=keys)


def own_phrase() -> str:
    """Return the fingerprint of this node's signing key."""
    settings = read_settings()
    return fingerprint(signer_public(settings.home, settings.member))


def signer_public(home: Path, member: str) -> bytes:
    """Return the public signing key of a node."""
    return open_node(home, member).signer.public


def fill_database(args: Namespace) -> str:
    """Prepare tables, static files, offices and the administrator's account.

    Returns the administrator's password if the account is new.
    """
    from django.core.management import call_command  # noqa: PLC0415 (after django.setup)

    from liptako.ledger.node import this_node  # noqa: PLC0415 (same)
    from liptako.members import actions, queries  # noqa: PLC0415 (same)
    from liptako.members.offices import STANDARD  # noqa: PLC0415 (same)

    say(_("Preparing the database …"))
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    node = this_node()
    for office in STANDARD:
        if queries.office(node.member, office.code) is None:
            actions.set_office(node, None, office)
    if queries.people().exists():
        return ""
    actions.record_audit(node, "node.init", detail=node.member)
    _person, password = actions.add_person(
        node,
        None,
        username=args.administrator,
        name=_("Node administrator"),
        offices=["administration"],
    )
    return password


def build_map(home: Path) -> None:
    """Build the base map, unless there is one."""
    if not basemap.is_built(home):
        say(_("Building the base map …"))
        basemap.build(home, read_settings().data, lambda _: None)


def has_map(home: Path) -> bool:
    """Say whether there is a base map."""
    return basemap.is_built(home)
