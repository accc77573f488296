"""A log of a partner that arrives here one package after the other."""

from liptako.core.clock import Instant
from liptako.core.log.checkpoint import head_of
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.verify import Channel
from liptako.core.records.envelope import Header, Lane, PayloadStub, encode_header
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.refs import Ref, audience_id
from liptako.ledger import store
from liptako.members.records import OFFICE

ROSTER = ("BF", "ML", "NE")
ORIGIN = "BF/c/0001020304050607/e1"
LOG = Channel(origin=ORIGIN, author="BF", audience=audience_id(ROSTER), lane=Lane.BULK)
GOOD = b'{"code":"desk","titles":{"fr":"Bureau"},"roles":[]}'


class Sender:
    """A log of BF, which arrives here one package after the other, and is drawn along."""

    def __init__(self, node):
        self.node, self.headers, self.bodies = node, [], []

    def write(self, kind=OFFICE, body=GOOD, *, name=1, **changes):
        seq = len(self.headers)
        digest = payload_hash(derive_salt(bytes(16), seq), body)
        fields = {
            "kind": kind,
            "author": "BF",
            "office": "permanence",
            "audience": audience_id(ROSTER),
            "compact": 1,
            "object": f"{name:013}",
            "lamport": seq + 1,
            "time": Instant(1_790_000_000_000),
            "payload": PayloadStub(hash=digest, size=len(body)),
        }
        self.write_raw(encode_header(Header(**fields | changes)), body)
        return Ref(origin=ORIGIN, seq=seq, leaf=leaf_hash(self.headers[seq])[:16])

    def write_raw(self, data, body=b"{}"):
        self.headers.append(data)
        self.bodies.append(body)

    def frames(self, size=8):
        """Give the log as packages of so many records."""
        for start in range(0, len(self.headers), size):
            yield PackageFrame(
                start=start,
                headers=tuple(self.headers[start : start + size]),
                bodies=tuple(self.bodies[start : start + size]),
                seed=bytes(16),
                salts=(),
                proof=(),
            )

    def packages(self, size=8):
        """Let the log arrive in packages of so many records; give how many have come."""
        for frame in self.frames(size):
            yield self.take(frame, frame.start + len(frame.headers))

    def take(self, package, end):
        """Take in a package, with which the log has `end` entries; return `end`."""
        log = CompactRange().extend(map(leaf_hash, self.headers[:end]))
        self.news = store.take(
            self.node, ROSTER, LOG, store.Signed(head_of(ORIGIN, log), b""), package
        )
        return end
