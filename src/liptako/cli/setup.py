"""What `liptako init` does: keys, settings file, base map, database, offices, administrator."""

import os
import secrets
from argparse import Namespace
from collections.abc import Mapping
from gettext import gettext as _
from pathlib import Path
from zoneinfo import available_timezones

from liptako.cli.certificate import make_certificate, pin_of
from liptako.cli.files import write_file
from liptako.cli.words import names_of, say
from liptako.core.compact.members import Member, NodeKeys, read_card, write_card
from liptako.core.errors import MalformedError, SettingError, StorageError
from liptako.core.keys import fingerprint, write_private_key
from liptako.core.log.sealed import new_identity, recipient_of
from liptako.core.refs import member_id
from liptako.env import ENV_FILE, read_settings
from liptako.ledger.node import SEAL_KEY, SIGN_KEY, open_node

CARD = "card.json"


def make_folder(home: Path, args: Namespace) -> None:
    """Write keys, secret, settings and card into a folder; what is there already stays.

    Raises SettingError if the folder is the node of another member or a setting is wrong,
    MalformedError for a member, name or time zone that is none, and StorageError if the folder
    cannot be written.
    """
    member_id(args.member)
    names = names_of(args.name) or {"fr": args.member}
    _check_timezone(args.timezone)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_owner(home, args.member)
        (home / "keys").mkdir(exist_ok=True, mode=0o700)
        _write_keys(home, args.member)
        _write_settings(home, args)
        if not (home / CARD).exists():
            write_file(home / CARD, write_card(_member(home, args, names)))
    except OSError as cause:
        raise StorageError(
            "the folder %(home)s cannot be written: %(why)s", home=str(home), why=str(cause)
        ) from cause


def _check_timezone(name: str) -> None:
    """Raise MalformedError for a time zone that nobody knows."""
    known = available_timezones()  # none on a machine without tzdata
    if known and name not in known:
        raise MalformedError("timezone: expected Africa/Bamako, got %(got)s", got=name)


def _check_owner(home: Path, member: str) -> None:
    """Raise SettingError if the folder is the node of another member."""
    card = home / CARD
    if card.exists() and read_card(card.read_bytes()).id != member:
        raise SettingError("LIPTAKO_HOME: %(home)s is the node of another member", home=str(home))


def _write_keys(home: Path, member: str) -> None:
    """Draw the keys and the secret, each unless it is there."""
    _write_once(home / SIGN_KEY, write_private_key(f"{member}/node", os.urandom(32)))
    _write_once(home / SEAL_KEY, new_identity() + "\n")
    _write_once(home / "secret", secrets.token_urlsafe(48) + "\n")
    make_certificate(home, member)


def _write_once(path: Path, text: str) -> None:
    """Write a file that only its owner reads, unless it is there."""
    if not path.exists():
        write_file(path, text.encode(), private=True)


def _write_settings(home: Path, args: Namespace) -> None:
    """Write the settings file, unless it is there. Raises SettingError before it is written."""
    lines = {
        "LIPTAKO_MEMBER": args.member,
        "LIPTAKO_LISTEN": args.listen,
        "LIPTAKO_HOSTS": args.hosts,
        "DATABASE_URL": args.database_url,
        "LIPTAKO_DATA": args.data and str(Path(args.data).absolute()),
    }
    given = {name: value for name, value in lines.items() if value is not None}
    if not (home / ENV_FILE).exists():
        read_settings({"LIPTAKO_HOME": str(home), **given})
    _write_once(home / ENV_FILE, "".join(f"{name}={value}\n" for name, value in given.items()))


def _member(home: Path, args: Namespace, names: Mapping[str, str]) -> Member:
    """Return this node's member with its public keys."""
    node = open_node(home, args.member)
    keys = NodeKeys(sign=node.signer.public, seal=recipient_of(node.identity), tls=pin_of(home))
    return Member(id=node.member, names=names, timezone=args.timezone, keys=keys)


def own_phrase() -> str:
    """Return the fingerprint of this node's signing key."""
    settings = read_settings()
    return fingerprint(open_node(settings.home, settings.member).signer.public)


def fill_database(args: Namespace) -> str:
    """Prepare tables, static files, offices and the administrator's account.

    Returns the administrator's password if the account is new.
    """
    from django.core.management import call_command

    from liptako.ledger.node import this_node
    from liptako.members import actions, queries
    from liptako.members.offices import STANDARD

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
    from liptako.web import basemap

    if not basemap.is_built(home):
        say(_("Building the base map …"))
        basemap.build(home, read_settings().data, lambda _: None)
