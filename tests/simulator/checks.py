"""What must hold after healing, whatever has happened. Each check gives what is wrong as words."""

import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from liptako.core.digest import Digest, judges_otherwise
from liptako.core.errors import LiptakoError
from liptako.core.log.fork import check_fork, read_fork
from liptako.core.log.receipt import check_receipt, read_receipt
from liptako.core.log.sealed import unseal
from liptako.federation.models import Parcel
from liptako.ledger import compacts, projector, registry
from liptako.ledger.checking import check_logs
from liptako.ledger.models import Channel, DoubleHistory, Entry, Receipt, Rejected, Waiting
from liptako.ledger.reader import logs_for, root_of
from liptako.ledger.receipts import sizes
from liptako.ledger.tally import shared_digest
from tests.simulator.attaching import check_files
from tests.simulator.healing import Rounds, faults_of
from tests.simulator.world import MARK, World
from tests.snapshots import cells

Faults = Iterator[str]
_ORIGIN = re.compile(rb"[A-Z]{2}/c/[0-9a-f]{16}/e[0-9]+")
_encoder = msgspec.json.Encoder(order="sorted", enc_hook=bytes)


def check_all(world: World, rounds: Rounds) -> Faults:
    """Give everything that is wrong in a world that was healed."""
    forked = world.forked()
    yield from check_rest(rounds, forked)
    yield from check_presence(world, forked)
    yield from check_forged(world)
    yield from check_files(world, forked)
    for member in world.members:
        yield from (f"{member}: {fault}" for fault in check_node(world, member, forked))
    yield from check_states(world, forked)
    yield from check_proofs(world, forked)


def check_rest(rounds: Rounds, forked: set[str]) -> Faults:
    """The last exchanges went well: nothing is wrong any longer but double histories."""
    for pair in rounds.pairs:
        names = " and ".join(sorted(pair.members))
        if pair.report is None:
            yield f"{names} cannot exchange"
        else:
            yield from (f"{names}: {fault}" for fault in faults_of(pair.report, forked))


def check_node(world: World, member: str, forked: set[str]) -> Faults:
    """Give what is wrong at one node."""
    yield from check_secrecy(world, member)
    yield from check_parcels(world, member)
    with world.at(member) as node:
        faults, _ = check_logs(node, lambda _done, _total: None)
        yield from (f"evidence: {fault}" for fault in faults)
        yield from check_receipts(world, node, forked)
        before = state_of()
        rebuilt = projector.rebuild(lambda _done, _total: None)
        if (rebuilt.before, before) != (rebuilt.after, state_of()):
            yield "a rebuild changes the state"


def check_presence(world: World, forked: set[str]) -> Faults:
    """Every record that somebody still has is at every member of its audience, with its payload.

    Of a log with two histories each holds another one: a recall in it reaches some and not others.
    So does one that a thief has signed before the cap.
    """
    held = {member: world.held(member) for member in world.members}
    everywhere = set().union(*held.values())
    recalled, perhaps = (
        {
            name for place in everywhere
            if place in world.written and (place.origin in forked) is torn
            for name in world.written[place].takes_back
        }
        for torn in (False, True)
    )  # fmt: skip
    for place, names in world.forged_recalls.items():
        perhaps |= set(names) if world.counts(place) else set()
    for place, written in world.written.items():
        if place.origin in forked or (place in world.lost and place not in everywhere):
            continue
        expired = written.retain is not None and written.retain <= world.now
        for member in sorted(written.audience):
            if place not in held[member]:
                yield f"{member} lacks {place.origin}@{place.seq}"
                continue
            name, gone = (place.origin, place.seq), not held[member][place]
            if name in perhaps - recalled:
                continue
            if written.mark and not expired and gone != (name in recalled):
                word = "lacks" if gone else "still has"
                yield f"{member} {word} the payload of {place.origin}@{place.seq}"


def check_forged(world: World) -> Faults:
    """What its author has not written is nowhere, unless its key was good for it."""
    for member in world.members:
        for place in sorted(world.held(member).keys() - world.written.keys(), key=str):
            if place not in world.forged:
                yield f"nobody wrote {place}, which {member} holds"
            elif not world.counts(place):
                yield f"{member} holds {place}, signed with a stolen key beyond its cap"


def check_secrecy(world: World, member: str) -> Faults:
    """Nothing of a record is anywhere outside its audience, in whatever table and column."""
    found = cells(world.fleet.database(member))
    for number, names in set(MARK.findall(found)):
        if member not in names.decode().split("."):
            yield f"the mark {number.decode()} for {names.decode()} is here"
    audiences = {place.origin: item.audience for place, item in world.written.items()}
    for origin in set(_ORIGIN.findall(found)):
        if member not in audiences.get(origin.decode(), {member}):
            yield f"the log {origin.decode()} is named here"
    for name, allowed in world.objects.items():
        if name and name.encode() in found and member not in frozenset().union(*allowed):
            yield f"the object {name} is named here"


def check_parcels(world: World, member: str) -> Faults:
    """No parcel that is kept here for another opens with the keys of this node."""
    with world.at(member) as node:
        for row in Parcel.objects.exclude(sealed=b"").exclude(recipient=member):
            world.happened["parcel kept"] += 1
            try:
                unseal(io.BytesIO(bytes(row.sealed)), io.BytesIO(), node.identity)
            except LiptakoError:
                continue
            yield f"the parcel {row} opens here"


