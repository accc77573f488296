"""Makes bundles for a partner and takes in bundles from one: the same bytes by any carrier.

Only logs whose audience has the partner in it are read (`ledger.reader.logs_for`). What comes is
verified package by package before it is kept; what is good before a fault stays.
"""

import io
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO

from liptako.core.compact.dossier import write_dossier
from liptako.core.errors import LiptakoError, MalformedError, VerificationError
from liptako.core.log.bundle import BundleWriter, add_cut, read_bundle
from liptako.core.log.delivery import Delivery, by_former_key, heads_note, open_sender
from liptako.core.log.frames import (
    AheadFrame,
    CarriedFrame,
    ChannelFrame,
    ChunkFrame,
    DeedsFrame,
    Frame,
    HeadsFrame,
    Known,
    PackageFrame,
    ParcelFrame,
    RoomFrame,
    ShownFrame,
)
from liptako.core.log.heads import Heads
from liptako.core.log.sealed import padded_size, seal, unseal
from liptako.core.records.envelope import Lane
from liptako.federation import attachments, parcels, peers, recalls
from liptako.federation.ahead import Lack, overtaking
from liptako.federation.deeds import take_deeds
from liptako.federation.extent import Budget, Extent, Start, Written
from liptako.federation.heads import (
    agrees,
    disputed,
    given_size,
    heads_for,
    histories_for,
    is_lost,
    judges_otherwise,
    receipts_for,
    sending_order,
)
from liptako.federation.intake import Report, open_log, settle_files, take, take_ahead, take_beside
from liptako.ledger import compacts
from liptako.ledger.along import Along
from liptako.ledger.node import Node
from liptako.ledger.reader import (
    entries_ahead,
    logs_for,
    places_ahead,
    recalls_ahead,
    signed_size,
)
from liptako.ledger.receipts import sign_receipts
from liptako.ledger.tree import range_at

_IN_MEMORY = 8 * 2**20
_FEW = 64  # urgent records that do not wait for the rest of a bundle; more of them need its room

WHOLE = Extent(standalone=True)
"""All that a partner lacks: for a file."""


def start_for(node: Node, member: str) -> Start:
    """Return what a bundle for a partner begins with now. Raises RefusedError for a stranger."""
    said = peers.heads_of(peers.partner(node, member))
    return Start(said=said, heads=heads_for(node, member), course=attachments.Course(said))


def write_bundle(node: Node, member: str, target: BinaryIO, extent: Extent) -> int:
    """Write what a partner has not said it holds, sealed for it; return how many entries."""
    return write_from(node, member, target, extent, start_for(node, member)).count


def write_from(node: Node, member: str, target: BinaryIO, extent: Extent, start: Start) -> Written:
    """Write a bundle for a partner from a start on, sealed for it."""
    keys = compacts.current().check_exchange(member).keys
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as plain:
        writer = BundleWriter(plain, extent.room)  # type: ignore[arg-type]  # read as binary ones
        origin, count, files, parcels_in, reached = "", 0, 0, 0, {}
        for frame in _frames(node, member, start, extent, Budget(extent, writer)):
            writer.write(frame)
            if isinstance(frame, ChannelFrame):
                origin = frame.origin
            elif isinstance(frame, PackageFrame):
                count += len(frame.headers)
                reached[origin] = frame.start + len(frame.headers)
            elif isinstance(frame, ChunkFrame):
                files += len(frame.data)
            elif isinstance(frame, ParcelFrame):
                parcels_in += 1
        writer.close()
        if extent.carrier:
            plain.write(bytes(padded_size(plain.tell()) - plain.tell()))
        plain.seek(0)
        seal(plain, target, keys.seal)  # type: ignore[arg-type]  # same
    return Written(count=count, files=files, parcels=parcels_in, reached=reached)


def _frames(
    node: Node, member: str, begin: Start, extent: Extent, budget: Budget
) -> Iterator[Known]:
    """Give our heads, the packages that a partner lacks, as far as they fit in, and receipts.

    First of all the deeds, unless the partner believes in the same: our heads may be signed with a
    key that it does not know yet. The receipts come last: what is cut off is asked for again.
    """
    said = begin.said
    if said is None or said.trust != compacts.trust():
        yield DeedsFrame(write_dossier(compacts.dossier()))
    yield HeadsFrame(begin.heads)
    if extent.answer is not None:
        yield RoomFrame(extent.answer)
    if not (extent.carrier or extent.follows):
        yield from attachments.wants_for(node, member)
    if not extent.follows:
        yield from _shown_to_us(member)
        yield from histories_for(member, said)
    yield from _logs(list(lacks_of(member, said, extent)), extent, budget)
    if not extent.follows:
        yield from receipts_for(member, said)
        if not extent.carrier:
            yield from _parcels(node, member, begin, extent, budget)
    if not extent.carrier:
        yield from attachments.chunks_for(node, member, begin.course, budget.for_files(extent))


def _logs(lacks: Sequence[Lack], extent: Extent, budget: Budget) -> Iterator[Known]:
    """Give what overtakes, then log by log the packages, as far as they fit in."""
    if budget.is_limited and not extent.strict:
        if any(lack.log.lane == Lane.URGENT and lack.end - lack.start <= _FEW for lack in lacks):
            budget.hurry()
        for lack, places in overtaking(lacks, budget.left(), extent.shown):
            yield _channel_frame(lack, extent)
            yield from entries_ahead(lack.log, places, lack.signed)
    for lack in lacks:
        if budget.is_spent or extent.brief:
            break
        yield _channel_frame(lack, extent)
        yield from recalls_ahead(*lack)
        yield from budget.take(lack)


