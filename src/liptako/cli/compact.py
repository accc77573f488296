"""Commands about the compact and the partners: draft, adopt, partner."""

import sys
from argparse import Namespace
from gettext import gettext as _
from pathlib import Path

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.files import read_file, write_file
from liptako.cli.home import start
from liptako.cli.words import names_of, say
from liptako.core.compact.members import (
    Member,
    compact_phrase,
    draft_compact,
    read_card,
    read_compact,
    write_compact,
)
from liptako.core.errors import RefusedError
from liptako.core.log.sealed import recipient_of
from liptako.ledger.node import Node


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    draft = commands.add_parser("compact-draft", help=_("write a compact from members' cards"))
    draft.add_argument("cards", nargs="+", type=Path, help=_("cards of the members"))
    draft.add_argument("--name", action="append", required=True, help=_("name, as fr=Mali"))
    draft.add_argument(
        "--everyone",
        action="append",
        required=True,
        help=_("name of the audience of all members, as fr=Tous"),
    )
    draft.add_argument("--output", type=Path, required=True, help=_("file to write"))
    draft.set_defaults(run=run_draft)

    adopt = commands.add_parser("compact-adopt", help=_("adopt a compact that was compared aloud"))
    adopt.add_argument("file", type=Path, help=_("file with the compact"))
    adopt.add_argument("--phrase", help=_("the groups of digits, as compared aloud"))
    adopt.set_defaults(run=run_adopt)

    partner = commands.add_parser("partner", help=_("keep the address of a partner's node"))
    partner.add_argument("member", help=_("id of the member, such as ML"))
    partner.add_argument("address", help=_("https://HOST:PORT; empty: by file only"))
    partner.set_defaults(run=run_partner)


def run_draft(args: Namespace) -> int:
    """Write a first compact and show its phrase."""
    members = [read_card(read_file(path)) for path in args.cards]
    data = write_compact(draft_compact(names_of(args.name), members, names_of(args.everyone)))
    read_compact(data)
    write_file(args.output, data)
    say(_("Compact written to %(file)s") % {"file": args.output})
    say(_("Compare aloud: %(phrase)s") % {"phrase": compact_phrase(data)})
    return codes.OK


def run_adopt(args: Namespace) -> int:
    """Adopt a compact once its phrase was confirmed."""
    start(args)
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node
    from liptako.members.actions import record_audit

    data = read_file(args.file)
    phrase = compact_phrase(data)
    say(_("Compare aloud: %(phrase)s") % {"phrase": phrase})
    given = args.phrase
    if given is None and sys.stdin.isatty():
        given = input(_("Type the groups that the partners read to you: "))
    if given is None or given.split() != phrase.split():
        raise RefusedError("the groups of digits are not the same: the compact was not adopted")
    node = this_node()
    _check_keys(read_compact(data).member(node.member), node)
    compact = compacts.adopt(data, node.member, node.clock)
    record_audit(node, "compact.adopt", detail=str(compact.version))
    say(_("Compact of version %(version)d adopted") % {"version": compact.version})
    return codes.OK


def _check_keys(member: Member, node: Node) -> None:
    """Raise RefusedError if the compact gives this member keys that its node does not hold."""
    own = (node.signer.public, recipient_of(node.identity))
    if (member.keys.sign, member.keys.seal) != own:
        raise RefusedError(
            "compact: the keys of %(member)s in it are not those of this node", member=member.id
        )


def run_partner(args: Namespace) -> int:
    """Keep the address of a partner's node."""
    start(args)
    from liptako.cli.acting import administrator
    from liptako.federation.peers import change_address
    from liptako.ledger.node import this_node

    node = this_node()
    address = change_address(node, administrator(node), args.member, args.address)
    say(
        _("Address of %(member)s: %(address)s")
        % {"member": args.member, "address": address or _("none: by file only")}
    )
    return codes.OK
