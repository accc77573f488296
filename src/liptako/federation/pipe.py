"""One connection over which requests go one after the other, before the answers have come.

The library that sends requests waits for each answer, so they are written here; it reads the
answers. RFC 9112, 9.3.2: answers come in the order of the requests.
"""

import http.client
import io
import time
from contextlib import suppress
from typing import NamedTuple

try:
    import fcntl
    import termios
except ImportError:  # a system that does not tell how much is still to go
    fcntl = None  # type: ignore[assignment]  # as the line above says

CONTENT_TYPE = "application/octet-stream"
_LEAST = 4096  # bytes that are left to go when what follows is sent, on the slowest line
_LOOK = 0.02  # seconds between two looks at what is left
_SEEN = 0.5  # seconds below which they tell nothing of the line
_PATIENCE = 30  # seconds without any bytes that go
_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\n"
    "Content-Type: {type}\r\nContent-Length: {length}\r\n\r\n"
)


class Answer(NamedTuple):
    """What a host answered."""

    host: str
    status: int
    body: bytes


class Pipe:
    """Requests and answers over a connection that is open."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        """Take over a connection."""
        self._connection, self._host = connection, connection.host
        self._socket = connection.sock
        self._shared = _Shared(self._socket.makefile("rb"))
        self.is_open = True

    def send(self, path: str, body: bytes) -> None:
        """Send a request. Raises OSError."""
        connection = self._connection
        host = f"[{self._host}]" if ":" in self._host else self._host
        if connection.port != http.client.HTTPS_PORT:
            host = f"{host}:{connection.port}"
        head = _HEAD.format(path=path, host=host, type=CONTENT_TYPE, length=len(body))
        self._socket.sendall(head.encode("ascii") + body)

    def wait_until_gone(self, rate: int) -> int | None:
        """Wait until no more is left to go than a second's bytes; return how many went a second.

        0 if it went too soon to be seen, nothing where the system does not tell what is left: then
        nobody waits. Raises TimeoutError where nothing goes.
        """
        left, now = self._left(), time.monotonic()
        if left is None:
            return None
        most, begun, since = left, now, now
        while left > max(rate, _LEAST):
            time.sleep(_LOOK)
            before, left, now = left, self._left() or 0, time.monotonic()
            if left != before:
                since = now
            elif left == most:  # nothing of it has arrived at the other end yet
                begun = now
            if now - since > (self._socket.gettimeout() or _PATIENCE):
                raise TimeoutError
        return int((most - left) / (now - begun)) if now - begun > _SEEN else 0

    def receive(self, limit: int) -> Answer:
        """Return the next answer, with more than `limit` bytes at most one more.

        Raises OSError and `http.client.HTTPException`. Of one that is cut, what came is given.
        """
        response = http.client.HTTPResponse(self._shared, method="POST")  # type: ignore[arg-type]  # what it needs of a socket
        response.begin()
        try:
            body = response.read(limit + 1)
        except http.client.IncompleteRead as cut:
            body = cut.partial  # its whole packages are kept; the next exchange goes on after them
        if response.will_close or not response.isclosed():
            self.close()
        return Answer(self._host, response.status, body)

    def close(self) -> None:
        """Close the connection."""
        self.is_open = False
        self._shared.end()
        self._connection.close()

    def _left(self) -> int | None:
        """Return how many bytes have not arrived yet; nothing where the system does not tell."""
        if fcntl is not None:
            with suppress(OSError):
                left = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
                return int.from_bytes(left, "little")
        return None


class _Shared:
    """The reading side of a connection, for one answer after the other: none of them ends it."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self._reader = reader
        self.readline, self.read, self.readinto = reader.readline, reader.read, reader.readinto

    def makefile(self, _mode: str) -> "_Shared":
        """Return itself, where a library would take a file of its own from a socket."""
        return self

    def flush(self) -> None:
        """Do nothing: it is only read from."""

    def close(self) -> None:
        """Leave it open: the next answer is read from it."""

    def end(self) -> None:
        """Close what is read from."""
        self._reader.close()
