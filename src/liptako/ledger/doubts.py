"""Gives up what a node holds on the word of a key that its member has taken back, beyond the cap.

Nobody can tell then whether the member has written it, or a thief. It is deleted and drawn no
longer; what the member has written comes again, under a signature that counts.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from django.db import transaction

from liptako.core.compact.members import Compact
from liptako.core.errors import LiptakoError
from liptako.core.log.delivery import Place
from liptako.core.log.fork import check_fork, read_fork
from liptako.core.records.payload import PACKAGE
from liptako.ledger import compacts, projector, registry
from liptako.ledger.aside import forget_words
from liptako.ledger.attachments import forget_files
from liptako.ledger.models import (
    Channel,
    Counter,
    DoubleHistory,
    Entry,
    Package,
    Payload,
    Recalled,
    Receipt,
    Tally,
)
from liptako.ledger.node import Node
from liptako.ledger.pen import sign_heads_again
from liptako.ledger.reader import signed_size
from liptako.ledger.recalls import is_recalled, taken_back
from liptako.ledger.records import Thread
from liptako.ledger.tally import count_gone
from liptako.ledger.tree import range_at

logger = logging.getLogger(__name__)

Note = Callable[[Mapping[str, int]], None]
"""Writes down how many entries of which log were deleted."""

_IN = 500  # values in one IN (…)


class _Gone(NamedTuple):
    """An entry that is deleted."""

    position: int
    seq: int
    object: str


def adopt(node: Node, data: bytes, note: Note | None = None) -> tuple[Compact, dict[str, int]]:
    """Take in deeds, give up what counts no longer, and `note` that: all or nothing.

    Return what is in force, and how many entries of which log were deleted. Raises what
    `compacts.adopt` raises; that somebody has signed two is kept as proof all the same.
    """
    if compacts.examine(data).faults:
        return compacts.adopt(data, node.member, node.clock), {}
    with transaction.atomic():
        before = compacts.current()
        compact = compacts.adopt(data, node.member, node.clock)
        gone = review(before, node.member)
        if gone and compact.member(node.member).keys.sign == node.signer.public:
            sign_heads_again(node)  # the key that signs has not changed, but an own log was cut
        if note is not None:
            note(gone)
        return compact, gone


def review(before: Compact, member: str) -> dict[str, int]:
    """Give up what counts no longer, as keys were taken back; return how many entries of which log.

    `before` is the compact that was in force until now. Of our own logs only that is given up which
    came from partners; the rest is signed anew by whoever changes our keys. To be called in the
    transaction that has taken in the deeds.
    """
    compact = compacts.current()
    found: dict[str, int] = {}
    for log, cap in _capped(before, compact):
        _void_proof(log, compact)
        _add(found, (_forsake if log.author == member else _shorten)(log, compact, cap))
    return found


def forsaken(member: str, before: Compact, compact: Compact) -> list[tuple[Channel, int]]:
    """Return which of our own logs `review` is going to cut, and from where on."""
    own = [item for item in _capped(before, compact) if item[0].author == member]
    starts = [(log, _forsaken(log, compact, cap)) for log, cap in own]
    return [(log, start) for log, start in starts if start is not None]


def _capped(before: Compact, compact: Compact) -> Iterator[tuple[Channel, int]]:
    """Give the logs for which keys were taken back, each with its smallest cap that is new."""
    former = {item.id: item.former for item in before.members}
    for author in compact.members:
        news = [item for item in author.former if item not in former.get(author.id, ())]
        if not news or author.id not in former:
            continue
        logs = Channel.objects.filter(author=author.id).order_by("origin")
        for origin in logs.values_list("origin", flat=True):
            # Read when its turn comes: the one before may have shortened it.
            yield _locked(origin), min(item.caps.get(origin, 0) for item in news)


def _add(found: dict[str, int], more: Mapping[str, int]) -> None:
    """Count deleted entries by their logs."""
    for origin, count in more.items():
        found[origin] = found.get(origin, 0) + count


def _locked(origin: str) -> Channel:
    """Return a log, locked until the transaction ends."""
    return Channel.objects.select_for_update(of=("self",)).select_related("audience").get(pk=origin)


def _void_proof(log: Channel, compact: Compact) -> None:
    """Mark the proof of a double history as void if a key has signed it beyond its cap.

    It stays as evidence: a member could take a key back to be rid of it.
    """
    for row in DoubleHistory.objects.filter(channel=log, void=False):
        try:
            check_fork(read_fork(bytes(row.proof)), compact.open_checkpoint)
        except LiptakoError:
            row.void = True
            row.save(update_fields=["void"])


def _shorten(log: Channel, compact: Compact, cap: int) -> Mapping[str, int]:
    """Cut a log to what may stay, and return how many entries of which log were deleted.

    What the kept checkpoint proves, if it counts; or what the cap leaves, but for the last entry:
    with that one comes a checkpoint that counts. What stays and is not proved is doubted, with what
    was shown ahead of its place.
    """
    proven = _proven(log, compact)
    stays = min(max(proven, cap - 1), log.size)
    beyond = Entry.objects.filter(channel=log, seq__gte=max(cap, stays)).exists()
    if stays == log.size and not beyond:
        if log.ahead or proven < log.size:
            log.doubted = True
            log.save(update_fields=["doubted"])
        return {}
    logger.warning("%s: held on the word of a key that was taken back", log.origin)
    return cut(log, stays, proven)


def _forsake(log: Channel, compact: Compact, cap: int) -> Mapping[str, int]:
    """Cut one of our own logs of what came from partners beyond the cap; return how many entries.

    A thief of the key may have written it, and given it to a partner that gave it to us. What we
    have written ourselves stays, and what a key that counts has signed since.
    """
    start = _forsaken(log, compact, cap)
    if start is None:
        return {}
    logger.warning("%s: came from partners beyond where its key was taken back", log.origin)
    entries, _named = _cut_alone(log, start, start)
    return entries


def _forsaken(log: Channel, compact: Compact, cap: int) -> int | None:
    """Return from where on one of our own logs is cut, None if it is not."""
    if log.regained is None:
        return None
    start = max(log.regained, cap, _proven(log, compact))
    return start if Entry.objects.filter(channel=log, seq__gte=start).exists() else None


def _proven(log: Channel, compact: Compact) -> int:
    """Return how many entries of a log the kept checkpoint proves by the compact."""
    try:
        return compact.open_checkpoint(bytes(log.checkpoint), log.origin).size
    except LiptakoError:
        return 0


def give_up(origin: str, size: int) -> Mapping[str, int]:
    """Delete what is held of a doubted log beyond what is proved; return how many of which log.

    Its author has signed otherwise: it came from a thief of a key. Nothing if the log is not of
    this size any longer: it was written into meanwhile.
    """
    with transaction.atomic():
        Counter.objects.select_for_update().get(id=1)
        log = _locked(origin)
        if not log.doubted or log.size != size:
            return {}
        proven = _proven(log, compacts.current())
        return cut(log, proven, proven)


def cut(log: Channel, size: int, proven: int) -> Mapping[str, int]:
    """Delete the entries of somebody else's log from a place on, with all that came of them.

    Return how many of which log. `proven` is how many the kept checkpoint proves. Payloads that a
    deleted recall has destroyed come again, too: from the first of them on logs are cut as well.
    """
    found, named = _cut_alone(log, size, proven)
    for origin, seq in _destroyed(named).items():
        other = _locked(origin)
        if seq < other.size:
            _add(found, cut(other, seq, 0))
    return found


def _cut_alone(log: Channel, size: int, proven: int) -> tuple[dict[str, int], Collection[Place]]:
    """Delete the entries of a log from a place on; return how many, and what they took back."""
    beyond = Entry.objects.filter(channel=log, seq__gte=size).order_by("position")
    rows = [_Gone(*row) for row in beyond.values_list("position", "seq", "object")]
    recalls = Recalled.objects.filter(entry__channel=log, entry__seq__gte=size)
    named = taken_back(recalls.select_related("entry"))
    log.frontier = range_at(log.origin, size).to_bytes()
    log.size, log.ahead, log.doubted = size, 0, proven < size
    if size < signed_size(log) or proven < signed_size(log):
        log.checkpoint = b""
    log.save()
    Receipt.objects.filter(channel=log, size__gt=size).delete()
    if rows:
        _delete(log, rows)
    Tally.objects.filter(channel=log).update(size=size)
    return ({log.origin: len(rows)} if rows else {}), named


def _destroyed(named: Collection[Place]) -> Mapping[str, int]:
    """Return the logs in which payloads are gone that no recall takes back now, and from where."""
    found: dict[str, int] = {}
    for origin, seq in sorted(named, reverse=True):
        bare = Entry.objects.filter(channel_id=origin, seq=seq, payload=None).first()
        if bare is not None and not is_recalled(bare):
            found[origin] = seq
    return found


def _delete(log: Channel, rows: Collection[_Gone]) -> None:
    """Delete entries and draw anew what was drawn of them."""
    positions = [row.position for row in rows]
    bare = set(positions)
    words = forget_words(positions)
    for start in range(0, len(positions), _IN):
        some = positions[start : start + _IN]
        payloads = Payload.objects.filter(entry_id__in=some)
        bare -= set(payloads.values_list("entry_id", flat=True))
        forget_files(Entry.objects.filter(position__in=some))
        Recalled.objects.filter(entry_id__in=some).delete()
        payloads.delete()
        Entry.objects.filter(position__in=some).delete()
    count_gone(
        log.origin,
        {row.seq: words[row.position] for row in rows},
        {row.seq for row in rows if row.position in bare},
    )
    Package.objects.filter(channel=log, number__gte=log.size // PACKAGE).delete()
    _draw_again(log, {row.object for row in rows} - {""})


def _draw_again(log: Channel, objects: set[str]) -> None:
    """Draw the threads of deleted entries, and those whose records name the log."""
    threads = {Thread(log.author, name, log.audience_id): () for name in objects}
    for module in registry.modules():
        projector.draw_threads(module, threads)
    name = log.origin.encode()
    others = Entry.objects.exclude(object="").values_list("object", "header")
    objects |= {item for item, header in others.iterator() if name in bytes(header)}
    projector.redraw(objects)
