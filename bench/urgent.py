"""How long a flash record takes to a partner behind 50 MB that wait for the same line.

Beside it: what the backlog alone would take, for that is what an order of arrival would cost.
"""

import sqlite3
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from line import KBIT, free_port, running, shaped, wait_for
from link import QUIET, wait_for_port
from nodes import environ_of, fill, make_nodes, run
from table import Row

COUNT, LENGTH = 9_000, 7_900  # 9,000 texts of noise: 53 MB are left of them
TRIES = 3
_RUNNING = 25  # seconds into the backlog at which the flash record is written
_PATIENCE = 120


def measure(folder: Path) -> list[Row]:
    """Write flash records while the backlog is on its way; the slowest one counts."""
    port = free_port()
    with ExitStack() as stack:
        line = stack.enter_context(shaped())
        host, reached = line.reach(1, port)
        here, there = make_nodes(folder, "ML", "BF", listen=f"https://0.0.0.0:{port}", host=host)
        fill(here, COUNT, 0, 200, "routine", LENGTH)
        waiting = sum(file.stat().st_size for file in here.glob("liptako.sqlite3*"))
        program = [sys.executable, "-m", "liptako"]
        serve = running(line, 1, [*program, "serve"], env=environ_of(there), **QUIET)
        stack.enter_context(serve)
        wait_for_port(line, port)
        _set_address(here, f"https://{host}:{reached}")
        work = running(line, 0, [*program, "work"], env=environ_of(here), **QUIET)
        stack.enter_context(work)
        wait_for("the backlog", lambda: _held(there, "bulk") > 0, _PATIENCE)
        took = [_one(here, there, number) for number in range(1, TRIES + 1)]
        left = COUNT - _held(there, "bulk")
    if not left:
        sys.exit("the backlog was gone before the last flash record was written")
    return [
        Row(
            f"flash behind a backlog of {waiting / 1e6:.0f} MB, slowest of {TRIES}",
            max(took),
            COUNT * LENGTH * 0.75 / (KBIT * 125),
            "s",
            "the backlog first",
            "≤ 10 s",
        )
    ]


def _one(here: Path, there: Path, number: int) -> float:
    """Return the seconds from the writing of a flash record until the partner holds it."""
    time.sleep(_RUNNING / number)
    fill(here, 1, 0, 1, "flash")  # ends with the commit
    return wait_for("the flash record", lambda: _held(there, "urgent") >= number, _PATIENCE)


def _set_address(home: Path, url: str) -> None:
    """Tell a node where its partner is."""
    code = "from liptako.federation import peers; from liptako.ledger.node import this_node; "
    code += f"peers.set_url(this_node(), 'BF', {url!r})"
    run("-c", f"import django; django.setup()\n{code}", home=home)


def _held(home: Path, lane: str) -> int:
    """Return how many records of its partner's a node holds in a lane."""
    statement = (
        "SELECT count(*) FROM ledger_entry JOIN ledger_channel ON origin = channel_id "
        "WHERE author = 'ML' AND lane = ?"
    )
    with sqlite3.connect(home / "liptako.sqlite3") as database:
        return int(database.execute(statement, [lane]).fetchone()[0])
