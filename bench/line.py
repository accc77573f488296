"""The line between two peers: 64 kbit/s each way, 600 ms there and back, the same for all of them.

As root in network namespaces (`tests/links/shaping.py`): every frame counts, headers of TCP, IP and
Ethernet included. Elsewhere by a relay of our own in front of a port: the bytes of TCP streams.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from delayed import Relay, Way

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "links"))
KBIT, ROUND_TRIP_MS = 64, 600
_PATIENCE = 60  # seconds for a server to answer


class Line(Protocol):
    """Two ends, 0 and 1; servers run at end 1 and listen on every address."""

    counts: str

    def inside(self, end: int, command: Sequence[object]) -> list[str]:
        """Return a command as it is run at one end."""

    def reach(self, end: int, port: int) -> tuple[str, int]:
        """Return the address under which the other end reaches a port of this one."""

    def sent(self) -> int:
        """Return how many bytes have been put on the line, both ways together."""


@contextmanager
def shaped() -> Iterator[Line]:
    """Lay a line, and take it away at the end."""
    try:
        import shaping  # noqa: PLC0415 (only where the tests of lines are, and only for root)
    except ImportError:
        reason = "no tests/links here"
    else:
        reason = shaping.why_not()
    if reason:
        print(f"the line is a relay in front of a port: {reason}", file=sys.stderr)
        with closing(_Relayed()) as line:
            yield line
        return
    with shaping.Link(kbit=KBIT, round_trip_ms=ROUND_TRIP_MS) as link:
        yield _Namespaces(link)


class _Namespaces:
    """A line of real frames."""

    counts = "frames, headers included"

    def __init__(self, link) -> None:  # noqa: ANN001 (typed where it is defined)
        self._link = link

    def inside(self, end: int, command: Sequence[object]) -> list[str]:
        """Return a command as it is run at one end."""
        return self._link.inside(end, command)

    def reach(self, end: int, port: int) -> tuple[str, int]:
        """Return the address under which the other end reaches a port of this one."""
        return self._link.addresses[end], port

    def sent(self) -> int:
        """Return how many bytes have been put on the line, both ways together."""
        return self._link.sent(0) + self._link.sent(1)


class _Relayed:
    """A line that hands on the bytes of TCP connections."""

    counts = "bytes of the TCP streams"

    def __init__(self) -> None:
        self._ways = (Way(KBIT, ROUND_TRIP_MS), Way(KBIT, ROUND_TRIP_MS))
        self._relays: dict[int, Relay] = {}

    def inside(self, _end: int, command: Sequence[object]) -> list[str]:
        """Return a command unchanged: both ends are this machine."""
        return [*map(str, command)]

    def reach(self, end: int, port: int) -> tuple[str, int]:
        """Return the address of the relay in front of a port."""
        if port not in self._relays:
            self._relays[port] = Relay(port, self._ways[1 - end], self._ways[end])
        return "127.0.0.1", self._relays[port].port

    def sent(self) -> int:
        """Return how many bytes have been put on the line, both ways together."""
        return sum(way.sent for way in self._ways)

    def close(self) -> None:
        """End the relays."""
        for relay in self._relays.values():
            relay.close()


def free_port() -> int:
    """Return a port that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(line: Line, end: int, command: Sequence[object], **how) -> Iterator[subprocess.Popen]:  # noqa: ANN003
    """Run a program at one end for as long as what is inside takes."""
    process = subprocess.Popen(line.inside(end, command), text=True, **how)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_for(what: str, is_so, patience: float = _PATIENCE) -> float:  # noqa: ANN001
    """Wait until something is so; return the seconds it took."""
    began = time.perf_counter()
    while not is_so():
        if time.perf_counter() - began > patience:
            sys.exit(f"{what}: not within {patience} s")
        time.sleep(0.05)
    return time.perf_counter() - began
