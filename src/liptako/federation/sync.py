"""Makes bundles for a partner and takes in bundles from one: the same bytes by any carrier.

Only logs whose audience has the partner in it are read (`ledger.reader.logs_for`). What comes is
verified package by package before it is kept; what is good before a fault stays.
"""

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from liptako.core.errors import MalformedError
from liptako.core.log.bundle import (
    AheadFrame,
    BundleWriter,
    ChannelFrame,
    Frame,
    HeadsFrame,
    HistoryFrame,
    Known,
    PackageFrame,
    ReceiptFrame,
    add_cut,
    read_bundle,
)
from liptako.core.log.delivery import Delivery, heads_note, open_sender
from liptako.core.log.sealed import seal, unseal
from liptako.federation import peers, recalls
from liptako.federation.heads import (
    agrees,
    disputed,
    heads_for,
    histories_for,
    is_lost,
    receipts_for,
    sending_order,
)
from liptako.federation.intake import (
    Report,
    open_log,
    take,
    take_ahead,
    take_history,
    take_receipt,
)
from liptako.ledger import compacts, projector
from liptako.ledger.node import Node
from liptako.ledger.reader import logs_for, packages_of, recalls_ahead, signed_size
from liptako.ledger.receipts import sign_receipts
from liptako.ledger.tree import range_at

ONLINE_ENTRIES = 2_048
"""Entries in one bundle over the network; the next exchange goes on after them."""

ONLINE_BYTES = 8 * 2**20
"""Bytes of headers and payloads in one, before compression; at least one package goes."""

_IN_MEMORY = 8 * 2**20


def write_bundle(
    node: Node, member: str, target: BinaryIO, *, limit: int | None, standalone: bool
) -> int:
    """Write what a partner has not said it holds, sealed for it; return how many entries.

    At most `limit` entries, if there is one. A standalone bundle can be verified by somebody who
    holds nothing of its logs.
    """
    keys = compacts.current().member(peers.partner(node, member).member).keys
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as plain:
        writer = BundleWriter(plain)  # type: ignore[arg-type]  # spooled files read as binary ones
        count = 0
        for frame in _frames(node, member, limit=limit, standalone=standalone):
            writer.write(frame)
            count += len(frame.headers) if isinstance(frame, PackageFrame) else 0
        writer.close()
        plain.seek(0)
        seal(plain, target, keys.seal)  # type: ignore[arg-type]  # same
    return count


def _frames(node: Node, member: str, *, limit: int | None, standalone: bool) -> Iterator[Known]:
    """Give our heads, the packages that a partner lacks, up to a number of entries, and receipts.

    The receipts come last: what is cut off of them is asked for again.
    """
    said = peers.heads_of(peers.partner(node, member))
    yield HeadsFrame(heads_for(node, member))
    yield from histories_for(member, said)
    budget = _Budget(limit)
    for log in sorted(logs_for(member), key=sending_order):
        start, end = said.size_of(log.origin) if said else 0, signed_size(log)
        lost = said is not None and is_lost(log, said)
        if (log.author == member and not lost) or start >= end or budget.is_spent:
            continue
        if not agrees(log, said):
            continue  # it would not fit there; the history that was shown tells why
        yield ChannelFrame(
            origin=log.origin,
            roster=tuple(log.audience.members),
            lane=log.lane,
            checkpoint=bytes(log.checkpoint),
            start=start,
            frontier=range_at(log.origin, start).to_bytes() if standalone else b"",
        )
        yield from recalls_ahead(log, start, end)
        yield from budget.take(packages_of(log, start, end))
    yield from receipts_for(member, said)


class _Budget:
    """What one bundle may still hold; without a limit, everything."""

    def __init__(self, entries: int | None) -> None:
        self._entries, self._bytes = entries, ONLINE_BYTES

    def take(self, packages: Iterator[PackageFrame]) -> Iterator[PackageFrame]:
        """Give packages until nothing more fits in."""
        for package in packages:
            yield package
            if self._entries is not None:
                self._entries -= len(package.headers)
                self._bytes -= sum(len(part or b"") for part in (*package.headers, *package.bodies))
            if self.is_spent:
                return

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
    recalls.confirm(node)
    sign_receipts(node)
    peers.note_read(report.sender, report.faults, outdated=report.outdated)
    return report


def _read_frames(node: Node, frames: Iterator[Frame], how: peers.Door) -> Report:
    """Take in the frames of a bundle. A fault in one log leaves the others standing."""
    note = heads_note(next(frames, None))
    heads = open_sender(note, compacts.current(), node.member)
    report = Report(sender=heads.sender, faults=list(disputed(node, heads)))
    delivery: Delivery | None = None
    try:
        for frame in frames:
            if isinstance(frame, ChannelFrame):
                delivery = open_log(node, heads, frame, report)
            elif isinstance(frame, AheadFrame) and delivery is not None:
                delivery = take_ahead(delivery, frame, report)
            elif isinstance(frame, PackageFrame) and delivery is not None:
                delivery = take(node, delivery, frame, report)
            elif isinstance(frame, ReceiptFrame):
                take_receipt(node, frame, report)
            elif isinstance(frame, HistoryFrame):
                take_history(node, frame, report)
    except MalformedError as fault:
        report.faults.append(fault)
    report.outdated = not peers.note_heard(heads.sender, note, node.clock().moment(), how)
    return report
