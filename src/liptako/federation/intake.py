"""Keeps what a bundle brings, log by log: what is held of it already, and what was wrong.

Who may hand a log on is in `core.log.delivery`, what is proven by the frames in `core.log.verify`.
"""

from dataclasses import dataclass, field

from django.db import DataError, IntegrityError

from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.log.bundle import ChannelFrame, PackageFrame
from liptako.core.log.delivery import Delivery, check_package, open_delivery
from liptako.core.log.heads import Heads
from liptako.core.refs import author_of
from liptako.ledger import compacts, store
from liptako.ledger.models import Channel
from liptako.ledger.node import Node
from liptako.ledger.tree import root_at


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of a bundle: from whom, how many entries were new, what was wrong with it.

    `outdated` if its sender has told of a later state before: a file that was carried for long, or
    one that somebody plays again.
    """

    sender: str = ""
    taken: int = 0
    outdated: bool = False
    faults: list[LiptakoError] = field(default_factory=list)


def open_log(node: Node, heads: Heads, frame: ChannelFrame, report: Report) -> Delivery | None:
    """Return a log that is to be taken in, or nothing with the fault in the report.

    Nothing for a log of our own: nobody tells us what we wrote.
    """
    try:
        if author_of(frame.origin) == node.member:
            return None
        delivery = open_delivery(frame, heads, compacts.current())
        _check_held(delivery)
    except LiptakoError as fault:
        report.faults.append(fault)
        return None
    return delivery


def _check_held(delivery: Delivery) -> None:
    """Raise VerificationError if what is held of a log is not what the checkpoint signs."""
    channel, checkpoint = delivery.channel, delivery.checkpoint
    row = Channel.objects.filter(origin=channel.origin).first()
    if row is None:
        return
    if (row.audience_id, row.lane) != (channel.audience, channel.lane.value):
        raise VerificationError(
            "%(origin)s: it has changed its audience or its lane", origin=channel.origin
        )
    same = checkpoint.size > row.size or (
        root_at(channel.origin, checkpoint.size) == checkpoint.root
    )
    if not same:
        raise VerificationError(
            "%(origin)s: its author has signed two different histories of it",
            origin=channel.origin,
        )


def take(node: Node, delivery: Delivery, frame: PackageFrame, report: Report) -> Delivery | None:
    """Keep a package; nothing with the fault in the report ends the intake of its log."""
    signed = (delivery.checkpoint, delivery.note)
    try:
        behind = check_package(delivery, frame, node.clock())
        report.taken += store.take(node, delivery.roster, delivery.channel, signed, frame)
    except LiptakoError as fault:
        report.faults.append(fault)
        return None
    except (DataError, IntegrityError) as cause:
        origin, why = delivery.channel.origin, str(cause)[:200]
        report.faults.append(
            MalformedError("%(origin)s: it cannot be stored: %(why)s", origin=origin, why=why)
        )
        return None
    return behind
