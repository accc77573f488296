"""Commands about root keys: key-make, key-show, key-move."""

from argparse import ArgumentParser, Namespace
from gettext import gettext as _
from pathlib import Path

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.files import cannot_write
from liptako.cli.roots import JOURNAL, make_root, open_root, read_root_text, write_root
from liptako.cli.words import say
from liptako.core.compact.envelope import to_base64
from liptako.core.errors import RefusedError
from liptako.core.keys import Signer, fingerprint, read_private_key
from liptako.core.refs import member_id


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    make = commands.add_parser("key-make", help=_("draw a root key of the member"))
    _add_key(make)
    make.add_argument("--member", required=True, help=_("id of the member, such as ML"))
    _add_passphrase(make)
    make.set_defaults(run=run_make)

    show = commands.add_parser("key-show", help=_("show the public half of a root key"))
    _add_key(show)
    show.set_defaults(run=run_show)

    move = commands.add_parser("key-move", help=_("move a root key to a stick for the safe"))
    move.add_argument("source", type=Path, help=_("file with the key"))
    move.add_argument("target", type=Path, help=_("file to write"))
    _add_passphrase(move)
    move.set_defaults(run=run_move)


def _add_key(parser: ArgumentParser) -> None:
    """Add the argument that names a root key."""
    parser.add_argument("key", help=_("file with the root key, or pkcs11: and which token and key"))


def _add_passphrase(parser: ArgumentParser) -> None:
    """Add the option that protects a key file."""
    parser.add_argument(
        "--passphrase", action="store_true", help=_("protect the file with a passphrase")
    )


def run_make(args: Namespace) -> int:
    """Draw a root key and show its public half."""
    root = make_root(args.key, member_id(args.member), protect=args.passphrase)
    say(_("Root key of %(member)s: %(key)s") % {"member": args.member, "key": args.key})
    _say_public(root.signer)
    return codes.OK


def run_show(args: Namespace) -> int:
    """Show the public half of a root key."""
    _say_public(open_root(args.key).signer)
    return codes.OK


def run_move(args: Namespace) -> int:
    """Write a root key and the list of its signatures elsewhere, then delete them here.

    Raises RefusedError if there is something at the new place, or if it does not read the same.
    """
    source, target = args.source, args.target
    text = read_root_text(source)
    read_private_key(text)
    write_root(target, text, protect=args.passphrase)
    if read_root_text(target) != text:
        raise RefusedError("%(file)s reads otherwise than it was written", file=str(target))
    lists = [path.parent / (path.name + JOURNAL) for path in (source, target)]
    try:
        if lists[0].exists():
            lists[1].write_bytes(lists[0].read_bytes())
            lists[0].unlink()
        source.unlink()
    except OSError as cause:
        raise cannot_write(source, cause) from cause
    say(_("Root key moved to %(file)s; nothing of it is left here.") % {"file": target})
    return codes.OK


def _say_public(signer: Signer) -> None:
    """Say the public half of a key."""
    say(_("Public key: %(key)s") % {"key": to_base64(signer.public)})
    say(_("Fingerprint: %(phrase)s") % {"phrase": fingerprint(signer.public)})
