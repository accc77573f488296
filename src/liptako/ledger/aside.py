"""Notes which entries are not folded: that they wait, why they are rejected, or are unknown.

Written by the projector alone, with the sums that partners compare; `quarantine` reads it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from liptako.core.digest import Basis, State
from liptako.ledger.folding import Aside
from liptako.ledger.models import Rejected, Unknown, Waiting
from liptako.ledger.reader import StoredEntry
from liptako.ledger.tally import NO_WORDS, Words, count_changes

_NOTED = (Waiting, Rejected, Unknown)
_IN = 500  # values in one IN (…)


def forget_all() -> None:
    """Delete all notes."""
    for model in _NOTED:
        model._default_manager.all().delete()


def note_aside(entries: Sequence[StoredEntry], aside: Aside) -> None:
    """Replace what is noted of these entries: that they wait, why they are rejected, or unknown."""
    before = forget_words([entry.position for entry in entries])
    now = _words(*aside)
    changed = {p for p in before.keys() | now.keys() if before.get(p) != now.get(p)}
    count_changes(
        (
            (entry.origin, entry.seq),
            before.get(entry.position, NO_WORDS),
            now.get(entry.position, NO_WORDS),
        )
        for entry in (entries if changed else ())
        if entry.position in changed
    )
    Waiting.objects.bulk_create(
        Waiting(entry_id=position, origin=origin, seq=seq)
        for position, (origin, seq) in aside.waiting.items()
    )
    Rejected.objects.bulk_create(
        Rejected(entry_id=position, **reason) for position, reason in aside.rejected.items()
    )
    Unknown.objects.bulk_create(Unknown(entry_id=position) for position in aside.unknown)


def _words(
    waiting: Iterable[int], rejected: Iterable[int], unknown: Iterable[int]
) -> Mapping[int, Words]:
    """Return what a digest says of entries, by their place in this node's order."""
    words: defaultdict[int, Words] = defaultdict(lambda: NO_WORDS)
    for positions, word in (
        (waiting, State.WAITING),
        (rejected, State.REJECTED),
        (unknown, Basis.NO_KIND),
    ):
        for position in positions:
            words[position] |= {word}
    return words


def forget_words(positions: Sequence[int]) -> Mapping[int, Words]:
    """Delete what was noted of entries, and return it as words."""
    noted: list[list[int]] = []
    for model in _NOTED:
        found: list[int] = []
        for i in range(0, len(positions) if model._default_manager.exists() else 0, _IN):
            rows = model._default_manager.filter(entry_id__in=positions[i : i + _IN])
            found += rows.values_list("entry_id", flat=True)
        for i in range(0, len(found), _IN):
            model._default_manager.filter(entry_id__in=found[i : i + _IN]).delete()
        noted.append(found)
    return _words(*noted)
