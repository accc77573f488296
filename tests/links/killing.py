"""Stories of two real nodes, one of which is killed at a seeded moment and started again.

Each gives what was wrong as words; nothing, if nothing is lost and no more than one piece of work
was done again. Used by the tests and by the long run (`python -m tests.links`).
"""

import re
import subprocess
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from liptako.cli import codes
from tests import soaking
from tests.cli.shell import (
    POSTGRESQL,
    Databases,
    Home,
    build_map,
    copy_node,
    free_port,
    kill,
    listens,
    set_up,
    wait_for,
)
from tests.links.watch import kill_when, place, report

ROWS = 1_500
"""Rows of the table that is imported: each is an incident of ML's own and one for partners."""

PACKAGE = 256
_COLUMNS = (
    "id,where_prec,latitude,longitude,where_description,conflict_name,side_a,side_b,country,"
    "date_start,date_end,best,low,high"
)
_BATCH = 100  # rows that an import writes in one transaction

Faults = Iterator[str]
Process = subprocess.Popen[str]


def write_table(path: Path, rows: int) -> None:
    """Write a table of incidents as UCDP publishes them, each with words that nothing shortens."""
    chance = Random(rows)  # noqa: S311 (a test)
    lines = [
        f"{number},1,14.5,-4.2,{chance.randbytes(100).hex()},Crue {number},a,b,MLI,"
        "2025-03-01,2025-03-02,1,0,2"
        for number in range(rows)
    ]
    path.write_text("\n".join([_COLUMNS, *lines]) + "\n")


class Pair:
    """The nodes of a story, in a folder of its own, and what chance decides."""

    def __init__(self, originals: Path, folder: Path, databases: Databases, seed: int) -> None:
        self.originals, self.folder, self.databases = originals, folder, databases
        self.happened: Tally[str] = Tally()
        self.chance = Random(seed)  # noqa: S311 (a test)

    def node(self, name: str, like: str = "") -> Home:
        """Return a copy of a node that was prepared."""
        return copy_node(self.originals / (like or name), self.folder / name, self.databases)

    def somewhere(self, end: int) -> int:
        """Return a place before the end."""
        return self.chance.randrange(end)

    def kill_when(self, process: Process, reached: Callable[[], bool]) -> None:
        """Kill a process once something is reached; note whether it was still at work."""
        alive = kill_when(process, reached, 120)
        self.happened["killed at work" if alive else "killed too late"] += 1

    def kill_after(self, process: Process, least: float, most: float) -> None:
        """Kill a process after a while; note whether it was still at work."""
        deadline = time.monotonic() + self.chance.uniform(least, most)
        self.kill_when(process, lambda: time.monotonic() > deadline)

    def restored(self, file: Path, name: str) -> tuple[Home, list[str]]:
        """Return a folder to restore a backup into, and the words for that."""
        words = self.databases.make() if POSTGRESQL else []
        return Home(self.folder / name), ["restore", str(file), *words]


def _number(said: str) -> int:
    """Return the first number of what a command said."""
    return int((re.search(r"\d+", said) or ["0"])[0])


def check(name: str, home: Home) -> Faults:
    """Give what is wrong with the evidence and the tables of a node."""
    found = report(home)
    yield from (f"{name}: {fault}" for fault in found["faults"])
    if found["mended"]:
        yield f"{name}: the tables were not what the log says"


def same(pair: Pair, bf: Home) -> Faults:
    """Give what BF holds otherwise than a node that was never killed."""
    never = report(Home(pair.originals / "never killed"))
    found = report(bf)
    if found["digest"] != never["digest"]:
        yield "BF has another state than a node that was never killed"
    for origin, size in never["logs"].items():
        if origin.startswith("ML/") and found["logs"].get(origin) != size:
            yield f"BF holds {found['logs'].get(origin)} of {size} entries of {origin}"


