"""The file of a backup: a tar archive with the node's keys, settings and database."""

import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from liptako.core.errors import MalformedError, RefusedError, StorageError
from liptako.env import ENV_FILE, Database, read_settings

_SQLITE = "liptako.sqlite3"
_DUMP = "liptako.pgdump"
_FILES = (
    "keys",
    "secret",
    ENV_FILE,
    "card.json",
    "basemap.mbtiles",
    "areas.geojson",
    "sources.json",
)


def write_backup(home: Path, target: Path) -> None:
    """Write a backup. Raises StorageError; an unfinished file never bears the name."""
    part = target.with_name(target.name + ".part")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            snapshot = _snapshot(read_settings().database, Path(folder))
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with (
                os.fdopen(descriptor, "wb") as file,
                tarfile.open(fileobj=file, mode="w:gz") as tar,
            ):
                for name in _FILES:
                    if (home / name).exists():
                        tar.add(home / name, name)
                tar.add(snapshot, snapshot.name)
        part.replace(target)
    except (OSError, sqlite3.Error, tarfile.TarError) as cause:
        part.unlink(missing_ok=True)
        raise StorageError(
            "backup: %(file)s cannot be written: %(why)s", file=str(target), why=str(cause)
        ) from cause


def _snapshot(database: Database, folder: Path) -> Path:
    """Return a file with the database as it is at one moment."""
    if database.engine == "sqlite3":
        target = folder / _SQLITE
        with (
            closing(sqlite3.connect(database.name)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
        return target
    target = folder / _DUMP
    _run_postgresql("pg_dump", database, ["--format=custom", f"--file={target}"])
    return target


def unpack_backup(source: Path, home: Path, database_url: str | None) -> None:
    """Unpack a backup into an empty folder.

    Raises RefusedError if the folder is in use, MalformedError if the file is no backup, and
    StorageError if it cannot be written.
    """
    if home.exists() and any(home.iterdir()):
        raise RefusedError("restore: the folder %(home)s is not empty", home=str(home))
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with tarfile.open(source, "r:gz") as tar:
            if ENV_FILE not in tar.getnames():
                raise MalformedError("restore: %(file)s is no backup", file=str(source))
            tar.extractall(home, filter="data")
    except (OSError, EOFError, tarfile.TarError) as cause:
        shutil.rmtree(home, ignore_errors=True)
        raise MalformedError(
            "restore: %(file)s cannot be read: %(why)s", file=str(source), why=str(cause)
        ) from cause
    _set_database(home, database_url)


def _set_database(home: Path, url: str | None) -> None:
    """Let the restored node use its own copy, not the database of the node that was backed up."""
    path = home / ENV_FILE
    lines = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith("DATABASE_URL=")
    ]
    if url:
        lines.append(f"DATABASE_URL={url}")
    elif (home / _DUMP).exists():
        raise RefusedError("restore: this backup is of PostgreSQL: give --database-url")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def fill_postgresql(home: Path) -> None:
    """Fill the PostgreSQL database from the dump that was unpacked, if there is one."""
    dump = home / _DUMP
    if dump.exists():
        database = read_settings().database
        _run_postgresql("pg_restore", database, ["--no-owner", "--exit-on-error", str(dump)])
        dump.unlink()


def _run_postgresql(program: str, database: Database, arguments: list[str]) -> None:
    """Run a program of PostgreSQL on a database. Raises StorageError."""
    names = {
        "PGHOST": database.host,
        "PGPORT": database.port,
        "PGUSER": database.user,
        "PGPASSWORD": database.password,
    }
    environ = {**os.environ, **{name: value for name, value in names.items() if value}}
    command = [program, f"--dbname={database.name}", *arguments]
    try:
        result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as cause:
        raise StorageError(
            "%(program)s is not installed on this machine", program=program
        ) from cause
    if result.returncode:
        raise StorageError("%(program)s failed: %(why)s", program=program, why=result.stderr[-300:])
