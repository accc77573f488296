"""Carries out recalls as they are stored: a payload that its author took back is here no longer.

In the same transaction as the recall, or as the record if the recall came first: so whoever holds
the same records folds the same.
"""

from collections.abc import Collection, Iterable, Sequence

from liptako.core.errors import MalformedError
from liptako.core.log.delivery import Place
from liptako.core.log.verify import Accepted
from liptako.core.records.envelope import decode_header
from liptako.core.records.payload import PACKAGE
from liptako.core.records.shared import RECALL, takes_back
from liptako.ledger import tally
from liptako.ledger.attachments import forget_files
from liptako.ledger.models import Channel, Entry, Package, Payload, Recalled


def note_recalls(entries: Iterable[tuple[int, Accepted]]) -> None:
    """Delete the payloads that new entries, at their positions, take back; remember the places."""
    for position, entry in entries:
        header = entry.header
        if header is None or header.kind != RECALL:
            continue
        Recalled.objects.bulk_create(
            (Recalled(entry_id=position, origin=ref.origin, seq=ref.seq) for ref in header.refs),
            ignore_conflicts=True,
        )
        for ref in header.refs:
            found = Entry.objects.filter(channel_id=ref.origin, seq=ref.seq, object=header.object)
            target = found.exclude(payload=None).first()
            if target is None:
                continue
            named = decode_header(bytes(target.header))
            if takes_back(header, ref, named, bytes(target.leaf)):
                destroy([target])


def recalled_among(channel: Channel, entries: Sequence[Accepted]) -> set[int]:
    """Return the places of entries, which are being stored, that were taken back before."""
    first, last = entries[0].seq, entries[-1].seq
    named = Recalled.objects.filter(origin=channel.origin, seq__gte=first, seq__lte=last)
    if not named.exists():
        return set()
    headers = {entry.seq: entry for entry in entries if entry.header is not None}
    return {
        row.seq
        for row in named.select_related("entry")
        if row.seq in headers and _takes_back(row, headers[row.seq])
    }


def _takes_back(row: Recalled, target: Accepted) -> bool:
    """Say whether a recall that is held takes back an entry."""
    recall = decode_header(bytes(row.entry.header))
    return target.header is not None and any(
        takes_back(recall, ref, target.header, target.leaf)
        for ref in recall.refs
        if (ref.origin, ref.seq) == (row.origin, row.seq)
    )


def taken_back(recalls: Iterable[Recalled]) -> set[Place]:
    """Return the places of stored entries that these recalls take back, not all that they name."""
    return {
        (row.origin, row.seq)
        for row in recalls
        for entry in Entry.objects.filter(channel=row.origin, seq=row.seq)
        if _takes_back(row, _accepted(entry))
    }


def _accepted(entry: Entry) -> Accepted:
    """Return a stored entry as it was when it was accepted, but for its payload."""
    data = bytes(entry.header)
    try:
        header = decode_header(data)
    except MalformedError:
        header = None
    return Accepted(seq=entry.seq, data=data, leaf=bytes(entry.leaf), header=header)


def is_recalled(entry: Entry) -> bool:
    """Say whether a stored entry was taken back by its author."""
    rows = Recalled.objects.filter(origin=entry.channel_id, seq=entry.seq).select_related("entry")
    return any(_takes_back(row, _accepted(entry)) for row in rows)


def recalled_places(origin: str) -> frozenset[Place]:
    """Return the places of a log that recalls name: what others may lack the payloads of."""
    named = Recalled.objects.filter(origin=origin)
    return frozenset(named.values_list("origin", "seq"))


def destroy(entries: Collection[Entry]) -> None:
    """Delete the payloads of entries that have one, and the seeds of their packages.

    Their files go too, unless another record names them.
    """
    _forget_seeds({(entry.channel_id, entry.seq // PACKAGE) for entry in entries})
    tally.count_bare((entry.channel_id, entry.seq) for entry in entries)
    forget_files(entries)
    Payload.objects.filter(entry__in=entries).delete()


def _forget_seeds(packages: Iterable[tuple[str, int]]) -> None:
    """Delete the seeds of packages."""
    for origin, number in packages:
        Package.objects.filter(channel_id=origin, number=number).update(seed=b"")