def importing(pair: Pair) -> Faults:
    """ML is killed while it writes its log: what was committed stays, the rest is written once."""
    ml, table = pair.node("ML", "ML empty"), pair.originals / "table.csv"
    before, target = place(ml).taken, pair.somewhere(ROWS * 2)
    with ml.process("import", table, "--release") as process:
        pair.kill_when(process, lambda: place(ml).taken > before + target)
        seen = place(ml).taken
    held = int(ml.do(_COUNT_OWN))
    if place(ml).taken < seen or held % _BATCH:
        yield f"ML had committed {seen} entries; {place(ml).taken} are left, of {held} rows"
    added = _number(ml.ok("import", table, "--release"))
    if held + added != ROWS or int(ml.do(_COUNT_OWN)) != ROWS:
        yield f"{held} rows were there, {added} came, of {ROWS}"
    yield from check("ML", ml)


_COUNT_OWN = (
    "from liptako.situation.models import Incident; "
    "print(Incident.objects.exclude(source_id='').values('source_id').distinct().count())"
)


def reading(pair: Pair) -> Faults:
    """BF is killed while it reads a file, takes it in and draws; read again, it goes on."""
    bf, file = pair.node("BF"), pair.originals / "bundle"
    total = _shared(pair)
    before, target = place(bf).taken, pair.somewhere(total)
    with bf.process("exchange", "read", file) as process:
        pair.kill_when(process, lambda: place(bf).taken > before + target)
    yield from _goes_on(bf, total, before, lambda: bf.ok("exchange", "read", file))
    yield from same(pair, bf)
    yield from check("BF", bf)


def _shared(pair: Pair) -> int:
    """Return how many entries ML has for BF."""
    return int((pair.originals / "count").read_text())


def _goes_on(bf: Home, total: int, before: int, again: Callable[[], str]) -> Faults:
    """Give what is wrong with how BF goes on after it was killed while it took entries in."""
    held = place(bf).taken - before
    if held % PACKAGE and held != total:
        yield f"BF has kept {held} entries, a part of a package"
    taken = sum(map(int, re.findall(r"(\d+) new records", again())))
    if held + taken < total:
        yield f"BF held {held} entries and took {taken} more, of {total}"
    if held + taken > total + PACKAGE:
        yield f"BF did more than a package again: {held} + {taken} of {total}"


def drawing(pair: Pair) -> Faults:
    """BF is killed while its tables are drawn, twice; a worker finishes what is left."""
    bf, file = pair.node("BF"), pair.originals / "bundle"
    total = place(bf).taken + _shared(pair)
    with bf.process("exchange", "read", file) as process:
        pair.kill_when(process, lambda: place(bf).taken >= total)
    left = place(bf)
    target = left.drawn + pair.somewhere(max(total - left.drawn, 1))
    with bf.process("work") as process:
        pair.kill_when(process, lambda: place(bf).drawn > target or place(bf).drawn >= total)
    if place(bf).drawn < left.drawn or place(bf).taken < left.taken:
        yield f"BF was at {left} and is at {place(bf)}"
    with bf.process("work") as process:
        wait_for(lambda: place(bf).drawn == place(bf).taken, 120)
        kill(process)
    yield from same(pair, bf)
    yield from check("BF", bf)


def serving(pair: Pair) -> Faults:
    """BF is killed while it takes in what ML sends over the network, and started again."""
    yield from _over_the_network(pair, lambda served, _sending: served)


def sending(pair: Pair) -> Faults:
    """ML is killed while it sends over the network, and started again."""
    yield from _over_the_network(pair, lambda _served, sending: sending)


def _over_the_network(pair: Pair, victim: Callable[[Process, Process], Process]) -> Faults:
    """ML sends to BF; one of both is killed on the way; then both run until nothing is left."""
    ml, bf = pair.node("ML"), pair.node("BF")
    port, total, before = free_port(), _shared(pair), place(bf).taken
    address, target = f"https://127.0.0.1:{port}", pair.somewhere(total)
    ml.ok("partner", "BF", address)
    with _served(bf, address) as served, ml.process("exchange", "now", "BF") as process:
        pair.kill_when(victim(served, process), lambda: place(bf).taken > before + target)
        seen = place(bf).taken
        process.wait(timeout=120)
    if place(bf).taken < seen:
        yield f"BF had committed {seen} entries; {place(bf).taken} are left"
    with _served(bf, address):
        for _ in range(20):
            ml.ok("exchange", "now", "BF")
            if place(bf).taken - before >= total:
                break
    yield from same(pair, bf)
    yield from check("BF", bf)
    yield from check("ML", ml)


