"""The processes of the demonstration: what is started ends with it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from gettext import gettext as _
from pathlib import Path
from typing import Self

from liptako.cli.demo_nodes import NODES, http_port, https_port
from liptako.cli.words import complain
from liptako.core.errors import NetworkError, StorageError

_PATIENCE = 60  # seconds for all pages to answer
_FAREWELL = 15  # seconds for a process to end what it is doing
_KEPT = {"LIPTAKO_LANGUAGE"}


def command_of(home: Path, *arguments: str) -> list[str]:
    """Return the command line of a command on a node."""
    return [sys.executable, "-m", "liptako", "--home", str(home), *arguments]


def environ() -> dict[str, str]:
    """Return the environment without settings: each node has its own, in its folder."""
    ours = {
        name
        for name in os.environ
        if name.startswith(("LIPTAKO_", "DATABASE_URL")) and name not in _KEPT
    }
    return {name: value for name, value in os.environ.items() if name not in ours}


def start_command(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a command on a node. What goes wrong with it is seen; the rest says who called it."""
    command = command_of(home, *arguments)
    return subprocess.Popen(command, env=environ(), stdout=subprocess.DEVNULL)


def run_all(folder: Path, commands: dict[str, tuple[str, ...]]) -> None:
    """Run a command on each node at once. Raises StorageError if one of them fails."""
    processes = [start_command(folder / member, *words) for member, words in commands.items()]
    try:
        results = [process.wait() for process in processes]
    finally:
        stop_all(processes)
    if any(results):
        raise StorageError("the set-up of the demonstration failed: see above")


def stop_all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop processes, gently first."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=_FAREWELL)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Fleet:
    """Server and worker of each node; they end with it. Nobody works before all can be reached."""

    def __init__(self, folder: Path, base: int) -> None:
        """Know where the nodes are."""
        self._folder, self._base = folder, base
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Start the servers, then the workers. Raises NetworkError if a server does not answer."""
        try:
            self._start("serve")
            self._wait_until_served()
            self._start("work")
        except BaseException:
            stop_all(self._processes)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all processes."""
        stop_all(self._processes)

    def _start(self, command: str) -> None:
        """Start a command on each node."""
        for node in NODES:
            self._processes.append(start_command(self._folder / node.member, command))

    def _wait_until_served(self) -> None:
        """Wait until all pages answer. Raises NetworkError."""
        deadline = time.monotonic() + _PATIENCE
        for node in NODES:
            for port in (http_port(self._base, node), https_port(self._base, node)):
                while not _answers(port):
                    if time.monotonic() > deadline or self._has_ended():
                        raise NetworkError(
                            "the node %(member)s does not answer", member=node.member
                        )
                    time.sleep(0.1)

    def _has_ended(self) -> bool:
        """Say whether one of the processes has ended."""
        return any(process.poll() is not None for process in self._processes)

    def wait(self) -> None:
        """Wait for Ctrl+C, or for the end of one of the processes."""
        try:
            while not self._has_ended():
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
        complain(_("One of the processes has ended; stopping the others."))


def _answers(port: int) -> bool:
    """Say whether somebody listens."""
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
            return True
    except OSError:
        return False
