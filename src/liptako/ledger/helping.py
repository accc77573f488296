"""Has batches of entries folded by another process (`helper`), while this one goes on.

Whatever goes wrong there only means that a batch is to be folded here.
"""

import os
import socket
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import msgspec
from django.contrib.auth import get_user_model
from django.db import connection

from liptako.ledger import registry
from liptako.ledger.folding import Batch, Sheet
from liptako.ledger.helper import SetUp, receive, send

_PATIENCE = 60  # seconds for one batch, which takes a tenth of one
_encoder = msgspec.msgpack.Encoder()
_sheets = msgspec.msgpack.Decoder(Sheet)


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
    """A process that folds, one batch after the other; ended with the `with`."""

    def __init__(self) -> None:
        """Start it and wait for nothing: it is ready when it says so."""
        self.folded = 0  # batches
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
        self._thread = ThreadPoolExecutor(1)  # waits for answers; one is asked for after another
        self._greeting = self._thread.submit(self._greet)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it is at."""
        self.process.kill()
        self.process.wait()
        self._thread.shutdown(cancel_futures=True)
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
        return self._thread.submit(self._fold, batch)

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

    def _fold(self, batch: Batch) -> Sheet | None:
        """Hand over a batch and wait for the answer."""
        try:
            send(self._link, _encoder.encode(batch))
            answer = receive(self._link)
            sheet = _sheets.decode(answer) if answer else None
        except (EOFError, OSError, msgspec.DecodeError):
            self.process.kill()  # what comes after this cannot be read
            return None
        self.folded += sheet is not None
        return sheet
