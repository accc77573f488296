"""Serving: pages and partners get answers, a stop is clean, and what cannot be served is named."""

import os
import signal
import socket
import ssl
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from liptako.core.compact.dossier import read_dossier
from liptako.federation.client import key_pin
from liptako.web import basemap
from tests.cli.shell import POSTGRESQL, Home, listens, wait_for

SIGN_IN = "/account/sign-in/"
NO_MAP = "There is no base map: maps stay empty. Run: liptako basemap\n"


@pytest.fixture(scope="module")
def ml_as_made(originals):
    """The node of ML as it was made; it is served, but nothing is written to it."""
    return Home(originals / "ML")


@pytest.fixture
def addresses(free_port):
    """An address of each kind."""
    return [f"http://127.0.0.1:{free_port()}", f"https://127.0.0.1:{free_port()}"]


def port_of(address):
    return int(address.rpartition(":")[2])


def get(address, path):
    """Return the answer to a request: its status, its bytes, and the other side's certificate."""
    unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001 (it is compared by its bytes)
    connection = (
        HTTPSConnection("127.0.0.1", port_of(address), timeout=20, context=unchecked)
        if address.startswith("https:")
        else HTTPConnection("127.0.0.1", port_of(address), timeout=20)
    )
    with closing(connection):
        connection.connect()
        secure = address.startswith("https:")
        shown = connection.sock.getpeercert(binary_form=True) if secure else b""
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(), shown


def children(process):
    """Return the ids of the processes that one has started."""
    return [
        int(word)
        for task in Path(f"/proc/{process.pid}/task").iterdir()
        for word in (task / "children").read_text().split()
    ]