def check_receipts(world: World, node: Any, forked: set[str]) -> Faults:
    """No receipt says more than its member holds; and of every log the author has all of them."""
    logs = {log.origin: log for log in Channel.objects.select_related("audience")}
    whole, good = set(), sizes()
    for row in Receipt.objects.all():
        receipt, log = read_receipt(bytes(row.note)), logs[row.channel_id]
        if (row.channel_id, row.member) not in good:
            continue  # by a key that was taken back: signed once more
        check_receipt(receipt, [world.fleet.nodes[row.member].signer.public])
        if row.channel_id in forked:
            continue
        if root_of(log, row.size) != receipt.checkpoint.root:
            yield f"the receipt of {row} is for another log"
        whole |= {(row.channel_id, row.member)} if row.size == log.size else set()
        with world.at(row.member):
            theirs = Channel.objects.filter(origin=row.channel_id).first()
            if theirs is None or theirs.size < row.size:
                yield f"the receipt of {row} is for more than is held"
    for log in logs.values():
        others = set(log.audience.members) - {node.member}
        if log.author == node.member and log.size and log.origin not in forked:
            yield from (
                f"{other} has given no receipt for all of {log.origin}"
                for other in sorted(others)
                if (log.origin, other) not in whole
            )


Rows = dict[str, list[bytes]]


def state_of() -> Rows:
    """Return what a node shows: for each audience its rows, what waits, and what is rejected."""
    rows: Rows = {}
    for module in registry.modules():
        for table in module.tables:
            meta = table.model._meta
            names = sorted(f.attname for f in meta.concrete_fields if f.attname not in table.local)
            for row in table.model._default_manager.values(*names):
                rows.setdefault(row["audience"], []).append(_encoder.encode([meta.label, row]))
    for name, model in (("waits", Waiting), ("rejected", Rejected)):
        for audience, *rest in model.objects.values_list(
            "entry__channel__audience", "entry__channel", "entry__seq"
        ):
            rows.setdefault(audience, []).append(_encoder.encode([name, rest]))
    return {audience: sorted(found) for audience, found in rows.items()}


def check_states(world: World, forked: set[str]) -> Faults:
    """Who holds the same of an audience, and of the logs that its records name, shows the same.

    But for a log with two histories in which a thief's recall has destroyed something: when the
    recall is gone that does not come again, as nothing more is taken of such a log.
    """
    states, heads, named = {}, {}, {}
    torn = {name for names in world.forged_recalls.values() for name, _ in names} & forked
    yield from check_digests(world)
    for member in world.members:
        with world.at(member):
            states[member] = state_of()
            heads[member] = {
                log.origin: (log.audience_id, log.size, bytes(log.frontier))
                for log in Channel.objects.all()
            }
            named[member] = _named()
    for i, one in enumerate(world.members):
        for other in world.members[i + 1 :]:
            for audience in states[one].keys() & states[other].keys():
                origins = named[one].get(audience, set()) | named[other].get(audience, set())
                same = all(heads[one].get(x) == heads[other].get(x) for x in origins)
                same = same and torn.isdisjoint(origins)
                if same and states[one][audience] != states[other][audience]:
                    shown = set(states[one][audience]) ^ set(states[other][audience])
                    yield f"{one} and {other} hold the same and show otherwise: {sorted(shown)}"


def check_digests(world: World) -> Faults:
    """Partners whose heads are the same judge the same by the digest, and all have one."""
    for i, one in enumerate(world.members):
        for other in world.members[i + 1 :]:
            (heads, mine), (others, theirs) = _digest(world, one, other), _digest(world, other, one)
            if mine is None or theirs is None:
                yield f"{one} and {other} have no digest"
            elif heads == others and judges_otherwise(mine, theirs):
                yield f"{one} and {other} hold the same and judge otherwise"


def _digest(world: World, member: str, other: str) -> tuple[object, Digest | None]:
    """Return what a member holds of the logs it shares with another, and its digest."""
    with world.at(member):
        logs = logs_for(other, begun=False)
        heads = [(log.origin, log.size, bytes(log.frontier)) for log in logs]
        return heads, shared_digest(logs)


def _named() -> dict[str, set[str]]:
    """Return for each audience its logs, and those that their records name."""
    found: dict[str, set[str]] = {}
    for audience, origin, header in Entry.objects.values_list(
        "channel__audience", "channel_id", "header"
    ):
        logs = {match.decode() for match in _ORIGIN.findall(bytes(header))}
        found.setdefault(audience, set()).update({origin}, logs)
    return found


def check_proofs(world: World, forked: set[str]) -> Faults:
    """A double history is proved at whoever can know it, and nothing else is."""
    roots: dict[str, dict[str, tuple[int, bytes]]] = {}
    proved: dict[str, set[str]] = {}
    for member in world.members:
        with world.at(member):
            for row in DoubleHistory.objects.filter(void=False).select_related("channel"):
                proved.setdefault(row.channel_id, set()).add(member)
                yield from _wrong_proof(row)
            for log in Channel.objects.filter(origin__in=forked):
                roots.setdefault(log.origin, {})[member] = log
    for origin in sorted(proved.keys() - forked):
        yield f"a double history of {origin} is proved that nobody wrote"
    for origin, logs in sorted(roots.items()):
        if _differ(world, logs):
            yield from (
                f"{member} knows nothing of the double history of {origin}"
                for member in sorted(logs.keys() - proved.get(origin, set()))
            )


def _wrong_proof(row: DoubleHistory) -> Faults:
    """Give what is wrong with a proof."""
    try:
        check_fork(read_fork(bytes(row.proof)), compacts.current().open_checkpoint)
    except LiptakoError as fault:
        yield f"the proof of {row} proves nothing: {fault}"


def _differ(world: World, logs: dict[str, Channel]) -> bool:
    """Say whether two members hold different histories of a log."""
    size = min(log.size for log in logs.values())
    found = set()
    for member, log in logs.items():
        with world.at(member):
            found.add(root_of(log, size))
    return len(found) > 1
