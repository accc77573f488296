"""Files for a partner that people carry: one, or several numbered volumes of a limited size.

Each volume is a bundle of its own and goes on where the one before it ended; all of a set have the
same heads, so that none is older than another.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from itertools import count as counting
from operator import or_
from pathlib import Path

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Length

from liptako.core.errors import StorageError
from liptako.core.log.heads import Heads
from liptako.core.log.sealed import padded_size
from liptako.core.reasons import why_of
from liptako.federation import attachments, peers, sync
from liptako.federation.extent import Extent, Start, Written
from liptako.federation.heads import after
from liptako.federation.parcels import parcels_waiting
from liptako.ledger.models import Entry
from liptako.ledger.node import Node

SUFFIX = ".bundle"
_NAME = re.compile(
    r"liptako-([A-Z0-9]{2,12})-([A-Z0-9]{2,12})-([0-9]{8}T[0-9]{4}Z)"
    r"(?:-([0-9]{1,4})of([0-9]{1,4}))?(?![0-9])"
)
_PART = ".liptako-"  # how the folder of unfinished files is called
_LEFT = 86_400  # seconds after which nobody writes into such a folder any longer
_RATIO = 4  # bytes of headers and payloads for one of a bundle, roughly
_FIXED = 2_000  # bytes of a bundle with nothing new in it, roughly


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Name:
    """What the name of a file says: from whom, for whom, when, which one of how many."""

    sender: str
    recipient: str
    stamp: str
    number: int = 1
    total: int = 1

    def text(self) -> str:
        """Return the name."""
        volume = f"-{self.number}of{self.total}" if self.total > 1 else ""
        return f"liptako-{self.sender}-{self.recipient}-{self.stamp}{volume}{SUFFIX}"


def read_name(text: str) -> Name | None:
    """Return what a name says, even if a browser or a person put something around it."""
    found = _NAME.search(text)
    if found is None:
        return None
    sender, recipient, stamp, number, total = found.groups()
    return Name(
        sender=sender,
        recipient=recipient,
        stamp=stamp,
        number=int(number or 1),
        total=int(total or 1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What would go into a file for a partner: entries, since when, parcels, bytes roughly."""

    count: int
    since: datetime | None
    parcels: int
    size: int


def load_for(node: Node, member: str) -> Load:
    """Return what a partner has not said it holds, as far as it may have it, and parcels."""
    said = peers.heads_of(peers.partner(node, member))
    found = _found(member, said, sync.WHOLE)
    told = found.aggregate(count=Count("position"), since=Min("taken_at"))
    waiting = parcels_waiting(node, member)
    size = _size(found) + attachments.size_for(member, said)
    size += sum(made or _parcel_size(who, member) for _sender, who, made in waiting)
    return Load(count=told["count"], since=told["since"], parcels=len(waiting), size=size)


def _found(member: str, said: Heads | None, extent: Extent) -> QuerySet[Entry]:
    """Return the entries that a partner lacks."""
    wanted = [
        Q(channel=lack.log, seq__gte=lack.start, seq__lt=lack.end)
        for lack in sync.lacks_of(member, said, extent)
    ]
    return Entry.objects.filter(reduce(or_, wanted)) if wanted else Entry.objects.none()


def _size(found: QuerySet[Entry]) -> int:
    """Return roughly how many bytes a bundle with these entries has."""
    length = Sum(Length("header") + Coalesce(Length("payload__body"), 0))
    return (found.aggregate(size=length)["size"] or 0) // _RATIO + _FIXED


def _parcel_size(member: str, carrier: str) -> int:
    """Return roughly how many bytes a parcel for a member has that is not made yet."""
    said = peers.said_by(member)
    return padded_size(_size(_found(member, said, Extent(carrier=carrier))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A file that was written: its name, its bytes, how many entries and parcels are in it."""

    name: Name
    size: int
    count: int
    parcels: int


def write_volumes(node: Node, member: str, folder: Path, limit: int | None = None) -> list[Volume]:
    """Write all that a partner lacks into files of a folder, none longer than the limit.

    They bear their names once all are whole and on the disk; older ones for this partner, of which
    nothing is missing in the new ones, are deleted then. Raises StorageError, and RefusedError for
    a stranger.
    """
    peers.partner(node, member)
    try:
        _sweep(folder)
        with tempfile.TemporaryDirectory(
            prefix=_PART, dir=folder, ignore_cleanup_errors=True
        ) as unfinished:
            parts = list(_write_parts(node, member, Path(unfinished), limit))
            return _give_names(node, member, folder, parts)
    except OSError as cause:
        why = why_of(cause)
        raise StorageError(
            "%(file)s cannot be written: %(why)s", file=str(folder), why=why
        ) from cause


def _sweep(folder: Path) -> None:
    """Delete what a process that was killed has left in a folder."""
    for path in folder.glob(f"{_PART}*"):
        if not path.is_symlink() and time.time() - path.stat().st_mtime > _LEFT:
            shutil.rmtree(path, ignore_errors=True)


def _write_parts(
    node: Node, member: str, folder: Path, limit: int | None
) -> Iterator[tuple[Path, Written]]:
    """Write the volumes one by one; give each with what went into it."""
    extent = sync.WHOLE
    if limit is not None:
        extent = replace(extent, room=limit - limit // 1024 - 1024, strict=True)  # less the seal
    start = sync.start_for(node, member)
    for number in counting(1):
        path = folder / str(number)
        with path.open("wb") as file:
            written = sync.write_from(node, member, file, extent, start)
            file.flush()
            os.fsync(file.fileno())
        yield path, written
        start = replace(start, said=after(node, member, start.said, written.reached))
        if not (written.count or written.files or written.parcels):
            return
        if not _is_left(node, member, start, extent):
            return


def _is_left(node: Node, member: str, start: Start, extent: Extent) -> bool:
    """Say whether something is left for another volume: records, files, a parcel that fits in."""
    if next(attachments.due_to(member, start.course, unasked=True), None) is not None:
        return True
    if next(sync.lacks_of(member, start.said, extent), None) is not None:
        return True
    return any(
        (sender, who) not in start.given and (extent.room is None or made <= extent.room)
        for sender, who, made in parcels_waiting(node, member)
    )


def _give_names(
    node: Node, member: str, folder: Path, parts: list[tuple[Path, Written]]
) -> list[Volume]:
    """Let finished files bear their names, then delete the older ones for the same partner."""
    stamp = node.clock().moment().strftime("%Y%m%dT%H%MZ")
    volumes = []
    for number, (path, written) in enumerate(parts, 1):
        name = Name(
            sender=node.member,
            recipient=member,
            stamp=stamp,
            number=number,
            total=len(parts),
        )
        size = path.stat().st_size
        path.replace(folder / name.text())
        volumes.append(Volume(name=name, size=size, count=written.count, parcels=written.parcels))
    settle(folder)
    fresh = {volume.name.text() for volume in volumes}
    for path in files_for(node, member, folder):
        if path.name not in fresh:
            path.unlink(missing_ok=True)
    return volumes


def files_for(node: Node, member: str, folder: Path) -> list[Path]:
    """Return the files of a folder that this node wrote for a partner, in order."""
    found = []
    for path in folder.glob(f"liptako-{node.member}-{member}-*{SUFFIX}"):
        name = read_name(path.name)
        if name is not None and path.name == name.text():
            found.append((name, path))
    return [path for _, path in sorted(found)]


def settle(folder: Path) -> None:
    """Let the names in a folder reach the disk, where the file system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
