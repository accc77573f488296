"""Looks into the database of a node while its processes run, and kills one at a chosen moment."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import psycopg

from tests.cli.shell import Home, kill

_COUNTER = "SELECT position, projected FROM ledger_counter WHERE id = 1"
_LANES = "SELECT lane, SUM(size) FROM ledger_channel WHERE author = 'ML' GROUP BY lane"
_REPORT = """
import hashlib, json
from liptako.ledger import projector, registry
from liptako.ledger.checking import check_logs
from liptako.ledger.models import Channel
from liptako.ledger.node import this_node
faults, count = check_logs(this_node(), lambda done, total: None)
rebuilt = projector.rebuild(lambda done, total: None)
digest = hashlib.sha256()
for module in registry.modules():
    for table in module.tables if module.name == "situation" else ():
        names = sorted(field.attname for field in table.model._meta.concrete_fields
                       if field.attname not in table.local)
        rows = table.model._default_manager.values_list(*names)
        digest.update(repr(sorted(map(repr, rows))).encode())
print(json.dumps({
    "faults": list(map(str, faults)), "entries": count,
    "mended": rebuilt.before != rebuilt.after, "digest": digest.hexdigest(),
    "logs": dict(Channel.objects.values_list("origin", "size")),
}))
"""


class Place(NamedTuple):
    """How many entries a node has taken, and how many of them are drawn."""

    taken: int = 0
    drawn: int = 0


def place(home: Home) -> Place:
    """Return how far a node is, as another process sees it: what was committed."""
    url = home.setting("DATABASE_URL")
    if url:
        with psycopg.connect(url) as server:
            row = server.execute(_COUNTER).fetchone()
    else:
        file = f"file:{home / 'liptako.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=20)) as database:
            row = database.execute(_COUNTER).fetchone()
    return Place(*row) if row else Place()


def lanes(home: Home) -> tuple[int, int]:
    """Return how many urgent and how many other entries of ML a node on SQLite holds."""
    file = f"file:{home / 'liptako.sqlite3'}?mode=ro"
    with closing(sqlite3.connect(file, uri=True, timeout=20)) as database:
        found = dict(database.execute(_LANES).fetchall())
    return found.get("urgent", 0), found.get("bulk", 0)


def report(home: Home) -> dict[str, object]:
    """Check a node whole: its evidence, its tables; return what came of it."""
    return dict(json.loads(home.do(_REPORT)))


def kill_when(
    process: subprocess.Popen[str], reached: Callable[[], bool], seconds: float = 60
) -> bool:
    """Kill a process once something is reached; say whether it had not ended before."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and not reached() and time.monotonic() < deadline:
        time.sleep(0.002)
    alive = process.poll() is None
    kill(process) if alive else process.communicate()
    return alive
