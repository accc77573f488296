"""After the faults: all clocks are right, all links up, and everybody exchanges until it is quiet."""

from random import Random

from liptako.federation.intake import Report
from liptako.ledger import projector, store
from liptako.ledger.models import Entry
from tests.simulator.carrying import exchange_between, read_stick
from tests.simulator.world import DAY, World
from tests.simulator.writing import write_one

MOST_ROUNDS = 40

_TRACE = """SELECT
    (SELECT COALESCE(SUM(size), 0) FROM ledger_channel),
    (SELECT COALESCE(SUM(size), 0) FROM ledger_receipt),
    (SELECT COUNT(*) FROM ledger_doublehistory),
    (SELECT COALESCE(MAX(epoch), 0) FROM ledger_counter)"""


class RestlessError(Exception):
    """The members go on exchanging and never come to an end."""


def heal(world: World, chance: Random) -> dict[frozenset[str], list[Report]]:
    """Put everything right; return what the last exchanges of every two members said."""
    world.down.clear()
    for clock in world.clocks.values():
        clock.wrong = 0
    if chance.random() < 0.3:
        for stick in world.sticks:
            read_stick(world, stick.recipient, stick.data)
    world.now = max(world.now, *_expired_early(world)) + chance.choice((0, DAY))
    _work(world)
    settle(world, chance)
    write_one(world, chance.choice(world.members), frozenset(world.members))
    reports = settle(world, chance)
    _work(world)
    return reports


def _expired_early(world: World) -> list[int]:
    """Return until when payloads were to be kept that are gone: a clock was ahead."""
    found = [world.now]
    for member in world.members:
        with world.at(member):
            rows = Entry.objects.filter(retain__gt=world.now, payload=None)
            found += rows.values_list("retain", flat=True)
    return found


def _work(world: World) -> None:
    """Let every node's worker do what is due."""
    for member in world.members:
        with world.at(member) as node:
            projector.project_pending()
            while store.expire(node.clock()):
                pass


def settle(world: World, chance: Random) -> dict[frozenset[str], list[Report]]:
    """Let everybody exchange with everybody, each way, until nothing moves.

    Raises RestlessError if that has no end.
    """
    quiet: dict[tuple[str, str], tuple[object, object]] = {}
    reports: dict[frozenset[str], list[Report]] = {}
    pairs = [(one, other) for one in world.members for other in world.members if one != other]
    for _ in range(MOST_ROUNDS):
        chance.shuffle(pairs)
        moved = False
        for one, other in pairs:
            before = (_trace(world, one), _trace(world, other))
            if quiet.get((one, other)) == before:
                continue
            report = exchange_between(world, one, other, chance)
            reports.setdefault(frozenset({one, other}), []).append(report)
            quiet[one, other] = before
            moved = True
        if not moved:
            return {pair: found[-1:] for pair, found in reports.items()}
    message = f"not quiet after {MOST_ROUNDS} rounds"
    raise RestlessError(message)


def _trace(world: World, member: str) -> tuple[object, ...]:
    """Return what changes whenever a node comes to hold more."""
    with world.fleet.database(member).cursor() as cursor:
        cursor.execute(_TRACE)
        return tuple(cursor.fetchone())
