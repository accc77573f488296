"""Keeps what a bundle brings, log by log: what is held of it already, and what was wrong.

Who may hand a log on is in `core.log.delivery`, what is proven by the frames in `core.log.verify`.
"""

from dataclasses import dataclass, field, replace

from django.db import DataError, IntegrityError

from liptako.core.errors import LiptakoError, MalformedError, RefusedError, VerificationError
from liptako.core.log.checkpoint import parse_checkpoint
from liptako.core.log.delivery import Delivery, Place, check_package, open_ahead, open_delivery
from liptako.core.log.fork import Fork, View
from liptako.core.log.frames import (
    AheadFrame,
    CarriedFrame,
    ChannelFrame,
    ChunkFrame,
    Frame,
    HistoryFrame,
    PackageFrame,
    ParcelFrame,
    ReceiptFrame,
    RoomFrame,
    ShownFrame,
    WantFrame,
)
from liptako.core.log.heads import Heads
from liptako.core.log.note import read_note
from liptako.core.log.verify import Opened
from liptako.core.refs import author_of, epoch_of
from liptako.federation import attachments, parcels, peers
from liptako.federation.doubting import compare_history, give_up, gives_up
from liptako.ledger import compacts, files, histories, recalls, receipts, store
from liptako.ledger.models import Channel
from liptako.ledger.node import Node
from liptako.ledger.reader import StoredEntry, epoch, root_of, signed_size


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of a bundle: from whom, how many entries were new, what was wrong with it.

    `trust` stands for the deeds that it is read by, `undrawn` are entries that were taken since
    something was last drawn, `receipts` counts what members newly signed that they hold, `chunks`
    the bytes of files, `wants` are files that the sender lacks. `room` is how long the answer may
    be, `shown` what the sender was shown ahead and has kept, `arrived` are parcels that it has
    carried for this node. `more` says that something is left for the next exchange. `outdated` if
    its sender has told of a later state before: a file that was carried for long, or one that
    somebody plays again. `former` if it has taken back the key that it was signed with: then its
    word counts for nothing, and only what is proved by itself is taken.
    """

    sender: str = ""
    taken: int = 0
    undrawn: list[StoredEntry] = field(default_factory=list)
    trust: str = ""
    receipts: int = 0
    chunks: int = 0
    wants: list[tuple[str, str, int]] = field(default_factory=list)
    room: int | None = None
    shown: set[Place] = field(default_factory=set)
    arrived: list[ParcelFrame] = field(default_factory=list)
    more: bool = False
    outdated: bool = False
    former: bool = False
    faults: list[LiptakoError] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Count what another bundle has brought, and what was wrong with it, too."""
        self.taken += other.taken
        self.receipts += other.receipts
        self.chunks += other.chunks
        self.faults += other.faults


def open_log(node: Node, heads: Heads, frame: ChannelFrame, report: Report) -> Delivery | None:
    """Return a log that is to be taken in, or nothing with the fault in the report.

    Nothing for a log of our own that we go on writing: nobody tells us what we wrote, unless we
    have signed more of it than we hold. That, and one from before a restore, is taken back.
    """
    try:
        ours = _is_written(node, frame.origin)
        if ours and not _is_longer(frame.origin, frame.checkpoint):
            return None
        delivery = open_delivery(frame, heads, compacts.current())
        if ours:
            _leave_log(node, frame.origin)
            report.faults.append(_set_back(report.sender))
        _check_held(node, delivery)
    except LiptakoError as fault:
        report.faults.append(fault)
        return None
    recalled = recalls.recalled_places(frame.origin)
    return replace(delivery, recalled=recalled, former=report.former)


def take_ahead(
    node: Node, delivery: Delivery, frame: AheadFrame, report: Report
) -> Delivery | None:
    """Keep an entry that is shown ahead; a fault ends the intake of its log."""
    try:
        behind, entry = open_ahead(delivery, frame)
        signed = store.Signed(delivery.checkpoint, delivery.note, report.trust)
        with gives_up(node, delivery.channel.origin):
            report.taken += store.take_ahead(node, delivery.roster, delivery.channel, signed, entry)
    except LiptakoError as fault:
        report.faults.append(fault)
        return None
    except (DataError, IntegrityError) as cause:
        report.faults.append(_unstorable(delivery, cause))
        return None
    return behind


def _check_held(node: Node, delivery: Delivery) -> None:
    """Raise VerificationError if what is held of a log is not what the checkpoint signs.

    Nothing more is taken of a log with two histories.
    """
    channel, checkpoint = delivery.channel, delivery.checkpoint
    row = Channel.objects.filter(origin=channel.origin).first()
    if row is None:
        return
    if (row.audience_id, row.lane) != (channel.audience, channel.lane.value):
        raise VerificationError(
            "%(origin)s: it has changed its audience or its lane", origin=channel.origin
        )
    if histories.is_forked(channel.origin):
        raise histories.two_histories(channel.origin)
    size = checkpoint.size
    if 0 < size <= row.size and root_of(row, size) != checkpoint.root:
        if size > signed_size(row):
            give_up(node, row.origin)
            raise histories.not_signed(row.origin)
        shown = View(delivery.note, checkpoint.root)
        fork = Fork(channel.origin, size, histories.view_at(row, size), shown)
        raise histories.keep_fork(row, fork, node.clock())


