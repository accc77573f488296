"""1,500 records over a real line of 64 kbit/s and 600 ms, beside PouchDB and PostgreSQL.

In the same run, over the same line: all that one side has, then what both have written while the
line was down, then nothing. Ours signs, seals, and ends when the other side has signed for it all.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from line import KBIT, ROOT, ROUND_TRIP_MS, Line, free_port, running, shaped, wait_for
from nodes import HERE, environ_of, fill, make_nodes
from records import lines
from replicas import replicas
from table import Row

COUNT, LATER = 1_500, 150
_MINUTE = 60
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
_PACKAGES = ROOT / "build" / "bench-pouchdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a system took: seconds, and bytes on the line for each record; bytes for nothing."""

    initial: tuple[float, float]
    later: tuple[float, float]
    idle: float
    lines: float = 0


def measure(folder: Path) -> list[Row]:
    """Measure all three, one after the other, each on a line of its own."""
    with shaped() as line:
        ours, counts = _ours(line, folder / "ours"), line.counts
    with shaped() as line:
        pouchdb = _pouchdb(line, folder / "pouchdb")
    with shaped() as line:
        postgresql = _postgresql(line)
    peers = (
        ("PouchDB over HTTP", pouchdb, "a sync"),
        ("PostgreSQL logical replication", postgresql, "a minute"),
    )
    what = f"{KBIT} kbit/s, {ROUND_TRIP_MS} ms ({counts})"
    return [row for peer in peers for row in _rows(what, ours, *peer)]


def _rows(what: str, ours: Figures, name: str, peer: Figures, idle: str) -> list[Row]:
    """Return ours beside one peer."""
    initial, later = f"{COUNT} records, {what}", f"{LATER} more on each side, after an outage"
    nothing = (peer.idle, "B", f"{name}, {idle}")
    return [
        Row(initial, ours.initial[0], peer.initial[0], "s", name, "≤ 25 s"),
        Row(f"{initial}, each", ours.initial[1], peer.initial[1], "B", name, "≤ 120 B"),
        Row(later, ours.later[0], peer.later[0], "s", name),
        Row(f"{later}, each", ours.later[1], peer.later[1], "B", name),
        Row("nothing new, on a new connection", ours.idle, *nothing),
        Row("nothing new, the signed lines alone", ours.lines, *nothing, "≤ 400 B"),
    ]


def _timed(line: Line, records: int, work: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds that some work says it took, and the bytes on the line a record."""
    before = line.sent()
    return work(), (line.sent() - before) / records


class _Peer:
    """A program that answers words with lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.expect("ready")

    def tell(self, text: str) -> None:
        """Hand it a text."""
        print(text, file=self._process.stdin, end="", flush=True)

    def expect(self, word: str) -> list[str]:
        """Return what it says behind a word."""
        answer = next(iter(self._process.stdout or ()), "").split()
        if answer[:1] != [word]:
            sys.exit(f"expected {word}, got {answer}")
        return answer[1:]

    def sync(self, expected: int) -> float:
        """Let it exchange; return the seconds. The other side must then hold so many records."""
        self.tell("sync\n")
        seconds, count, *_ = self.expect("synced")
        if int(count) != expected:
            sys.exit(f"expected {expected} records, got {count}")
        return float(seconds)


def _ours(line: Line, folder: Path) -> Figures:
    """Exchange with a node that serves, as `liptako work` does."""
    port = free_port()
    host, reached = line.reach(1, port)
    here, there = make_nodes(folder, "ML", "BF", listen=f"https://0.0.0.0:{port}", host=host)
    serve = [sys.executable, "-m", "liptako", "serve"]
    ask = [sys.executable, HERE / "partner.py", "BF", f"https://{host}:{reached}"]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ExitStack() as stack:
        stack.enter_context(running(line, 1, serve, env=environ_of(there), **QUIET))
        peer = _Peer(stack.enter_context(running(line, 0, ask, env=environ_of(here), **piped)))
        wait_for_port(line, port)
        fill(here, COUNT)
        initial = _timed(line, COUNT, lambda: peer.sync(COUNT))
        fill(here, LATER, COUNT)
        fill(there, LATER, COUNT + LATER)
        later = _timed(line, 2 * LATER, lambda: peer.sync(COUNT + LATER))
        peer.tell("settle\n")
        peer.expect("settled")
        _, idle = _timed(line, 1, lambda: peer.sync(COUNT + LATER))
        peer.tell("lines\n")
        (size,) = peer.expect("lines")
    return Figures(initial=initial, later=later, idle=idle, lines=float(size))


def wait_for_port(line: Line, port: int) -> None:
    """Wait until somebody listens at end 1."""
    code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5).close()"
    command = line.inside(1, [sys.executable, "-c", code])

    def is_open() -> bool:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    wait_for(f"port {port}", is_open)


