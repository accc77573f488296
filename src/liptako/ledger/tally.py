"""Keeps the sums that partners compare: one pair for each log, changed only where a word changes.

So the digest costs a row for each log, however many records are held, and nothing is read again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from liptako.core.digest import SUM_BYTES, Basis, Digest, State, Sums, digest_of
from liptako.ledger.models import Channel, Counter, Entry, Tally

Place = tuple[str, int]
Words = frozenset[Basis | State]
NO_WORDS: Words = frozenset()

_CHUNK = 5_000


def count_stored(channel: Channel, bare: Iterable[int]) -> None:
    """Count entries that are about to be stored; `bare` are the places of those without payload.

    The first entries of a log begin its sums.
    """
    if not Entry.objects.filter(channel=channel).exists():
        Tally.objects.create(channel=channel, size=channel.size, **_columns(Sums()))
    count_changes(((channel.origin, seq), NO_WORDS, frozenset({Basis.NO_PAYLOAD})) for seq in bare)


def follow(channel: Channel) -> None:
    """Note how many entries of a log are held, if it is counted."""
    Tally.objects.filter(channel=channel).update(size=channel.size)


def count_destroyed(places: Iterable[Place]) -> None:
    """Count the payloads of records that were deleted."""
    count_changes((place, NO_WORDS, frozenset({Basis.NO_PAYLOAD})) for place in places)


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
    """Return the digest of logs as they were read: `reader.logs_for(partner, begun=False)`.

    Nothing if there is no word to give: not all that is held is drawn yet, an entry was shown ahead
    that heads do not count, a log has grown since it was read, or one was never counted. The order
    of the questions matters, as others write meanwhile: what is held when it is asked whether all
    is drawn, is drawn when the sums are read.
    """
    counter = Counter.objects.filter(id=1).first() or Counter()
    if counter.projected != counter.position or any(log.ahead for log in logs):
        return None
    tallies = tallies_of(log.origin for log in logs)
    if any(tallies.get(log.origin, (-1, Sums()))[0] != log.size for log in logs):
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
