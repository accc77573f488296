"""A folder out of which files for partners are carried, and one into which theirs are put.

By a stick, e-mail or any program that moves files. A folder that is not there (the stick was pulled
out) is no fault. Files of others are moved only after what they brought is stored for good.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, StorageError
from liptako.core.log.heads import read_heads
from liptako.core.reasons import why_of
from liptako.federation import peers
from liptako.federation.files import Fate, Result, read_files
from liptako.federation.heads import heads_for, owes
from liptako.federation.models import Peer
from liptako.federation.parcels import gives_parcels, mark_for
from liptako.federation.volumes import SUFFIX, Volume, files_for, read_name, settle, write_volumes
from liptako.ledger import compacts
from liptako.ledger.node import Node
from liptako.members.actions import record_audit
from liptako.web.texts import error_text

DONE, REFUSED = "done", "refused"
_SETTLED = 2.0  # seconds without a change after which a file is believed to be whole
_PATIENCE = 600.0  # seconds after which nothing more is expected of a file that was cut
_SELDOM = 3600.0  # seconds after which one is tried again whose beginning may have come otherwise
_AGAIN = timedelta(days=1)
"""After so long a file that was carried away, and of which nothing was heard, is written again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spool:
    """The two folders, of which either may be none or both the same, and the size of a volume."""

    outgoing: Path | None
    incoming: Path | None
    limit: int | None = None


@dataclass(slots=True, kw_only=True)
class _Seen:
    """An incoming file at the last look: size and time of change, since when; what came of it."""

    stamp: tuple[int, int]
    since: float
    tried: float | None = None
    fate: Fate = "refused"

    def is_due(self, now: float) -> bool:
        """Say whether it is time to try a file again that was left where it is."""
        pause = _SELDOM if self.fate == "gap" else _PATIENCE
        return self.tried is not None and now - self.tried >= pause


@dataclass(slots=True)
class Watch:
    """What was seen of the incoming files, by a clock that only goes on."""

    clock: Callable[[], float] = time.monotonic
    seen: dict[Path, _Seen] = field(default_factory=dict)

    def look(self, paths: Sequence[Path]) -> list[Path]:
        """Return the files that have not changed for a while and that are to be read now.

        What was cut or lacked something before is tried again with others, and after a while.
        """
        found, now = {}, self.clock()
        for path in paths:
            stat = path.stat()
            stamp, before = (stat.st_size, stat.st_mtime_ns), self.seen.get(path)
            same = before is not None and before.stamp == stamp
            found[path] = before if before and same else _Seen(stamp=stamp, since=now)
        self.seen = found
        whole = {path for path, seen in found.items() if now - seen.since >= _SETTLED}
        fresh = {path for path in whole if found[path].tried is None}
        gaps = {path for path in whole if found[path].fate == "gap"} if fresh else set()
        late = {path for path in whole if found[path].is_due(now)}
        return sorted(fresh | gaps | late)

    def note(self, path: Path, fate: Fate) -> None:
        """Remember what came of a file that stays."""
        if path in self.seen:
            self.seen[path].tried, self.seen[path].fate = self.clock(), fate

    def is_late(self, path: Path) -> bool:
        """Say whether nothing more is to be expected of a file that is cut."""
        seen = self.seen.get(path)
        return seen is not None and self.clock() - seen.since >= _PATIENCE


