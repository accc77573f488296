"""The steps of the demonstration that run inside a node: filling it, and the scripted incident."""

import json
import time
from argparse import Namespace
from pathlib import Path

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.demo_nodes import COMPACT, NODES, PEOPLE, DemoNode, https_port
from liptako.cli.home import start
from liptako.cli.words import say
from liptako.core.geo import Position
from liptako.env import read_settings


def add_commands(commands: Commands) -> None:
    """Add the commands of this file, without help: `liptako demo` calls them."""
    fill = commands.add_parser("demo-fill")
    fill.add_argument("orders", type=Path)
    fill.set_defaults(run=run_fill)
    incident = commands.add_parser("demo-incident")
    incident.set_defaults(run=run_incident)


def run_fill(args: Namespace) -> int:
    """Adopt the compact, add people and partners, take in published or fictional incidents."""
    home = start(args)
    from liptako.federation.peers import set_url
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node

    orders = json.loads(args.orders.read_text())
    node = this_node()
    compacts.adopt((home.parent / COMPACT).read_bytes(), node.member, node.clock)
    for other in NODES:
        if other.member != node.member:
            set_url(node, other.member, f"https://127.0.0.1:{https_port(orders['base'], other)}")
    _add_people(orders["passwords"][node.member])
    _add_incidents(next(item for item in NODES if item.member == node.member))
    return codes.OK


def _add_people(passwords: dict[str, str]) -> None:
    """Create the accounts with the passwords that are printed."""
    from liptako.cli.acting import administrator
    from liptako.ledger.node import this_node
    from liptako.members import actions

    node = this_node()
    for account, name, offices in PEOPLE:
        person, _ = actions.add_person(
            node, administrator(node), username=account, name=name, offices=offices
        )
        person.set_password(passwords[account])
        person.must_change_password = False
        person.save()


def _add_incidents(here: DemoNode) -> None:
    """Take in the published incidents of the node's countries, or fictional ones without data."""
    from liptako.cli.acting import releasing_administrator
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node
    from liptako.situation.fiction import fictional
    from liptako.situation.importing import ImportOrder, import_published
    from liptako.situation.jobs import TABLE, read_table

    node, data = this_node(), read_settings().data
    everyone = compacts.current().active
    if data is not None and (data / TABLE).is_file():
        rows = read_table(data / TABLE)
        order = ImportOrder(countries=frozenset(here.countries), members=everyone)
    else:
        rows = list(fictional(here.member, seed=here.offset, now=node.clock()))
        order = ImportOrder(members=everyone)
    import_published(node, releasing_administrator(node), rows, order, lambda _done, _added: None)


def run_incident(args: Namespace) -> int:
    """Report an incident near the three borders and release its cell to all; print when."""
    start(args)
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node
    from liptako.situation import actions
    from liptako.situation.fiction import officer, scripted
    from liptako.situation.records import Transform

    node, began = this_node(), time.time()
    incident, precedence = scripted(Position(lat=15_046_000, lon=-238_000), node.clock())
    record = actions.report(
        node, officer(node.member, "permanence"), incident, precedence=precedence
    )
    order = actions.ReleaseOrder(
        members=compacts.current().active,
        transform=Transform.CELL,
        summary="Attaque d’un convoi de vivres (démonstration fictive)",
        basis="Démonstration",
        precedence=precedence,
    )
    actions.release(node, officer(node.member, "diffusion"), record.header.object, order)
    say(f"{record.payload.reference} {began:.3f}")
    return codes.OK
