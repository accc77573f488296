"""Keeps what a bundle brings, log by log: who may hand it on, what is held of it, what is missing.

What is proven by the frames alone is in `core.log.verify`.
"""

from dataclasses import dataclass, field

from django.db import DataError, IntegrityError

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.log.bundle import ChannelFrame, PackageFrame
from liptako.core.log.checkpoint import Checkpoint, open_checkpoint
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.log.verify import read_header
from liptako.core.records.envelope import Lane
from liptako.core.refs import audience_id, author_of, member_id
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A log of which packages are being taken, and who hands them on."""

    sender: str
    roster: tuple[str, ...]
    channel: ChannelValue
    checkpoint: Checkpoint
    note: bytes


def open_log(node: Node, sender: str, frame: ChannelFrame, report: Report) -> Intake | None:
    """Return the intake for a log, or nothing with the fault in the report."""
    try:
        return _checked_log(node, sender, frame)
    except LiptakoError as fault:
        report.faults.append(fault)
        return None


def _checked_log(node: Node, sender: str, frame: ChannelFrame) -> Intake | None:
    """Return the intake for a log whose author, audience and checkpoint are in order.

    Nothing for a log of our own: nobody tells us what we wrote. Raises LiptakoError.
    """
    author = author_of(frame.origin)
    if author == node.member:
        return None
    if list(frame.roster) != sorted({member_id(member) for member in frame.roster}):
        raise MalformedError(
            "%(origin)s: expected its members once each, in order", origin=frame.origin
        )
    if not {author, node.member, sender} <= set(frame.roster):
        raise VerificationError(
            "%(origin)s: its author, its sender or we are not among its recipients",
            origin=frame.origin,
        )
    public = compacts.current().member(author).keys.sign
    checkpoint = open_checkpoint(frame.checkpoint, frame.origin, public)
    if frame.lane not in set(Lane):
        raise MalformedError("%(origin)s: there is no such lane", origin=frame.origin)
    channel = ChannelValue(
        origin=frame.origin,
        author=author,
        audience=audience_id(frame.roster),
        lane=Lane(frame.lane),
    )
    _check_held(channel, checkpoint)
    return Intake(
        sender=sender,
        roster=frame.roster,
        channel=channel,
        checkpoint=checkpoint,
        note=frame.checkpoint,
    )


def _check_held(channel: ChannelValue, checkpoint: Checkpoint) -> None:
    """Raise VerificationError if what is held of a log is not what the checkpoint signs."""
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


def take(node: Node, intake: Intake, frame: PackageFrame, report: Report) -> Intake | None:
    """Keep a package; nothing with the fault in the report ends the intake of its log."""
    try:
        _check_complete(node, intake, frame)
        report.taken += store.take(
            node, intake.roster, intake.channel, (intake.checkpoint, intake.note), frame
        )
    except LiptakoError as fault:
        report.faults.append(fault)
        return None
    except (DataError, IntegrityError) as cause:
        origin, why = intake.channel.origin, str(cause)[:200]
        report.faults.append(
            MalformedError("%(origin)s: it cannot be stored: %(why)s", origin=origin, why=why)
        )
        return None
    return intake


def _check_complete(node: Node, intake: Intake, frame: PackageFrame) -> None:
    """Raise VerificationError if somebody but the author has left out a payload.

    Who hands a log on may lack those that have expired, and those of records that nobody can read;
    what else is left out would never come again.
    """
    if intake.sender == intake.channel.author:
        return
    now = node.clock()
    for header, body in zip(frame.headers, frame.bodies, strict=False):
        if body is None and not _may_lack(intake.channel, header, now):
            raise VerificationError(
                "%(origin)s: %(sender)s has left out a payload that its author has not",
                origin=intake.channel.origin,
                sender=intake.sender,
            )


def _may_lack(channel: ChannelValue, header: bytes, now: Instant) -> bool:
    """Say whether the payload of a record may be gone."""
    try:
        retain = read_header(channel, header).retain
    except MalformedError:
        return True
    return retain is not None and retain <= now
