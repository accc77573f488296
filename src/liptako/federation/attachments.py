"""Files of records on the wire: what is asked of a partner, what is given to it, what came.

Who lacks a file asks for it, with how far it has it; who is asked gives what a record names in a
log that the other may have, and nothing else. They go behind everything else in a bundle, within
the room that is left, so that they hold up no record. Who has all files of a record
tells its author so.
"""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from liptako.core.errors import LiptakoError, MalformedError, StorageError
from liptako.core.log.frames import ChunkFrame, WantFrame
from liptako.core.log.heads import Heads
from liptako.core.records.attachments import DIGEST_BYTES
from liptako.core.records.shared import FILES, FilesHeld
from liptako.federation import models, peers
from liptako.federation.recalls import by_thread, ref_of
from liptako.ledger import compacts, files, store
from liptako.ledger.attachments import missing
from liptako.ledger.file_models import Attached, Incoming
from liptako.ledger.models import Entry
from liptako.ledger.node import Node
from liptako.ledger.reader import logs_for, roster_of
from liptako.ledger.records import Draft

logger = logging.getLogger(__name__)

CHUNK_LIMIT = 2**16  # bytes
WANTS_LIMIT = 16  # files that are asked for at a time
_LEAST = 2**10  # bytes below which a chunk is not worth its frame
_FRAME = 128  # bytes around a chunk: with thousands of them a limit would be passed
_AUDIENCE = 16  # characters
_AT_ONCE = 100  # records whose files are confirmed after one bundle
_MEMBER = 11  # characters of a member's id, with room for a mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many bytes of files go into one bundle, and whether what was not asked for goes too.

    `room` is nothing if all may go; `unasked` are files of the records that the bundle brings, for
    a reader who can only ask in the next file.
    """

    room: int | None = None
    unasked: bool = False


@dataclass(slots=True)
class Course:
    """How far the files for a partner are through, over the volumes of one set.

    `said` is its last word before the first volume, `sent` up to which byte each one has gone.
    """

    said: Heads | None = None
    sent: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Due:
    """A file that a partner is to be given for an audience, from which byte on."""

    audience: str
    digest: str
    offset: int
    size: int

    @property
    def key(self) -> tuple[str, str]:
        """For which audience, and its hash."""
        return self.audience, self.digest


def wants_for(node: Node, member: str) -> list[WantFrame]:
    """Return what is asked of a partner: files that it may have and this node lacks."""
    found: dict[tuple[str, str], int] = {}
    lacking = missing(member, node.clock()).filter(size__lte=node.file_limit)
    for row in lacking[: 4 * WANTS_LIMIT]:
        if member in row.entry.channel.audience.members:
            found.setdefault((row.audience, row.digest), row.size)
    return [
        WantFrame(audience, bytes.fromhex(digest), _held_from(member, audience, digest, size))
        for (audience, digest), size in list(found.items())[:WANTS_LIMIT]
    ]


def _held_from(member: str, audience: str, digest: str, size: int) -> int:
    """Return how many bytes of a file a member has sent."""
    parts = Incoming.objects.filter(audience=audience, digest=digest, size=size, member=member)
    return parts.values_list("held", flat=True).first() or 0


def told(node: Node, member: str) -> str:
    """Return what tells whether a partner was told of all that we lack; empty if it is nothing."""
    wants = [(want.audience, want.hash, want.offset) for want in wants_for(node, member)]
    return hashlib.sha256(repr(wants).encode()).hexdigest()[:16] if wants else ""


def chunks_for(node: Node, member: str, course: Course, budget: Budget) -> Iterator[ChunkFrame]:
    """Give bytes of the files that a partner lacks, as far as they fit in.

    A file that cannot be read is passed over: `verify` tells, and no record waits for it.
    """
    room = _Room(budget.room)
    for due in due_to(member, course, unasked=budget.unasked):
        try:
            for frame in _chunks(node, due, room):
                yield frame
                course.sent[due.key] = frame.offset + len(frame.data)
        except LiptakoError as fault:
            course.sent[due.key] = due.size
            logger.warning("file for %s: %s", member, fault)


@dataclass(slots=True)
class _Room:
    """How many bytes of files may still go; nothing if all may."""

    left: int | None

    def length(self, most: int) -> int:
        """Return how many bytes the next chunk may have, at most so many; 0 if none may go."""
        if self.left is None:
            return min(CHUNK_LIMIT, most)
        return min(CHUNK_LIMIT, most, self.left) if self.left >= _LEAST else 0

    def take(self, size: int) -> None:
        """Count a chunk of so many bytes."""
        if self.left is not None:
            self.left -= size + _FRAME


def _chunks(node: Node, due: _Due, room: _Room) -> Iterator[ChunkFrame]:
    """Give a file from where a partner has it, as far as it fits in. Raises StorageError."""
    start = due.offset
    while length := room.length(due.size - start):
        data = files.read_part(node, due.digest, start, length)
        if not data:
            raise StorageError("attachment %(digest)s: it was changed", digest=due.digest)
        room.take(len(data))
        yield ChunkFrame(due.audience, bytes.fromhex(due.digest), start, data)
        start += len(data)


def due_to(member: str, course: Course, *, unasked: bool) -> Iterator[_Due]:
    """Give what a partner asked for and may have; then files of records that are new to it.

    Only what a record names whose payload is held, in a log whose audience has the partner in it,
    and only if the bytes were given for that audience, or are our own: a hash alone opens nothing.
    """
    for row, asked in _wanted(member, course, unasked=unasked):
        offset = max(asked, course.sent.get((row.audience, row.digest), 0))
        if offset < row.size:
            yield _Due(row.audience, row.digest, offset, row.size)


def _wanted(member: str, course: Course, *, unasked: bool) -> Iterator[tuple[Attached, int]]:
    """Give each file once, with how far the partner said that it has it."""
    audiences = {log.audience_id for log in logs_for(member)}
    given = set()
    for audience, digest, offset in peers.wants_of(member):
        row = Attached.objects.filter(audience=audience, digest=digest, held=True).first()
        if audience in audiences and row is not None:
            given.add((audience, digest))
            yield row, offset
    for row in _new_to(member, course.said) if unasked else ():
        if (row.audience, row.digest) not in given:
            given.add((row.audience, row.digest))
            yield row, 0


def _new_to(member: str, said: Heads | None) -> Iterator[Attached]:
    """Give the files here of records that a partner has not said it holds, in order."""
    new = Q()
    logs = [log for log in logs_for(member) if log.author != member]
    for log in logs:
        new |= Q(entry__channel=log, entry__seq__gte=said.size_of(log.origin) if said else 0)
    if logs:
        yield from Attached.objects.filter(new, held=True).order_by("entry__position", "number")


def size_for(member: str, said: Heads | None) -> int:
    """Return how many bytes of files a file for a partner would bring."""
    return sum(due.size - due.offset for due in due_to(member, Course(said), unasked=True))


def owes(node: Node, member: str) -> bool:
    """Say whether files are left to exchange: to be given, or asked for and not told yet."""
    if next(due_to(member, Course(), unasked=False), None) is not None:
        return True
    return told(node, member) != peers.peer(member).told


def check_want(frame: WantFrame) -> tuple[str, str, int]:
    """Return what a partner asks for: audience, hash, how far it has it. Raises MalformedError."""
    if len(frame.hash) != DIGEST_BYTES or len(frame.audience) > _AUDIENCE or frame.offset < 0:
        raise MalformedError("attachment: what is asked for cannot be read")
    return frame.audience, frame.hash.hex(), frame.offset


def take_chunk(node: Node, sender: str, frame: ChunkFrame, *, former: bool = False) -> int:
    """Keep bytes of a file that is lacking; return how many. Raises MalformedError.

    What nobody here lacks, or was not given by one of its audience, is passed over. What was given
    under a `former` key is kept apart: a thief of it cannot spoil what the sender gives itself.
    """
    if not 0 < len(frame.data) <= CHUNK_LIMIT or len(frame.hash) != DIGEST_BYTES:
        raise MalformedError(
            "attachment: expected a part of 1 to %(limit)d bytes, got %(got)d",
            limit=CHUNK_LIMIT,
            got=len(frame.data),
        )
    if sender not in roster_of(frame.audience):
        return 0
    where = (frame.audience, frame.hash.hex())
    given_by = f"{sender[:_MEMBER]}~" if former else sender
    return files.take_chunk(node, given_by, where, (frame.offset, frame.data))


def asked_by(member: str) -> dict[tuple[str, str], int]:
    """Return the files that a partner asks for by its last word, with how far it has each."""
    return {(audience, digest): offset for audience, digest, offset in peers.wants_of(member)}


@transaction.atomic
def confirm(node: Node) -> int:
    """Tell authors of which of their records all files are here now; return how many.

    Safe to run again: what was told once is not told again.
    """
    store.lock()
    threads = by_thread(_unsaid(node))
    drafts = [
        Draft(
            kind=FILES,
            object=thread.object,
            office="",
            payload=FilesHeld(),
            audience=frozenset({thread.author}),
            refs=tuple(ref_of(entry) for entry in found),
        )
        for thread, found in threads.items()
    ]
    if drafts:
        store.append(node, drafts)
    return sum(map(len, threads.values()))


def _unsaid(node: Node) -> list[Entry]:
    """Return records of others of which all files are here and we have not said so, a few."""
    said = models.FilesHeld.objects.filter(
        author=node.member, origin=OuterRef("entry__channel_id"), seq=OuterRef("entry__seq")
    )
    lacking = Attached.objects.filter(entry=OuterRef("entry"), held=False)
    whole = Attached.objects.filter(~Exists(lacking), ~Exists(said), held=True)
    authors = compacts.current().active - {node.member}
    theirs = whole.filter(entry__channel__author__in=authors)
    ids = theirs.values_list("entry_id", flat=True).order_by("entry_id").distinct()
    entries = Entry.objects.filter(pk__in=list(ids[:_AT_ONCE]))
    return list(entries.select_related("channel").order_by("position"))


def held_by(origin: str, seq: int) -> list[str]:
    """Return the members that have signed that they hold all files of a record."""
    said = models.FilesHeld.objects.filter(origin=origin, seq=seq)
    return sorted(set(said.values_list("author", flat=True)))
