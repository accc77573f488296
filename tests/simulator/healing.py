"""After the faults: clocks are right, links are up, and everybody exchanges until it is quiet."""

from dataclasses import dataclass, field
from random import Random

from liptako.federation.intake import Report
from liptako.federation.recalls import confirm
from liptako.ledger import projector, store
from liptako.ledger.models import Entry
from tests.simulator.carrying import exchange_between, read_stick
from tests.simulator.world import DAY, World
from tests.simulator.writing import write_one

MOST_ROUNDS = 30
_PATIENCE = 4  # exchanges, each way in turn, that brought nothing

_LOGS = "SELECT origin, author, size, frontier FROM ledger_channel ORDER BY origin"
_RECEIPTS = "SELECT channel_id, member, size FROM ledger_receipt ORDER BY channel_id, member"
_REST = """SELECT (SELECT COUNT(*) FROM ledger_doublehistory),
    (SELECT COALESCE(MAX(epoch), 0) FROM ledger_counter)"""


class RestlessError(Exception):
    """The members go on exchanging and never come to an end."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a node holds, as far as exchanges can change it."""

    logs: tuple[tuple[str, str, int, bytes], ...]
    receipts: tuple[tuple[str, str, int], ...]
    rest: tuple[int, int]


@dataclass(slots=True)
class _Pair:
    """Two members: how their last exchange went, and how many before it brought nothing."""

    members: tuple[str, str]
    report: Report | None = None
    seen: tuple[Held, Held] | None = None
    idle: int = 0


@dataclass(slots=True)
class Rounds:
    """Exchanges of everybody with everybody."""

    world: World
    chance: Random
    pairs: list[_Pair] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take every two members together."""
        names = self.world.members
        self.pairs = [_Pair((x, y)) for i, x in enumerate(names) for y in names[i + 1 :]]

    def settle(self) -> None:
        """Exchange until nothing moves. Raises RestlessError if that has no end."""
        for _ in range(MOST_ROUNDS):
            self.chance.shuffle(self.pairs)
            if not [pair for pair in self.pairs if self._exchange(pair)]:
                return
        message = f"not quiet after {MOST_ROUNDS} rounds"
        raise RestlessError(message)

    def _exchange(self, pair: _Pair) -> bool:
        """Let two members exchange, if that may bring anything; say whether they did."""
        world, (one, other) = self.world, pair.members
        held = held_by(world, one), held_by(world, other)
        pair.idle = pair.idle + 1 if pair.seen == held else 0
        if pair.idle and (pair.idle >= _PATIENCE or _is_level(world, one, other, held)):
            return False
        pair.report = exchange_between(world, one, other, self.chance)
        after = held_by(world, one), held_by(world, other)
        pair.seen, pair.members = after[::-1], (other, one)
        if after != held:
            pair.idle = 0
        return True


def held_by(world: World, member: str) -> Held:
    """Return what a node holds."""
    with world.fleet.database(member).cursor() as cursor:
        logs = cursor.execute(_LOGS).fetchall()
        receipts = cursor.execute(_RECEIPTS).fetchall()
        rest = cursor.execute(_REST).fetchone()
    return Held(tuple((*row[:3], bytes(row[3])) for row in logs), tuple(receipts), tuple(rest))


def _is_level(world: World, one: str, other: str, held: tuple[Held, Held]) -> bool:
    """Say whether two members hold the same, and each the other's receipts for all of its logs."""
    audiences = {place.origin: item.audience for place, item in world.written.items()}
    both = frozenset({one, other})
    shared = [{log for log in item.logs if both <= audiences.get(log[0], both)} for item in held]
    if shared[0] != shared[1]:
        return False
    wanted = {(origin, other if author == one else one, size) for origin, author, size, _ in
              shared[0] if author in both}  # fmt: skip
    return wanted <= {*held[0].receipts, *held[1].receipts}


def heal(world: World, chance: Random) -> Rounds:
    """Put everything right; return the exchanges that this took."""
    world.down.clear()
    for clock in world.clocks.values():
        clock.wrong = 0
    if chance.random() < 0.3:
        for stick in world.sticks:
            read_stick(world, stick.recipient, stick.data)
    world.now = max(world.now, *_expired_early(world)) + chance.choice((0, DAY, 2 * DAY, 30 * DAY))
    for member in world.members:
        work(world, member)
    rounds = Rounds(world, chance)
    if (
        world.was_set_back or chance.random() < 0.2
    ):  # whoever does not know that it was set back would tell two histories
        rounds.settle()
    write_one(world, chance.choice(world.members), frozenset(world.members))
    rounds.settle()
    for member in world.members:
        with world.writing(member):
            pass  # what it wrote by itself
    return rounds


def _expired_early(world: World) -> list[int]:
    """Return until when payloads were to be kept that are gone: a clock was ahead."""
    found = [world.now]
    for member in world.members:
        with world.at(member):
            rows = Entry.objects.filter(retain__gt=world.now, payload=None)
            found += rows.values_list("retain", flat=True)
    return found


def work(world: World, member: str) -> None:
    """Let a node's worker do what is due."""
    with world.writing(member) as node:
        projector.project_pending()
        while store.expire(node.clock()):
            pass
        confirm(node)
