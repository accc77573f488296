"""Commands that erase personal data: of a record, of a person who has left."""

from argparse import Namespace
from gettext import gettext as _

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.home import start
from liptako.cli.words import say
from liptako.core.errors import RefusedError


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    erase = commands.add_parser(
        "erase", help=_("erase an incident or a line of the journal for good, the proof stays")
    )
    erase.add_argument("what", help=_("reference of the incident, or id of the object"))
    erase.add_argument("--reason", required=True, help=_("reason; partners who had it are told"))
    erase.set_defaults(run=run_erase)
    person = commands.add_parser("person-erase", help=_("erase a person's account and name"))
    person.add_argument("account", help=_("name of the account"))
    person.set_defaults(run=run_person_erase)


def run_erase(args: Namespace) -> int:
    """Erase what was written about an object of our own."""
    start(args)
    from liptako.cli.acting import releasing_administrator
    from liptako.ledger.node import this_node
    from liptako.situation import actions, queries

    node = this_node()
    name = queries.object_of(node.member, args.what)
    actions.erase(node, releasing_administrator(node), name, args.reason)
    say(_("Erased. The proof that it existed stays."))
    return codes.OK


def run_person_erase(args: Namespace) -> int:
    """Erase an account with its name, second factors and sessions."""
    start(args)
    from liptako.cli.acting import administrator
    from liptako.ledger.node import this_node
    from liptako.members import actions, queries

    node = this_node()
    person = queries.people().filter(username=args.account).first()
    if person is None:
        raise RefusedError("there is no account %(account)s", account=args.account)
    actions.erase_person(node, administrator(node), person)
    say(_("The account and the name were erased."))
    return codes.OK
