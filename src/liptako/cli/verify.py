"""`liptako verify`: checks a bundle with nothing but its file, the compact, and a key; or our log.

With a file it needs no Django and no database: an auditor runs it on any machine.
"""

import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, replace
from gettext import gettext as _
from pathlib import Path
from typing import BinaryIO

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.files import cannot_read, read_file
from liptako.cli.words import complain, error_words, say
from liptako.core.clock import Instant
from liptako.core.compact.dossier import read_dossier
from liptako.core.compact.members import Compact
from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.log.bundle import add_cut, read_bundle
from liptako.core.log.chunks import FileCheck
from liptako.core.log.delivery import (
    Delivery,
    Place,
    by_former_key,
    check_package,
    heads_note,
    open_ahead,
    open_delivery,
    open_sender,
    recalled_by,
)
from liptako.core.log.frames import (
    AheadFrame,
    CarriedFrame,
    ChannelFrame,
    ChunkFrame,
    DeedsFrame,
    Frame,
    HistoryFrame,
    LaterFrame,
    PackageFrame,
    ParcelFrame,
    ReceiptFrame,
    RoomFrame,
    ShownFrame,
    WantFrame,
)
from liptako.core.log.heads import Heads
from liptako.core.log.merkle import CompactRange, read_range
from liptako.core.log.sealed import recipients_of, unseal
from liptako.core.log.verify import accept_package
from liptako.ledger.node import system_clock


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    verify = commands.add_parser("verify", help=_("check a bundle offline, or this node's log"))
    verify.add_argument("file", nargs="?", type=Path, help=_("bundle; none: this node's log"))
    verify.add_argument("--compact", type=Path, help=_("file with the compact"))
    verify.add_argument("--key", type=Path, help=_("age key that opens the bundle"))
    verify.set_defaults(run=run_verify)


def run_verify(args: Namespace) -> int:
    """Check a bundle, or the node's own log."""
    if args.file is None:
        from liptako.cli.audit import verify_log

        return verify_log(args)
    if args.compact is None or args.key is None:
        raise MalformedError("verify: a bundle needs --compact and --key")
    compact = read_dossier(read_file(args.compact)).compact()
    identity = read_file(args.key).decode(errors="replace").strip()
    with tempfile.TemporaryFile() as plain:
        whole = unseal_file(args.file, plain, identity)
        plain.seek(0)
        reader = _reader_of(compact, identity)
        faults = list(Verification(compact, reader, system_clock()).faults(read_bundle(plain)))
    if not whole:
        add_cut(faults)
    for fault in faults:
        complain(error_words(fault))
    if faults:
        return codes.code_of(faults[0])
    say(_("Everything in it is as its authors signed it."))
    return codes.OK


def unseal_file(path: Path, plain: BinaryIO, identity: str) -> bool:
    """Open a sealed file into another; say whether it was whole.

    Raises MalformedError if it cannot be read, and OSError if the other one cannot be written.
    """
    try:
        source = path.open("rb")
    except OSError as cause:
        raise cannot_read(path, cause) from cause
    with source:
        return unseal(source, plain, identity)


def _reader_of(compact: Compact, identity: str) -> str | None:
    """Return the member whose key this is, if the compact names it (keys change)."""
    seals = set(recipients_of(identity))
    return next(
        (
            member.id
            for member in compact.members
            if seals & {member.keys.seal, *member.keys.next_seals}
        ),
        None,
    )


_BESIDE = (
    ReceiptFrame, HistoryFrame, ShownFrame, ParcelFrame, CarriedFrame, RoomFrame, WantFrame,
    LaterFrame,
)  # fmt: skip


@dataclass(slots=True)
class _Log:
    """A log while it is checked: what is due, and the entries that were seen."""

    delivery: Delivery
    held: CompactRange


class Verification:
    """The check of one bundle: says what is found, gives what is wrong, log by log."""

    def __init__(self, compact: Compact, reader: str | None, now: Instant) -> None:
        """Know the members and their keys, whose file it is, and which payloads have expired."""
        self._compact, self._reader, self._now = compact, reader, now
        self._log: _Log | None = None
        self._passes = self._former = False
        self._recalled: set[Place] = set()
        self._files = FileCheck()

    def faults(self, frames: Iterator[Frame]) -> Iterator[LiptakoError]:
        """Check a bundle frame by frame. A fault in one log leaves the others to be checked."""
        try:
            first = next(frames, None)
            if isinstance(first, DeedsFrame):
                first = next(frames, None)  # who checks it has a compact of their own
            heads = self._check_heads(first)
            for frame in frames:
                yield from self._faults_of(frame, heads)
            yield from self._files.faults()
        except LiptakoError as fault:
            yield fault

    def _faults_of(self, frame: Frame, heads: Heads) -> Iterator[LiptakoError]:
        """Check a frame; after a fault the rest of its log is passed over, as a node does."""
        try:
            if isinstance(frame, ChannelFrame):
                self._log = None
                self._log = self._open_log(frame, heads)
                self._passes = False
            elif isinstance(frame, ChunkFrame):
                self._files.take(frame)
            elif isinstance(frame, _BESIDE):
                return  # they speak of what is held elsewhere, are for others or a later version
            elif self._passes:
                return
            elif isinstance(frame, AheadFrame) and self._log is not None:
                self._log.delivery, _ = open_ahead(self._log.delivery, frame)
            elif isinstance(frame, PackageFrame) and self._log is not None:
                yield from self._check_package(self._log, frame)
            else:
                raise MalformedError("bundle: expected a log and its packages")
        except LiptakoError as fault:
            self._log, self._passes = None, True
            yield fault

    def _check_heads(self, frame: Frame | None) -> Heads:
        """Check who sent the bundle to whom."""
        note = heads_note(frame)
        heads = open_sender(note, self._compact, self._reader, former=True)
        self._former = by_former_key(note, self._compact, heads.sender)
        say(
            _("From %(sender)s to %(recipient)s")
            % {"sender": heads.sender, "recipient": heads.recipient}
        )
        return heads

    def _open_log(self, frame: ChannelFrame, heads: Heads) -> _Log:
        """Return a log with its checkpoint verified."""
        delivery = open_delivery(frame, heads, self._compact)
        delivery = replace(delivery, recalled=frozenset(self._recalled), former=self._former)
        held = read_range(frame.start, frame.frontier)
        say(
            _("%(origin)s: signed up to %(size)d")
            % {"origin": frame.origin, "size": delivery.checkpoint.size}
        )
        return _Log(delivery, held)

    def _check_package(self, log: _Log, frame: PackageFrame) -> Iterator[LiptakoError]:
        """Check a package; give the entries that their author should not have signed."""
        known = log.delivery
        log.delivery = check_package(known, frame, self._now)
        log.held, new = accept_package(known.channel, log.held, known.checkpoint, frame)
        yield from (entry.fault for entry in new if entry.fault)
        for entry in new:
            if entry.header is not None:
                self._recalled |= recalled_by(entry.header)
                self._files.name(entry.header)
        say(
            _("  entries %(first)d–%(last)d verified")
            % {"first": frame.start, "last": log.held.size - 1}
        )