def _pouchdb(line: Line, folder: Path) -> Figures:
    """Replicate a PouchDB with one that speaks the CouchDB protocol (express-pouchdb)."""
    port = free_port()
    host, reached = line.reach(1, port)
    program = ["node", _pouchdb_program()]
    for name in ("here", "there"):
        (folder / name).mkdir(parents=True)
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    serve = [*program, "serve", port, folder / "there"]
    ask = [*program, "client", f"http://{host}:{reached}/records", folder / "here"]
    with ExitStack() as stack:
        there = _Peer(stack.enter_context(running(line, 1, serve, **piped)))
        here = _Peer(stack.enter_context(running(line, 0, ask, **piped)))
        _store(here, COUNT, 0)
        initial = _timed(line, COUNT, lambda: here.sync(COUNT))
        _store(here, LATER, COUNT)
        _store(there, LATER, COUNT + LATER)
        total = COUNT + 2 * LATER
        later = _timed(line, 2 * LATER, lambda: here.sync(total))
        there.tell("count\n")
        if there.expect("count") != [str(total)]:
            sys.exit("PouchDB did not bring all records")
        here.sync(total)
        _, idle = _timed(line, 1, lambda: here.sync(total))
    return Figures(initial=initial, later=later, idle=idle)


def _store(peer: _Peer, count: int, skip: int) -> None:
    """Store records in a PouchDB."""
    peer.tell(lines(count, skip, key="_id").decode() + "flush\n")
    if peer.expect("stored") != [str(count)]:
        sys.exit("PouchDB did not store all records")


def _pouchdb_program() -> Path:
    """Return the program with what it needs from npm beside it, by its lock."""
    _PACKAGES.mkdir(parents=True, exist_ok=True)
    for file in (HERE / "pouchdb").glob("*.*"):
        (_PACKAGES / file.name).write_bytes(file.read_bytes())
    subprocess.run([which("npm") or "npm", "ci", "--silent"], cwd=_PACKAGES, check=True)
    return _PACKAGES / "peer.mjs"


def _postgresql(line: Line) -> Figures:
    """Let each of two servers follow a table of the other."""
    with replicas(line) as (here, there):
        here.fill("there", lines(COUNT))
        here.publish("there")
        there.publish("back")

        def subscribe() -> float:
            began = time.perf_counter()
            there.subscribe("there", here)
            wait_for("PostgreSQL", lambda: there.count("there") == COUNT, patience=600)
            return time.perf_counter() - began

        initial = _timed(line, COUNT, subscribe)
        here.subscribe("back", there)
        for server, name in ((here, "back"), (there, "there")):
            server.sql(f"ALTER SUBSCRIPTION {name} DISABLE")
        here.fill("there", lines(LATER, COUNT))
        there.fill("back", lines(LATER, COUNT + LATER))
        time.sleep(2 * ROUND_TRIP_MS / 1000)

        def go_on() -> float:
            began = time.perf_counter()
            for server, name in ((here, "back"), (there, "there")):
                server.sql(f"ALTER SUBSCRIPTION {name} ENABLE")
            total = COUNT + LATER
            wait_for(
                "PostgreSQL",
                lambda: there.count("there") == total and here.count("back") == LATER,
                patience=600,
            )
            return time.perf_counter() - began

        later = _timed(line, 2 * LATER, go_on)
        time.sleep(2 * ROUND_TRIP_MS / 1000)
        _, idle = _timed(line, 1, lambda: time.sleep(_MINUTE) or 0.0)
    return Figures(initial=initial, later=later, idle=idle)
