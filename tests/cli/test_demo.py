"""The demonstration: three nodes that exchange, the same ones again, and no harm to other files."""

import json
import os
import signal
import socket
import stat
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.shell import Home, liptako, listens

NODES = {"ML": 1, "BF": 2, "NE": 3}
ACCOUNTS = ("permanence", "diffusion", "admin", "audit")
HTTPS = 340


def ports(base):
    return [base + more + offset for offset in NODES.values() for more in (0, HTTPS)]


def make_base_port():
    """Return a first port of which all that are needed are free."""
    for base in range(20_000, 40_000, 10):
        if not any(listens(port) for port in ports(base)):
            return base
    raise AssertionError


def demo(folder, *words):
    return liptako("demo", "--folder", folder, "--data", "", *words)


@pytest.fixture(scope="module")
def base():
    return make_base_port()


@pytest.fixture(scope="module")
def played(base, tmp_path_factory):
    """Return the folder of a demonstration that was begun anew, and what was said."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "base-port").write_text("8100\n")
    (folder / "sign-ins.json").write_text("{}")
    (folder / "earlier").write_text("left by an earlier run")
    return folder, demo(folder, "--reset", "--until-ready", "--base-port", base)


def sign_ins(text):
    """Return what was told of each node: its address, and the passwords of its accounts."""
    found = {}
    for words in map(str.split, text.splitlines()):
        if words[:1] and words[0] in NODES and words[1].startswith("http"):
            found[words[0]] = (words[1], {})
            passwords = found[words[0]][1]
        elif words[:1] and words[0] in ACCOUNTS:
            passwords[words[0]] = words[1]
    return found


def expected(folder, base):
    """Return what is to be told, by the file of sign-ins."""
    passwords = json.loads((folder / "sign-ins.json").read_text())
    return {
        member: (f"http://localhost:{base + offset}/", passwords[member])
        for member, offset in NODES.items()
    }


def test_the_demonstration_ends_well_and_tells_three_addresses_with_their_sign_ins(played, base):
    folder, result = played
    assert (result.code, sign_ins(result.out)) == (0, expected(folder, base))
    assert result.out.endswith("\nStopped. Run it again to go on; --reset begins anew.\n")
    assert "Traceback" not in result.err


def test_each_account_has_a_password_of_its_own(played):
    passwords = json.loads((played[0] / "sign-ins.json").read_text())
    drawn = {word for accounts in passwords.values() for word in accounts.values()}
    assert (len(drawn), [tuple(accounts) for accounts in passwords.values()]) == (
        12,
        [ACCOUNTS] * 3,
    )


def test_the_sign_ins_that_are_told_open_the_accounts(played):
    folder, _ = played
    passwords = json.loads((folder / "sign-ins.json").read_text())["NE"]
    found = Home(folder / "NE").do(
        "from liptako.members.models import Person\n"
        f"for name, word in {passwords!r}.items():\n"
        "    p = Person.objects.get(username=name)\n"
        "    print(name, p.check_password(word), p.must_change_password)"
    )
    assert found.splitlines() == [f"{account} True False" for account in ACCOUNTS]


def test_the_scripted_incident_reaches_both_partners(played):
    lines = [line for line in played[1].out.splitlines() if "released by ML" in line]
    told = [line.partition(": on ")[2].split()[0] for line in lines]
    assert told == ["BF", "NE"]


def test_all_three_nodes_have_the_same_incidents(played):
    folder, result = played
    count = "from liptako.situation.models import Incident as I; print(*sorted(I.objects.filter("
    shown = [
        Home(folder / member).do(f"{count}shown=True).values_list('reference', flat=True)))")
        for member in NODES
    ]
    total = int(result.out.partition("Exchanging ")[2].split()[0]) + 1
    assert [len(set(line.split())) for line in shown] == [total] * 3
    assert len(set(shown)) == 1


def test_what_an_earlier_run_left_is_gone_and_secrets_are_private(played):
    folder, _ = played
    names = {"base-port", "played", "sign-ins.json", "compact.json", *NODES}
    modes = [(folder / name).stat().st_mode for name in ("sign-ins.json", "ML/liptako.env")]
    assert {path.name for path in folder.iterdir()} == names
    assert [stat.S_IMODE(mode) for mode in modes] == [0o600, 0o600]


def test_nothing_goes_on_after_the_end(played, base):
    assert [port for port in ports(base) if listens(port)] == []


@contextmanager
def running(folder):
    """Start a demonstration that is there already; give its process and what it said when ready."""
    with Home(folder).process("demo", "--folder", folder) as process:
        said = list(iter(process.stdout.readline, "  Stop with Ctrl+C.\n"))
        time.sleep(1)  # until it waits
        yield process, "".join(said)


def test_a_second_run_goes_on_with_the_same_sign_ins_until_it_is_stopped(played, base):
    folder, _ = played
    with running(folder) as (process, said):
        process.terminate()
        rest, _ = process.communicate(timeout=40)
    assert (process.returncode, sign_ins(said)) == (0, expected(folder, base))
    assert "Setting up" not in said
    assert rest.endswith("Stopped. Run it again to go on; --reset begins anew.\n")
    assert [port for port in ports(base) if listens(port)] == []


def test_the_end_of_one_process_is_told_and_ends_the_others(played, base):
    folder, _ = played
    with running(folder) as (process, _):
        child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[-1]
        os.kill(int(child), signal.SIGTERM)
        _, err = process.communicate(timeout=40)
    assert "One of the processes has ended; stopping the others.\n" in err
    assert [port for port in ports(base) if listens(port)] == []


def test_another_first_port_than_that_of_the_nodes_is_refused(tmp_path):
    (tmp_path / "base-port").write_text("21000\n")
    told = f"the nodes in {tmp_path} were set up with --base-port 21000: give that, or --reset\n"
    assert demo(tmp_path, "--base-port", 22000) == (5, "", told)


@pytest.mark.parametrize("words", [(), ("--reset",)])
def test_a_folder_with_something_else_is_refused_and_left_as_it_was(tmp_path, words):
    (tmp_path / "letter").write_text("dear")
    told = f"{tmp_path} holds something else than a demonstration: give another --folder\n"
    assert demo(tmp_path, *words) == (5, "", told)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("letter", "dear")]


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    file = tmp_path / "letter"
    file.write_text("dear")
    told = f"{file} holds something else than a demonstration: give another --folder\n"
    assert (demo(file), file.read_text()) == ((5, "", told), "dear")


@pytest.fixture
def taken():
    """Listen on a port of those that are used when none is given; return it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_port_that_is_in_use_is_named_before_anything_is_written(tmp_path, taken):
    told = f"port {taken} is in use: stop what uses it, or give --base-port\n"
    assert demo(tmp_path / "demo", "--base-port", taken - 1) == (5, "", told)
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("port", [0, -1, 65_193])
def test_a_first_port_that_leaves_no_room_is_refused(tmp_path, port):
    (tmp_path / "base-port").write_text("65530\n")  # if it were taken, this one is refused too
    told = f"--base-port: expected 1 to 65192, got {port}\n"
    assert demo(tmp_path, "--reset", "--base-port", port) == (5, "", told)


def test_a_first_port_that_is_no_number_any_longer_is_told(tmp_path):
    (tmp_path / "base-port").write_text("damaged\n")
    result = demo(tmp_path)
    assert (result.code, result.out, "Traceback" in result.err) == (5, "", False)


def test_a_set_up_that_fails_is_told_with_its_reason_and_begun_anew_next_time(tmp_path):
    folder, base = tmp_path / "demo", make_base_port()
    first, second = [
        liptako("demo", "--folder", folder, "--data", "/nowhere", "--base-port", base)
        for _ in range(2)
    ]
    lines = ["LIPTAKO_DATA: expected a folder, got /nowhere"] * 3
    lines += ["the set-up of the demonstration failed: see above"]
    assert (first.code, first.err.splitlines()) == (8, lines)
    assert second == first
    assert not (folder / "sign-ins.json").exists()
