"""In whose office the command line acts: whoever holds the machine holds its administration."""

from liptako.ledger.node import Node
from liptako.members.permissions import Actor
from liptako.members.records import Role


def administrator(node: Node) -> Actor:
    """Return the office of the administration, without a person."""
    return _acting(node, Role.NODE_ADMINISTRATOR)


def releasing_administrator(node: Node) -> Actor:
    """Return the same office with the right to release too: for what a person asks by its name."""
    return _acting(node, Role.NODE_ADMINISTRATOR, Role.RELEASING_OFFICER)


def _acting(node: Node, *roles: Role) -> Actor:
    return Actor(member=node.member, person="", office="administration", roles=frozenset(roles))
