"""Puts the foreign reader beside real nodes: what both hold after the same bundle."""

import json
from base64 import b64encode

from conftest import dossier_of_nodes
from liptako.core.compact.dossier import write_dossier
from liptako.core.log.bundle import ChannelFrame, HeadsFrame, PackageFrame
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.heads import Heads, sign_heads
from liptako.core.log.merkle import CompactRange, consistency_proof, leaf_hash, subtrees
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.refs import audience_id
from liptako.ledger.models import Entry, Rejected, Waiting
from liptako.ledger.reader import logs_for
from liptako.ledger.tally import shared_digest
from tests.foreign.deeds import Compact
from tests.foreign.folding import REJECTED, WAITING, states_of
from tests.foreign.reader import Reader

ORIGIN = "ML/c/0001020304050607/e1"
AUDIENCE = audience_id(["BF", "ML", "NE"])


def reader_for(fleet, member, **changes):
    """Return a reader with nothing but a member's identity and the dossier that all have."""
    compact = Compact()
    assert compact.take(write_dossier(dossier_of_nodes(list(fleet.nodes.values()))))
    node = fleet.nodes[member]
    return Reader(
        member=member,
        identity=node.identity,
        compact=compact,
        now=node.clock().milliseconds,
        **changes,
    )


def held_by_reader(reader):
    """Return header and payload of every record that a reader holds of others, by its place."""
    return {
        (log.origin, place): (entry.data, entry.body)
        for log in reader.logs.values()
        if log.author != reader.member
        for place, entry in log.entries.items()
    }


def held_by_node(fleet, member):
    """Return the same of a node."""
    with fleet.at(member):
        rows = Entry.objects.exclude(channel__author=member).values_list(
            "channel_id", "seq", "header", "payload__body"
        )
        return {
            (origin, seq): (bytes(header), None if body is None else bytes(body))
            for origin, seq, header, body in rows
        }


def aside_at_reader(reader):
    """Return which records wait and which are rejected, by their places."""
    states = states_of(reader.logs)
    return {name: state for name, state in states.items() if state in {WAITING, REJECTED}}


def aside_at_node(fleet, member):
    """Return the same of a node."""
    with fleet.at(member):
        found = {}
        for model, state in ((Waiting, WAITING), (Rejected, REJECTED)):
            rows = model.objects.values_list("entry__channel", "entry__seq")
            found |= dict.fromkeys(rows, state)
        return found


def digest_at_node(fleet, member, other):
    """Return the digest of the logs that two members share, as one of them has it."""
    with fleet.at(member):
        digest = shared_digest(logs_for(other, begun=False))
        return digest.basis, digest.state


def written_by_hand(fleet, log, *, to="BF", sender="ML", cut=256):
    """Return frames with a log of ML that its program would not write: (header, payload) each."""
    leaves = [leaf_hash(header) for header, _ in log]
    head = head_of(ORIGIN, CompactRange().extend(leaves))
    note = sign_checkpoint(head, fleet.nodes["ML"].signer)
    heads = sign_heads(Heads(sender=sender, recipient=to), fleet.nodes[sender].signer)
    frames = [
        HeadsFrame(heads),
        ChannelFrame(ORIGIN, ("BF", "ML", "NE"), "bulk", note, 0, b""),
    ]
    for start in range(0, len(log), cut):
        part = log[start : start + cut]
        end = start + len(part)
        frames.append(
            PackageFrame(
                start=start,
                headers=tuple(header for header, _ in part),
                bodies=tuple(body for _, body in part),
                seed=b"",
                salts=tuple(
                    b"" if body is None else derive_salt(bytes(16), start + i)
                    for i, (_, body) in enumerate(part)
                ),
                proof=consistency_proof(end, len(log), subtrees(leaves)),
            )
        )
    return frames


def spelled(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Author:
    """Somebody at ML who writes whatever comes to mind into one log."""

    def __init__(self):
        self.log = []

    def write(self, kind, payload, *, name=1, held=True, **changes):
        """Write a record, and return how another one names it."""
        place, body = len(self.log), payload if isinstance(payload, bytes) else spelled(payload)
        digest = payload_hash(derive_salt(bytes(16), place), body)
        header = {
            "v": 1,
            "kind": kind,
            "author": "ML",
            "office": "permanence",
            "audience": AUDIENCE,
            "compact": 1,
            "object": f"{name:013}",
            "lamport": place + 1,
            "time": 1_790_000_000_000,
            "payload": {"hash": b64encode(digest).decode(), "size": len(body), "type": "json"},
        }
        return self.write_raw(spelled(header | changes), body if held else None)

    def write_raw(self, data, body=None):
        self.log.append((data, body))
        return [ORIGIN, len(self.log) - 1, b64encode(leaf_hash(data)[:16]).decode()]
