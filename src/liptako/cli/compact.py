"""Commands about the compact: draft, change, adopt, export; and the address of a partner."""

import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from functools import partial
from gettext import gettext as _
from pathlib import Path
from typing import Any

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.delegating import check_own_keys, settle_keys
from liptako.cli.files import read_file, write_file
from liptako.cli.home import start
from liptako.cli.words import names_of, say
from liptako.core.compact.document import State
from liptako.core.compact.dossier import (
    Dossier,
    dossier_of,
    join_dossiers,
    read_dossier,
    write_dossier,
)
from liptako.core.compact.draft import Changes, first_draft, next_draft
from liptako.core.compact.members import compact_phrase
from liptako.core.compact.versions import Version
from liptako.core.errors import MalformedError, RefusedError
from liptako.core.refs import author_of, member_id

_ALL = "all"


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    _add_draft(commands)
    _add_change(commands)
    adopt = commands.add_parser("compact-adopt", help=_("take in a compact, or keys of members"))
    adopt.add_argument("file", type=Path, help=_("file with the compact"))
    adopt.add_argument("--phrase", help=_("the groups of digits, as compared aloud"))
    adopt.add_argument(
        "--lost-keys",
        action="store_true",
        help=_("also if this node has lost the keys that it names; delegate others then"),
    )
    adopt.set_defaults(run=run_adopt)

    export = commands.add_parser("compact-export", help=_("write all that members rely on"))
    export.add_argument("output", type=Path, help=_("file to write"))
    export.set_defaults(run=run_export)

    partner = commands.add_parser("partner", help=_("keep the address of a partner's node"))
    partner.add_argument("member", help=_("id of the member, such as ML"))
    partner.add_argument("address", help=_("https://HOST:PORT; empty: by file only"))
    partner.set_defaults(run=run_partner)


def _add_draft(commands: Commands) -> None:
    """Add the command that begins a compact."""
    draft = commands.add_parser("compact-draft", help=_("write a first compact from cards"))
    draft.add_argument("cards", nargs="+", type=Path, help=_("cards of the members"))
    draft.add_argument("--name", action="append", required=True, help=_("name, as fr=Mali"))
    draft.add_argument(
        "--everyone",
        action="append",
        required=True,
        help=_("name of the audience of all members, as fr=Tous"),
    )
    draft.add_argument(
        "--approve", default=_ALL, help=_("how many must sign a later version: all, or a number")
    )
    draft.add_argument("--output", type=Path, required=True, help=_("file to write"))
    draft.set_defaults(run=run_draft)


def _add_change(commands: Commands) -> None:
    """Add the command that changes a compact."""
    change = commands.add_parser("compact-change", help=_("write the next version of the compact"))
    many: dict[str, Any] = {"action": "append", "default": []}
    change.add_argument(
        "--card", type=Path, help=_("card of a new member, or of one with other root keys"), **many
    )
    change.add_argument("--suspend", help=_("member to suspend: its logs are frozen"), **many)
    change.add_argument("--leave", help=_("member that leaves: its logs are frozen"), **many)
    change.add_argument("--resume", help=_("member that takes part again"), **many)
    change.add_argument(
        "--frozen",
        help=_("size of a log that this node does not hold, as ML/c/…/e1=1200"),
        **many,
    )
    change.add_argument(
        "--audience",
        nargs=2,
        metavar=("MEMBERS", "NAME"),
        help=_("name an audience, as ML,BF fr=Couple"),
        **many,
    )
    change.add_argument("--approve", help=_("how many must sign a later version: all, or a number"))
    change.add_argument("--output", type=Path, required=True, help=_("file to write"))
    change.set_defaults(run=run_change)


def run_draft(args: Namespace) -> int:
    """Write a first compact, which nobody has signed yet, and show its phrase."""
    cards = join_dossiers(read_dossier(read_file(path)) for path in args.cards)
    names, everyone = names_of(args.name), names_of(args.everyone)
    version = first_draft(names, cards.cards, everyone, _rule(args.approve))
    _write_draft(version, cards, args.output)
    return codes.OK


def run_change(args: Namespace) -> int:
    """Write the version after the one in force, which nobody has signed yet."""
    start(args)
    from liptako.ledger import compacts

    held = compacts.dossier()
    if not held.versions:
        raise RefusedError("this node has no compact yet")
    cards = join_dossiers(read_dossier(read_file(path)) for path in args.card)
    changes = Changes(
        cards=cards.cards,
        states=_states(args),
        audiences=tuple(
            (names_of([name]), frozenset(map(member_id, members.split(","))))
            for members, name in args.audience
        ),
        approve=None if args.approve is None else _rule(args.approve),
    )
    version = next_draft(held.versions[-1], changes)
    _write_draft(version, join_dossiers([held, cards]), args.output)
    return codes.OK


