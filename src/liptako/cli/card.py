"""`liptako card`: what a member hands to the others: who it is, its root keys, its node's keys."""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from liptako.cli import codes
from liptako.cli.commands import Commands, add_root_keys, at_least_one
from liptako.cli.delegating import (
    CARD,
    LINE,
    advised_until,
    delegation_behind,
    is_current,
    own_line,
    signed_with_roots,
)
from liptako.cli.files import read_file, write_file
from liptako.cli.home import start
from liptako.cli.material import material
from liptako.cli.roots import Note, RootKey, open_root
from liptako.cli.words import names_of, say
from liptako.core.clock import Instant
from liptako.core.compact.delegation import Signed
from liptako.core.compact.document import Names, Root, Signatory
from liptako.core.compact.dossier import Dossier, make_card, read_dossier, write_dossier
from liptako.core.compact.envelope import from_base64
from liptako.core.compact.versions import has_signed
from liptako.core.errors import MalformedError
from liptako.core.keys import public_key


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOrder:
    """Of whom a card is to be, with which root keys; those that are at hand sign."""

    member: str
    names: Names
    timezone: str
    threshold: int
    roots: tuple[RootKey, ...]
    elsewhere: tuple[bytes, ...] = ()

    def signatory(self) -> Signatory:
        """Return the member as the compact is to name it."""
        keys = (*(root.signer.public for root in self.roots), *self.elsewhere)
        return Signatory(
            id=self.member,
            names=self.names,
            timezone=self.timezone,
            root=Root(threshold=self.threshold, keys=keys),
        )


def add_commands(commands: Commands) -> None:
    """Add the command of this file."""
    card = commands.add_parser("card", help=_("write the card of this node again"))
    add_root_keys(card)
    card.add_argument(
        "--root",
        action="append",
        default=[],
        help=_("root key that is elsewhere (its public key in base64); may be repeated"),
    )
    card.add_argument("--threshold", type=at_least_one, default=1, help=_("how many must sign"))
    card.add_argument("--name", action="append", default=[], help=_("name, as fr=Mali"))
    card.add_argument("--timezone", help=_("time zone, such as Africa/Bamako"))
    card.set_defaults(run=run_card)


def run_card(args: Namespace) -> int:
    """Write the card with other root keys, names, or a time zone."""
    home = start(args)
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node

    node, names = this_node(), names_of(args.name)
    order = CardOrder(
        member=node.member,
        names=names or own_card(home).names,
        timezone=args.timezone or own_card(home).timezone,
        threshold=args.threshold,
        roots=tuple(open_root(key) for key in args.key),
        elsewhere=tuple(public_key(from_base64(text, "--root")) for text in args.root),
    )
    root = order.signatory().root
    joined = compacts.current().version
    line = compacts.delegations_of(node.member) if joined else own_line(home, node.member, root)
    card = make_dossier(
        home, order, line, node.clock(), lambda line: compacts.note_signature(line, node.clock)
    )
    write_file(home / CARD, write_dossier(card))
    say(_("Card for the partners: %(file)s") % {"file": home / CARD})
    if not has_signed(card.delegations[-1].envelope, root):
        say(_("Other root keys have to sign it: liptako compact-sign"))
    return codes.OK


def own_card(home: Path) -> Signatory:
    """Return the member in the card of a node. Raises MalformedError if there is none."""
    cards = read_dossier(read_file(home / CARD)).cards
    if len(cards) != 1:
        raise MalformedError("%(file)s: expected the card of one member", file=str(home / CARD))
    return cards[0].member


def make_dossier(
    home: Path, order: CardOrder, line: Iterable[Signed], now: Instant, note: Note | None
) -> Dossier:
    """Return a card with the delegations of a member, one more if the last names other keys.

    They are kept beside the keys, so that a card that was lost is made again without a second one.
    """
    signatory, keys, held = order.signatory(), material(home), tuple(line)
    if is_current(held, signatory.root, keys):
        held, made = held[:-1], held[-1]
    else:
        made = delegation_behind(held, order.member, keys, advised_until(now))
    if not has_signed(made.envelope, signatory.root):
        made = signed_with_roots(made, order.roots, note)
    delegations = (*held, made)
    write_file(home / LINE, write_dossier(Dossier(delegations=delegations)), private=True)
    return Dossier(cards=(make_card(signatory),), delegations=delegations)
