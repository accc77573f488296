"""The time zone of a member: what the clocks on its walls show."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.formats import date_format

from liptako.ledger import compacts
from liptako.ledger.node import Node


def zone_of(node: Node) -> ZoneInfo:
    """Return the zone that the compact names for this node's member, else UTC."""
    for member in compacts.current().members:
        if member.id == node.member:
            try:
                return ZoneInfo(member.timezone)
            except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: tzdata opens a folder
                break
    return ZoneInfo("UTC")


def wall_time(moment: datetime, zone: tzinfo) -> str:
    """Return a moment on the clock on the wall, with UTC and Z beside it."""
    local = moment.astimezone(zone)
    text = date_format(local, "j N Y, H:i")
    return f"{text} ({moment.astimezone(UTC):%H:%M}Z)" if local.utcoffset() else f"{text}Z"
