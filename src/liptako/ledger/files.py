"""The bytes of files that go with records: in Django's storage, each once, under their hash.

A file is told of (`StoredFile`) only once it lies there whole and its hash was computed. What no
record names is swept away: at once if a record that named it was recalled or has expired, after an
hour if it was brought and never used.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from liptako.core.clock import Instant
from liptako.core.errors import LiptakoError, RefusedError, StorageError, VerificationError
from liptako.core.reasons import why_of
from liptako.core.records.attachments import Attachment, attachment_of
from liptako.ledger.attachments import for_audience, is_given_up, mark_named
from liptako.ledger.file_models import Attached, Chunk, Incoming, StoredFile
from liptako.ledger.node import Node
from liptako.ledger.store import lock

STORAGE = "attachments"
"""The name of the storage in Django's setting STORAGES."""

_UNUSED = timedelta(hours=1)
_AT_ONCE = 100
_STEP = 2**20
_IN_MEMORY = 4 * 2**20


def _storage() -> Any:  # noqa: ANN401 (of several classes that share no type of ours)
    """Return where files lie."""
    return storages[STORAGE]


def name_of(node: Node, digest: str) -> str:
    """Return the name of a file in the storage: no folder becomes too long."""
    return f"{node.member.lower()}/{digest[:2]}/{digest}"


@contextmanager
def _told() -> Iterator[None]:
    """Tell a fault of the storage as ours."""
    try:
        yield
    except OSError as cause:
        why = why_of(cause)
        raise StorageError(
            "attachment: the storage does not answer, or would not take it: %(why)s", why=why
        ) from cause


def keep(node: Node, data: bytes, *, type_: str, name: str) -> Attachment:
    """Keep a file that somebody brought; return how a record names it.

    Raises RefusedError if it is empty or longer than this node takes, and StorageError.
    """
    if not 0 < len(data) <= node.file_limit:
        raise RefusedError(
            "attachment: expected a file of 1 byte to %(limit)d MB", limit=node.file_limit // 2**20
        )
    made = attachment_of(data, type_=type_, name=name)
    _keep(node, made.hash.hex(), BytesIO(data), len(data))
    return made


def _keep(node: Node, digest: str, content: IO[bytes], size: int) -> None:
    """Put bytes of this hash into the storage unless they are there, and tell of them."""
    name = name_of(node, digest)
    with _told():
        if _storage().exists(name) and _digest_of(name) != digest:
            _storage().delete(name)
        _put(name, content)
        with transaction.atomic():
            lock()  # nobody sweeps it away meanwhile
            _put(name, content)
            StoredFile.objects.update_or_create(
                digest=digest, defaults={"size": size, "kept_at": node.clock().moment()}
            )


def _put(name: str, content: IO[bytes]) -> None:
    """Write a file unless it lies there."""
    if not _storage().exists(name):
        content.seek(0)
        _storage().save(name, File(content))


def _digest_of(name: str) -> str:
    """Return the hash of a file in the storage."""
    total = sha256()
    with _storage().open(name) as file:
        while piece := file.read(_STEP):
            total.update(piece)
    return total.hexdigest()


def open_file(node: Node, digest: str) -> IO[bytes]:
    """Open a file to be read. Raises StorageError."""
    with _told():
        opened: IO[bytes] = _storage().open(name_of(node, digest))
        return opened


def read_part(node: Node, digest: str, offset: int, length: int) -> bytes:
    """Return some bytes of a file. Raises StorageError."""
    with _told():
        data: bytes = _storage().read_part(name_of(node, digest), offset, length)
        return data


def take_chunk(node: Node, member: str, file: tuple[str, str], part: tuple[int, bytes]) -> int:
    """Keep some bytes of a file that is lacking and that a member sends; return how many.

    Nothing is kept but what goes on where the bytes of this member end: so a cut loses no more than
    one chunk, and what comes twice does no harm. `file` is for which audience, and its hash.
    """
    (audience, digest), (offset, data), taken = file, part, 0
    lacking = for_audience(audience, digest).filter(held=False, size__lte=node.file_limit)
    sizes = lacking.values_list("size", flat=True)
    for size in sorted(set(sizes)):
        with transaction.atomic():
            lock()
            incoming, _ = Incoming.objects.get_or_create(
                audience=audience, digest=digest, size=size, member=member
            )
            if is_given_up(incoming, node.clock()) or incoming.held != offset:
                continue
            if offset + len(data) > size:
                _spoil(incoming, node.clock())
                continue
            incoming.spoiled_at = None
            Chunk.objects.create(incoming=incoming, offset=offset, data=data)
            incoming.held += len(data)
            incoming.save(update_fields=["held", "spoiled_at"])
            taken = len(data)
    return taken


