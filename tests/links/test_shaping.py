"""The line between two namespaces is as slow and as long as it says, and can be cut."""

import subprocess
import sys
import time

import pytest

from tests.links import shaping

pytestmark = pytest.mark.skipif(bool(shaping.why_not()), reason=shaping.why_not())

SENT = 16_000
_TAKE = """
import socket
server = socket.create_server(("", 9000))
print("ready", flush=True)
connection, _ = server.accept()
left = int({sent})
while left:
    left -= len(connection.recv(left))
connection.sendall(b"!")
"""
_GIVE = """
import socket, time
begun = time.monotonic()
connection = socket.create_connection(("{address}", 9000))
print(time.monotonic() - begun, flush=True)
connection.sendall(bytes({sent}))
connection.recv(1)
print(time.monotonic() - begun)
"""


def python(link, end, code):
    command = link.inside(end, [sys.executable, "-c", code])
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def link():
    with shaping.Link(kbit=64, round_trip_ms=600) as made:
        yield made


@pytest.fixture
def transfer(link):
    """Begin to send some bytes from one end to the other; return both processes."""
    with python(link, 1, _TAKE.format(sent=SENT)) as taker:
        taker.stdout.readline()
        code = _GIVE.format(address=link.addresses[1], sent=SENT)
        with python(link, 0, code) as giver:
            yield giver
        taker.kill()


def test_a_line_has_the_round_trip_and_the_rate_that_were_asked_for(transfer, link):
    connected, whole = (float(transfer.stdout.readline()) for _ in range(2))
    assert connected >= 0.6
    assert whole >= 2 * 0.6 + (SENT - 1_600) / 8_000 - 0.3  # a frame may go at once
    assert SENT < link.sent(0) < SENT * 1.2


@pytest.mark.parametrize("how", ["down", "killed", "dropped"])
def test_nothing_passes_while_a_line_is_cut_and_all_of_it_afterwards(transfer, link, how):
    transfer.stdout.readline()
    with link.cut(how):
        time.sleep(1.5)  # what is under way arrives, or is lost
        assert transfer.poll() is None
        time.sleep(3)  # the whole of it would have come
        assert transfer.poll() is None
    assert float(transfer.stdout.readline()) > 4.5


def test_a_line_leaves_nothing_behind():
    with shaping.Link() as link:
        name = link.inside(0, [])[3]
        listed = subprocess.check_output(link.inside(0, [])[:2], text=True)
        assert name in listed
    listed = subprocess.check_output(link.inside(0, [])[:2], text=True)
    assert name not in listed
