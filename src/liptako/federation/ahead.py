"""What overtakes: flash records whose turn in their log would come in a later bundle.

Each is proven by its inclusion in the checkpoint, and what it names goes with it, so that a reader
can draw it at once though the log before it is still on its way.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from liptako.core.log.delivery import Place
from liptako.core.records.envelope import Lane
from liptako.ledger.models import Channel
from liptako.ledger.reader import bytes_of, flash_places, refs_of

LIMIT = 32
"""Entries shown ahead in one bundle: they come once more in their place."""


class Lack(NamedTuple):
    """A log of which a partner lacks the entries [start, end); its author has signed so many."""

    log: Channel
    start: int
    end: int
    signed: int

    @property
    def span(self) -> tuple[Channel, int, int]:
        """The entries that are lacking."""
        return self.log, self.start, self.end


def overtaking(
    lacks: Sequence[Lack], room: int, shown: Collection[Place]
) -> Iterator[tuple[Lack, list[int]]]:
    """Give log by log the places to be shown ahead of `room` bytes of headers and payloads.

    Nothing if what is urgent fits in there; `shown` are those that the partner has kept already.
    """
    urgent = [lack for lack in lacks if lack.log.lane == Lane.URGENT]
    flash = [(lack.log.origin, seq) for lack in urgent for seq in flash_places(*lack.span)]
    if not flash or sum(bytes_of(*lack.span) for lack in urgent) <= room:
        return
    chosen = _with_named({lack.log.origin: lack for lack in lacks}, flash, frozenset(shown))
    for lack in lacks:
        places = sorted(seq for origin, seq in chosen if origin == lack.log.origin)
        if places:
            yield lack, places


def _with_named(
    lacks: Mapping[str, Lack], flash: Sequence[Place], shown: frozenset[Place]
) -> set[Place]:
    """Return the latest of the flash records, and what they name and the partner lacks."""
    chosen: set[Place] = set()
    queue = [place for place in flash if place not in shown][-LIMIT:]
    while queue and len(chosen) < LIMIT:
        origin, seq = queue.pop()
        chosen.add((origin, seq))
        named = [(ref.origin, ref.seq) for ref in refs_of(lacks[origin].log, seq)]
        queue += [
            place for place in named if _is_lacking(lacks, place) and place not in chosen | shown
        ]
    return chosen


def _is_lacking(lacks: Mapping[str, Lack], place: Place) -> bool:
    """Say whether a partner lacks an entry that it is about to be sent."""
    lack = lacks.get(place[0])
    return lack is not None and lack.start <= place[1] < lack.end
