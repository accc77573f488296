"""A long way between two network devices: hands on each frame after a while.

python relay.py FROM TO MILLISECONDS [FRAMES]     as root, in the namespace where both devices are

SIGUSR1 lets it drop every frame, SIGUSR2 hand them on again. Of the standard library only: it is
started by its file. Of more than FRAMES that are under way at once the later ones are lost.
"""

import select
import signal
import socket
import sys
import time
from collections import deque
from types import FrameType

_ALL = 3  # ETH_P_ALL: frames of every protocol
_PACKET = 263  # SOL_PACKET
_VNET_HEADER = 15  # PACKET_VNET_HDR: long frames and unfinished checksums are handed on as they are
_IGNORE_OUTGOING = 23  # PACKET_IGNORE_OUTGOING: not what we send ourselves
_LONGEST = 70_000  # bytes
_FRAMES = 4_000


class Relay:
    """Two devices, and what is under way between them."""

    def __init__(self, names: tuple[str, str], seconds: float, frames: int) -> None:
        """Open both devices."""
        one, other = (_open(name) for name in names)
        self._opposite = {one: other, other: one}
        self._seconds, self._frames, self._drops = seconds, frames, False
        self._under_way: deque[tuple[float, socket.socket, bytes]] = deque()

    def run(self) -> None:
        """Hand on frames until somebody ends the process."""
        signal.signal(signal.SIGUSR1, self._told)
        signal.signal(signal.SIGUSR2, self._told)
        while True:
            readable, _, _ = select.select(list(self._opposite), [], [], self._patience())
            for device in readable:
                self._take(device)
            while self._under_way and self._under_way[0][0] <= time.monotonic():
                _, device, frame = self._under_way.popleft()
                _send(device, frame)

    def _told(self, number: int, _frame: FrameType | None) -> None:
        self._drops = number == signal.SIGUSR1

    def _patience(self) -> float | None:
        """Return for how long nothing is due."""
        return max(self._under_way[0][0] - time.monotonic(), 0) if self._under_way else None

    def _take(self, device: socket.socket) -> None:
        """Take one frame from a device; it is due on the other one after the delay."""
        try:
            frame = device.recv(_LONGEST)
        except OSError:  # the device is down
            return
        if not self._drops and len(self._under_way) < self._frames:
            due = time.monotonic() + self._seconds
            self._under_way.append((due, self._opposite[device], frame))


def _open(name: str) -> socket.socket:
    """Return a socket for whole frames on a device."""
    device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
    device.setsockopt(_PACKET, _VNET_HEADER, 1)
    device.setsockopt(_PACKET, _IGNORE_OUTGOING, 1)
    device.bind((name, _ALL))
    return device


def _send(device: socket.socket, frame: bytes) -> None:
    """Put a frame on a device; on one that is down it is lost, as on any line."""
    try:
        device.send(frame)
    except OSError:
        return


if __name__ == "__main__":
    first, second, milliseconds, *limit = sys.argv[1:]
    Relay((first, second), int(milliseconds) / 1000, int(limit[0]) if limit else _FRAMES).run()