@contextmanager
def _served(bf: Home, address: str) -> Iterator[Process]:
    """Serve a node at an address while what is inside lasts."""
    port = int(address.rpartition(":")[2])
    with bf.process("serve", "--only", address) as process:
        wait_for(lambda: listens(port), 60)
        yield process


def writing(pair: Pair) -> Faults:
    """ML is killed while it writes a file for BF: a file with that name is whole, or not there."""
    ml, bf, file = pair.node("ML"), pair.node("BF"), pair.folder / "for BF"
    with ml.process("exchange", "write", "BF", file) as process:
        pair.kill_after(process, 0.3, 2.0)
    if not file.exists():
        ml.ok("exchange", "write", "BF", file)
    bf.ok("exchange", "read", file)
    yield from same(pair, bf)
    yield from check("ML", ml)


def saving(pair: Pair) -> Faults:
    """ML is killed while it writes a backup: a file with that name is whole, or not there."""
    ml, file = pair.node("ML"), pair.folder / "backup"
    with ml.process("backup", file) as process:
        pair.kill_after(process, 0.3, 2.5)
    if file.exists():
        yield from check("whole", _restored(pair, file, "whole"))
    ml.ok("backup", file)
    yield from (f"a backup leaves {path}" for path in pair.folder.glob("backup.part*"))
    home = _restored(pair, file, "again")
    if place(home).taken < place(ml).taken:
        yield f"ML had {place(ml).taken} entries, its backup has {place(home).taken}"
    yield from check("again", home)
    yield from check("ML", ml)


def _restored(pair: Pair, file: Path, name: str) -> Home:
    """Return a node that was restored from a backup."""
    home, words = pair.restored(file, name)
    home.ok(*words)
    return home


def restoring(pair: Pair) -> Faults:
    """A restore is killed: nothing runs on what it left; done again, it is done."""
    ml, file = Home(pair.originals / "ML"), pair.originals / "backup"
    home, words = pair.restored(file, "again")
    with home.process(*words) as process:
        pair.kill_after(process, 0.2, 4.0)
    begun = home.run("verify")
    _, words = pair.restored(file, "again")
    done = home.run(*words)
    if begun.code == codes.OK:
        if done.code == codes.OK:
            yield "a restore that was done could be done over it"
    elif done.code != codes.OK:
        yield f"the restore could not be done again: {done.err}"
    if home.do(_EPOCH) == "1":
        yield "a restored node goes on in its old logs"
    if place(home).taken < place(ml).taken:
        yield f"ML had {place(ml).taken} entries, the restored node has {place(home).taken}"
    yield from check("again", home)


_EPOCH = "from liptako.ledger.reader import epoch; print(epoch())"

STORIES = (importing, reading, drawing, serving, sending, writing, saving, restoring)


def prepare(folder: Path, databases: Databases) -> None:
    """Make the nodes that every story begins with, in a folder."""
    set_up(folder, build_map(folder / "map"), databases)
    write_table(folder / "table.csv", ROWS)
    copy_node(folder / "ML", folder / "ML empty", databases)
    ml, never = Home(folder / "ML"), copy_node(folder / "BF", folder / "never killed", databases)
    ml.ok("import", folder / "table.csv", "--release")
    ml.ok("exchange", "write", "BF", folder / "bundle")
    ml.ok("backup", folder / "backup")
    said = never.ok("exchange", "read", folder / "bundle")
    (folder / "count").write_text(str(_number(said)))


def tell(seed: int, originals: Path, folder: Path, databases: Databases) -> soaking.Piece:
    """Let the story of a seed happen; return what was wrong, and whether it was killed at work."""
    story, pair = STORIES[seed % len(STORIES)], Pair(originals, folder, databases, seed)
    found = tuple(f"{story.__name__}, seed {seed}: {fault}" for fault in story(pair))
    happened = {f"{story.__name__}: {what}": count for what, count in pair.happened.items()}
    return soaking.Piece(found=found, happened=Tally(happened))
