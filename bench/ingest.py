"""How fast a node takes in what a partner hands over: verified, stored and drawn.

A bundle of situation records is read by a node that has nothing of it yet, in a process of its own
whose memory is measured. The peer stores the same rows in SQLite and verifies nothing.
"""

import json
import os
import shutil
import sqlite3
import sys
import time
from operator import itemgetter
from pathlib import Path

from nodes import HERE, fill, liptako, make_nodes, run
from records import records
from table import Row

SIZES = (10_000, 50_000, 100_000)
LARGEST = 1_000_000  # with FULL=1: it takes a quarter of an hour
ROUNDS = 3  # of the smallest, the yardstick of all others: the median counts
_PEER = "rows of the records into SQLite, no check"


def measure(folder: Path) -> list[Row]:
    """Take in bundles of growing size; the last one shows whether a record costs more then."""
    sizes = (*SIZES, LARGEST) if os.environ.get("FULL") else SIZES
    firsts = [_take_in(folder / "first", sizes[0]) for _ in range(ROUNDS)]
    took = {sizes[0]: sorted(firsts, key=itemgetter(1))[ROUNDS // 2]}
    took |= {count: _take_in(folder / str(count), count) for count in sizes[1:]}
    peers = {count: _insert(folder / "peer.sqlite3", count) for count in sizes}
    rows = []
    least = took[sizes[0]][2]
    for count, (wall, cpu, memory) in took.items():
        goal = "≤ 5 s" if count == SIZES[1] else ""
        what = f"{count} records verified, stored, drawn"
        rows += [
            Row(what, wall, peers[count], "s", _PEER, goal),
            Row(f"{what}: processor time", cpu, peers[count], "s", _PEER),
            Row(f"{what}: memory at most", memory, least, "MB", f"at {sizes[0]}", "flat"),
        ]
    first, last = sizes[0], sizes[-1]
    each = [took[count][1] / count * 1e6 for count in (last, first)]
    what = f"processor time a record at {last}"
    return [*rows, Row(what, *each, "µs", f"at {first}", "ratio ≤ 1.3")]


def _take_in(folder: Path, count: int) -> tuple[float, float, float]:
    """Return the seconds, the processor seconds and the megabytes that a bundle took to read."""
    here, there = make_nodes(folder, "ML", "BF")
    bundle = folder / "bundle"
    fill(here, count)
    liptako(here, "exchange", "write", "BF", bundle)
    shutil.rmtree(here)
    said, _ = run(HERE / "take_in.py", bundle, home=there)
    answer = json.loads(said)
    if answer["taken"] != count:
        sys.exit(f"expected {count} records, got {answer}")
    shutil.rmtree(folder)
    return answer["wall"], answer["processor"], answer["megabytes"]


def _insert(file: Path, count: int) -> float:
    """Return the seconds in which the same records are put into one table with an index."""
    rows = [(r["nonce"], r["seq"], r["ts"], json.dumps(r["body"])) for r in records(count)]
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("DROP TABLE IF EXISTS records")
        database.execute("CREATE TABLE records (id TEXT PRIMARY KEY, seq INT, at INT, body TEXT)")
        database.commit()
        began = time.perf_counter()
        for start in range(0, count, 256):
            some = rows[start : start + 256]
            database.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", some)
            database.commit()
    return time.perf_counter() - began
