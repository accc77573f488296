"""The command of the simulator: `python -m tests.simulator --seed 123`, or `--count 10000`."""

import argparse
import time
from collections import Counter as Tally

import django
from django.conf import settings


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--steps")
    parser.add_argument("--count", type=int, default=1)
    args = parser.parse_args(arguments)
    django.setup()
    from tests.fleet import Fleet
    from tests.simulator.history import run, shortest
    from tests.simulator.world import MEMBERS

    fleet = Fleet(list(MEMBERS), "simulator")
    steps = [int(x) for x in args.steps.split(",")] if args.steps else None
    total, begun, bad = Tally(), time.time(), 0
    for seed in range(args.seed or 0, (args.seed or 0) + args.count):
        outcome = run(fleet, seed, steps)
        total += outcome.happened
        if outcome.faults:
            bad += 1
            if args.count > 1: outcome = shortest(fleet, outcome)
            print(outcome.replay, outcome.names)
            for fault in outcome.faults[:4]:
                print("   ", fault[-1500:])
    took = time.time() - begun
    print(args.count, "histories", round(args.count / took, 2), "per s", bad, "bad")
    print(dict(total))
    return int(bool(bad))
