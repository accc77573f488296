"""The command of the fuzzer: tries changed bytes on every parser, and says what comes out.

python -m tests.fuzz --count 1000000 --jobs 2          many; goes on where it was stopped
python -m tests.fuzz --again header:123                one again
"""

import argparse
import sys
import traceback
from collections import Counter as Tally
from functools import cache
from random import Random

from liptako.core.errors import LiptakoError
from tests import soaking
from tests.fuzz import payloads
from tests.fuzz.targets import TARGETS, Target

BATCH = 1_000  # inputs in one piece of a long run


@cache
def targets() -> tuple[Target, ...]:
    """Return all targets, those of the kinds of record included."""
    return (*TARGETS, *payloads.targets())


def dice(seed: object) -> Random:
    """Return dice that fall as their seed says."""
    return Random(str(seed))  # noqa: S311 (a test)


def attempt(target: Target, number: int) -> str:
    """Try one input; return what is wrong, or nothing."""
    data = target.input(dice(f"{target.name}:{number}"))
    try:
        target.read(data)
    except LiptakoError:
        return ""
    except Exception:  # noqa: BLE001 (whatever else comes out is a finding)
        again = f".venv/bin/python -m tests.fuzz --again {target.name}:{number}"
        return f"{again}\n  {data[:300]!r}\n{traceback.format_exc()}"
    return ""


def piece(number: int) -> soaking.Piece:
    """Try the inputs of one piece: a target after the other."""
    found, happened = [], Tally()
    for place in range(number * BATCH, (number + 1) * BATCH):
        target = targets()[place % len(targets())]
        fault = attempt(target, place)
        happened[target.name] += 1
        found += [fault] if fault else []
    return soaking.Piece(found=tuple(found), happened=happened)


def _begin() -> None:
    """Make what every process needs."""
    targets()


def _again(words: str) -> int:
    """Try one input again and say what comes out."""
    name, _, number = words.rpartition(":")
    (target,) = [target for target in targets() if target.name == name]
    fault = attempt(target, int(number))
    sys.stdout.write(f"{fault or 'nothing is wrong'}\n")
    return int(bool(fault))


def main(arguments: list[str]) -> int:
    """Run the command; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--again", help="try this input again, such as header:123")
    parser.add_argument("--first", type=int, default=0, help="the first piece of many")
    parser.add_argument("--count", type=int, default=1_000_000, help="how many inputs")
    parser.add_argument("--jobs", type=int, default=1, help="on how many processes")
    args = parser.parse_args(arguments)
    if args.again:
        return _again(args.again)
    pieces = -(-args.count // BATCH)
    progress = soaking.run(
        soaking.Soak(
            name="inputs",
            first=args.first,
            count=pieces,
            jobs=args.jobs,
            work=piece,
            begin=_begin,
        )
    )
    told = f"{pieces * BATCH} inputs in {progress.took:.0f} s, at most {soaking.peak()} MiB"
    sys.stdout.write(f"{told}: {progress.happened}\n")
    return int(bool(progress.found))
