"""Commands about people: person."""

from argparse import Namespace
from collections.abc import Sequence
from gettext import gettext as _
from typing import TYPE_CHECKING

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.home import start
from liptako.cli.words import say

if TYPE_CHECKING:  # it needs Django
    from liptako.ledger.node import Node


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    person = commands.add_parser(
        "person", help=_("create an account, or reset its sign-in with a new password")
    )
    person.add_argument("account", help=_("name of the account"))
    person.add_argument("--name", help=_("name of the person (new accounts)"))
    person.add_argument(
        "--office", action="append", default=[], help=_("office to give; may be repeated")
    )
    person.set_defaults(run=run_person)


def run_person(args: Namespace) -> int:
    """Create an account with its offices, or give the existing one a new password."""
    start(args)
    from django.db import transaction

    from liptako.cli.acting import administrator
    from liptako.ledger.node import this_node
    from liptako.members import actions, queries

    node = this_node()
    actor = administrator(node)
    _open_again(node, args.office)
    person = queries.people().filter(username=args.account).first()
    if person is None:
        person, password = actions.add_person(
            node, actor, username=args.account, name=args.name or args.account, offices=args.office
        )
    else:
        with transaction.atomic():  # no new password that nobody is told
            password = actions.reset_password(node, actor, person)
            for office in args.office:
                actions.assign(node, actor, person, office)
    say(
        _("Account: %(account)s  password: %(password)s")
        % {"account": person.username, "password": password}
    )
    return codes.OK


def _open_again(node: "Node", wanted: Sequence[str]) -> None:
    """Give a node back those of these offices that it began with and that are closed or gone.

    Whoever holds the machine mends with it a node that nobody may administer any longer.
    """
    from liptako.members import actions, offices, queries

    is_open = {row.code for row in queries.offices(node.member)}
    for office in offices.STANDARD:
        if office.code in set(wanted) - is_open:
            actions.set_office(node, None, office)