def _spoil(incoming: Incoming, now: Instant) -> None:
    """Take nothing more of a file, for a day, from a member that has sent other bytes of it."""
    Chunk.objects.filter(incoming=incoming).delete()
    incoming.spoiled_at, incoming.held = now.moment(), 0
    incoming.save(update_fields=["spoiled_at", "held"])


def finish(node: Node) -> list[LiptakoError]:
    """Keep the files of which all bytes have come; return what was wrong with any.

    Safe to run again after a kill: until a file is told of, its chunks stay.
    """
    faults: list[LiptakoError] = []
    for incoming in Incoming.objects.filter(held=F("size"), spoiled_at=None):
        try:
            _finish(node, incoming)
        except LiptakoError as fault:
            faults.append(fault)
    return faults


def _finish(node: Node, incoming: Incoming) -> None:
    """Put a file together, and tell of it if its hash is the one that was named."""
    digest = incoming.digest
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as whole:
        total = sha256()
        chunks = Chunk.objects.filter(incoming=incoming).order_by("offset")
        for data in chunks.values_list("data", flat=True).iterator(chunk_size=16):
            total.update(data)
            whole.write(bytes(data))
        if total.hexdigest() != digest:
            _spoil(incoming, node.clock())
            raise VerificationError(
                "attachment: %(sender)s has sent another file than the one that was named",
                sender=incoming.member,
            )
        _keep(node, digest, whole, incoming.size)
    with transaction.atomic():
        lock()
        if for_audience(incoming.audience, digest).filter(size=incoming.size).update(held=True):
            mark_named([digest])
        same = Incoming.objects.filter(audience=incoming.audience, digest=digest)
        same.filter(size=incoming.size).delete()


def sweep(node: Node) -> int:
    """Delete the bytes of files that no record names any longer; return how many.

    Raises StorageError. Safe to run again: what was deleted and not noted is deleted once more.
    """
    used = Attached.objects.filter(digest=OuterRef("digest"), held=True)
    before = node.clock().moment() - _UNUSED
    ended = StoredFile.objects.filter(named=False, kept_at__lt=before).filter(~Exists(used))
    if not ended.exists():
        return 0
    with transaction.atomic(), _told():
        lock()
        rows = list(ended[:_AT_ONCE])
        for row in rows:
            _storage().delete(name_of(node, row.digest))
            row.delete()
    return len(rows)


def check_files(node: Node) -> Iterator[VerificationError]:
    """Give what is wrong with any file that is told of: not there, or other bytes."""
    for row in StoredFile.objects.filter(named=True).order_by("digest").iterator():
        name = name_of(node, row.digest)
        if not _storage().exists(name):
            yield VerificationError("attachment %(digest)s: it is missing", digest=row.digest)
        elif _digest_of(name) != row.digest:
            yield VerificationError("attachment %(digest)s: it was changed", digest=row.digest)


def stored_files(node: Node) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Give name, size and bytes of each file that a record names, such as for a backup."""
    for row in StoredFile.objects.filter(named=True).order_by("digest").iterator():
        name = name_of(node, row.digest)
        with _told():
            if _storage().exists(name):
                with _storage().open(name) as file:
                    yield name, _storage().size(name), file


def restore_files(node: Node, folder: Path) -> None:
    """Put files out of a backup into the storage; those that it lacks are asked of partners again.

    Raises StorageError.
    """
    for row in StoredFile.objects.all():
        name = name_of(node, row.digest)
        with _told():
            if (folder / name).exists() and not _storage().exists(name):
                with (folder / name).open("rb") as content:
                    _put(name, content)
            if not _storage().exists(name):
                Attached.objects.filter(digest=row.digest).update(held=False)
                row.delete()
