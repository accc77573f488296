"""A node at work: its tables follow the log, its jobs run, and no kill costs what was kept."""

import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import psycopg
import pytest

from tests.cli.shell import KEPT, POSTGRESQL, listens, python, wait_for

HEADER = (
    "event_id,date,category,iso3,admin1,lat,lon,geo_precision,description,weapon,killed,injured,"
    "kidnapped,arrested,source_file\n"
)
DIGEST = "from liptako.ledger.digest import state_digest; print(state_digest())"
ENTRIES = "from liptako.ledger.models import Entry; print(Entry.objects.count())"
INCIDENTS = "SELECT count(*) FROM situation_incident WHERE author = 'BF'"
TAKEN = "SELECT count(*) FROM ledger_entry WHERE channel_id LIKE 'BF/%'"
IN_ORDER = "records: every signature, hash and payload is in order.\n"
SAME = "The tables were as the log says.\n"


@pytest.fixture
def table(tmp_path):
    """Return a maker of tables with published incidents: `table(600)`."""

    def make(count):
        file = tmp_path / "table.csv"
        row = "2022-03-01,health_care,BFA,Sahel,14.1,-1.6,(2),x,,0,0,0,0,f"
        file.write_text(HEADER + "\n".join(f"A{number},{row}" for number in range(count)))
        return file

    return make


def number_in(home, question):
    """Return the answer to a question to the database, asked beside the program."""
    if POSTGRESQL:
        lines = (home / "liptako.env").read_text().splitlines()
        url = next(line.split("=", 1)[1] for line in lines if line.startswith("DATABASE_URL="))
        with psycopg.connect(url) as connection:
            return connection.execute(question).fetchone()[0]
    with closing(sqlite3.connect(home / "liptako.sqlite3", timeout=20)) as connection:
        return connection.execute(question).fetchone()[0]


def wait_until_there(home, question, count):
    wait_for(lambda: number_in(home, question) >= count, 60)
    assert number_in(home, question) == count


def stopped(process, number=signal.SIGTERM):
    """Stop a process with a signal; return its exit code and what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_a_rebuild_leaves_the_tables_as_they_were_and_tells_their_digest(ml):
    ml.ok("demo-incident")
    count, digest = ml.do(ENTRIES), ml.do(DIGEST)
    said = f"{count} records. State: {digest}\n{SAME}"
    assert ml.run("rebuild") == (0, said, f"Records: {count}/{count} (100 %)\n")


def test_tables_that_differ_from_the_log_are_mended_and_it_is_said(ml):
    right = ml.do(DIGEST)
    ml.change("UPDATE members_office SET code = 'other' WHERE code = 'audit'")
    wrong, count = ml.do(DIGEST), ml.do(ENTRIES)
    told = f"The tables differed from the log and are mended. Before: {wrong}"
    result = ml.run("rebuild")
    assert (result.code, result.out) == (1, f"{count} records. State: {right}\n")
    assert (result.err.splitlines()[-1], ml.do(DIGEST)) == (told, right)


PROGRESS = """
from liptako.cli.words import Progress
show = Progress("Records")
for done in range(0, 201, 2):
    show(done, 200)
Progress("Nothing")(0, 0)
"""


def test_progress_is_told_in_steps_of_ten_where_nobody_watches():
    lines = [f"Records: {n * 2}/200 ({n} %)\n" for n in range(0, 101, 10)]
    assert python("-c", PROGRESS) == (0, "", "".join([*lines, "Nothing: 0/0 (100 %)\n"]))


def test_progress_on_a_terminal_is_one_line_that_is_written_over():
    own, shown = pty.openpty()
    subprocess.run([sys.executable, "-c", PROGRESS], env=KEPT, stderr=shown, check=True)
    os.close(shown)
    parts = os.read(own, 65_536).decode().split("\r")
    os.close(own)
    lines = [f"Records: {n * 2}/200 ({n} %)" for n in range(101)]
    assert parts == [*lines, "\nNothing: 0/0 (100 %)", "\n"]


LATER = """
from liptako.core.refs import object_id
from liptako.ledger import registry, store
from liptako.ledger.node import this_node
from liptako.ledger.records import Draft
from liptako.members.records import Audit
kind = registry.Kind(name="later.thing/1", payload=Audit)
fold = lambda _: registry.Folded({})
registry.register(registry.Module(name="later", kinds=(kind,), tables=(), fold=fold))
draft = Draft(kind=kind.name, object=object_id(bytes(8)), office="system",
              payload=Audit(event="e"), audience=frozenset({"ML", "BF"}))
