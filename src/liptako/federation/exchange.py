"""One exchange with a partner over the network, from both sides."""

import io
import logging
from collections.abc import Callable
from dataclasses import replace

from liptako.core.errors import LiptakoError, PinError, UnderWayError
from liptako.core.log.heads import read_heads
from liptako.core.log.same import SAME_MAGIC, open_same, read_same, same_of, sign_same
from liptako.federation import peers, sync, turns
from liptako.federation.client import Client, HttpsClient
from liptako.federation.deeds import learns_keys
from liptako.federation.heads import heads_for
from liptako.federation.intake import Report
from liptako.federation.models import Peer
from liptako.federation.pace import Pace, extent_for
from liptako.federation.rounds import Rounds, still_owes
from liptako.ledger import compacts
from liptako.ledger.node import Node

logger = logging.getLogger(__name__)


def exchange_with(
    node: Node, member: str, client: Client | None = None, pace: Callable[[Peer], Pace] = Pace
) -> Report:
    """Send what a partner lacks and take what it has for us, until neither has anything new.

    The result is kept for the page of partners. Raises NetworkError, VerificationError and others
    of ours; UnderWayError, which is no fault, if another process is at it. `pace` begins to measure
    how much the line carries.
    """
    with turns.turn(node, member) as ours:
        if not ours:
            raise UnderWayError("an exchange with %(member)s is under way already", member=member)
        try:
            if client is None:
                with HttpsClient() as https:
                    report = _exchange(node, member, https, pace)
            else:
                report = _exchange(node, member, client, pace)
        except LiptakoError as fault:
            peers.note_failed(member, node.clock().moment(), fault)
            raise
        peers.note_exchanged(member, node.clock().moment(), report.faults)
    return report


def _exchange(node: Node, member: str, client: Client, pace: Callable[[Peer], Pace]) -> Report:
    """Exchange; if another key answers than is pinned, learn of newer ones and try once more."""
    peer = peers.peer(member)
    try:
        return _exchange_pinned(node, peer, client, pace)
    except PinError:
        if not learns_keys(node, member, peer.url, client):
            raise
    return _exchange_pinned(node, peer, client, pace)


def _exchange_pinned(
    node: Node, peer: Peer, client: Client, pace: Callable[[Peer], Pace]
) -> Report:
    """Say that nothing is new, if that is so on both sides; else exchange bundles."""
    if _is_same(node, peer.member, client):
        return Report(sender=peer.member)
    return Rounds(node, client, pace(peer)).run()


def _is_same(node: Node, member: str, client: Client) -> bool:
    """Say whether both sides hold what they last said, by a signed line each way."""
    said = peers.said_by(member)
    if said is None or still_owes(node, member):
        return False
    mine, partner = read_heads(heads_for(node, member)), compacts.current().check_exchange(member)
    now = node.clock()
    line = sign_same(same_of(mine, said, now), node.signer)
    answer = client.exchange(peers.peer(member).url, partner.keys.pins, line)
    if not answer.startswith(SAME_MAGIC):
        return False
    found = open_same(answer, same_of(said, mine, now), partner.keys.sign)
    if found is None:
        return False
    peers.note_alive(member, found.time, node.clock().moment(), "answer")
    return True


def answer(node: Node, request: bytes) -> bytes:
    """Take in what a partner sent and return the sealed answer: our heads, and what it lacks.

    While we send to it ourselves, what is not urgent stays out of the answer: it would go twice.

    Raises VerificationError if the request is not for us or its sender is not known.
    """
    if request.startswith(SAME_MAGIC):
        return _answer_same(node, request)
    report = sync.read_sealed(node, io.BytesIO(request), how="network")
    for fault in report.faults:
        logger.warning("bundle from %s: %s", report.sender, fault)
    reply = io.BytesIO()
    extent = extent_for(node, peers.peer(report.sender), report.room)
    extent = replace(extent, shown=frozenset(report.shown))
    with turns.turn(node, report.sender) as free:
        extent = extent if free else replace(extent, bulk=False)
    sync.write_bundle(node, report.sender, reply, extent)
    return reply.getvalue()


def _answer_same(node: Node, request: bytes) -> bytes:
    """Return our signed line if nothing is new between us, nothing if there is.

    Raises MalformedError, RefusedError or VerificationError for a line that is not for us.
    """
    sender = peers.partner(node, read_same(request).sender).member
    said, now = peers.said_by(sender), node.clock()
    if said is None or still_owes(node, sender):
        return b""
    mine = read_heads(heads_for(node, sender))
    public = compacts.current().check_exchange(sender).keys.sign
    found = open_same(request, same_of(said, mine, now), public)
    if found is None:
        return b""
    peers.note_alive(sender, found.time, now.moment(), "network")
    return sign_same(same_of(mine, said, now), node.signer)
