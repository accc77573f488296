"""A process of its own that reads and folds what another one takes in: a node's second core.

Started by `helping`, which speaks to it. It gets bytes of entries and gives rows: it has no key, no
database, and nothing of the environment; it ends when the other side does.
"""

import gc
import socket
from importlib import import_module

import django
import msgspec
from django.apps import AppConfig
from django.conf import settings

from liptako.core.log.frames import PackageFrame
from liptako.core.log.verify import Accepted, Channel, read_package
from liptako.ledger import registry

_LENGTH = 8  # bytes that say how many bytes follow
_BASE = ("django.contrib.contenttypes", "django.contrib.auth")  # what accounts are made of


class SetUp(msgspec.Struct):
    """The first message: which apps have tables, what folds for them, and the model of accounts."""

    apps: list[str]
    folds: list[str]
    accounts: str


class Unread(msgspec.Struct, array_like=True, tag="unread"):
    """A package of a log of which nothing was read yet."""

    channel: Channel
    package: PackageFrame


def send(link: socket.socket, data: bytes) -> None:
    """Write one message."""
    link.sendall(len(data).to_bytes(_LENGTH) + data)


def receive(link: socket.socket) -> bytearray:
    """Read one message. Raises EOFError if the other side has gone."""
    return _bytes(link, int.from_bytes(_bytes(link, _LENGTH)))


def _bytes(link: socket.socket, count: int) -> bytearray:
    """Read so many bytes. Raises EOFError if the other side has gone."""
    data = bytearray(count)
    left = memoryview(data)
    while left:
        got = link.recv_into(left)
        if not got:
            raise EOFError
        left = left[got:]
    return data


def _read(task: Unread) -> tuple[Accepted, ...]:
    """Return the entries of a package. Raises LiptakoError if one cannot be read."""
    entries = read_package(task.channel, task.package)
    for entry in entries:
        if entry.fault is not None:
            raise entry.fault
    return entries


def _load(first: SetUp) -> None:
    """Let the modules register, and nothing else of the program begin.

    The database is named for the form of values; none is opened.
    """
    settings.configure(
        INSTALLED_APPS=[*_BASE, *(AppConfig(name, import_module(name)) for name in first.apps)],
        AUTH_USER_MODEL=first.accounts,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )
    django.setup()
    for name in first.folds:
        registry.register(import_module(name).MODULE)
    gc.freeze()
    gc.disable()  # what a batch comes to has no cycles


def serve(link: socket.socket) -> None:
    """Fold one batch after the other. Nothing is the answer to one that cannot be folded whole."""
    folding = import_module("liptako.ledger.folding")  # it cannot be before Django is set up
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(folding.Batch | Unread)
    send(link, encoder.encode([kind.name for kind in registry.kinds()]))
    while True:
        task = decoder.decode(receive(link))
        try:
            done = _read(task) if isinstance(task, Unread) else folding.sheet_of(task)
            answer = encoder.encode(done)
        except folding.POISON:  # which record it is, is found out in the ordinary way
            answer = b""
        send(link, answer)


def main() -> None:
    """Serve whoever holds the other end of standard input, until it has gone."""
    with socket.socket(fileno=0) as link:
        try:
            first = msgspec.msgpack.decode(receive(link), type=SetUp)
            _load(first)
            serve(link)
        except (EOFError, OSError):
            return


if __name__ == "__main__":
    main()
