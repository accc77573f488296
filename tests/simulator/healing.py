"""After the faults: clocks are right, links are up, and everybody exchanges until it is quiet."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from random import Random

from liptako.core.errors import LiptakoError
from liptako.core.keys import COSIGNATURE, key_id
from liptako.core.log.heads import key_name
from liptako.federation.intake import Report
from liptako.federation.recalls import confirm
from liptako.ledger import files, projector, store
from liptako.ledger.models import Entry
from tests.simulator.carrying import exchange_between, read_stick
from tests.simulator.thief import take_back_key
from tests.simulator.world import DAY, World
from tests.simulator.writing import write_one

MOST_ROUNDS = 30
_PATIENCE = 4  # exchanges, each way in turn, that brought nothing
_LEAST = 3  # one more than that: when the first is counted, something was brought

_LOGS = """SELECT origin, author, size, frontier, members FROM ledger_channel
    JOIN ledger_audience ON id = audience_id ORDER BY origin"""
_RECEIPTS = "SELECT channel_id, member, size, key FROM ledger_receipt ORDER BY channel_id, member"
_REST = """SELECT (SELECT COUNT(*) FROM ledger_doublehistory),
    (SELECT COALESCE(MAX(epoch), 0) FROM ledger_counter),
    (SELECT COALESCE(SUM(held), 0) FROM ledger_incoming),
    (SELECT COUNT(*) FROM ledger_attached WHERE NOT held)"""


class RestlessError(Exception):
    """The members go on exchanging and never come to an end."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a node holds, as far as exchanges can change it."""

    logs: tuple[tuple[str, str, int, bytes, str], ...]
    receipts: tuple[tuple[str, str, int], ...]
    rest: tuple[int, ...]

    @property
    def lacks_files(self) -> bool:
        """Say whether a file is lacking that a record names."""
        return self.rest[-1] > 0


@dataclass(slots=True)
class _Pair:
    """Two members: how their last exchange went, and how many before it brought nothing."""

    members: tuple[str, str]
    report: Report | None = None
    seen: tuple[Held, Held] | None = None
    idle: int = 0


@dataclass(slots=True)
class Rounds:
    """Exchanges of everybody with everybody.

    Two members are left alone once they hold the same, or once exchanges have brought nothing for
    long; if not `thorough` as soon as may be, which costs half as much.
    """

    world: World
    chance: Random
    thorough: bool = True
    pairs: list[_Pair] = field(default_factory=list)
    forked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Take every two members together."""
        names = self.world.members
        self.pairs = [_Pair((x, y)) for i, x in enumerate(names) for y in names[i + 1 :]]
        self.forked = self.world.forked()

    def tell(self, members: Collection[str]) -> None:
        """Let some members exchange once with everybody."""
        self.chance.shuffle(self.pairs)
        for pair in self.pairs:
            if not set(members).isdisjoint(pair.members):
                self._exchange(pair)

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
        if self._is_quiet(pair, held):
            return False
        pair.report = exchange_between(world, one, other, self.chance)
        after = held_by(world, one), held_by(world, other)
        pair.seen, pair.members = after[::-1], (other, one)
        if after != held:
            pair.idle = 0
        return True

    def _is_quiet(self, pair: _Pair, held: tuple[Held, Held]) -> bool:
        """Say whether nothing more is to be expected of two members."""
        is_clean = pair.report is not None and not list(faults_of(pair.report, self.forked))
        if self.thorough:
            level = is_clean and pair.idle > 0 and _is_level(pair, held, set())
            return level or pair.idle >= _PATIENCE
        if not is_clean:
            return pair.idle >= _LEAST
        # Of a log with two histories they never hold the same: once more, to tell of it.
        enough = pair.idle >= (2 if self.forked else 0)
        return pair.idle >= _LEAST or (enough and _is_level(pair, held, self.forked))


def faults_of(report: Report, forked: set[str]) -> Iterator[LiptakoError]:
    """Give what was wrong with an exchange but for double histories."""
    for fault in report.faults:
        if fault.params.get("origin") not in forked:
            yield fault


def held_by(world: World, member: str) -> Held:
    """Return what a node holds; of receipts those by present keys: others are signed once more."""
    keys = {
        name: key_id(key_name(name), node.signer.public, COSIGNATURE)
        for name, node in world.fleet.nodes.items()
    }
    with world.fleet.database(member).cursor() as cursor:
        logs = cursor.execute(_LOGS).fetchall()
        receipts = cursor.execute(_RECEIPTS).fetchall()
        rest = cursor.execute(_REST).fetchone()
    return Held(
        tuple((*row[:3], bytes(row[3]), str(row[4])) for row in logs),
        tuple(tuple(row) for *row, key in receipts if bytes(key) == keys[row[1]]),
        tuple(rest),
    )


def _is_level(pair: _Pair, held: tuple[Held, Held], forked: set[str]) -> bool:
    """Say whether two members hold the same, and authors the other's receipts for all of it.

    That is so of the logs that both may have and that have one history.
    """
    one, other = pair.members
    shared = [
        {log for log in item.logs if one in log[4] and other in log[4] and log[0] not in forked}
        for item in held
    ]
    if shared[0] != shared[1] or any(item.lacks_files for item in held):
        return False
    return all(
        (origin, reader, size) in mine.receipts
        for mine, author, reader in ((held[0], one, other), (held[1], other, one))
        for origin, writer, size, *_ in shared[0]
        if writer == author
    )


def heal(world: World, chance: Random) -> Rounds:
    """Put everything right; return the exchanges that this took."""
    world.down.clear()
    for clock in world.clocks.values():
        clock.wrong = 0
    if chance.random() < 0.3:
        for stick in world.sticks:
            read_stick(world, stick.recipient, stick.data)
    world.now = max(world.now, *_expired_early(world)) + chance.choice((0, DAY, 2 * DAY, 30 * DAY))
    for member in sorted(world.stolen):
        take_back_key(world, member, chance)
    for member in world.members:
        work(world, member)
    rounds = Rounds(world, chance, thorough=chance.random() < 0.05)
    # Whoever does not know that it was set back would tell two histories.
    rounds.tell(world.was_set_back if chance.random() < 0.9 else world.members)
    write_one(world, chance.choice(world.members), frozenset(world.members))
    settle(rounds)
    return rounds


def settle(rounds: Rounds) -> None:
    """Let everybody exchange until it is quiet, and note what nodes wrote by themselves."""
    rounds.settle()
    for member in rounds.world.members:
        with rounds.world.writing(member) as node:
            while store.expire(node.clock()):  # a payload may end just now
                pass
            files.sweep(node)


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
        files.finish(node)
        files.sweep(node)
        confirm(node)
