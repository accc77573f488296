"""The rounds of one exchange over the network: a bundle there, its answer back, until all is said.

While an answer is on its way back the line towards the partner would be silent. So the next bundle
follows at once where it can be told what the partner will hold by then (protocol: Exchange).
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace

from liptako.core.log.heads import Heads
from liptako.federation import attachments, pace, peers, sync
from liptako.federation.client import Client, Follow
from liptako.federation.extent import Extent, Start
from liptako.federation.heads import after, heads_for, owes
from liptako.federation.intake import Report
from liptako.federation.parcels import owes_parcels
from liptako.ledger import compacts
from liptako.ledger.node import Node

SECONDS = 30
"""After so long an exchange ends, so that another partner has its turn; what is left goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A bundle that was written, when, and what the partner holds and lacks once it has read it."""

    data: bytes
    begun: float
    start: Start
    reached: Mapping[str, int]
    told: str | None


class Rounds:
    """Exchanges with one partner until nothing is left, a round brings nothing new, or time is up.

    Raises what the client and the readers of bundles raise.
    """

    def __init__(self, node: Node, client: Client, measured: pace.Pace) -> None:
        """Begin to measure."""
        self._node, self._client, self._pace = node, client, measured
        self._peer, self._member = measured.peer, measured.peer.member
        self._report = Report()  # what the answer before brought
        self._answered = 0.0  # when that was
        self._sent = self._next = None

    _sent: _Sent | None
    _next: _Sent | None

    def run(self) -> Report:
        """Return what all answers have brought."""
        total, pins = Report(sender=self._member), self._pins()
        while True:
            begun, before = self._pace.elapsed(), held_by(self._member)
            self._sent, self._next = self._next or self._write(), None
            follow = Follow(self._follow, self._peer.rate)
            answer = self._client.exchange(self._peer.url, pins, self._sent.data, follow)
            report = self._read(self._sent, answer)
            total.add(report)
            moved = report.taken or report.receipts or report.chunks or report.arrived
            moved = moved or held_by(self._member) != before
            total.more = bool(moved) and not report.faults and still_owes(self._node, self._member)
            now = self._pace.elapsed()
            if self._next is None and not (total.more and now + (now - begun) <= SECONDS):
                break
        peers.note_rate(self._member, self._peer.rate)
        return total

    def _pins(self) -> tuple[bytes, ...]:
        """Return the keys that the partner's node may show."""
        return tuple(compacts.current().check_exchange(self._member).keys.pins)

    def _write(self) -> _Sent:
        """Write a bundle from what the partner has said it holds."""
        extent = pace.extent_for(self._node, self._peer, self._pace.room)
        extent = replace(extent, answer=extent.room)
        told = attachments.told(self._node, self._member)
        return self._written(sync.start_for(self._node, self._member), extent, told)

    def _follow(self, rate: int) -> bytes:
        """Return the bundle to follow the one that is on its way; nothing if it has to wait.

        It has to where the answer before brought entries: then the partner has more, and is given
        the line back. Its answer brings none, which would come twice. A cap is kept by waiting.
        """
        self._pace.see(rate)
        sent, report, peer = self._sent, self._report, self._peer
        if sent is None or report.faults or report.taken or peer.cap_kbit:
            return b""
        if self._pace.elapsed() + pace.SECONDS > SECONDS:
            return b""
        room = None if self._pace.room is None else int(self._pace.room * pace.FOLLOWING)
        extent = replace(pace.extent_for(self._node, peer, room), answer=0, follows=True)
        said = after(self._node, self._member, sent.start.said, sent.reached)
        said = replace(said, trust=compacts.trust())
        start = replace(sent.start, said=said, heads=heads_for(self._node, self._member))
        if self._is_done(said, start, extent):
            return b""
        self._next = self._written(start, extent, None)
        return self._next.data

    def _is_done(self, said: Heads, start: Start, extent: Extent) -> bool:
        """Say whether nothing is left for a bundle that begins there."""
        lacks = next(sync.lacks_of(self._member, said, extent), None)
        return (
            lacks is None
            and next(attachments.due_to(self._member, start.course, unasked=False), None) is None
        )

    def _written(self, start: Start, extent: Extent, told: str | None) -> _Sent:
        """Write a bundle."""
        target, begun = io.BytesIO(), self._pace.elapsed()
        extent = replace(extent, shown=frozenset(self._report.shown))
        written = sync.write_from(self._node, self._member, target, extent, start)
        return _Sent(
            data=target.getvalue(), begun=begun, start=start, reached=written.reached, told=told
        )

    def _read(self, sent: _Sent, answer: bytes) -> Report:
        """Take in an answer, and note how long the line was busy with it and its bundle."""
        now = self._pace.elapsed()
        self._pace.note(len(sent.data) + len(answer), now - max(sent.begun, self._answered))
        self._answered = now
        self._report = sync.read_sealed(self._node, io.BytesIO(answer), how="answer")
        if sent.told is not None:
            peers.note_told(self._member, sent.told)
        return self._report


def still_owes(node: Node, member: str) -> bool:
    """Say whether something is left to exchange with a partner over the network, parcels too."""
    return owes(node, member) or owes_parcels(node, member)


def held_by(member: str) -> tuple[object, ...]:
    """Return what tells whether a partner has come to hold more."""
    said = peers.said_by(member)
    return (said.epoch, said.total, peers.wants_of(member)) if said else ()
