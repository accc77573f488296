"""`liptako verify`: checks a bundle with nothing but its file, the compact, and a key; or our log.

With a file it needs no Django and no database: an auditor runs it on any machine.
"""

import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import BinaryIO

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.files import cannot_read, read_file
from liptako.cli.words import complain, error_words, say
from liptako.core.compact.members import Compact, read_compact
from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.log.bundle import ChannelFrame, Frame, HeadsFrame, PackageFrame, read_bundle
from liptako.core.log.checkpoint import Checkpoint, open_checkpoint
from liptako.core.log.heads import open_heads, read_heads
from liptako.core.log.merkle import CompactRange, read_range
from liptako.core.log.sealed import unseal
from liptako.core.log.verify import Channel, accept_package
from liptako.core.records.envelope import Lane
from liptako.core.refs import audience_id, author_of


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
    compact = read_compact(read_file(args.compact))
    identity = read_file(args.key).decode(errors="replace").strip()
    with tempfile.TemporaryFile() as plain:
        whole = _unseal_file(args.file, plain, identity)
        plain.seek(0)
        faults = list(Verification(compact).faults(read_bundle(plain)))
    if not whole:
        faults = [MalformedError("bundle: it is cut short; what came before its end was kept")]
    for fault in faults:
        complain(error_words(fault))
    if faults:
        return codes.code_of(faults[0])
    say(_("Everything in it is as its authors signed it."))
    return codes.OK


def _unseal_file(path: Path, plain: BinaryIO, identity: str) -> bool:
    """Open a sealed file into another; say whether it was whole."""
    try:
        with path.open("rb") as source:
            return unseal(source, plain, identity)
    except OSError as cause:
        raise cannot_read(path, cause) from cause


@dataclass(slots=True)
class _Log:
    """A log while it is checked."""

    channel: Channel
    checkpoint: Checkpoint
    held: CompactRange


class Verification:
    """The check of one bundle: says what is found, gives what is wrong, log by log."""

    def __init__(self, compact: Compact) -> None:
        """Know the members and their keys."""
        self._compact = compact
        self._log: _Log | None = None
        self._passes = False

    def faults(self, frames: Iterator[Frame]) -> Iterator[LiptakoError]:
        """Check a bundle frame by frame. A fault in one log leaves the others to be checked."""
        try:
            self._check_heads(next(frames, None))
            for frame in frames:
                yield from self._faults_of(frame)
        except LiptakoError as fault:
            yield fault

    def _faults_of(self, frame: Frame) -> Iterator[LiptakoError]:
        """Check a frame; after a fault the rest of its log is passed over, as a node does."""
        try:
            if isinstance(frame, ChannelFrame):
                self._log = None
                self._log = self._open_log(frame)
                self._passes = False
            elif self._passes:
                return
            elif isinstance(frame, PackageFrame) and self._log is not None:
                yield from self._check_package(self._log, frame)
            else:
                raise MalformedError("bundle: expected a log and its packages")
        except LiptakoError as fault:
            self._log, self._passes = None, True
            yield fault

    def _check_heads(self, frame: Frame | None) -> None:
        """Check who sent the bundle to whom."""
        if not isinstance(frame, HeadsFrame):
            raise MalformedError("bundle: expected the heads of its sender first")
        heads = read_heads(frame.note)
        public = self._compact.member(heads.sender).keys.sign
        open_heads(frame.note, sender=heads.sender, recipient=heads.recipient, public=public)
        say(
            _("From %(sender)s to %(recipient)s")
            % {"sender": heads.sender, "recipient": heads.recipient}
        )

    def _open_log(self, frame: ChannelFrame) -> _Log:
        """Return a log with its checkpoint verified."""
        author = author_of(frame.origin)
        public = self._compact.member(author).keys.sign
        checkpoint = open_checkpoint(frame.checkpoint, frame.origin, public)
        if frame.lane not in set(Lane):
            raise MalformedError("%(origin)s: there is no such lane", origin=frame.origin)
        audience = audience_id(frame.roster)
        channel = Channel(
            origin=frame.origin, author=author, audience=audience, lane=Lane(frame.lane)
        )
        say(
            _("%(origin)s: signed up to %(size)d")
            % {"origin": frame.origin, "size": checkpoint.size}
        )
        return _Log(channel, checkpoint, read_range(frame.start, frame.frontier))

    def _check_package(self, log: _Log, frame: PackageFrame) -> Iterator[LiptakoError]:
        """Check a package; give the entries that their author should not have signed."""
        log.held, new = accept_package(log.channel, log.held, log.checkpoint, frame)
        yield from (entry.fault for entry in new if entry.fault)
        say(
            _("  entries %(first)d–%(last)d verified")
            % {"first": frame.start, "last": log.held.size - 1}
        )
