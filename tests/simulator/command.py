"""The command of the simulator: one history again, or many of them.

python -m tests.simulator --seed 123 --steps 0,3,4     again what was found
python -m tests.simulator --count 10000 --jobs 2       many; goes on where it was stopped
"""

import argparse
import gc
import os
import sys
from functools import cache, partial

from tests import soaking
from tests.fleet import Fleet
from tests.simulator import history
from tests.simulator.world import MEMBERS

_COLLECTED_ONE_IN = 10  # histories


@cache
def _fleet() -> Fleet:
    """Return the nodes of this process."""
    return Fleet(list(MEMBERS), f"simulator_{os.getpid()}", remembers=True)


def _begin() -> None:
    """Make the nodes of a process; rubbish is looked for once in a while only."""
    _fleet()
    gc.freeze()
    gc.disable()


def _work(seed: int) -> soaking.Piece:
    """Let one history happen; if it ends badly, look for the shortest that does."""
    if not seed % _COLLECTED_ONE_IN:
        gc.collect()
    outcome = history.run(_fleet(), seed)
    found: tuple[str, ...] = ()
    if outcome.faults:
        found = (_report(history.shortest(outcome, partial(history.run, _fleet()))),)
    return soaking.Piece(found=found, happened=outcome.happened)


def _report(outcome: history.Outcome) -> str:
    """Return in words how a history ended, and how to see it again."""
    lines = [outcome.replay, f"  {', '.join(outcome.names)}", *outcome.faults]
    return "\n".join(line.replace("\n", "\n  ") for line in lines)


def _replay(seed: int, steps: str | None) -> int:
    """Let one history happen again and say how it ended."""
    chosen = [int(number) for number in steps.split(",")] if steps else None
    outcome = history.run(_fleet(), seed, chosen)
    sys.stdout.write(f"{_report(outcome)}\n")
    return int(bool(outcome.faults))


def main(arguments: list[str]) -> int:
    """Run the command; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this history again")
    parser.add_argument("--steps", help="only these of its steps, such as 0,3,4")
    parser.add_argument("--first", type=int, default=0, help="the first seed of many")
    parser.add_argument("--count", type=int, default=10_000, help="how many")
    parser.add_argument("--jobs", type=int, default=1, help="on how many processes")
    args = parser.parse_args(arguments)
    if args.seed is not None:
        return _replay(args.seed, args.steps)
    progress = soaking.run(
        soaking.Soak(
            name="histories",
            first=args.first,
            count=args.count,
            jobs=args.jobs,
            work=_work,
            begin=_begin,
        )
    )
    sys.stdout.write("".join(f"{found}\n" for found in progress.found))
    sys.stdout.write(f"{args.count} histories in {progress.took:.0f} s: {progress.happened}\n")
    return int(bool(progress.found))
