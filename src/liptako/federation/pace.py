"""How much a line carries: bundles that take a few seconds, so that what is urgent soon overtakes.

The rate is measured at every round and kept; a cap and hours for what is not urgent are set for
each partner.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from liptako.federation.extent import Extent
from liptako.federation.models import Peer
from liptako.ledger.node import Node
from liptako.web.zones import zone_of

SECONDS = 7  # that one bundle should take on its way
FOLLOWING = 6 / 7  # of these, that one which follows another should take: the two are on their way
LEAST = 16 * 2**10  # bytes
MOST = 2**20
_TELLING = 4 * 2**10  # bytes below which a round says more of the delay than of the rate
_LIMIT = 2**31 - 1  # what the column holds
_BITS = 125  # bytes a second in one kbit/s


def extent_for(node: Node, peer: Peer, room: int | None = None) -> Extent:
    """Return how much may go to a partner now, where the line carries `room` bytes at a time.

    None at all asks for an answer that is brief: more of the logs would come twice.
    """
    if room == 0:
        return Extent(room=0, brief=True)
    if peer.cap_kbit:
        most = peer.cap_kbit * _BITS * SECONDS
        room = most if room is None else min(room, most)
    room = LEAST if room is None else min(max(room, LEAST), MOST)
    return Extent(room=room, bulk=_is_open(node, peer))


def _is_open(node: Node, peer: Peer) -> bool:
    """Say whether what is not urgent may go to a partner at this time of the day."""
    if peer.bulk_from is None or peer.bulk_until is None:
        return True
    now = node.clock().moment().astimezone(zone_of(node)).time()
    if peer.bulk_from <= peer.bulk_until:
        return peer.bulk_from <= now < peer.bulk_until
    return now >= peer.bulk_from or now < peer.bulk_until  # over midnight


@dataclass(slots=True)
class Pace:
    """Measures the rounds of one exchange and keeps to the cap."""

    peer: Peer
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    begun: float = field(init=False)
    seen: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        self.begun = self.clock()

    @property
    def room(self) -> int | None:
        """How many bytes one bundle may have; nothing is known before the first round."""
        return self.peer.rate * SECONDS if self.peer.rate else None

    def elapsed(self) -> float:
        """Return for how many seconds this exchange goes on."""
        return self.clock() - self.begun

    def see(self, rate: int) -> None:
        """Take note of how many bytes a second were seen to go; 0 if that could not be seen."""
        self.seen = rate > 0
        if self.seen:
            self.peer.rate = min(rate, _LIMIT)

    def note(self, size: int, seconds: float) -> None:
        """Take note of a round: how many bytes in how many seconds; wait if that was too fast."""
        if size >= _TELLING and not self.seen:
            rate = int(size / max(seconds, 0.001))
            # A round counts its waiting too, so that what is measured is never more than the line
            # carries: the better one is believed at once, a worse one by half.
            self.peer.rate = max(rate, (self.peer.rate + rate) // 2)
            self.peer.rate = min(self.peer.rate, _LIMIT)
        self.seen = False
        if self.peer.cap_kbit:
            self.sleep(max(size / (self.peer.cap_kbit * _BITS) - seconds, 0))
