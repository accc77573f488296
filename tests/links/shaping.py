"""A line between two network namespaces: so many bits a second, so long a way, cut at any moment.

    with shaping.Link(kbit=64, round_trip_ms=600) as link:
        subprocess.Popen(link.inside(0, ["liptako", …]))     one end, at link.addresses[0]
        subprocess.Popen(link.inside(1, ["liptako", …]))     the other end, at link.addresses[1]
        with link.cut("dropped"):                            "down", "killed", "dropped"
            …
        link.sent(0)                                         bytes that end 0 has put on the line

The rate is kept by the kernel (`tc … tbf`, at both ends), the delay by a process of ours
(`relay.py`). Needs root: `why_not` says what is missing. Of the standard library only; the bench
uses it too.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Literal, Self

Cut = Literal["down", "killed", "dropped"]
"""The plug is pulled at one end; what lies between is gone; every frame is lost."""

_RELAY = Path(__file__).with_name("relay.py")
_NUMBERS = count()
_BURST = 1_600  # bytes: one frame
_MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
_SBIN = "/usr/sbin:/sbin"  # where Debian has ip and tc, on no user's path


def _program(name: str) -> str | None:
    """Return where a program is, if it is installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SBIN}")


def _run(name: str, *words: object) -> str:
    """Run a command that must succeed; return what it said."""
    command = [_program(name) or name, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _inside(name: str, command: Sequence[object]) -> list[str]:
    """Return a command as it is run in a namespace."""
    return [_program("ip") or "ip", "netns", "exec", name, *map(str, command)]


@cache
def why_not() -> str:
    """Return why no line can be shaped on this machine; nothing if it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in ("ip", "tc") if _program(name) is None]
    if missing:
        return f"{' and '.join(missing)} is not installed (Debian: iproute2)"
    try:
        with Link(kbit=64):
            return ""
    except OSError as cause:
        return f"this machine shapes no lines: {cause}"


class Link:
    """Two ends, each in a network namespace of its own, and the line between them."""

    def __init__(self, *, kbit: int | None = 64, round_trip_ms: int = 600) -> None:
        """Choose how many kbit/s each way (nothing: no limit) and how long there and back."""
        name = f"liptako-{os.getpid()}-{next(_NUMBERS)}"
        self._ends = (f"{name}-0", f"{name}-1")
        self._middle = f"{name}-way"
        self._kbit, self._delay = kbit, round_trip_ms // 2
        self._relay: subprocess.Popen[bytes] | None = None
        self.addresses = ("10.64.0.1", "10.64.0.2")

    def __enter__(self) -> Self:
        """Lay the line. Raises OSError if that is not possible here."""
        try:
            self._lay()
        except OSError:
            self._take_away()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        """Take the line away."""
        self._take_away()

    def inside(self, end: int, command: Sequence[object]) -> list[str]:
        """Return a command as it is run at one end."""
        return _inside(self._ends[end], command)

    def sent(self, end: int) -> int:
        """Return how many bytes one end has put on the line so far, headers of frames included."""
        shown = json.loads(
            _run("ip", "-netns", self._ends[end], "-json", "-s", "link", "show", "line")
        )
        return int(shown[0]["stats64"]["tx"]["bytes"])

    @contextmanager
    def cut(self, how: Cut = "down") -> Iterator[None]:
        """Cut the line, for as long as what is inside takes."""
        self._cut(how)
        try:
            yield
        finally:
            self._mend(how)

    def _lay(self) -> None:
        """Make the namespaces, a device at each end, and what lies between."""
        for name in (*self._ends, self._middle):
            _run("ip", "netns", "add", name)
            _run("ip", "-netns", name, "link", "set", "lo", "up")
        for end, name in enumerate(self._ends):
            far = ("type", "veth", "peer", "name", f"way{end}", "netns", self._middle)
            mac = ("address", _MACS[end])
            _run("ip", "-netns", name, "link", "add", "line", *mac, *far)
            _run("ip", "-netns", name, "link", "set", "line", "addrgenmode", "none")
            _run("ip", "-netns", self._middle, "link", "set", f"way{end}", "addrgenmode", "none")
            _run("ip", "-netns", self._middle, "link", "set", f"way{end}", "up")
            _run("ip", "-netns", name, "address", "add", f"{self.addresses[end]}/24", "dev", "line")
            there = (self.addresses[1 - end], "lladdr", _MACS[1 - end])  # nobody has to ask for it
            _run("ip", "-netns", name, "link", "set", "line", "up")
            _run("ip", "-netns", name, "neigh", "replace", *there, "dev", "line")
            if self._kbit:
                limit = self._kbit * 125 * 2 + _BURST  # what waits at the line: two seconds of it
                shape = ("rate", f"{self._kbit}kbit", "burst", _BURST, "limit", limit)
                _run("tc", "-netns", name, "qdisc", "add", "dev", "line", "root", "tbf", *shape)
        self._start()

    def _start(self) -> None:
        """Start the process that hands frames on."""
        command = [sys.executable, str(_RELAY), "way0", "way1", str(self._delay)]
        self._relay = subprocess.Popen(_inside(self._middle, command), stdin=subprocess.DEVNULL)

    def _stop(self) -> None:
        """End the process that hands frames on: what is under way is lost."""
        if self._relay is not None:
            self._relay.kill()
            self._relay.wait()
            self._relay = None

    def _cut(self, how: Cut) -> None:
        if how == "down":
            _run("ip", "-netns", self._middle, "link", "set", "way1", "down")
        elif how == "killed":
            self._stop()
        elif self._relay is not None:
            self._relay.send_signal(signal.SIGUSR1)

    def _mend(self, how: Cut) -> None:
        if how == "down":
            _run("ip", "-netns", self._middle, "link", "set", "way1", "up")
        elif how == "killed":
            self._start()
        elif self._relay is not None:
            self._relay.send_signal(signal.SIGUSR2)

    def _take_away(self) -> None:
        """Delete the namespaces, and the devices with them."""
        self._stop()
        for name in (*self._ends, self._middle):
            with suppress(OSError):
                _run("ip", "netns", "delete", name)
