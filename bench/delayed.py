"""A relay in front of a port that is as slow as a bad line: so many bits a second, so long a way.

All connections share the line; each way has its own. Works without root, and on any system.
"""

import asyncio
import threading
from collections.abc import Callable

_PIECE = 1_448  # bytes: what a frame carries


class Way:
    """One direction: hands on what came in, at the rate of the line, after the delay."""

    def __init__(self, kbit: int, round_trip_ms: int) -> None:
        """Begin with nothing under way."""
        self._rate, self._delay, self._free = kbit * 125, round_trip_ms / 2000, 0.0
        self.sent = 0

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Carry a connection to its end."""
        loop = asyncio.get_running_loop()
        try:
            while piece := await source.read(_PIECE):
                self._free = max(self._free, loop.time()) + len(piece) / self._rate
                self.sent += len(piece)
                loop.call_at(self._free + self._delay, _write, target, piece)
                await asyncio.sleep(self._free - loop.time())
        except ConnectionError:
            pass  # one side has gone: the other is told below
        loop.call_at(max(self._free, loop.time()) + self._delay, target.close)


def _write(target: asyncio.StreamWriter, piece: bytes) -> None:
    """Hand on a piece, unless nobody is there any longer."""
    if not target.is_closing():
        target.write(piece)


class Relay:
    """Runs in a thread of its own; `port` is where it listens."""

    def __init__(self, port: int, there: Way, back: Way) -> None:
        """Listen, and hand connections on to `port`."""
        self._there, self._back = there, back
        self._target, self._loop, self.port = port, asyncio.new_event_loop(), 0
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready.set,), daemon=True).start()
        ready.wait()

    def close(self) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, ready: Callable[[], None]) -> None:
        """Listen until told to stop."""
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        ready()
        self._loop.run_forever()

    async def _serve(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Hand on one connection, both ways."""
        far_source, far_target = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._there.carry(source, far_target), self._back.carry(far_source, target)
        )