def take(
    node: Node, delivery: Delivery, package: PackageFrame | Opened, report: Report
) -> Delivery | None:
    """Keep a package; nothing with the fault in the report ends the intake of its log."""
    frame = package.package if isinstance(package, Opened) else package
    signed = store.Signed(delivery.checkpoint, delivery.note, report.trust)
    try:
        behind = check_package(delivery, frame, node.clock())
        with gives_up(node, delivery.channel.origin):
            news = store.take(node, delivery.roster, delivery.channel, signed, package)
        report.taken += len(news)
        report.undrawn += news
    except LiptakoError as fault:
        report.faults.append(fault)
        return None
    except (DataError, IntegrityError) as cause:
        report.faults.append(_unstorable(delivery, cause))
        return None
    return behind


def _unstorable(delivery: Delivery, cause: Exception) -> MalformedError:
    """Return the fault for what the database does not take."""
    origin, why = delivery.channel.origin, str(cause)[:200]
    return MalformedError("%(origin)s: it cannot be stored: %(why)s", origin=origin, why=why)


def take_beside(node: Node, frame: Frame, report: Report) -> None:
    """Take what does not belong to the log before it; pass over what nobody here knows."""
    if isinstance(frame, RoomFrame):
        report.room = frame.size
    elif isinstance(frame, ShownFrame):
        report.shown |= {(frame.origin, seq) for seq in frame.places}
    elif isinstance(frame, ReceiptFrame):
        take_receipt(node, frame, report)
    elif isinstance(frame, HistoryFrame):
        take_history(node, frame, report)
    elif isinstance(frame, WantFrame | ChunkFrame):
        take_file(node, frame, report)
    elif isinstance(frame, ParcelFrame | CarriedFrame) and not report.former:
        take_parcel(node, frame, report)


def take_parcel(node: Node, frame: ParcelFrame | CarriedFrame, report: Report) -> None:
    """Take a parcel, or the word that one has gone a step further."""
    try:
        if isinstance(frame, CarriedFrame):
            parcels.take_carried(node, report.sender, frame)
        elif parcels.take_parcel(node, report.sender, frame):
            report.arrived.append(frame)
    except LiptakoError as fault:
        report.faults.append(fault)


def take_file(node: Node, frame: WantFrame | ChunkFrame, report: Report) -> None:
    """Take note of a file that the sender lacks, or keep bytes of one that is lacking here."""
    try:
        if isinstance(frame, ChunkFrame):
            report.chunks += attachments.take_chunk(
                node, report.sender, frame, former=report.former
            )
        elif len(report.wants) < attachments.WANTS_LIMIT:
            report.wants.append(attachments.check_want(frame))
    except LiptakoError as fault:
        report.faults.append(fault)


def settle_files(node: Node, report: Report, how: peers.Door) -> None:
    """Keep the files that are whole now, and which ones the sender lacks; sweep what has ended.

    A parcel tells of no files: it goes through somebody else.
    """
    report.faults += files.finish(node)
    if not (report.outdated or how == "carried"):
        peers.note_wants(report.sender, report.wants)
    try:
        files.sweep(node)
    except LiptakoError as fault:
        report.faults.append(fault)


def take_receipt(node: Node, frame: ReceiptFrame, report: Report) -> None:
    """Keep what a member signed that it has stored."""
    try:
        report.receipts += receipts.keep_receipt(node, frame)
    except LiptakoError as fault:
        report.faults.append(fault)


def take_history(node: Node, frame: HistoryFrame, report: Report) -> None:
    """Compare a history that a partner shows with ours.

    If this node was set back to an older state, it goes on in new logs from here on, before it
    writes a second history of the old ones; what partners hold of these comes back.
    """
    try:
        if histories.is_set_back(node, frame):
            _leave_log(node, frame.origin)
            report.faults.append(_set_back(report.sender))
        else:
            compare_history(node, frame)
    except LiptakoError as fault:
        report.faults.append(fault)
        if histories.is_forked(frame.origin):
            _leave_log(node, frame.origin)


def _leave_log(node: Node, origin: str) -> None:
    """Write nothing more into a log, if it is one of ours that we write into."""
    if _is_written(node, origin):
        store.begin_epoch(node.clock())


def _is_written(node: Node, origin: str) -> bool:
    """Say whether a log is one of ours that we write into, or would if we knew it."""
    return author_of(origin) == node.member and epoch_of(origin) >= epoch()


def _is_longer(origin: str, checkpoint: bytes) -> bool:
    """Say whether a checkpoint, yet to be verified, is of more entries than this node holds."""
    held = Channel.objects.filter(origin=origin).values_list("size", flat=True).first()
    return parse_checkpoint(read_note(checkpoint).text).size > (held or 0)


def _set_back(sender: str) -> RefusedError:
    """Return what is told when this node turns out to be older than what it has signed."""
    return RefusedError(
        "%(sender)s holds more of our logs than this node: it was set back to an older state. "
        "It goes on in new logs; what partners hold comes back with the next exchange",
        sender=sender,
    )
