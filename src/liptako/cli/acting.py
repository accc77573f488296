"""In whose office the command line acts: whoever holds the machine holds its administration."""

from liptako.ledger.node import Node
from liptako.members.permissions import Actor
from liptako.members.records import Role


def administrator(node: Node) -> Actor:
    """Return the office of the administration, without a person."""
    return Actor(
        member=node.member,
        person="",
        office="administration",
        roles=frozenset({Role.NODE_ADMINISTRATOR}),
    )
