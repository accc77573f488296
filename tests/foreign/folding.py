"""A foreign reader, part 8: state.md. Which records wait, which are rejected, and the digest."""

import hashlib
from collections import defaultdict
from typing import Any, NamedTuple

from tests.foreign.payloads import KINDS, is_payload, read_payload
from tests.foreign.rules import rejected_of

FOLDED, WAITING, REJECTED, UNKNOWN = "folded", "waiting", "rejected", "unknown"
BASIS = ("no-payload", "no-kind")


class Record(NamedTuple):
    """An entry whose header was read, in its place."""

    origin: str
    place: int
    entry: Any

    @property
    def name(self):
        return self.origin, self.place

    @property
    def order(self):
        header = self.entry.header
        return header.lamport, header.author, self.origin, self.place


def states_of(logs, kinds=frozenset(KINDS)):
    """Return the state of every record of these logs, by origin and place."""
    states, threads = {}, defaultdict(list)
    for log in logs.values():
        for place, entry in log.entries.items():
            if _is_read(entry, kinds):
                record = Record(log.origin, place, entry)
                threads[entry.header.thread].append(record)
            else:
                states[log.origin, place] = REJECTED
    for thread in threads.values():
        states |= _fold(logs, sorted(thread, key=lambda record: record.order), kinds)
    return states


def _is_read(entry, kinds):
    header, body = entry.header, entry.body
    if header is None:
        return False
    return body is None or header.kind not in kinds or is_payload(header.kind, body)


def _fold(logs, thread, kinds):
    states = {}
    for record in thread:
        states[record.name] = _first_state(logs, record, states)
    left = [record for record in thread if states[record.name] == FOLDED]
    known = [
        (record.entry.header.kind, record)
        for record in left
        if record.entry.header.kind in kinds and record.entry.body is not None
    ]
    read = [(kind, read_payload(kind, record.entry.body), record) for kind, record in known]
    for record in rejected_of(read):
        states[record.name] = REJECTED
    for record in left:
        if record.entry.header.kind not in kinds:
            states[record.name] = UNKNOWN
    return states


def _first_state(logs, record, states):
    """Return what the refs of a record alone make of it."""
    for ref in record.entry.header.refs:
        log = logs.get(ref.origin)
        if log is None or ref.place not in log.entries:
            return WAITING
        if states.get((ref.origin, ref.place)) == WAITING:  # only its own thread is in here
            return WAITING
        if log.entries[ref.place].leaf[:16] != ref.leaf:
            return REJECTED
    return FOLDED


def words_of(logs, kinds=frozenset(KINDS), states=None):
    """Give the words of all records of these logs, as lines of text without their ends."""
    states = states_of(logs, kinds) if states is None else states
    for log in logs.values():
        for place, entry in log.entries.items():
            name = f"{log.origin} {place}"
            if entry.body is None:
                yield f"{name} no-payload"
            if entry.header is not None and entry.header.kind not in kinds:
                yield f"{name} no-kind"
            if states[log.origin, place] in {WAITING, REJECTED}:
                yield f"{name} {states[log.origin, place]}"


def digest_of(words):
    """Return basis and state, 16 hexadecimal digits each."""
    sums = [hashlib.sha256(f"liptako {part} v1".encode()).digest() for part in ("basis", "state")]
    for word in words:
        part = 0 if word.endswith(BASIS) else 1
        added = hashlib.sha256(f"{word}\n".encode()).digest()
        sums[part] = bytes(a ^ b for a, b in zip(sums[part], added, strict=True))
    return tuple(found[:8].hex() for found in sums)


def shared_digest(logs, pair, kinds=frozenset(KINDS)):
    """Return the digest of two partners: their logs, judged with all that is held."""
    states = states_of(logs, kinds)
    shared = {origin: log for origin, log in logs.items() if set(pair) <= set(log.roster)}
    return digest_of(words_of(shared, kinds, states))