def _write_draft(version: Version, known: Dossier, output: Path) -> None:
    """Write a draft with what is needed to sign and to check it, and show its phrase."""
    known = Dossier(versions=known.versions, delegations=known.delegations)
    draft = join_dossiers([known, dossier_of([version.envelope])])
    write_file(output, write_dossier(draft))
    say(_("Compact written to %(file)s") % {"file": output})
    say(_("Compare aloud: %(phrase)s") % {"phrase": compact_phrase(version.envelope.payload)})


def _rule(text: str) -> int | str:
    """Return how many must sign. Raises MalformedError."""
    if text != _ALL and not text.isdecimal():
        raise MalformedError("--approve: expected all or a number, got %(got)s", got=text)
    return _ALL if text == _ALL else int(text)


def _states(args: Namespace) -> dict[str, tuple[State, dict[str, int]]]:
    """Return how members are to stand, with the sizes at which their logs are frozen."""
    from liptako.ledger.reader import all_logs, signed_size

    frozen = {log.origin: signed_size(log) for log in all_logs()} | _sizes(args.frozen)

    def of(member: str) -> dict[str, int]:
        return {origin: size for origin, size in frozen.items() if author_of(origin) == member}

    states = {member: (State.SUSPENDED, of(member)) for member in args.suspend}
    states |= {member: (State.LEFT, of(member)) for member in args.leave}
    return states | {member: (State.ACTIVE, {}) for member in args.resume}


def _sizes(texts: Iterable[str]) -> dict[str, int]:
    """Return sizes by log from ORIGIN=SIZE. Raises MalformedError."""
    sizes = {}
    for text in texts:
        origin, _equals, size = text.partition("=")
        if not size.isdecimal():
            raise MalformedError("expected ML/c/…/e1=1200, got %(got)s", got=text)
        sizes[origin] = int(size)
    return sizes


def run_adopt(args: Namespace) -> int:
    """Take in versions and keys; the first time once the phrase was confirmed."""
    home = start(args)
    from liptako.federation import adopting
    from liptako.federation.deeds import note_gone
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node

    data, node = read_file(args.file), this_node()
    held = compacts.current()
    if not held.version:
        _confirm(compact_phrase(_last(data).envelope.payload), args.phrase)
    found = compacts.examine(data).compact
    if not args.lost_keys:
        check_own_keys(home, node.member, found)
    # With other keys of ours it is written down once these are in use.
    goes_on = found.member(node.member).keys.sign == node.signer.public
    compact, gone = adopting.adopt(node, data, partial(note_gone, node) if goes_on else None)
    if settle_keys(home, node.member, compact):
        say(_("The keys of this node were changed. Start serve and work again."))
    for member in compact.members:
        if member not in held.members:
            say(_("Keys of %(member)s taken") % {"member": member.id})
    if compact.member(node.member).keys.sign == this_node().signer.public:
        _leave_traces({} if goes_on else gone, compact.version, held.version)
    if compact.version > held.version:
        say(_("Compact of version %(version)d adopted") % {"version": compact.version})
    return codes.OK


def _leave_traces(gone: Mapping[str, int], version: int, before: int) -> None:
    """Write down what was deleted as keys were taken back, and a version that is new."""
    from liptako.federation.deeds import note_gone
    from liptako.ledger.node import this_node
    from liptako.members.actions import record_audit

    note_gone(this_node(), gone)
    if version > before:
        record_audit(this_node(), "compact.adopt", detail=str(version))


def _last(data: bytes) -> Version:
    """Return the last version in a dossier. Raises MalformedError if there is none."""
    versions = read_dossier(data).versions
    if not versions:
        raise MalformedError("compact: expected a version of it")
    return versions[-1]


def _confirm(phrase: str, given: str | None) -> None:
    """Raise RefusedError unless the phrase was confirmed."""
    say(_("Compare aloud: %(phrase)s") % {"phrase": phrase})
    if given is None and sys.stdin.isatty():
        given = input(_("Type the groups that the partners read to you: "))
    if given is None or given.split() != phrase.split():
        raise RefusedError("the groups of digits are not the same: the compact was not adopted")


def run_export(args: Namespace) -> int:
    """Write all versions and delegations: for a member that joins, or an auditor."""
    start(args)
    from liptako.ledger import compacts

    write_file(args.output, write_dossier(compacts.dossier()))
    say(_("Compact written to %(file)s") % {"file": args.output})
    return codes.OK


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
