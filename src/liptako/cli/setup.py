"""What `liptako init` does: keys, settings file, base map, database, offices, administrator."""

import secrets
from argparse import Namespace
from gettext import gettext as _
from pathlib import Path
from zoneinfo import available_timezones

from liptako.cli.card import CardOrder, make_dossier, own_card
from liptako.cli.delegating import CARD, LINE, own_line
from liptako.cli.files import write_file
from liptako.cli.home import prepare_database
from liptako.cli.material import draw_keys
from liptako.cli.roots import make_root, open_root
from liptako.cli.tokens import is_token
from liptako.cli.words import names_of, say
from liptako.core.compact.dossier import write_dossier
from liptako.core.errors import MalformedError, RefusedError, SettingError, StorageError
from liptako.core.keys import fingerprint
from liptako.core.refs import member_id
from liptako.env import ENV_FILE, read_settings
from liptako.ledger.node import ROOT_KEY, open_node, system_clock


def make_folder(home: Path, args: Namespace) -> None:
    """Write keys, secret, settings and card into a folder; what is there already stays.

    Raises SettingError if the folder is the node of another member or a setting is wrong,
    MalformedError for a member, name or time zone that is none, and StorageError if the folder
    cannot be written.
    """
    member_id(args.member)
    names_of(args.name)
    _check_timezone(args.timezone)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_owner(home, args.member)
        (home / "keys").mkdir(exist_ok=True, mode=0o700)
        _write_keys(home, args.member)
        _write_settings(home, args)
        if not (home / CARD).exists() and args.root_key:
            _write_card(home, args)
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
    if card.exists() and own_card(home).id != member:
        raise SettingError("LIPTAKO_HOME: %(home)s is the node of another member", home=str(home))


def _write_keys(home: Path, member: str) -> None:
    """Draw the keys and the secret, each unless it is there."""
    draw_keys(home, member)
    _write_once(home / "secret", secrets.token_urlsafe(48) + "\n")


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


def _write_card(home: Path, args: Namespace) -> None:
    """Write the card of this node, signed by a root key; draw that unless it is there."""
    open_node(home, args.member)
    name = str(home / ROOT_KEY) if args.root_key == ROOT_KEY else args.root_key
    is_there = is_token(name) or Path(name).exists()
    if not is_there and (home / LINE).exists():
        raise RefusedError(
            "%(file)s is not here, and another root key has signed for this node before: bring it, "
            "or give --root-key",
            file=name,
        )
    root = open_root(name) if is_there else make_root(name, args.member, protect=False)
    order = CardOrder(
        member=args.member,
        names=names_of(args.name) or {"fr": args.member},
        timezone=args.timezone,
        threshold=1,
        roots=(root,),
    )
    line = own_line(home, args.member, order.signatory().root)
    card = make_dossier(home, order, line, system_clock(), None)
    write_file(home / CARD, write_dossier(card))


def root_warning(home: Path) -> str:
    """Return what to say of a root key that lies in the node's folder; nothing if there is none."""
    if not (home / ROOT_KEY).exists():
        return ""
    return _(
        "The root key %(file)s speaks for the State. It belongs on a stick in a safe, not on this "
        "machine: liptako key-move"
    ) % {"file": home / ROOT_KEY}


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
    prepare_database()
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
