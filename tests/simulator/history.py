"""One history: what happens in it, how it ends, and the shortest one that ends as badly.

Everything is drawn from the seed. Each step has dice of its own, so that one can be left out and
the others remain what they were.
"""

import traceback
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.simulator import checks
from tests.simulator.attaching import forget_files
from tests.simulator.healing import heal, settle
from tests.simulator.steps import FAULTS, ORDINARY, Step, writes, writes_long
from tests.simulator.world import World, new_world

MOST_STEPS = 8
_LONG_ONE_IN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a history ended: what was wrong, which faults came about, and which steps it had."""

    seed: int
    steps: tuple[int, ...]
    names: tuple[str, ...]
    faults: tuple[str, ...]
    happened: Tally = field(default_factory=Tally)
    trace: str = ""

    @property
    def replay(self) -> str:
        """The command that shows it again."""
        command = f".venv/bin/python -m tests.simulator --seed {self.seed}"
        chosen = ",".join(map(str, self.steps))
        return command if self.steps == every_step(self.seed) else f"{command} --steps {chosen}"


def _dice(seed: int, what: object) -> Random:
    """Return dice of their own for a part of a history."""
    return Random(f"{seed}/{what}")  # noqa: S311 (a test)


def every_step(seed: int) -> tuple[int, ...]:
    """Return the numbers of the steps that a history has."""
    return tuple(range(_dice(seed, "length").randint(4, MOST_STEPS)))


def step_of(seed: int, number: int) -> Step:
    """Return what happens in a step. The seeds go through the faults in turn, in step 3."""
    dice = _dice(seed, f"kind {number}")
    if number == 3:
        return FAULTS[seed % len(FAULTS)]
    if number == 0:
        return writes_long if seed % _LONG_ONE_IN == 1 else writes
    return dice.choice(FAULTS if dice.random() < 0.5 else ORDINARY)


def run(fleet, seed: int, steps: Sequence[int] | None = None) -> Outcome:
    """Let a history happen, heal it, and check everything."""
    chosen = every_step(seed) if steps is None else tuple(steps)
    world = new_world(fleet, _dice(seed, "world"))
    names = tuple(step_of(seed, number).__name__ for number in chosen)
    try:
        for number in chosen:
            step_of(seed, number)(world, _dice(seed, number))
        rounds = heal(world, _dice(seed, "heal"))
        faults = tuple(checks.check_all(world, rounds))
        if faults and not rounds.thorough:  # it may be that they only stopped too early
            rounds.thorough = True
            settle(rounds)
            faults = tuple(checks.check_all(world, rounds))
            world.happened["settled again"] += 1
    except Exception:  # noqa: BLE001 (whatever comes out is a finding)
        faults = (traceback.format_exc(),)
    finally:
        forget_files(world)
    return Outcome(
        seed=seed, steps=chosen, names=names, faults=faults, happened=world.happened,
        trace=_trace(world),
    )  # fmt: skip


def _trace(world: World) -> str:
    """Return what tells two runs of one history apart."""
    places = sorted(f"{place.origin}@{place.seq}:{place.leaf.hex()}" for place in world.written)
    return f"{world.now} {world.marks} {' '.join(places)}"


def shortest(outcome: Outcome, again: Callable[[int, Sequence[int]], Outcome]) -> Outcome:
    """Leave out one step after the other as long as something is wrong at the end."""
    best, place = outcome, 0
    while place < len(best.steps):
        fewer = again(best.seed, best.steps[:place] + best.steps[place + 1 :])
        if fewer.faults:
            best = fewer
        else:
            place += 1
    return best
