"""Commands as people run them: real processes in a clean environment, nodes in their folders."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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


_WITHIN = "import django; django.setup()\n"  # before code that runs inside a node


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
    return run([sys.executable, *map(str, words)], environ)


def run(command: Sequence[str], environ: Mapping[str, str]) -> Result:
    """Run anything to its end in the environment of a command."""
    done = subprocess.run(
        command,
        env={**KEPT, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Result(done.returncode, done.stdout, done.stderr)


class Home:
    """The folder of a node and the commands that are run on it."""

    def __init__(self, folder: Path, *, inside: Sequence[str] = ()) -> None:
        self.folder = folder
        self.inside = tuple(inside)  # words before a command, which say where it is run

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def run(self, *words: object, **environ: str) -> Result:
        """Run a command on this node."""
        return run(self._command(words), environ)

    def _command(self, words: Sequence[object]) -> list[str]:
        program = (*self.inside, sys.executable, "-m", "liptako", "--home", str(self.folder))
        return [*program, *map(str, words)]

    def limited(self, *words: object, kibibytes: int) -> Result:
        """Run a command that may write no file longer than that."""
        limit = ["bash", "-c", f'ulimit -f {kibibytes}; exec "$@"', "-", *self._command(words)]
        done = subprocess.run(limit, env=KEPT, capture_output=True, text=True, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: object, **environ: str) -> str:
        """Run a command that must succeed; return what it said."""
        result = self.run(*words, **environ)
        assert (result.code, result.err) == (0, result.err), result
        return result.out

    def do(self, code: str) -> str:
        """Run Python inside this node, after Django has been set up; return what it printed."""
        result = run([sys.executable, "-c", _WITHIN + code], self._environ())
        assert result.code == 0, result.err
        return result.out.strip()

    def _environ(self) -> dict[str, str]:
        return {"LIPTAKO_HOME": str(self.folder), "DJANGO_SETTINGS_MODULE": "liptako.settings"}

    def setting(self, name: str) -> str:
        """Return what the node's file says for a setting; nothing if it says nothing."""
        return self._settings().get(name, "")

    def set(self, name: str, text: str) -> None:
        """Change a setting in the node's file."""
        lines = self._settings() | {name: text}
        (self / "liptako.env").write_text("".join(f"{key}={lines[key]}\n" for key in lines))

    def _settings(self) -> dict[str, str]:
        lines = (self / "liptako.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def change(self, statement: str) -> None:
        """Change the database behind the program's back."""
        quoted = f"with connection.cursor() as cursor: cursor.execute({statement!r})"
        self.do(f"from django.db import connection\n{quoted}")

    @contextmanager
    def process(self, *words: object, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """Start a command that goes on; end it with what is inside."""
        with _started(self._command(words), environ) as process:
            yield process

    @contextmanager
    def python(self, code: str) -> Iterator[subprocess.Popen[str]]:
        """Start Python inside this node; end it with what is inside."""
        command = [sys.executable, "-c", _WITHIN + code]
        with _started(command, self._environ()) as process:
            yield process


@contextmanager
def _started(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a process in a group of its own, and end all of that with what is inside."""
    with subprocess.Popen(
        command,
        env={**KEPT, **environ},
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


def set_up(
    folder: Path, map_files: Path, databases: "Databases", of_ml: "Databases | None" = None
) -> None:
    """Make the nodes ML and BF in a folder, with one compact; ML perhaps at another server."""
    homes = {member: Home(folder / member) for member in ("ML", "BF")}
    for member, home in homes.items():
        words = (of_ml if of_ml and member == "ML" else databases).make()
        shutil.copytree(map_files, home.folder)
        home.ok("init", "--member", member, "--data", "", *words)
    cards = [home / "card.json" for home in homes.values()]
    compact = folder / "compact.json"
    names = ("--name", "fr=Pacte", "--everyone", "fr=Tous", "--output", compact)
    phrase = liptako("compact-draft", *cards, *names).out.rpartition("Compare aloud: ")[2].strip()
    for home in homes.values():
        assert liptako("compact-sign", compact, "--key", home / "keys/root.key").code == 0
    for home in homes.values():
        home.ok("compact-adopt", compact, "--phrase", phrase)


def copy_node(original: Path, folder: Path, databases: "Databases") -> Home:
    """Return a copy of a node with a database of its own."""
    home = Home(folder)
    shutil.copytree(original, folder)
    if POSTGRESQL:
        template = home.setting("DATABASE_URL").rpartition("/")[2]
        home.set("DATABASE_URL", databases.copy(template))
    return home


def build_map(folder: Path) -> Path:
    """Build a base map in a folder: an `init` that finds one builds none."""
    folder.mkdir(exist_ok=True)
    code = "from pathlib import Path; from liptako.web import basemap; import sys; "
    assert python("-c", code + "basemap.build(Path(sys.argv[1]), None, print)", folder).code == 0
    return folder


def kill(process: subprocess.Popen[str]) -> None:
    """End a process and all that it has started, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Return what a condition gives once it gives anything."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found


def free_port() -> int:
    """Return a port that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Say whether somebody listens on a port of this machine."""
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


_numbers = itertools.count()  # of databases that this process has made, by whichever fixture


class Databases:
    """Makes databases on the PostgreSQL server of the tests, and drops them in the end.

    On SQLite it makes none: a node's file lies in its folder.
    """

    def __init__(self, server: str = os.environ.get("DATABASE_URL", "")) -> None:
        self._server = server if server.startswith("postgres") else ""
        self._names: list[str] = []

    def make(self, template: str = "template0") -> list[str]:
        """Return the words that let `init` use a new database; none for a file."""
        return ["--database-url", self.copy(template)] if self._server else []

    def copy(self, template: str) -> str:
        """Return the address of a new database that is like another one."""
        name = f"cli_{os.getpid()}_{next(_numbers)}"
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