store.append(this_node(), [draft])
"""


def test_a_kind_of_a_later_version_waits_in_the_log_and_disturbs_nothing(ml, bf, tmp_path):
    bf.do(LATER)
    bf.ok("exchange", "write", "ML", tmp_path / "bundle")
    assert ml.ok("exchange", "read", tmp_path / "bundle") == "1 new records from BF\n"
    found = ml.do(
        "from liptako.ledger.models import Entry\n"
        "later = Entry.objects.filter(kind='later.thing/1', waiting=None, rejected=None)\n"
        "print(*later.values_list('channel__author', 'seq'))"
    )
    assert found == "('BF', 0)"
    assert ml.ok("verify").endswith(IN_ORDER)
    assert ml.ok("rebuild").endswith(SAME)


def wait_for_line(stream, words):
    """Read a stream up to a line with these words in it."""
    assert next((line for line in stream if words in line), None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_work_tells_a_partner_that_is_away_and_goes_on_until_a_clean_stop(ml, free_port, number):
    ml.ok("partner", "BF", f"https://127.0.0.1:{free_port()}")
    with ml.process("work", LIPTAKO_EXCHANGE_SECONDS="1") as working:
        assert working.stdout.readline() == "Working. Stop with Ctrl+C.\n"
        for _ in range(2):
            wait_for_line(working.stderr, "exchange with BF: 127.0.0.1")
        code, out, err = stopped(working, number)
    assert (code, out, "Traceback" in err) == (0, "", False)


def test_work_goes_on_after_a_fault_of_its_schedule(ml):
    ml.change("ALTER TABLE federation_peer RENAME TO lost")
    with ml.process("work", LIPTAKO_EXCHANGE_SECONDS="1") as working:
        for _ in range(2):
            wait_for_line(working.stderr, "schedule: ")
        code, _, _ = stopped(working)
    assert code == 0


@pytest.mark.skipif(POSTGRESQL, reason="there a table that is gone is a fault of the program")
def test_work_goes_on_once_the_database_takes_it_again(ml):
    table = "django_tasks_database_dbtaskresult"
    ml.change(f"ALTER TABLE {table} RENAME TO lost")
    with ml.process("work") as working:
        wait_for_line(working.stderr, "the database would not take it: ")
        ml.change(f"ALTER TABLE lost RENAME TO {table}")
        time.sleep(4)
        assert working.poll() is None
        code, _, err = stopped(working)
    assert (code, "Traceback" in err) == (0, False)


def test_a_partner_that_comes_late_gets_what_waited_and_gives_what_it_has(ml, bf, address):
    ml.ok("partner", "BF", address)
    for home in (ml, bf):
        home.ok("demo-incident")
    with ml.process("work", LIPTAKO_EXCHANGE_SECONDS="1") as working:
        wait_for_line(working.stderr, "exchange with BF: 127.0.0.1")
        with bf.process("serve", LIPTAKO_LISTEN=address) as serving:
            wait_until_there(bf, INCIDENTS.replace("BF", "ML"), 1)
            wait_until_there(ml, INCIDENTS, 1)
            ends = [stopped(process)[0] for process in (working, serving)]
    assert ends == [0, 0]


@pytest.fixture
def address(free_port):
    return f"https://127.0.0.1:{free_port()}"


def test_an_import_that_was_killed_keeps_what_it_had_and_a_second_run_completes_it(bf, table):
    file = table(500)
    with bf.process("import", file) as importing:
        importing.stderr.readline()  # the first rows are there
        importing.kill()
    new, rest = bf.ok("import", file).split(" ", 1)
    assert (int(new) in {100, 200, 300, 400}, rest) == (True, "new incidents of 500 rows.\n")
    assert number_in(bf, INCIDENTS) == 500
    assert bf.ok("verify").endswith(IN_ORDER)
    assert bf.ok("rebuild").endswith(SAME)


def test_an_exchange_that_was_killed_keeps_whole_packages_and_goes_on_from_there(
    ml, bf, table, address
):
    bf.ok("import", table(600), "--release")
    ml.ok("partner", "BF", address)
    with bf.process("serve", LIPTAKO_LISTEN=address) as serving:
        wait_for(lambda: listens(int(address.rpartition(":")[2])))
        with ml.process("work") as working:
            wait_for(lambda: number_in(ml, TAKEN))
            working.kill()
        taken = number_in(ml, TAKEN)
        with ml.process("work") as working:
            wait_until_there(ml, INCIDENTS, 600)
            ends = [stopped(process)[0] for process in (working, serving)]
    assert (0 < taken <= 600, ends) == (True, [0, 0])
    assert ml.ok("verify").endswith(IN_ORDER)
    assert ml.ok("rebuild").endswith(SAME)
