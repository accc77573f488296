"""Which files the records that are held name, for whom, and whether their bytes are here.

A file counts for one audience only: what is held for another one is neither given to this audience
nor taken as held for it. So nobody learns by naming a hash whether a node has such a file. The
bytes themselves lie in `files`, once, whatever names them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError, RefusedError
from liptako.core.log.verify import Accepted
from liptako.core.records.attachments import Attachment
from liptako.core.records.envelope import decode_header
from liptako.ledger.file_models import Attached, Incoming, StoredFile
from liptako.ledger.models import Channel, Entry
from liptako.ledger.node import Node
from liptako.ledger.reader import entries_of
from liptako.ledger.records import Thread

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_ASK_AGAIN = timedelta(days=1)  # after wrong bytes: a disk may have been mended


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file of a record, with how far it is here: all of it, some bytes, or destroyed."""

    entry: Entry
    file: Attachment
    held: int
    gone: bool = False

    @property
    def is_whole(self) -> bool:
        """Say whether it can be opened."""
        return not self.gone and self.held == self.file.size


def check_stored(files: Iterable[Attachment]) -> None:
    """Raise RefusedError unless the bytes of all files that a new record names are here."""
    for file in files:
        if not StoredFile.objects.filter(digest=file.hash.hex(), size=file.size).exists():
            raise RefusedError("attachment: the file %(name)s is not here", name=file.name)


def note_files(node: Node, channel: Channel, entries: Sequence[tuple[int, Accepted]]) -> None:
    """Remember the files that new entries name, each at its position and held with its payload."""
    named = [
        (place, number, file)
        for place, entry in entries
        if entry.header is not None
        for number, file in enumerate(entry.header.attachments)
    ]
    made = [
        Attached(
            entry_id=place,
            number=number,
            audience=channel.audience_id,
            digest=file.hash.hex(),
            size=file.size,
            held=_is_held(node, channel, file),
        )
        for place, number, file in named
    ]
    if not made:
        return
    Attached.objects.bulk_create(made)
    mark_named({row.digest for row in made if row.held})


def mark_named(digests: Collection[str]) -> None:
    """Let files stay that records name."""
    StoredFile.objects.filter(digest__in=digests).update(named=True)


def _is_held(node: Node, channel: Channel, file: Attachment) -> bool:
    """Say whether a file counts as held for an audience: by its word before, or our own."""
    digest = file.hash.hex()
    if not StoredFile.objects.filter(digest=digest, size=file.size).exists():
        return False
    if channel.author == node.member:
        return True
    same = Attached.objects.filter(audience=channel.audience_id, digest=digest, size=file.size)
    return same.filter(held=True).exists()


def forget_files(entries: Collection[Entry]) -> None:
    """Let entries name no file any longer: their payloads are deleted.

    What nobody names is marked: `files.sweep` deletes its bytes.
    """
    rows = Attached.objects.filter(entry__in=entries)
    digests = set(rows.values_list("digest", flat=True))
    rows.delete()
    for digest in digests:
        left = Attached.objects.filter(digest=digest)
        for incoming in Incoming.objects.filter(digest=digest):
            if not left.filter(audience=incoming.audience, held=False).exists():
                incoming.delete()
        if not left.filter(held=True).exists():
            StoredFile.objects.filter(digest=digest).update(named=False, kept_at=LONG_AGO)


def for_audience(audience: str, digest: str) -> QuerySet[Attached]:
    """Return where records for an audience name a file."""
    return Attached.objects.filter(audience=audience, digest=digest)


def is_given_up(incoming: Incoming, now: Instant) -> bool:
    """Say whether a member has sent wrong bytes of a file so lately that it is not asked again."""
    return incoming.spoiled_at is not None and incoming.spoiled_at > now.moment() - _ASK_AGAIN


def missing(member: str, now: Instant) -> QuerySet[Attached]:
    """Return the files that a member may have and this node lacks, the urgent and older first."""
    given_up = Incoming.objects.filter(
        audience=OuterRef("audience"),
        digest=OuterRef("digest"),
        size=OuterRef("size"),
        member=member,
        spoiled_at__gt=now.moment() - _ASK_AGAIN,
    )
    found = Attached.objects.filter(held=False).filter(~Exists(given_up))
    wanted = found.select_related("entry__channel__audience")
    return wanted.order_by("-entry__channel__lane", "entry__position", "number")


def files_of(thread: Thread, kind: str) -> list[FileState]:
    """Return the files of the records of one kind in a thread, destroyed ones too, in order."""
    entries = entries_of(thread).filter(kind=kind, rejected=None, waiting=None)
    found = entries.select_related("payload", "channel").order_by("lamport", "position")
    return [state for entry in found for state in _states(entry, thread.audience)]


def _states(entry: Entry, audience: str) -> Iterable[FileState]:
    """Give the files of an entry."""
    try:
        named = decode_header(bytes(entry.header)).attachments
    except MalformedError:
        return
    gone = getattr(entry, "payload", None) is None
    for file in named:
        held = 0 if gone else held_of(audience, file)
        yield FileState(entry=entry, file=file, held=held, gone=gone)


def held_of(audience: str, file: Attachment) -> int:
    """Return how many bytes of a file are here for an audience."""
    digest = file.hash.hex()
    if for_audience(audience, digest).filter(held=True, size=file.size).exists():
        return file.size
    parts = Incoming.objects.filter(audience=audience, digest=digest, size=file.size)
    return min(max(parts.values_list("held", flat=True), default=0), file.size - 1)