@dataclass(frozen=True, slots=True)
class _File:
    """An incoming file, copied before it is read: a stick that is pulled out cuts nothing short."""

    path: Path

    @property
    def name(self) -> str:
        """What its name is."""
        return self.path.name

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Give a copy of it. Raises StorageError if it cannot be read or copied whole."""
        with tempfile.TemporaryFile() as copy:
            try:
                handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
                with os.fdopen(handle, "rb") as source:
                    shutil.copyfileobj(source, copy)
            except OSError as cause:
                raise StorageError(
                    "%(file)s cannot be read: %(why)s",
                    file=self.path.name,
                    why=why_of(cause),
                ) from cause
            copy.seek(0)
            yield copy


def take_in(node: Node, spool: Spool, watch: Watch) -> list[Result]:
    """Take in the files that have come whole, and move them away; say what became of each.

    What lacks something that goes before stays, and so does for a while what seems to be cut; what
    is by its name for another node stays too. Raises StorageError if the folder goes away.
    """
    folder = spool.incoming
    if folder is None or not folder.is_dir():
        return []
    with _on_disk(folder):
        paths = {path.name: path for path in watch.look(_incoming(node, folder))}
    results = read_files(node, [_File(path) for path in paths.values()])
    for result in results:
        path = paths[result.title]
        watch.note(path, result.fate)
        with _on_disk(folder):
            _put_away(path, result, is_late=watch.is_late(path))
    return results


def _incoming(node: Node, folder: Path) -> list[Path]:
    """Return the bundles in a folder that may be for this node."""
    found = []
    for path in folder.iterdir():
        name = read_name(path.name)
        is_ours = name is None or (name.recipient == node.member != name.sender)
        is_bundle = path.suffix.lower() == SUFFIX and not path.name.startswith(".")
        if is_bundle and is_ours and path.is_file() and not path.is_symlink():
            found.append(path)
    return found


def _put_away(path: Path, result: Result, *, is_late: bool) -> None:
    """Move a file that was read beside the others of its fate, with what was wrong in words."""
    if any(isinstance(fault, StorageError) for fault in result.faults):
        return  # neither the file nor its sender is to blame: the next look tries again
    if result.fate == "gap" or (result.fate == "cut" and not is_late):
        return
    taken = result.fate in {"new", "known", "faulty"}
    folder = path.parent / (DONE if taken else REFUSED)
    folder.mkdir(exist_ok=True)
    target = _free(folder, path)
    if result.faults:
        reasons = "".join(f"{error_text(fault)}\n" for fault in result.faults)
        _write_whole(target.with_name(f"{target.stem[:200]}.txt"), reasons)
    with suppress(FileNotFoundError):  # another process was faster
        path.rename(target)
    settle(folder)


def _free(folder: Path, path: Path) -> Path:
    """Return a name in a folder that nothing has yet."""
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem[:200]}-{number}{path.suffix}"
    return target


def _write_whole(path: Path, text: str) -> None:
    """Write a file that bears its name only once it is whole."""
    part = path.with_name(f".{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_out(
    node: Node, spool: Spool, pause: timedelta = timedelta(0), *, again: bool = False
) -> list[Volume]:
    """Write files for partners into the outgoing folder, where something has changed since.

    Not for those with whom the exchange over the network works, unless `again`; for each no more
    often than after a pause. Raises StorageError if the folder goes away.
    """
    folder = spool.outgoing
    if folder is None or not folder.is_dir():
        return []
    written: list[Volume] = []
    for member in compacts.current().others(node.member):
        row = peers.peer(member.id)
        if not member.is_active:
            continue
        gives = owes(node, member.id) or gives_parcels(node, member.id)
        if gives or mark_for(node, member.id):
            if again or _is_due(node, row, folder, pause, gives=gives):
                written += _write_for(node, row, folder, spool.limit)
        elif row.heads:
            with _on_disk(folder):  # what is in them is stored there, by its signed word
                for path in files_for(node, member.id, folder):
                    path.unlink(missing_ok=True)
    return written


def _is_due(node: Node, row: Peer, folder: Path, pause: timedelta, *, gives: bool) -> bool:
    """Say whether a file is to be written: something is new, or one was carried away in vain.

    The mere word that a parcel has come goes once: where it is lost, the parcel comes again.
    """
    if row.url and row.tried_at and not row.fault_of_try:
        return False
    if row.spooled_at is None:
        return True
    since = node.clock().moment() - row.spooled_at
    if row.spooled != _mark(node, row):
        return not timedelta(0) <= since < pause
    names = [read_name(path.name) for path in files_for(node, row.member, folder)]
    is_there = bool(names) and all(name and name.total == len(names) for name in names)
    return gives and not is_there and not timedelta(0) <= since < _AGAIN


def _write_for(node: Node, row: Peer, folder: Path, limit: int | None) -> list[Volume]:
    """Write the files for one partner; remember first for what, so that one process does it."""
    mark, before = _mark(node, row), (row.spooled, row.spooled_at)
    claimed = Peer.objects.filter(member=row.member, spooled=before[0], spooled_at=before[1])
    if not claimed.update(spooled=mark, spooled_at=node.clock().moment()):
        return []
    try:
        volumes = write_volumes(node, row.member, folder, limit)
    except LiptakoError:
        Peer.objects.filter(member=row.member).update(spooled=before[0], spooled_at=before[1])
        raise
    count = str(sum(volume.count for volume in volumes))
    record_audit(node, "bundle.export", subject=row.member, detail=count)
    return volumes


def _mark(node: Node, row: Peer) -> str:
    """Return what tells whether a file for a partner would be another one than the last."""
    ours = read_heads(heads_for(node, row.member))
    said = peers.heads_of(row)
    texts = [replace(heads, time=Instant(0)).text() for heads in (ours, said) if heads]
    texts.append(mark_for(node, row.member))
    return hashlib.sha256("".join(texts).encode()).hexdigest()


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """Turn what the disk says into StorageError."""
    try:
        yield
    except OSError as cause:
        why = why_of(cause)
        raise StorageError("%(file)s: %(why)s", file=str(folder), why=why) from cause