def stopped(process, number=signal.SIGTERM):
    """Stop a process with a signal; return its exit code and what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def test_pages_and_partners_get_answers_until_a_clean_stop(ml_as_made, addresses):
    line = read_dossier((ml_as_made / "card.json").read_bytes()).line("ML")
    with ml_as_made.process("serve", LIPTAKO_LISTEN=" ".join(addresses)) as process:
        wait_for(lambda: all(listens(port_of(address)) for address in addresses))
        answers = [get(address, SIGN_IN) for address in addresses]
        end = stopped(process)
    assert [status for status, _, _ in answers] == [200, 200]
    assert key_pin(answers[1][2]) == line[-1].delegation.pins[0]
    assert end == (0, "".join(f"Serving {address}\n" for address in addresses), "")
    assert [listens(port_of(address)) for address in addresses] == [False, False]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_single_address_is_served_until_a_clean_stop(ml_as_made, addresses, number):
    with ml_as_made.process("serve", LIPTAKO_LISTEN=addresses[0]) as process:
        wait_for(lambda: listens(port_of(addresses[0])))
        status, _, _ = get(addresses[0], "/")
        end = stopped(process, number)
    assert (status, end) == (302, (0, f"Serving {addresses[0]}\n", ""))


def test_one_address_of_all_may_be_served_alone_by_several_processes(ml_as_made, addresses):
    other = {"LIPTAKO_LISTEN": "http://127.0.0.1:1 http://127.0.0.1:2"}
    words = ("serve", "--only", addresses[1], "--workers", 2)
    with ml_as_made.process(*words, **other) as process:
        wait_for(lambda: listens(port_of(addresses[1])))
        status, _, _ = get(addresses[1], SIGN_IN)
        end = stopped(process)
    assert (status, end) == (200, (0, "", ""))


def test_the_end_of_one_process_is_told_and_ends_the_others(ml_as_made, addresses):
    with ml_as_made.process("serve", LIPTAKO_LISTEN=" ".join(addresses)) as process:
        wait_for(lambda: all(listens(port_of(address)) for address in addresses))
        os.kill(children(process)[0], signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (
        1,
        "One of the processes has ended; stopping the others.\n",
    )
    assert not listens(port_of(addresses[1]))


def test_a_process_that_does_not_end_is_ended_with_all_that_it_started(ml_as_made, addresses):
    with ml_as_made.process("serve", LIPTAKO_LISTEN=" ".join(addresses)) as process:
        wait_for(lambda: all(listens(port_of(address)) for address in addresses))
        os.kill(children(process)[0], signal.SIGSTOP)
        process.terminate()
        code = process.wait(timeout=20)
        left = [address for address in addresses if listens(port_of(address))]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert (code, left) == (0, [])


def test_without_a_base_map_it_is_said_and_the_pages_are_served(bf, addresses):
    (bf / basemap.FILE).unlink()
    with bf.process("serve", LIPTAKO_LISTEN=addresses[0]) as process:
        wait_for(lambda: listens(port_of(addresses[0])))
        status, page, _ = get(addresses[0], "/sources/")
        end = stopped(process)
    assert (status, b"basemap" in page) == (200, True)
    assert end == (0, f"Serving {addresses[0]}\n", NO_MAP)


@pytest.mark.parametrize("words", [(), ("--only", None)])
def test_a_port_in_use_stops_the_start_by_name(ml_as_made, words):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"http://127.0.0.1:{other.getsockname()[1]}"
        given = [word or address for word in words]
        result = ml_as_made.run("serve", *given, LIPTAKO_LISTEN=address)
    told = f"LIPTAKO_LISTEN: {address} cannot be served: Address already in use\n"
    assert result == (9, "", told)


@pytest.mark.parametrize("address", ["http://192.0.2.1:8000", "http://[2001:db8::1]:8000"])
def test_an_address_of_another_machine_stops_the_start_by_name(ml_as_made, address):
    result = ml_as_made.run("serve", LIPTAKO_LISTEN=address)
    assert (result.code, result.out) == (9, "")
    assert result.err.startswith(f"LIPTAKO_LISTEN: {address} cannot be served: ")


@pytest.mark.parametrize("name", ["keys/tls.crt", "keys/tls.key"])
def test_https_without_key_or_certificate_stops_the_start_by_name(bf, addresses, name):
    (bf / name).unlink()
    result = bf.run("serve", LIPTAKO_LISTEN=" ".join(addresses))
    told = f"LIPTAKO_LISTEN: https needs {bf / 'keys/tls.crt'} and its key: [Errno 2] "
    assert (result.code, result.out, result.err) == (9, "", f"{told}No such file or directory\n")


def test_a_certificate_of_another_key_stops_the_start_by_name(ml, bf, addresses):
    (ml / "keys/tls.crt").write_bytes((bf / "keys/tls.crt").read_bytes())
    result = ml.run("serve", LIPTAKO_LISTEN=addresses[1])
    told = f"LIPTAKO_LISTEN: https needs {ml / 'keys/tls.crt'} and its key: "
    assert (result.code, result.out, result.err.startswith(told)) == (9, "", True)


@pytest.mark.parametrize(
    ("words", "name", "text"),
    [
        ((), "LIPTAKO_EXCHANGE_SECONDS", "0"),
        ((), "LIPTAKO_LISTEN", "nonsense"),
        (("--only", "nonsense"), "LIPTAKO_LISTEN", "http://127.0.0.1:1"),
        ((), "LIPTAKO_LANGAGE", "fr"),
    ],
)
def test_a_wrong_setting_stops_the_start_by_name(ml_as_made, words, name, text):
    result = ml_as_made.run("serve", *words, **{name: text})
    assert (result.code, result.out, result.err.startswith(f"{name}: ")) == (9, "", True)
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("workers", [0, -1])
def test_a_number_of_processes_that_serves_nobody_is_refused(ml_as_made, addresses, workers):
    with ml_as_made.process("serve", "--only", addresses[0], "--workers", workers) as process:
        wait_for(lambda: process.poll() is not None or listens(port_of(addresses[0])), 10)
        assert process.poll() is not None


def test_a_database_that_was_not_prepared_stops_the_start(ml_as_made, databases, tmp_path):
    url = databases.copy("template0") if POSTGRESQL else f"sqlite:///{tmp_path}/new.sqlite3"
    told = "the database was not prepared for this version: run `liptako init` on the same folder\n"
    assert ml_as_made.run("serve", DATABASE_URL=url) == (8, "", told)


def test_a_folder_without_a_node_stops_the_start(tmp_path):
    (tmp_path / "secret").write_text("long enough for a secret that nobody ever will use")
    result = Home(tmp_path).run("serve", LIPTAKO_MEMBER="ML")
    told = f"LIPTAKO_HOME: the key {tmp_path}/keys/node.key cannot be read; "
    assert result == (9, "", told + "has `liptako init` been run?\n")
