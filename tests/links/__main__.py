"""Kills real processes at many seeded moments: one story again, or many. See `--help`.

python -m tests.links --seed 12             one story again
python -m tests.links --count 200           many; goes on where it was stopped
"""

import argparse
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests import soaking
from tests.cli.shell import Databases
from tests.links import killing


@cache
def _prepared() -> Path:
    """Return a folder with the nodes that every story of this process begins with."""
    folder = Path(tempfile.mkdtemp(prefix="liptako-kills-"))
    killing.prepare(folder, Databases())
    return folder


def _begin() -> None:
    """Make the nodes of a process."""
    _prepared()


def _work(seed: int) -> soaking.Piece:
    """Let one story happen in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="liptako-kill-") as folder:
        piece = killing.tell(seed, _prepared(), Path(folder), Databases())
    again = f".venv/bin/python -m tests.links --seed {seed}"
    found = tuple(f"{again}\n  {fault}" for fault in piece.found)
    return soaking.Piece(found=found, happened=piece.happened)


def main(arguments: list[str]) -> int:
    """Run the command; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.links", description=__doc__)
    parser.add_argument("--seed", type=int, help="let this story happen again")
    parser.add_argument("--first", type=int, default=0, help="the first seed of many")
    parser.add_argument("--count", type=int, default=200, help="how many")
    args = parser.parse_args(arguments)
    first, count = (args.first, args.count) if args.seed is None else (args.seed, 1)
    soak = soaking.Soak(name="kills", first=first, count=count, jobs=1, work=_work, begin=_begin)
    try:
        progress = soaking.run(soak)
    finally:
        if _prepared.cache_info().currsize:
            shutil.rmtree(_prepared(), ignore_errors=True)
    sys.stdout.write(f"{count} kills in {progress.took:.0f} s: {progress.happened}\n")
    return int(bool(progress.found))


sys.exit(main(sys.argv[1:]))
