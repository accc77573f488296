"""Keeps the sums that partners compare: one pair for each log, changed only where a word changes.

So the digest costs a row for each log, however many records are held, and nothing is read again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from liptako.core.digest import SUM_BYTES, Basis, Digest, State, Sums, digest_of
from liptako.core.log.delivery import Place
from liptako.ledger.models import Channel, Counter, Entry, Tally

Words = frozenset[Basis | State]
NO_WORDS: Words = frozenset()

_CHUNK = 5_000


def begin(channel: Channel) -> None:
    """Begin to count a log of which nothing was held so far."""
    Tally.objects.get_or_create(channel=channel, defaults=_columns(Sums()))


def count_run(channel: Channel, before: int) -> None:
    """Count the entries of a log that are held in one run, if those `before` were counted."""
    Tally.objects.filter(channel=channel, size=before).update(size=channel.size)


def count_bare(places: Iterable[Place]) -> None:
    """Count entries that lack their payloads from now on: new ones, and where it was deleted."""
    count_changes((place, NO_WORDS, frozenset({Basis.NO_PAYLOAD})) for place in places)


def count_gone(origin: str, words: Mapping[int, Words], bare: Collection[int]) -> None:
    """Take entries of a log that are deleted out of its sums: the words on each, by its place."""
    lacking: Words = frozenset({Basis.NO_PAYLOAD})
    count_changes(
        ((origin, seq), found | (lacking if seq in bare else NO_WORDS), NO_WORDS)
        for seq, found in words.items()
    )


def count_changes(changes: Iterable[tuple[Place, Words, Words]]) -> None:
    """Count for each record the words about it before, and now, in its log if that is counted."""
    sums: defaultdict[str, Sums] = defaultdict(Sums)
    for (origin, seq), before, now in changes:
        for word in before ^ now:
            sums[origin] = sums[origin].with_word(origin, seq, word)
    for tally in Tally.objects.filter(channel__in=sums):
        Tally.objects.filter(channel=tally.channel_id).update(
            **_columns(_sums_of(tally) ^ sums[tally.channel_id])
        )


def begin_again() -> None:
    """Count what lacks its payload in all logs anew, and nothing yet of what will be drawn."""
    Tally.objects.all().delete()
    sums: defaultdict[str, Sums] = defaultdict(Sums)
    bare = Entry.objects.filter(payload=None).values_list("channel_id", "seq")
    for origin, seq in bare.iterator(chunk_size=_CHUNK):
        sums[origin] = sums[origin].with_word(origin, seq, Basis.NO_PAYLOAD)
    Tally.objects.bulk_create(
        Tally(channel=log, size=log.size, **_columns(sums[log.origin]))
        for log in Channel.objects.all()
    )


def shared_digest(logs: Sequence[Channel]) -> Digest | None:
    """Return the digest of logs as they were read (`reader.logs_for` a partner, begun or not).

    Nothing if there is no word to give: not all that is held is drawn yet, a log has grown since it
    was read, one was never counted, or of one there is an entry that was shown ahead. The order of
    the questions matters, as others write meanwhile: what is held when it is asked whether all is
    drawn, is drawn when sums are read.
    """
    counter = Counter.objects.filter(id=1).first() or Counter()
    if counter.projected != counter.position:
        return None
    tallies = tallies_of(log.origin for log in logs)
    counted = {origin: size for origin, (size, _) in tallies.items()}
    if any(log.ahead or counted.get(log.origin) != log.size for log in logs):
        return None
    return digest_of(sums for _, sums in tallies.values())


def tallies_of(origins: Iterable[str]) -> Mapping[str, tuple[int, Sums]]:
    """Return for each log that is counted how many entries are, and their sums."""
    rows = Tally.objects.filter(channel__in=list(origins))
    return {row.channel_id: (row.size, _sums_of(row)) for row in rows}


def _sums_of(row: Tally) -> Sums:
    """Return the sums that a row holds."""
    return Sums(
        basis=int.from_bytes(row.basis, "big"),
        state=int.from_bytes(row.state, "big"),
    )


def _columns(sums: Sums) -> dict[str, bytes]:
    """Return sums as columns of a row."""
    return {
        "basis": sums.basis.to_bytes(SUM_BYTES, "big"),
        "state": sums.state.to_bytes(SUM_BYTES, "big"),
    }
