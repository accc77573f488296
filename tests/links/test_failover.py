"""The primary of a node's database dies, and its standby goes on in its place.

The commands for the servers are those of the administrator's guide.
"""

import re
import shlex
from contextlib import contextmanager
from pathlib import Path

import pytest

from liptako.cli import codes
from liptako.core.errors import StorageError
from tests.cli.shell import (
    POSTGRESQL,
    Databases,
    Home,
    build_map,
    free_port,
    listens,
    set_up,
    wait_for,
)
from tests.links.cluster import USER, clusters
from tests.links.killing import ROWS, write_table
from tests.links.watch import place, report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not POSTGRESQL, reason="fail-over is of PostgreSQL"),
]

GUIDE = (Path(__file__).parents[2] / "docs/guide/administrator.en.md").read_text(encoding="utf-8")
FORKS = "from liptako.ledger.models import DoubleHistory; print(DoubleHistory.objects.count())"
EPOCH = "from liptako.ledger.reader import epoch; print(epoch())"
INCIDENTS = (
    "from liptako.situation.models import Incident; "
    "print(Incident.objects.filter(author='ML').values('object').distinct().count())"
)


def statement(word):
    """Return the statement of the guide's command `psql` that has a word in it."""
    lines = [line for line in GUIDE.splitlines() if "psql" in line and word in line]
    words = shlex.split(lines[0])
    return words[words.index("-c") + 1]


def copying(primary, standby):
    """Return the words of the guide's command `pg_basebackup`, for these two servers."""
    (line,) = re.findall(r"^.*?pg_basebackup (.*)$", GUIDE, re.MULTILINE)
    given = {"--host": "127.0.0.1", "--username": USER, "--pgdata": str(standby.folder)}
    pairs = [word.partition("=") for word in shlex.split(line)]
    told = [f"{name}{equals}{given.get(name, text)}" for name, equals, text in pairs]
    return [*told, f"--port={primary.port}"]


@pytest.fixture
def servers():
    """A primary and a standby that follows it."""
    with clusters("primary", "standby") as (primary, standby):
        primary.create()
        primary.start()
        yield primary, standby


@pytest.fixture
def nodes(servers, databases, tmp_path):
    """ML, whose database is on the primary, and BF, which is elsewhere."""
    of_ml = Databases(servers[0].url)
    set_up(tmp_path, build_map(tmp_path / "map"), databases, of_ml)
    return Home(tmp_path / "ML"), Home(tmp_path / "BF")


def follow(primary, standby):
    """Let the standby follow the primary, and wait until it has all of it."""
    standby.copy(copying(primary, standby))
    standby.start()
    wait_until_followed(primary)


def wait_until_followed(primary):
    behind = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()"
    wait_for(lambda: primary.do(behind) == [(1,)], 60)


def fail_over(home, primary, standby):
    """Let the standby go on in the place of the primary, and the node with it."""
    standby.do(statement("pg_promote"))
    url = home.setting("DATABASE_URL").replace(f":{primary.port}/", f":{standby.port}/")
    home.set("DATABASE_URL", url)


def carry(one, other, folder):
    """Bring what waits from one node to another on a stick; return what the other one said."""
    file = folder / f"{one.folder.name}-{other.folder.name}"
    one.ok("exchange", "write", other.folder.name, file)
    result = other.run("exchange", "read", file)
    return result.out + result.err


def settle(ml, bf, folder):
    """Carry bundles to and fro until all is everywhere; nothing is wrong then."""
    for _ in range(3):
        carry(bf, ml, folder)
        carry(ml, bf, folder)
    assert carry(bf, ml, folder) == "0 new records from BF\n"
    assert [report(home)["faults"] for home in (ml, bf)] == [[], []]
    assert (ml.do(FORKS), bf.do(FORKS)) == ("0", "0")


def test_with_synchronous_replication_nothing_is_lost(servers, nodes, tmp_path):
    (primary, standby), (ml, bf) = servers, nodes
    follow(primary, standby)
    primary.do(statement("synchronous_standby_names"))
    primary.do("SELECT pg_reload_conf()")
    state = "SELECT sync_state FROM pg_stat_replication"
    wait_for(lambda: primary.do(state) in ([("sync",)], [("quorum",)]), 60)
    write_table(tmp_path / "table.csv", ROWS)
    before, seen = place(ml).taken, 0

    def reached():
        nonlocal seen
        seen = place(ml).taken
        return seen > before + ROWS

    with ml.process("import", tmp_path / "table.csv", "--release") as process:
        while process.poll() is None and not reached():
            pass
        primary.kill()
        process.communicate(timeout=60)
    assert process.returncode == codes.CODES[StorageError]
    fail_over(ml, primary, standby)
    assert place(ml).taken >= seen
    carry(ml, bf, tmp_path)
    ml.ok("import", tmp_path / "table.csv", "--release")
    assert int(ml.do(INCIDENTS)) == ROWS
    settle(ml, bf, tmp_path)
    assert bf.do(INCIDENTS) == ml.do(INCIDENTS)


def test_with_asynchronous_replication_no_log_is_written_twice(servers, nodes, tmp_path):
    """What the standby never had comes back from partners; what is new goes into new logs."""
    (primary, standby), (ml, bf) = servers, nodes
    ml.ok("demo-incident")
    follow(primary, standby)
    standby.stop()
    for _ in range(2):
        ml.ok("demo-incident")
    carry(ml, bf, tmp_path)
    epoch = ml.do(EPOCH)
    primary.kill()
    standby.start()
    fail_over(ml, primary, standby)
    assert ml.do(INCIDENTS) == "1"
    ml.ok("demo-incident")  # before a partner could tell it anything
    assert int(ml.do(EPOCH)) > int(epoch)
    settle(ml, bf, tmp_path)
    assert (ml.do(INCIDENTS), bf.do(INCIDENTS)) == ("4", "4")


@contextmanager
def served(home):
    """Serve a node to its partners; gives its address."""
    port = free_port()
    address = f"https://127.0.0.1:{port}"
    with home.process("serve", "--only", address):
        wait_for(lambda: listens(port), 60)
        yield address


def test_where_the_address_moves_what_runs_goes_on_and_notices_it(servers, nodes, tmp_path):
    """No process is started again; what the standby never had comes back from the partner."""
    (primary, standby), (ml, bf) = servers, nodes
    with served(bf) as address, ml.process("work", LIPTAKO_EXCHANGE_SECONDS="1") as process:
        ml.ok("partner", "BF", address)
        ml.ok("demo-incident")
        follow(primary, standby)
        standby.stop()
        ml.ok("demo-incident")
        wait_for(lambda: bf.do(INCIDENTS) == "2", 120)
        primary.kill()
        standby.port = primary.port
        standby.start()
        standby.do(statement("pg_promote"))
        ml.ok("demo-incident")
        wait_for(lambda: (ml.do(INCIDENTS), bf.do(INCIDENTS)) == ("3", "3"), 120)
        assert process.poll() is None
    settle(ml, bf, tmp_path)
