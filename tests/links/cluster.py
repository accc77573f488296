"""PostgreSQL servers of our own, run with Debian's programs: a primary, and standbys of it."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.cli.shell import free_port
from tests.with_postgres import as_user, find_programs

USER = "liptako"


class Cluster:
    """A server, its folder and its port."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.port = folder / name, free_port()
        self._log = folder / f"{name}.log"

    @property
    def url(self) -> str:
        """Where its first database is."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the folder of a primary."""
        words = ("-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")
        run("initdb", "-D", self.folder, *words)

    def copy(self, words: list[str]) -> None:
        """Make the folder of a standby with `pg_basebackup` and these words."""
        run("pg_basebackup", *words)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        run("pg_ctl", "-D", self.folder, "-w", "-l", self._log, "-o", options, "start")

    def stop(self) -> None:
        """Stop the server as one does."""
        run("pg_ctl", "-D", self.folder, "-m", "fast", "-w", "stop")

    def kill(self) -> None:
        """End the server and all its processes as a power cut would."""
        with suppress(FileNotFoundError, ProcessLookupError):
            first = int((self.folder / "postmaster.pid").read_text().split()[0])
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            for number in (first, *map(int, children)):
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)

    def do(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows."""
        with psycopg.connect(self.url, autocommit=True) as server:
            cursor = server.execute(statement)
            return cursor.fetchall() if cursor.description else []


def run(name: str, *words: object) -> None:
    """Run a program of PostgreSQL as a user who is not root."""
    programs = (find_programs() / "initdb").resolve().parent  # all of one version
    command = as_user([f"{programs}/{name}", *map(str, words)])
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"


@contextmanager
def clusters(*names: str) -> Iterator[list[Cluster]]:
    """Give servers that are not there yet, in a folder that their user may write."""
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (faster than a disk)
    folder = Path(tempfile.mkdtemp(prefix="liptako-clusters-", dir=base))
    folder.chmod(0o777)
    made = [Cluster(folder, name) for name in names]
    try:
        yield made
    finally:
        for cluster in made:
            cluster.kill()
        shutil.rmtree(folder, ignore_errors=True)
