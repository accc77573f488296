"""Has packages read and batches of entries folded by another process (`helper`), meanwhile.

Whatever goes wrong there only means that it is to be done here.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self, TypeVar

import msgspec
from django.contrib.auth import get_user_model
from django.db import connection

from liptako.core.log.frames import PackageFrame
from liptako.core.log.verify import Accepted, Channel, Opened
from liptako.ledger import registry
from liptako.ledger.folding import Batch, Sheet
from liptako.ledger.helper import SetUp, Unread, receive, send

_T = TypeVar("_T")
_PATIENCE = 60  # seconds for one batch, which takes a tenth of one
_encoder = msgspec.msgpack.Encoder()
_sheets = msgspec.msgpack.Decoder(Sheet)
_entries = msgspec.msgpack.Decoder(tuple[Accepted, ...])


def pays() -> bool:
    """Say whether a helper can be of use: with a second core, and rows for SQLite to prepare.

    A PostgreSQL server is a process of its own, which has the second core already.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return cores > 1 and connection.vendor == "sqlite" and not _is_in_memory()


def _is_in_memory() -> bool:
    """Say whether the database is one of a test."""
    return bool(getattr(connection, "is_in_memory_db", bool)())


class Helper:
    """A process that does one thing after the other; ended with the `with`."""

    def __init__(self) -> None:
        """Start it and wait for nothing: it is ready when it says so."""
        self.folded = 0  # batches
        self.opened = 0  # packages
        self._link, theirs = socket.socketpair()
        self._link.settimeout(_PATIENCE)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "liptako.ledger.helper"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        # Two threads, so that the next thing lies there when one is done.
        self._asks, self._answers = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._greeting = self._answers.submit(self._greet)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it is at."""
        self.process.kill()
        self.process.wait()
        self._asks.shutdown(cancel_futures=True)
        self._answers.shutdown(cancel_futures=True)
        self._link.close()

    def is_ready(self) -> bool:
        """Say whether it can be asked now."""
        return self._greeting.done() and self.is_alive()

    def is_alive(self) -> bool:
        """Say whether it can be asked now or later."""
        failed = self._greeting.done() and self._greeting.exception() is not None
        return not failed and self.process.poll() is None

    def ask(self, batch: Batch) -> "Future[Sheet | None]":
        """Let a batch be folded; the answer is nothing if it is to be folded here."""
        return self._ask(batch, self._take_sheet)

    def read(self, channel: Channel, package: PackageFrame) -> "Future[Opened | None]":
        """Let a package be read; the answer is nothing if it is to be read here."""
        return self._ask(Unread(channel, package), lambda data: self._take_entries(package, data))

    def _ask(self, task: object, take: Callable[[bytearray], _T]) -> "Future[_T | None]":
        """Hand over a task; what is answered is taken in the order in which it was asked for."""
        self._asks.submit(self._send, task)
        return self._answers.submit(self._receive, take)

    def _greet(self) -> None:
        """Tell it what to load, and see that it knows the same kinds as we do."""
        modules = registry.modules()
        tables = [table.model._meta for module in modules for table in module.tables]
        set_up = SetUp(
            apps=sorted({"liptako.ledger", *(meta.app_config.name for meta in tables)}),
            folds=[module.fold.__module__ for module in modules],
            accounts=get_user_model()._meta.label,
        )
        send(self._link, _encoder.encode(set_up))
        kinds = msgspec.msgpack.decode(receive(self._link))
        if kinds != [kind.name for kind in registry.kinds()]:
            raise LookupError

    def _send(self, task: object) -> None:
        """Hand over a task."""
        try:
            send(self._link, _encoder.encode(task))
        except OSError:
            self.process.kill()  # what is waited for will not come

    def _receive(self, take: Callable[[bytearray], _T]) -> _T | None:
        """Wait for the next answer, and take it; nothing if there is none."""
        try:
            answer = receive(self._link)
            return take(answer) if answer else None
        except (EOFError, OSError, msgspec.DecodeError):
            self.process.kill()  # what comes after this cannot be read
            return None

    def _take_sheet(self, data: bytearray) -> Sheet:
        """Return what a batch came to."""
        sheet = _sheets.decode(data)
        self.folded += 1
        return sheet

    def _take_entries(self, package: PackageFrame, data: bytearray) -> Opened:
        """Return a package with the entries that were read in it."""
        opened = Opened(package, _entries.decode(data))
        self.opened += 1
        return opened
