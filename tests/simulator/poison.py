"""Poison: what a member's broken or hostile program signs though it should not have.

It stands in that member's own log, under a good signature: everybody who may have the log takes it
as evidence, sets it aside, and goes on.
"""

from dataclasses import replace
from random import Random

import msgspec
from django.db import transaction

from liptako.core.clock import Instant
from liptako.core.errors import MalformedError
from liptako.core.log.checkpoint import head_of, sign_checkpoint
from liptako.core.log.merkle import leaf_hash, read_range
from liptako.core.log.verify import Accepted, read_header
from liptako.core.records.envelope import Header, PayloadStub, Precedence, encode_header
from liptako.core.records.fields import INT_LIMIT
from liptako.core.records.payload import PACKAGE, derive_salt, payload_hash
from liptako.core.refs import Ref, object_id
from liptako.ledger import projector, store
from liptako.ledger.models import Channel, Package
from liptako.ledger.pen import advance, store_entries
from liptako.ledger.reader import channel_value, epoch
from liptako.members.records import AUDIT, MANDATE, OFFICE
from tests.simulator.world import World
from tests.simulator.writing import some_audience, write_one

UNREADABLE = (
    b"", b"{}", b"\xff\xfe\x00", b"[" * 3000, b'{"v":1 }', b'{"v":1,"v":1}', b"\x00" * 65_535,
    b'{"v":' + b"9" * 400 + b"}", b'{"payload":{"hash":""}}',
)  # fmt: skip
BODIES = (
    b"", b"{}", b"\xff", b"null", b"[" * 3000, b'{"text":1}',
    b'{"code":"X","titles":{},"roles":[]}',
    b'{"office":"x1","subjects":["a"],"begins":9007199254740991}', b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"event":"\xed\xa0\x80"}', b'{"event":"test","detail":"\\u0000"}', b"{" * 65_000,
)  # fmt: skip
KINDS = (AUDIT, OFFICE, MANDATE, "situation.incident/1", "situation.release/1", "later.thing/1")


def write_poison(world: World, member: str, chance: Random) -> None:
    """Let a member sign something that nobody can read, or that breaks a rule."""
    audience = some_audience(world, member, chance)
    write_one(world, member, audience)  # so that there is a log for them
    with world.writing(member) as node:
        with transaction.atomic():
            log = _own_log(node, audience)
            salt = derive_salt(_seed_of(node, log), log.size)
            if chance.random() < 0.3:
                _store(node, log, chance.choice(UNREADABLE), salt, b"")
            else:
                mark = b'{"event":"x","detail":"' + world.next_mark(audience).encode() + b'"}'
                body = chance.choice((*BODIES, mark, mark, mark))
                _store(node, log, _bad_header(node, log, salt, body, chance), salt, body)
        projector.project_pending()


def _own_log(node, audience: frozenset[str]) -> Channel:
    """Return the log that a member writes for an audience."""
    rows = Channel.objects.select_related("audience").filter(author=node.member, epoch=epoch())
    return next(row for row in rows.order_by("origin") if set(row.audience.members) == audience)


def _seed_of(node, log: Channel) -> bytes:
    """Return the seed of the salts at the end of a log."""
    package, _ = Package.objects.get_or_create(
        channel=log, number=log.size // PACKAGE, defaults={"seed": node.random(16)}
    )
    return bytes(package.seed) or node.random(16)


def _bad_header(node, log: Channel, salt: bytes, body: bytes, chance: Random) -> bytes:
    """Return a header that can be read, and has something wrong with it or with its payload."""
    good = Header(
        kind=chance.choice(KINDS),
        author=node.member,
        office="permanence",
        audience=log.audience_id,
        compact=1,
        object=object_id(node.random(8)),
        lamport=log.audience.lamport + 1,
        time=node.clock(),
        payload=PayloadStub(hash=payload_hash(salt, body), size=len(body)),
        precedence=Precedence.ROUTINE if log.lane == "bulk" else Precedence.FLASH,
    )
    return encode_header(msgspec.structs.replace(good, **_changes(log, chance)))


def _changes(log: Channel, chance: Random) -> dict[str, object]:
    """Return what is wrong with a header."""
    nowhere = Ref(origin=f"{log.author}/c/{'0' * 16}/e1", seq=3, leaf=bytes(16))
    return chance.choice(
        (
            {},
            {"author": "XX"},
            {"audience": "a" * 16},
            {"precedence": Precedence.FLASH if log.lane == "bulk" else Precedence.ROUTINE},
            {"lamport": INT_LIMIT},
            {"compact": INT_LIMIT},
            {"retain": Instant(0)},
            {"retain": Instant(253_402_300_799_999)},
            {"time": Instant(0)},
            {"refs": (nowhere,)},
            {"refs": (replace(nowhere, origin=log.origin, seq=INT_LIMIT),)},
            {"refs": (replace(nowhere, origin=log.origin, seq=log.size),)},
            {"refs": (replace(nowhere, origin=log.origin, seq=0),)},
            {"refs": (nowhere,) * 300},
            {"office": "\u2028" * 64},
            {"extra": (("later", [1, {"x": None}]),)},
        )
    )


def _store(node, log: Channel, data: bytes, salt: bytes, body: bytes) -> None:
    """Put an entry at the end of a log and sign it."""
    counter = store.lock()
    grown = read_range(log.size, bytes(log.frontier)).extend([leaf_hash(data)])
    entry = Accepted(seq=log.size, data=data, leaf=leaf_hash(data), salt=salt, body=body)
    try:
        entry = msgspec.structs.replace(entry, header=read_header(channel_value(log), data))
    except MalformedError:
        entry = msgspec.structs.replace(entry, salt=b"", body=None)
    advance(log, grown, sign_checkpoint(head_of(log.origin, grown), node.signer))
    counter.position = store_entries(node, log, [entry], counter.position)[-1].position
    counter.save()
