"""The time zone of a member: what the clocks on its walls show."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from liptako.ledger import compacts
from liptako.ledger.node import Node


def zone_of(node: Node) -> ZoneInfo:
    """Return the zone that the compact names for this node's member, else UTC."""
    for member in compacts.current().members:
        if member.id == node.member:
            try:
                return ZoneInfo(member.timezone)
            except (ZoneInfoNotFoundError, ValueError):
                break
    return ZoneInfo("UTC")
