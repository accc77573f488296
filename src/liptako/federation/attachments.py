"""Files of records on the wire: what is asked of a partner, what is given to it, what came.

Who lacks a file asks for it, with how far it has it; who is asked gives what a record names in a
log that the other may have, and nothing else. They go behind everything else in a bundle, within
the room that is left, so that they hold up no record.
"""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q

from liptako.core.errors import LiptakoError, MalformedError
from liptako.core.log.bundle import ChunkFrame, WantFrame
from liptako.core.log.heads import Heads
from liptako.core.records.attachments import DIGEST_BYTES
from liptako.federation import peers
from liptako.ledger import files
from liptako.ledger.attachments import missing
from liptako.ledger.file_models import Attached, Incoming
from liptako.ledger.node import Node
from liptako.ledger.reader import logs_for, roster_of

logger = logging.getLogger(__name__)

CHUNK_LIMIT = 2**16  # bytes
WANTS_LIMIT = 16  # files that are asked for at a time
_LEAST = 2**10  # bytes below which a chunk is not worth its frame
_AUDIENCE = 16  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How many bytes of files go into one bundle, and whether what was not asked for goes too.

    `room` is nothing if all may go; `unasked` are files of the records that the bundle brings, for
    a reader who can only ask in the next file.
    """

    room: int | None = None
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class _Due:
    """A file that a partner is to be given for an audience, from which byte on."""

    audience: str
    digest: str
    offset: int
    size: int


def wants_for(node: Node, member: str) -> list[WantFrame]:
    """Return what is asked of a partner: files that it may have and this node lacks."""
    found: dict[tuple[str, str], int] = {}
    lacking = missing(member).filter(size__lte=node.file_limit)
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


def chunks_for(node: Node, member: str, said: Heads | None, budget: Budget) -> Iterator[ChunkFrame]:
    """Give bytes of the files that a partner lacks, as far as they fit in.

    A file that cannot be read is passed over: `verify` tells, and no record waits for it.
    """
    room = budget.room
    for due in _due(member, said, unasked=budget.unasked):
        try:
            for frame in _chunks(node, due, room):
                yield frame
                room = None if room is None else room - len(frame.data)
        except LiptakoError as fault:
            logger.warning("file for %s: %s", member, fault)


def _chunks(node: Node, due: _Due, room: int | None) -> Iterator[ChunkFrame]:
    """Give a file from where a partner has it, as far as it fits in. Raises StorageError."""
    start = due.offset
    while start < due.size and (room is None or room >= _LEAST):
        length = min(CHUNK_LIMIT, due.size - start, CHUNK_LIMIT if room is None else room)
        data = files.read_part(node, due.digest, start, length)
        if not data:
            return
        yield ChunkFrame(due.audience, bytes.fromhex(due.digest), start, data)
        start += len(data)
        room = None if room is None else room - len(data)


def _due(member: str, said: Heads | None, *, unasked: bool) -> Iterator[_Due]:
    """Give what a partner asked for and may have; then files of records that are new to it.

    Only what a record names whose payload is held, in a log whose audience has the partner in it,
    and only if the bytes were given for that audience, or are our own: a hash alone opens nothing.
    """
    audiences = {log.audience_id for log in logs_for(member)}
    given = set()
    for audience, digest, offset in peers.wants_of(member):
        row = Attached.objects.filter(audience=audience, digest=digest, held=True).first()
        if audience in audiences and row is not None and offset < row.size:
            given.add((audience, digest))
            yield _Due(audience, digest, offset, row.size)
    if not unasked:
        return
    for row in _new_to(member, said):
        if (row.audience, row.digest) not in given:
            given.add((row.audience, row.digest))
            yield _Due(row.audience, row.digest, 0, row.size)


def _new_to(member: str, said: Heads | None) -> Iterator[Attached]:
    """Give the files here of records that a partner has not said it holds, in order."""
    new = Q()
    logs = [log for log in logs_for(member) if log.author != member]
    for log in logs:
        new |= Q(entry__channel=log, entry__seq__gte=said.size_of(log.origin) if said else 0)
    if logs:
        yield from Attached.objects.filter(new, held=True).order_by("entry__position", "number")


def owes(node: Node, member: str) -> bool:
    """Say whether files are left to exchange: to be given, or asked for and not told yet."""
    if next(_due(member, None, unasked=False), None) is not None:
        return True
    return told(node, member) != peers.peer(member).told


def check_want(frame: WantFrame) -> tuple[str, str, int]:
    """Return what a partner asks for: audience, hash, how far it has it. Raises MalformedError."""
    if len(frame.hash) != DIGEST_BYTES or len(frame.audience) > _AUDIENCE or frame.offset < 0:
        raise MalformedError("attachment: what is asked for cannot be read")
    return frame.audience, frame.hash.hex(), frame.offset


def take_chunk(node: Node, sender: str, frame: ChunkFrame) -> int:
    """Keep bytes of a file that is lacking; return how many. Raises MalformedError.

    What nobody here lacks, or was not given by one of its audience, is passed over.
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
    return files.take_chunk(node, sender, where, (frame.offset, frame.data))


def of_partner(member: str, audience: str, digest: str) -> int | None:
    """Return how far a partner has a file by its last word; nothing if it asks for it no longer."""
    found = {(where, what): offset for where, what, offset in peers.wants_of(member)}
    return found.get((audience, digest))
