"""Makes bundles for a partner and takes in bundles from one: the same bytes by any carrier.

Only logs whose audience has the partner in it are read (`ledger.reader.logs_for`). What comes is
verified package by package before it is kept; what is good before a fault stays.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from liptako.core.errors import LiptakoError, MalformedError, RefusedError, VerificationError
from liptako.core.log.bundle import (
    BundleWriter,
    ChannelFrame,
    Frame,
    HeadsFrame,
    PackageFrame,
    read_bundle,
)
from liptako.core.log.checkpoint import Checkpoint, open_checkpoint
from liptako.core.log.heads import Heads, open_heads, read_heads, sign_heads
from liptako.core.log.sealed import seal, unseal
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.records.envelope import Lane
from liptako.core.refs import audience_id, author_of
from liptako.federation import peers
from liptako.ledger import compacts, projector, store
from liptako.ledger.models import Channel
from liptako.ledger.node import Node
from liptako.ledger.reader import head_of_log, logs_for, packages_of
from liptako.ledger.tree import range_at

ONLINE_ENTRIES = 2_048
"""Entries in one bundle over the network; the next exchange goes on after them."""

_IN_MEMORY = 8 * 2**20


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of a bundle: from whom, how many entries were new, what was wrong with it."""

    sender: str = ""
    taken: int = 0
    faults: list[LiptakoError] = field(default_factory=list)


def heads_for(node: Node, member: str) -> bytes:
    """Return our signed heads of all logs that a partner may have."""
    logs = tuple(head_of_log(log) for log in logs_for(member))
    return sign_heads(Heads(sender=node.member, recipient=member, logs=logs), node.signer)


def write_bundle(
    node: Node, member: str, target: BinaryIO, *, limit: int | None, standalone: bool
) -> int:
    """Write what a partner has not said it holds, sealed for it; return how many entries.

    At most `limit` entries, if there is one. A standalone bundle can be verified by somebody who
    holds nothing of its logs.
    """
    keys = compacts.current().member(member).keys
    held = peers.heads_of(peers.peer(member))
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as plain:
        writer = BundleWriter(plain)  # type: ignore[arg-type]  # spooled files read as binary ones
        writer.write(HeadsFrame(heads_for(node, member)))
        count = 0
        for frame in _frames(member, held, limit=limit, standalone=standalone):
            writer.write(frame)
            count += len(frame.headers) if isinstance(frame, PackageFrame) else 0
        writer.close()
        plain.seek(0)
        seal(plain, target, keys.seal)  # type: ignore[arg-type]  # same
    return count


def _frames(
    member: str, held: Heads | None, *, limit: int | None, standalone: bool
) -> Iterator[Frame]:
    """Give the logs with the packages that a partner lacks, up to a number of entries."""
    left = limit
    for log in sorted(logs_for(member), key=lambda log: (log.lane != Lane.URGENT, log.origin)):
        start = held.size_of(log.origin) if held else 0
        if log.author == member or start >= log.size or not log.checkpoint or left == 0:
            continue
        yield ChannelFrame(
            origin=log.origin,
            roster=tuple(log.audience.members),
            lane=log.lane,
            checkpoint=bytes(log.checkpoint),
            start=start,
            frontier=range_at(log.origin, start).to_bytes() if standalone else b"",
        )
        for package in packages_of(log, start):
            if left is not None:
                if left <= 0:
                    return
                left -= len(package.headers)
            yield package


def read_sealed(node: Node, source: BinaryIO, *, how: str) -> Report:
    """Take in a sealed bundle and draw the tables; say what was taken and what was wrong.

    Raises VerificationError if it is not for us or its sender cannot be verified, and
    MalformedError if it is no bundle. Faults behind the heads are in the report.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as plain:
        whole = unseal(source, plain, node.identity)  # type: ignore[arg-type]  # as above
        plain.seek(0)
        report = _read_frames(node, read_bundle(plain), how)  # type: ignore[arg-type]  # as above
    if not whole and not report.faults:
        report.faults.append(
            MalformedError("bundle: it is cut short; what came before its end was kept")
        )
    projector.project_pending()
    return report


def _read_frames(node: Node, frames: Iterator[Frame], how: str) -> Report:
    """Take in the frames of a bundle. A fault in one log leaves the others standing."""
    note, heads = _read_heads(node, next(frames, None))
    report = Report(sender=heads.sender)
    intake: _Intake | None = None
    try:
        for frame in frames:
            if isinstance(frame, ChannelFrame):
                intake = _open_log(node, heads.sender, frame, report)
            elif isinstance(frame, PackageFrame) and intake is not None:
                intake = _take(node, intake, frame, report)
    except MalformedError as fault:
        report.faults.append(fault)
    peers.note_heard(heads.sender, note, node.clock().moment(), how)
    return report


def _read_heads(node: Node, frame: Frame | None) -> tuple[bytes, Heads]:
    """Return the sender's heads, verified. Raises MalformedError or VerificationError."""
    if not isinstance(frame, HeadsFrame):
        raise MalformedError("bundle: expected the heads of its sender first")
    sender = read_heads(frame.note).sender
    if sender == node.member:
        raise RefusedError("bundle: this node wrote it itself; it is for a partner")
    public = compacts.current().member(sender).keys.sign
    heads = open_heads(frame.note, sender=sender, recipient=node.member, public=public)
    return frame.note, heads


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intake:
    """A log of which packages are being taken."""

    roster: tuple[str, ...]
    channel: ChannelValue
    checkpoint: Checkpoint
    note: bytes


def _open_log(node: Node, sender: str, frame: ChannelFrame, report: Report) -> _Intake | None:
    """Return the intake for a log, or nothing with the fault in the report."""
    try:
        return _checked_log(node, sender, frame)
    except LiptakoError as fault:
        report.faults.append(fault)
        return None


def _checked_log(node: Node, sender: str, frame: ChannelFrame) -> _Intake | None:
    """Return the intake for a log whose author, audience and checkpoint are in order.

    Nothing for a log of our own: nobody tells us what we wrote. Raises LiptakoError.
    """
    author = author_of(frame.origin)
    if author == node.member:
        return None
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
    return _Intake(
        roster=frame.roster, channel=channel, checkpoint=checkpoint, note=frame.checkpoint
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
        range_at(channel.origin, checkpoint.size).root() == checkpoint.root
    )
    if not same:
        raise VerificationError(
            "%(origin)s: its author has signed two different histories of it",
            origin=channel.origin,
        )


def _take(node: Node, intake: _Intake, frame: PackageFrame, report: Report) -> _Intake | None:
    """Keep a package; nothing with the fault in the report ends the intake of its log."""
    try:
        report.taken += store.take(
            node, intake.roster, intake.channel, (intake.checkpoint, intake.note), frame
        )
    except LiptakoError as fault:
        report.faults.append(fault)
        return None
    return intake
