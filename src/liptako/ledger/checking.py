"""Checks the evidence in the database against itself: leaves, roots, signatures, payloads."""

from collections.abc import Callable

from liptako.core.errors import LiptakoError
from liptako.core.log.checkpoint import open_checkpoint
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.records.envelope import decode_header
from liptako.core.records.payload import payload_hash
from liptako.ledger import compacts
from liptako.ledger.models import Channel, Entry
from liptako.ledger.node import Node


def check_logs(node: Node, progress: Callable[[int, int], None]) -> tuple[list[str], int]:
    """Return what is wrong with any log, in words for an auditor, and how many entries it has."""
    faults: list[str] = []
    total, done = Entry.objects.count(), 0
    for log in Channel.objects.order_by("origin"):
        for entry in _entries(log):
            faults += _entry_faults(entry)
            done += 1
            if done % 1000 == 0:
                progress(done, total)
        faults += _root_faults(node, log)
    progress(total, total)
    return faults, total


def _entries(log: Channel) -> list[Entry]:
    """Return the entries of a log with their payloads."""
    return list(Entry.objects.filter(channel=log).select_related("payload").order_by("seq"))


def _entry_faults(entry: Entry) -> list[str]:
    """Return what is wrong with an entry."""
    data = bytes(entry.header)
    if leaf_hash(data) != bytes(entry.leaf):
        return [f"{entry}: the header is not the one that was hashed"]
    stored = getattr(entry, "payload", None)
    if stored is None or not entry.kind:
        return []
    expected = decode_header(data).payload.hash
    if payload_hash(bytes(stored.salt), bytes(stored.body)) != expected:
        return [f"{entry}: the payload is not the one that the header names"]
    return []


def _root_faults(node: Node, log: Channel) -> list[str]:
    """Return what is wrong with the root of a log or the signature on it."""
    if not log.checkpoint:
        return []
    own = node.signer.public
    try:
        public = (
            own if log.author == node.member else compacts.current().member(log.author).keys.sign
        )
        head = open_checkpoint(bytes(log.checkpoint), log.origin, public)
    except LiptakoError as fault:
        return [f"{log}: {fault}"]
    leaves = Entry.objects.filter(channel=log, seq__lt=head.size).order_by("seq")
    found = CompactRange().extend(bytes(leaf) for leaf in leaves.values_list("leaf", flat=True))
    if (found.size, found.root()) != (head.size, head.root):
        return [f"{log}: the entries are not those that the checkpoint signs"]
    return []
