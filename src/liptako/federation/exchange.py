"""One exchange with a partner over the network, from both sides."""

import io
import logging

from liptako.core.errors import LiptakoError
from liptako.federation import peers, sync
from liptako.federation.client import Client, HttpsClient
from liptako.federation.intake import Report
from liptako.ledger import compacts
from liptako.ledger.node import Node

logger = logging.getLogger(__name__)

ROUNDS = 500
"""Requests in one exchange at most; what is left goes with the next one."""


def exchange_with(node: Node, member: str, client: Client | None = None) -> Report:
    """Send what a partner lacks and take what it has for us, until neither has anything new.

    The result is kept for the page of partners. Raises NetworkError, VerificationError and others
    of ours.
    """
    try:
        report = _rounds(node, member, client or HttpsClient())
    except LiptakoError as fault:
        peers.note_failed(member, node.clock().moment(), fault)
        raise
    peers.note_exchanged(member, node.clock().moment(), report.faults)
    return report


def _rounds(node: Node, member: str, client: Client) -> Report:
    """Exchange bundles until a round brings nothing new to either side."""
    total = Report(sender=member)
    pin = compacts.current().check_exchange(member).keys.tls
    for _ in range(ROUNDS):
        bundle, held = io.BytesIO(), bytes(peers.peer(member).heads)
        sent = sync.write_bundle(node, member, bundle, limit=sync.ONLINE_ENTRIES, standalone=False)
        answer = client.exchange(peers.peer(member).url, pin, bundle.getvalue())
        report = sync.read_sealed(node, io.BytesIO(answer), how="answer")
        total.taken += report.taken
        total.faults += report.faults
        moved = report.taken or (sent and bytes(peers.peer(member).heads) != held)
        if report.faults or not moved:
            break
    return total


def answer(node: Node, request: bytes) -> bytes:
    """Take in what a partner sent and return the sealed answer: our heads, and what it lacks.

    Raises VerificationError if the request is not for us or its sender is not known.
    """
    report = sync.read_sealed(node, io.BytesIO(request), how="network")
    for fault in report.faults:
        logger.warning("bundle from %s: %s", report.sender, fault)
    reply = io.BytesIO()
    sync.write_bundle(node, report.sender, reply, limit=sync.ONLINE_ENTRIES, standalone=False)
    return reply.getvalue()
