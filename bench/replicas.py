"""PostgreSQL's logical replication beside ours: two servers, each of which publishes a table."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from line import Line, free_port

_COLUMNS = (
    "id text PRIMARY KEY, number int, at bigint, title text, text text, lat float8, lon float8, "
    "qty int, prio text, kind text, aud text, ref text"
)
_FOLDER_MODE = 0o777  # who runs the server is not who runs the bench


class Replica:
    """One server at one end of the line."""

    def __init__(self, line: Line, end: int, folder: Path, port: int) -> None:
        """Make the cluster and start it."""
        self._line, self.end, self.port = line, end, port
        self._data, self._folder = folder / f"cluster{end}", folder
        self._run("initdb", "-D", self._data, "-U", "bench", "--auth=trust", "--no-sync")
        options = (
            f"-c port={port} -c listen_addresses='*' -k {folder} -c wal_level=logical "
            "-c autovacuum=off"
        )
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write("host all all 0.0.0.0/0 trust\n")
        log = folder / f"log{end}"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")
        for table in ("there", "back"):
            self.sql(f"CREATE TABLE {table} ({_COLUMNS})")

    def sql(self, statement: str) -> str:
        """Run a statement; return what it gave."""
        words = ("-h", self._folder, "-p", self.port, "-U", "bench", "-d", "postgres")
        return self._run("psql", *words, "-qAtc", statement)

    def fill(self, table: str, lines: bytes) -> None:
        """Insert records, each in a transaction of its own as desks write them."""
        file = self._folder / "records.sql"
        text = "".join(
            f"INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, "  # noqa: S608
            f"$json${line}$json$);\n"
            for line in lines.decode().splitlines()
        )
        file.write_text(text)
        file.chmod(0o644)
        words = ("-h", self._folder, "-p", self.port, "-U", "bench", "-d", "postgres")
        self._run("psql", *words, "-qf", file)

    def count(self, table: str) -> int:
        """Return how many records a table has."""
        return int(self.sql(f"SELECT count(*) FROM {table}"))  # noqa: S608 (ours)

    def publish(self, table: str) -> None:
        """Let the other server have a table."""
        self.sql(f"CREATE PUBLICATION {table} FOR TABLE {table}")

    def subscribe(self, table: str, other: "Replica") -> None:
        """Copy a table of the other server, then follow it."""
        host, port = self._line.reach(other.end, other.port)
        where = f"host={host} port={port} user=bench dbname=postgres"
        self.sql(f"CREATE SUBSCRIPTION {table} CONNECTION '{where}' PUBLICATION {table}")

    def stop(self) -> None:
        """Stop the server."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")

    def _run(self, name: str, *words: object) -> str:
        """Run a program of PostgreSQL at this end."""
        command = _as_user([str(_programs() / name), *map(str, words)])
        done = subprocess.run(
            self._line.inside(self.end, command), capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{name}: {done.stdout}{done.stderr}")
        return done.stdout


def _programs() -> Path:
    """Return the folder with initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    if not (found or on_path):
        sys.exit("PostgreSQL is not installed: apt install postgresql")
    return Path(on_path or found[0]).resolve().parent if not found else found[0].parent


def _as_user(command: list[str]) -> list[str]:
    """Return a command as somebody who is not root runs it: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return command
    users = {entry.pw_name for entry in pwd.getpwall()}
    return ["runuser", "-u", "postgres" if "postgres" in users else "nobody", "--", *command]


@contextmanager
def replicas(line: Line) -> Iterator[tuple[Replica, Replica]]:
    """Give two servers, at end 0 and at end 1."""
    folder = Path(tempfile.mkdtemp(prefix="liptako-bench-pg-"))
    folder.chmod(_FOLDER_MODE)
    servers: list[Replica] = []
    try:
        servers = [Replica(line, end, folder, free_port()) for end in (0, 1)]
        yield servers[0], servers[1]
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
