"""Makes bundles for a partner and takes in bundles from one: the same bytes by any carrier.

Only logs whose audience has the partner in it are read (`ledger.reader.logs_for`). What comes is
verified package by package before it is kept; what is good before a fault stays.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from liptako.core.compact.dossier import write_dossier
from liptako.core.errors import MalformedError
from liptako.core.log.bundle import (
    AheadFrame,
    BundleWriter,
    ChannelFrame,
    DeedsFrame,
    Frame,
    HeadsFrame,
    Known,
    PackageFrame,
    RoomFrame,
    add_cut,
    read_bundle,
)
from liptako.core.log.delivery import Delivery, heads_note, open_sender
from liptako.core.log.heads import Heads
from liptako.core.log.sealed import seal, unseal
from liptako.core.records.envelope import Lane
from liptako.federation import attachments, peers, recalls
from liptako.federation.deeds import take_deeds
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
    settle_files,
    take,
    take_ahead,
    take_beside,
)
from liptako.ledger import compacts, projector
from liptako.ledger.models import Channel
from liptako.ledger.node import Node
from liptako.ledger.reader import logs_for, packages_of, recalls_ahead, signed_size
from liptako.ledger.receipts import sign_receipts
from liptako.ledger.tree import range_at

_IN_MEMORY = 8 * 2**20
_RATIO = 3  # bytes before compression for one after it, at least, of the records we know


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much goes into a bundle.

    `room` is how many bytes it should have at most (one package goes in any case), `answer` how
    many its answer; without `bulk` what is not urgent stays. A `standalone` one can be verified by
    somebody who holds nothing of its logs, and brings the files of its records; `files` is how many
    bytes of these at most.
    """

    room: int | None = None
    answer: int | None = None
    bulk: bool = True
    standalone: bool = False
    files: int | None = None


WHOLE = Extent(standalone=True)
"""All that a partner lacks: for a file."""


def write_bundle(node: Node, member: str, target: BinaryIO, extent: Extent) -> int:
    """Write what a partner has not said it holds, sealed for it; return how many entries."""
    keys = compacts.current().check_exchange(peers.partner(node, member).member).keys
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as plain:
        writer = BundleWriter(plain)  # type: ignore[arg-type]  # spooled files read as binary ones
        count = 0
        for frame in _frames(node, member, extent, _Budget(extent.room, writer)):
            writer.write(frame)
            count += len(frame.headers) if isinstance(frame, PackageFrame) else 0
        writer.close()
        plain.seek(0)
        seal(plain, target, keys.seal)  # type: ignore[arg-type]  # same
    return count


class _Budget:
    """What one bundle may still hold; without a limit, everything."""

    def __init__(self, room: int | None, writer: BundleWriter) -> None:
        self._room, self._writer, self._given = room, writer, False

    def take(self, log: Channel, start: int, end: int) -> Iterator[PackageFrame]:
        """Give the packages of a log until nothing more fits in."""
        room = None if self._room is None else self._left
        for package in packages_of(log, start, end, room):
            self._given = True
            yield package
            if self.is_spent:
                return

    def _left(self) -> int:
        """Return how many bytes of headers and payloads may still go in."""
        return max((self._room or 0) - self._writer.written, 0) * _RATIO

    def for_files(self, extent: Extent) -> attachments.Budget:
        """Return what is left for files: they go once all packages are through."""
        rooms = [extent.files] if extent.files is not None else []
        if self._room is not None:
            rooms.append(max(self._room - self._writer.written, 0) if extent.bulk else 0)
        return attachments.Budget(room=min(rooms, default=None), unasked=extent.standalone)

    @property
    def is_spent(self) -> bool:
        """Say whether the next package is for the next bundle."""
        return self._room is not None and self._given and self._writer.written >= self._room


def _frames(node: Node, member: str, extent: Extent, budget: _Budget) -> Iterator[Known]:
    """Give our heads, the packages that a partner lacks, as far as they fit in, and receipts.

    First of all the deeds, unless the partner believes in the same: our heads may be signed with a
    key that it does not know yet. The receipts come last: what is cut off is asked for again.
    """
    said = peers.heads_of(peers.partner(node, member))
    if said is None or said.trust != compacts.trust():
        yield DeedsFrame(write_dossier(compacts.dossier()))
    yield HeadsFrame(heads_for(node, member))
    if extent.answer is not None:
        yield RoomFrame(extent.answer)
    yield from attachments.wants_for(node, member)
    yield from histories_for(member, said)
    for log in _logs_to_send(member, said, extent):
        if budget.is_spent:
            break
        start, end = said.size_of(log.origin) if said else 0, signed_size(log)
        yield ChannelFrame(
            origin=log.origin,
            roster=tuple(log.audience.members),
            lane=log.lane,
            checkpoint=bytes(log.checkpoint),
            start=start,
            frontier=range_at(log.origin, start).to_bytes() if extent.standalone else b"",
        )
        yield from recalls_ahead(log, start, end)
        yield from budget.take(log, start, end)
    yield from receipts_for(member, said)
    yield from attachments.chunks_for(node, member, said, budget.for_files(extent))


def _logs_to_send(member: str, said: Heads | None, extent: Extent) -> Iterator[Channel]:
    """Give the logs of which a partner lacks something that it can take, the urgent ones first."""
    for log in sorted(logs_for(member), key=sending_order):
        lost = said is not None and is_lost(log, said)
        if (log.author == member and not lost) or (log.lane != Lane.URGENT and not extent.bulk):
            continue
        start = said.size_of(log.origin) if said else 0
        # Where it holds another history, ours would not fit; what was shown of it tells why.
        if start < signed_size(log) and agrees(log, said):
            yield log


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
    settle_files(node, report)
    recalls.confirm(node)
    sign_receipts(node)
    peers.note_read(report.sender, report.faults, outdated=report.outdated)
    return report


def _read_frames(node: Node, frames: Iterator[Frame], how: peers.Door) -> Report:
    """Take in the frames of a bundle. A fault in one log leaves the others standing."""
    first, faults = next(frames, None), []
    if isinstance(first, DeedsFrame):
        faults, first = take_deeds(node, first.dossier), next(frames, None)
    note = heads_note(first)
    heads = open_sender(note, compacts.current(), node.member)
    report = Report(sender=heads.sender, faults=[*faults, *disputed(node, heads)])
    delivery: Delivery | None = None
    try:
        for frame in frames:
            if isinstance(frame, ChannelFrame):
                delivery = open_log(node, heads, frame, report)
            elif isinstance(frame, AheadFrame) and delivery is not None:
                delivery = take_ahead(delivery, frame, report)
            elif isinstance(frame, PackageFrame) and delivery is not None:
                delivery = take(node, delivery, frame, report)
            else:
                take_beside(node, frame, report)
    except MalformedError as fault:
        report.faults.append(fault)
    report.outdated = not peers.note_heard(heads.sender, note, node.clock().moment(), how)
    return report
