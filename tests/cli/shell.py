"""Commands as people run them: real processes in a clean environment, nodes in their folders."""

import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgres")
# Of the environment only this much goes to a command; COVERAGE_ lets its lines be counted.
KEPT = {name: text for name, text in os.environ.items() if name.startswith("COVERAGE_")} | {
    "PATH": os.environ["PATH"],
    "LIPTAKO_LANGUAGE": "en",
}


class Result(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def liptako(*words: object, **environ: str) -> Result:
    """Run a command to its end, in English unless LIPTAKO_LANGUAGE says otherwise."""
    return python("-m", "liptako", *words, **environ)


def python(*words: object, **environ: str) -> Result:
    """Run Python to its end in the environment of a command."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=KEPT | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Result(done.returncode, done.stdout, done.stderr)


class Home:
    """The folder of a node and the commands that are run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def run(self, *words: object, **environ: str) -> Result:
        """Run a command on this node."""
        return liptako("--home", self.folder, *words, **environ)

    def limited(self, *words: object, kibibytes: int) -> Result:
        """Run a command that may write no file longer than that."""
        command = [sys.executable, "-m", "liptako", "--home", self.folder, *words]
        limit = ["bash", "-c", f'ulimit -f {kibibytes}; exec "$@"', "-", *map(str, command)]
        done = subprocess.run(limit, env=KEPT, capture_output=True, text=True, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: object, **environ: str) -> str:
        """Run a command that must succeed; return what it said."""
        result = self.run(*words, **environ)
        assert (result.code, result.err) == (0, result.err), result
        return result.out

    def do(self, code: str) -> str:
        """Run Python inside this node, after Django has been set up; return what it printed."""
        whole = f"import django; django.setup()\n{code}"
        environ = {"LIPTAKO_HOME": str(self.folder), "DJANGO_SETTINGS_MODULE": "liptako.settings"}
        result = python("-c", whole, **environ)
        assert result.code == 0, result.err
        return result.out.strip()

    def change(self, statement: str) -> None:
        """Change the database behind the program's back."""
        quoted = f"with connection.cursor() as cursor: cursor.execute({statement!r})"
        self.do(f"from django.db import connection\n{quoted}")

    @contextmanager
    def process(self, *words: object, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command that goes on; end it with what is inside."""
        command = [sys.executable, "-m", "liptako", "--home", str(self.folder), *map(str, words)]
        with subprocess.Popen(
            command,
            env=KEPT | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Return what a condition gives once it gives anything."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def listens(port: int) -> bool:
    """Say whether somebody listens on a port of this machine."""
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Databases:
    """Makes databases on the PostgreSQL server of the tests, and drops them in the end.

    On SQLite it makes none: a node's file lies in its folder.
    """

    def __init__(self) -> None:
        self._server = os.environ.get("DATABASE_URL", "")
        self._names: list[str] = []

    def make(self, template: str = "template0") -> list[str]:
        """Return the words that let `init` use a new database; none for a file."""
        return ["--database-url", self.copy(template)] if POSTGRESQL else []

    def copy(self, template: str) -> str:
        """Return the address of a new database that is like another one."""
        name = f"cli_{os.getpid()}_{len(self._names)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self._names.append(name)
        return self._server.rpartition("/")[0] + f"/{name}"

    def drop(self) -> None:
        """Drop what was made."""
        for name in self._names:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement)


def contents(file: Path) -> dict[str, bytes]:
    """Return the files in a backup by their names, but for the base map."""
    with tarfile.open(file) as tar:
        items = [item for item in tar if item.isfile() and item.name != "basemap.mbtiles"]
        return {item.name: tar.extractfile(item).read() for item in items}
