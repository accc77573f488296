"""Reads the log: records for the modules; heads and packages for the members who may have them."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from django.db.models import QuerySet, Sum
from django.db.models.functions import Length

from liptako.core.errors import MalformedError
from liptako.core.log.bundle import strip_hash
from liptako.core.log.checkpoint import Checkpoint, head_of, parse_checkpoint
from liptako.core.log.frames import AheadFrame, PackageFrame
from liptako.core.log.merkle import consistency_proof, inclusion_proof, read_range
from liptako.core.log.note import read_note
from liptako.core.log.verify import Channel as ChannelValue
from liptako.core.log.verify import read_header
from liptako.core.records.envelope import Header, Lane
from liptako.core.records.payload import PACKAGE
from liptako.core.refs import Ref
from liptako.ledger import registry
from liptako.ledger.models import Audience, Channel, Counter, Entry, Package, Payload
from liptako.ledger.records import Record, Thread
from liptako.ledger.tree import root_at, stored_subtrees


def channel_value(log: Channel) -> ChannelValue:
    """Return what all records of a log share."""
    return _log_of(log.origin, log.author, log.audience_id, log.lane)


class StoredEntry(NamedTuple):
    """An entry as it lies in the database, with its payload (nothing if gone) and its log."""

    position: int
    object: str
    seq: int
    leaf: bytes
    header: bytes
    body: bytes | None
    origin: str
    author: str
    audience: str
    lane: str


_COLUMNS = (
    "position", "object", "seq", "leaf", "header", "payload__body",
    "channel_id", "channel__author", "channel__audience_id", "channel__lane",
)  # fmt: skip


def stored(
    entries: QuerySet[Entry], *, chunk: int = 0, limit: int | None = None
) -> Iterator[StoredEntry]:
    """Give entries, in this node's order if in none, without what a model costs.

    So many at a time if a chunk is given, else all at once; so many of them if there is a limit.
    """
    ordered = entries if entries.ordered else entries.order_by("position")
    rows = ordered.values_list(*_COLUMNS)[:limit]
    return map(StoredEntry._make, rows.iterator(chunk_size=chunk) if chunk else rows)


@lru_cache(maxsize=256)
def _log_of(origin: str, author: str, audience: str, lane: str) -> ChannelValue:
    """Return what all records of a log share."""
    return ChannelValue(origin=origin, author=author, audience=audience, lane=Lane(lane))


def header_of(entry: StoredEntry) -> Header:
    """Return the header of an entry. Raises MalformedError if it is to be set aside."""
    log = _log_of(entry.origin, entry.author, entry.audience, entry.lane)
    return read_header(log, bytes(entry.header))


def record_of(entry: StoredEntry) -> Record:
    """Return the record of an entry. Raises MalformedError if it is to be set aside."""
    header = header_of(entry)
    payload = None
    if entry.body is not None and registry.module_of(header.kind):
        payload = registry.decode_payload(header.kind, bytes(entry.body))
    return Record(
        origin=entry.origin,
        seq=entry.seq,
        leaf=bytes(entry.leaf),
        header=header,
        payload=payload,
    )


def entries_of(thread: Thread) -> QuerySet[Entry]:
    """Return the entries of a thread."""
    return Entry.objects.filter(
        object=thread.object, channel__author=thread.author, channel__audience=thread.audience
    )


def thread_records(thread: Thread) -> list[Record]:
    """Return the records of a thread that can be read and have a payload, in order of folding."""
    drawn = entries_of(thread).filter(rejected=None, waiting=None)
    records = [record_of(entry) for entry in stored(drawn)]
    return sorted(
        (record for record in records if record.payload is not None),
        key=lambda record: record.order,
    )


def all_logs(*, begun: bool = True) -> list[Channel]:
    """Return all logs with their audiences, in the order of their origins.

    Of those that are not `begun` nothing is held but what was shown ahead.
    """
    logs = Channel.objects.filter(size__gte=1 if begun else 0)
    return list(logs.select_related("audience").order_by("origin"))


def logs_for(member: str, *, begun: bool = True) -> list[Channel]:
    """Return the logs whose audience has this member in it, in the order of their origins.

    The one place that decides what may leave: nothing else reads entries for another node.
    """
    return [log for log in all_logs(begun=begun) if member in log.audience.members]


def roster_of(audience: str) -> frozenset[str]:
    """Return the members of an audience by its id; nobody for one that this node never met."""
    found = Audience.objects.filter(id=audience).values_list("members", flat=True).first()
    return frozenset(found or ())


def epoch() -> int:
    """Return the epoch of the logs that this node writes."""
    counter = Counter.objects.filter(id=1).first() or Counter()
    return counter.epoch


def head_of_log(log: Channel) -> Checkpoint:
    """Return the head of a log as far as it is held here."""
    return head_of(log.origin, read_range(log.size, bytes(log.frontier)))


def root_of(log: Channel, size: int) -> bytes:
    """Return the root that a log had with its first `size` entries, at least one, all held."""
    return head_of_log(log).root if size == log.size else root_at(log.origin, size)


def signed_size(log: Channel) -> int:
    """Return how many entries of a log the kept checkpoint signs.

    Of somebody else's log more may be held: the rest goes on once its signature is here.
    """
    return parse_checkpoint(read_note(bytes(log.checkpoint)).text).size if log.checkpoint else 0


def packages_of(
    log: Channel,
    start: int,
    end: int,
    room: Callable[[], int] | None = None,
    *,
    signed: int | None = None,
) -> Iterator[PackageFrame]:
    """Give the entries [start, end) of a log in packages, each with its proof.

    The proof goes up to `signed` entries, which the checkpoint has, or else to `end`.

    A package holds no more bytes of headers and payloads than `room` says when it is made, but one
    entry at least; without it as many entries as a package may.
    """
    subtree = stored_subtrees(log.origin)
    while start < end:
        stop = min(start // PACKAGE * PACKAGE + PACKAGE, end)
        places = range(start, stop if room is None else _fitting(log, start, stop, room()))
        yield _package(log, places, consistency_proof(places.stop, signed or end, subtree))
        start = places.stop


def recalls_ahead(log: Channel, start: int, end: int, signed: int) -> Iterator[AheadFrame]:
    """Give the recalls in the entries [start, end) of a log that name entries of these.

    With their proof up to `signed`: without them a receiver would take the payloads that they
    deleted for suppressed ones.
    """
    recalls = _between(log, start, end).filter(
        recalled__origin=log.origin, recalled__seq__gte=start
    )
    return _shown(log, recalls.distinct(), signed)


def entries_ahead(log: Channel, places: Iterable[int], end: int) -> Iterator[AheadFrame]:
    """Give these entries of a log, each with its proof up to `end`, to be shown ahead."""
    return _shown(log, Entry.objects.filter(channel=log, seq__in=sorted(places)), end)


def flash_places(log: Channel, start: int, end: int) -> list[int]:
    """Return the places in [start, end) of a log of the entries of the highest precedence."""
    found = _between(log, start, end).filter(flash=True)
    return list(found.order_by("seq").values_list("seq", flat=True))


def bytes_of(log: Channel, start: int, end: int) -> int:
    """Return how many bytes the headers and payloads in [start, end) of a log have."""
    entries = _between(log, start, end)
    found = entries.aggregate(headers=Sum(Length("header")), bodies=Sum(Length("payload__body")))
    return sum(int(part or 0) for part in found.values())


def refs_of(log: Channel, seq: int) -> tuple[Ref, ...]:
    """Return what an entry of a log names, nothing if its header cannot be read."""
    data = Entry.objects.filter(channel=log, seq=seq).values_list("header", flat=True).get()
    try:
        return read_header(channel_value(log), bytes(data)).refs
    except MalformedError:
        return ()


def places_ahead(log: Channel) -> tuple[int, ...]:
    """Return the places of a log that are held beyond the run that begins with the first."""
    if not log.ahead:
        return ()
    found = Entry.objects.filter(channel=log, seq__gte=log.size).order_by("seq")
    return tuple(found.values_list("seq", flat=True))


def _shown(log: Channel, entries: QuerySet[Entry], end: int) -> Iterator[AheadFrame]:
    """Give entries of a log as they are shown ahead, with their proof up to `end`."""
    subtree = stored_subtrees(log.origin)
    for entry in _with_payloads(entries):
        header, body, salt = _parts(entry)
        proof = inclusion_proof(entry.seq, end, subtree)
        yield AheadFrame(seq=entry.seq, header=header, body=body, salt=salt, proof=proof)


def _fitting(log: Channel, start: int, stop: int, room: int) -> int:
    """Return up to where the entries from `start` on fit into so many bytes."""
    entries = _between(log, start, stop).order_by("seq")
    sizes = entries.values_list("seq", Length("header"), Length("payload__body"))
    for seq, header, body in sizes:
        room -= header + (body or 0)
        if room < 0:
            return max(int(seq), start + 1)
    return stop


def _package(log: Channel, places: range, proof: tuple[bytes, ...]) -> PackageFrame:
    """Return the entries of a log at these places with their proof."""
    parts = [_parts(entry) for entry in _with_payloads(_between(log, places.start, places.stop))]
    seed = _seed(log, places.start // PACKAGE)
    return PackageFrame(
        start=places.start,
        headers=tuple(part.header for part in parts),
        bodies=tuple(part.body for part in parts),
        seed=seed,
        salts=() if seed else tuple(part.salt for part in parts),
        proof=proof,
    )


def _between(log: Channel, start: int, end: int) -> QuerySet[Entry]:
    """Return the entries [start, end) of a log."""
    return Entry.objects.filter(channel=log, seq__gte=start, seq__lt=end)


def _with_payloads(entries: QuerySet[Entry]) -> QuerySet[Entry]:
    """Return entries of one log in order, with their payloads."""
    return entries.select_related("payload").order_by("seq")


class _Parts(NamedTuple):
    """An entry as it travels: without the payload hash where the payload is here."""

    header: bytes
    body: bytes | None
    salt: bytes


def _parts(entry: Entry) -> _Parts:
    """Return an entry as it travels."""
    payload: Payload | None = getattr(entry, "payload", None)
    header = bytes(entry.header)
    if payload is None:
        return _Parts(header, None, b"")
    body, salt = bytes(payload.body), bytes(payload.salt)
    return _Parts(strip_hash(header, salt, body), body, salt)


def _seed(log: Channel, number: int) -> bytes:
    """Return the seed of a package's salts, or nothing once one of its payloads is gone.

    Of the whole package, not only of what is asked for: the seed would give the erased salt back.
    """
    package = Package.objects.filter(channel=log, number=number).first()
    if package is None or not package.seed:
        return b""
    first = number * PACKAGE
    erased = _between(log, first, first + PACKAGE).filter(payload=None).exists()
    return b"" if erased else bytes(package.seed)
