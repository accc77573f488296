"""Makes bundles for a partner and takes in bundles from one: the same bytes by any carrier.

Only logs whose audience has the partner in it are read (`ledger.reader.logs_for`). What comes is
verified package by package before it is kept; what is good before a fault stays.
"""

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.log.bundle import (
    BundleWriter,
    ChannelFrame,
    Frame,
    HeadsFrame,
    PackageFrame,
    add_cut,
    read_bundle,
)
from liptako.core.log.checkpoint import Checkpoint
from liptako.core.log.delivery import Delivery, heads_note, open_sender
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.sealed import seal, unseal
from liptako.core.records.envelope import Lane
from liptako.federation import peers
from liptako.federation.intake import Report, open_log, take
from liptako.ledger import compacts, projector, store
from liptako.ledger.models import Channel
from liptako.ledger.node import Node
from liptako.ledger.reader import head_of_log, logs_for, packages_of, signed_size
from liptako.ledger.tree import range_at, root_at

ONLINE_ENTRIES = 2_048
"""Entries in one bundle over the network; the next exchange goes on after them."""

ONLINE_BYTES = 8 * 2**20
"""Bytes of headers and payloads in one, before compression; at least one package goes."""

_IN_MEMORY = 8 * 2**20


def heads_for(node: Node, member: str) -> bytes:
    """Return our signed heads of all logs that a partner may have."""
    logs = tuple(head_of_log(log) for log in logs_for(member))
    heads = Heads(sender=node.member, recipient=member, epoch=store.epoch(), logs=logs)
    return sign_heads(heads, node.signer)


def write_bundle(
    node: Node, member: str, target: BinaryIO, *, limit: int | None, standalone: bool
) -> int:
    """Write what a partner has not said it holds, sealed for it; return how many entries.

    At most `limit` entries, if there is one. A standalone bundle can be verified by somebody who
    holds nothing of its logs.
    """
    held = peers.heads_of(peers.partner(node, member))
    keys = compacts.current().check_exchange(member).keys
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
    budget = _Budget(limit)
    for log in sorted(logs_for(member), key=lambda log: (log.lane != Lane.URGENT, log.origin)):
        start, end = held.size_of(log.origin) if held else 0, signed_size(log)
        if log.author == member or start >= end or budget.is_spent:
            continue
        yield ChannelFrame(
            origin=log.origin,
            roster=tuple(log.audience.members),
            lane=log.lane,
            checkpoint=bytes(log.checkpoint),
            start=start,
            frontier=range_at(log.origin, start).to_bytes() if standalone else b"",
        )
        for package in packages_of(log, start, end):
            yield package
            budget.take(package)
            if budget.is_spent:
                return


class _Budget:
    """What one bundle may still hold; without a limit, everything."""

    def __init__(self, entries: int | None) -> None:
        self._entries, self._bytes = entries, ONLINE_BYTES

    def take(self, package: PackageFrame) -> None:
        """Count a package."""
        if self._entries is not None:
            self._entries -= len(package.headers)
            self._bytes -= sum(len(part or b"") for part in (*package.headers, *package.bodies))

    @property
    def is_spent(self) -> bool:
        """Say whether the next package is for the next bundle."""
        return self._entries is not None and (self._entries <= 0 or self._bytes <= 0)


def read_sealed(node: Node, source: BinaryIO, *, how: peers.Door) -> Report:
    """Take in a sealed bundle and draw the tables; say what was taken and what was wrong.

    Raises VerificationError if it is not for us or its sender cannot be verified, and
    MalformedError if it is no bundle. Faults behind the heads are in the report.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as plain:
        whole = unseal(source, plain, node.identity)  # type: ignore[arg-type]  # as above
        plain.seek(0)
        report = _read_frames(node, read_bundle(plain), how)  # type: ignore[arg-type]  # as above
    if not whole:
        add_cut(report.faults)
    projector.project_pending()
    peers.note_read(report.sender, report.faults, outdated=report.outdated)
    return report


def _read_frames(node: Node, frames: Iterator[Frame], how: peers.Door) -> Report:
    """Take in the frames of a bundle. A fault in one log leaves the others standing."""
    note = heads_note(next(frames, None))
    heads = open_sender(note, compacts.current(), node.member)
    report = Report(sender=heads.sender, faults=_set_back(node, heads))
    delivery: Delivery | None = None
    try:
        for frame in frames:
            if isinstance(frame, ChannelFrame):
                delivery = open_log(node, heads, frame, report)
            elif isinstance(frame, PackageFrame) and delivery is not None:
                delivery = take(node, delivery, frame, report)
    except MalformedError as fault:
        report.faults.append(fault)
    report.outdated = not peers.note_heard(heads.sender, note, node.clock().moment(), how)
    return report


def _set_back(node: Node, heads: Heads) -> list[LiptakoError]:
    """Return a fault for each of our own logs that a partner holds otherwise than we do.

    Of the logs before a restore a partner may hold more: nothing is written into them any longer.
    """
    epoch = store.epoch()
    ours = {log.origin: log for log in logs_for(heads.sender) if log.author == node.member}
    return [
        VerificationError(
            "%(origin)s: %(sender)s holds another history of this log of ours than this node: "
            "was it set back to an older state? Write nothing more, tell the administrator",
            origin=head.origin,
            sender=heads.sender,
        )
        for head in heads.logs
        if head.origin in ours and not _is_same(ours[head.origin], head, epoch)
    ]


def _is_same(log: Channel, head: Checkpoint, epoch: int) -> bool:
    """Say whether a head of one of our logs lies on its way."""
    if head.size > log.size:
        return log.epoch < epoch
    if head.size == log.size:
        return head_of_log(log).root == head.root
    return root_at(log.origin, head.size) == head.root