def _parcels(
    node: Node, member: str, begin: Start, extent: Extent, budget: Budget
) -> Iterator[CarriedFrame | ParcelFrame]:
    """Give what became of parcels, and those that fit in and that no volume before has."""
    yield from parcels.carried_for(node, member)
    if extent.bulk and not extent.brief:
        room, make = budget.bytes_left, partial(_parcel, node)
        for parcel in parcels.parcels_for(node, member, room, make, begin.given):
            begin.given.add((parcel.sender, parcel.recipient))
            yield parcel


def _parcel(node: Node, member: str, carrier: str, room: int) -> bytes:
    """Return a bundle for a partner that goes through another."""
    target = io.BytesIO()
    write_bundle(node, member, target, Extent(room=room, carrier=carrier))
    return target.getvalue()


def _shown_to_us(member: str) -> Iterator[ShownFrame]:
    """Give what this node has kept that was shown ahead of its place in the log."""
    for log in logs_for(member, begun=False):
        places = places_ahead(log)
        if places:
            yield ShownFrame(log.origin, places)


def _channel_frame(lack: Lack, extent: Extent) -> ChannelFrame:
    """Return the frame that begins a log."""
    log, start = lack.log, lack.start
    return ChannelFrame(
        origin=log.origin,
        roster=tuple(log.audience.members),
        lane=log.lane,
        checkpoint=bytes(log.checkpoint),
        start=start,
        frontier=range_at(log.origin, start).to_bytes() if extent.standalone else b"",
    )


def lacks_of(member: str, said: Heads | None, extent: Extent) -> Iterator[Lack]:
    """Give the logs of which a partner lacks something that it can take, the urgent ones first."""
    compact = compacts.current()
    for log in sorted(logs_for(member), key=sending_order):
        lost = said is not None and is_lost(log, said)
        if (log.author == member and not lost) or (log.lane != Lane.URGENT and not extent.bulk):
            continue
        if extent.carrier in log.audience.members:
            continue
        start, end = said.size_of(log.origin) if said else 0, given_size(log, compact)
        # Where it holds another history, ours would not fit; what was shown of it tells why.
        if start < end and agrees(log, said):
            yield Lack(log, start, end, signed_size(log))


def read_sealed(node: Node, source: BinaryIO, *, how: peers.Door) -> Report:
    """Take in a sealed bundle and draw the tables; say what was taken and what was wrong.

    Raises VerificationError if it is not for us or its sender cannot be verified, and
    MalformedError if it is no bundle. Faults behind the heads are in the report.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as plain:
        whole = unseal(source, plain, node.identity)  # type: ignore[arg-type]  # as above
        plain.seek(0)
        frames = read_bundle(plain)  # type: ignore[arg-type]  # as above
        if how == "carried":  # a parcel goes through one member, not through many
            frames = (item for item in frames if not isinstance(item, ParcelFrame | CarriedFrame))
        report = _read_frames(node, frames, how)
    if not whole:
        add_cut(report.faults)
    settle_files(node, report, how)
    recalls.confirm(node)
    attachments.confirm(node)
    sign_receipts(node)
    peers.note_read(report.sender, report.faults, outdated=report.outdated)
    said = peers.said_by(report.sender)
    if said is not None and not report.outdated:
        peers.note_judged(report.sender, node.clock().moment(), otherwise=judges_otherwise(said))
    if how != "carried":
        _read_parcels(node, report)
    return report


def _read_parcels(node: Node, report: Report) -> None:
    """Take in the bundles for this node that a partner has carried; each is judged by itself."""
    parcels.forget_read(node, report.sender, [frame.sealed for frame in report.arrived])
    for frame in report.arrived:
        try:
            inner = read_sealed(node, io.BytesIO(frame.sealed), how="carried")
            if inner.sender != frame.sender:
                raise VerificationError(
                    "bundle: a parcel of %(named)s was written by %(sender)s",
                    named=frame.sender,
                    sender=inner.sender,
                )
        except LiptakoError as fault:
            report.faults.append(fault)
        else:
            report.add(inner)


def _read_frames(node: Node, frames: Iterator[Frame], how: peers.Door) -> Report:
    """Take in the frames of a bundle. A fault in one log leaves the others standing."""
    first, faults = next(frames, None), []
    if isinstance(first, DeedsFrame):
        faults, first = take_deeds(node, first.dossier), next(frames, None)
    note = heads_note(first)
    compact = compacts.current()
    heads = open_sender(note, compact, node.member, former=how in {"file", "carried"})
    report = Report(sender=heads.sender, faults=faults, trust=compacts.trust())
    report.former = by_former_key(note, compact, heads.sender)
    report.faults += () if report.former else disputed(node, heads)
    _take_frames(node, heads, frames, report)
    report.outdated = report.former or not peers.note_heard(
        heads.sender, note, node.clock().moment(), how
    )
    return report


def _take_frames(node: Node, heads: Heads, frames: Iterator[Frame], report: Report) -> None:
    """Take in what stands behind the heads; draw what has come while more comes, then the rest."""
    delivery: Delivery | None = None
    with Along() as along:
        try:
            for frame, opened in along.read_ahead(frames):
                if isinstance(frame, ChannelFrame):
                    delivery = open_log(node, heads, frame, report)
                elif isinstance(frame, AheadFrame) and delivery is not None:
                    delivery = take_ahead(node, delivery, frame, report)
                elif isinstance(frame, PackageFrame) and delivery is not None:
                    package = opened.result() if opened else None
                    delivery = take(node, delivery, package or frame, report)
                else:
                    take_beside(node, frame, report)
                along.go_on(report.taken, report.undrawn)
                report.undrawn = []
        except MalformedError as fault:
            report.faults.append(fault)
        along.finish()
