"""The file of a backup: a tar archive with the node's keys, settings, database, attachments."""

import glob
import gzip
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import IO, cast

from liptako.addresses import Database
from liptako.cli.files import cannot_read, cannot_write, whole_file, write_file
from liptako.cli.home import RESTORING
from liptako.core.errors import MalformedError, RefusedError, StorageError
from liptako.env import ENV_FILE, read_settings
from liptako.ledger.node import ROOT_KEY, SIGN_KEY

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
ATTACHMENTS = "attachments"
_ELSEWHERE = ("DATABASE_URL", "LIPTAKO_ATTACHMENTS")
_RESTORE = ("--no-owner", "--no-acl", "--single-transaction")
_STEP = 2**20  # bytes


Stored = tuple[str, int, IO[bytes]]
"""A file that goes with records: its name in the storage, its size, its bytes."""


def write_backup(home: Path, target: Path, stored: Callable[[], Iterable[Stored]]) -> None:
    """Write a backup. Raises StorageError; an unfinished file never bears the name.

    `stored` gives the attachments; asked after the database was copied, so that none is missing.
    What a backup that was killed has left beside it, a copy of the database, is taken away.
    """
    part = f"{target.name}.part-"
    try:
        for left in target.parent.glob(f"{glob.escape(part)}*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=part) as folder:
            snapshot = _snapshot(read_settings().database, Path(folder))
            with (
                whole_file(target, private=True) as file,
                tarfile.open(fileobj=file, mode="w:gz") as tar,
            ):
                for name in _FILES:
                    if (home / name).exists():
                        tar.add(home / name, name, filter=_without_root)
                tar.add(snapshot, snapshot.name)
                for name, size, content in stored():
                    tar.addfile(_private(f"{ATTACHMENTS}/{name}", size), content)
    except (OSError, sqlite3.Error, tarfile.TarError) as cause:
        raise cannot_write(target, cause) from cause


def _private(name: str, size: int) -> tarfile.TarInfo:
    """Return the head of a file in the archive."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _without_root(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out the root key and its list: a backup is not to speak for the State."""
    return None if member.name.startswith(ROOT_KEY) else member


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
    """Unpack a backup into an empty folder, and let it use its own copy of the database.

    Raises RefusedError if the folder is in use, MalformedError if the file is no whole backup, and
    StorageError if the folder cannot be written.
    """
    _check_whole(source)
    _make_empty(home)
    try:
        with tarfile.open(source, "r:gz") as tar:
            tar.extractall(home, filter="data")
        (home / SIGN_KEY).parent.chmod(0o700)
        _set_database(home / ENV_FILE, database_url)
    except tarfile.TarError as cause:
        remove(home)
        raise MalformedError("restore: %(file)s is no backup", file=str(source)) from cause
    except OSError as cause:
        remove(home)
        raise cannot_write(home, cause) from cause


def _make_empty(home: Path) -> None:
    """Make a folder, which may be there if it is empty or a restore into it was broken off.

    It is marked until `finish`, so that no node runs on a part of it. Raises RefusedError or
    StorageError.
    """
    try:
        if (home / RESTORING).exists():
            remove(home)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        in_use = any(home.iterdir())
    except OSError as cause:
        raise cannot_write(home, cause) from cause
    if in_use:
        raise RefusedError("restore: the folder %(home)s is not empty", home=str(home))
    write_file(home / RESTORING, b"")


def finish(home: Path) -> None:
    """Take the mark away: the node may run. Raises StorageError."""
    try:
        (home / RESTORING).unlink()
    except OSError as cause:
        raise cannot_write(home, cause) from cause


def remove(home: Path) -> None:
    """Take away what was unpacked; the mark goes last, so that no part of it looks like a node."""
    for path in home.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != RESTORING:
            path.unlink(missing_ok=True)
    shutil.rmtree(home, ignore_errors=True)


def _check_whole(source: Path) -> None:
    """Raise MalformedError unless a file is a backup; read to its end, where its checksum is."""
    try:
        with gzip.open(source) as plain, tarfile.open(fileobj=cast(IO[bytes], plain)) as tar:
            names = frozenset(tar.getnames())
            while plain.read(_STEP):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as cause:
        raise MalformedError(
            "restore: %(file)s is no backup, or it is damaged", file=str(source)
        ) from cause
    except OSError as cause:
        raise cannot_read(source, cause) from cause
    if SIGN_KEY not in names or len(names & {_SQLITE, _DUMP}) != 1:
        raise MalformedError("restore: %(file)s is no backup", file=str(source))


def _set_database(path: Path, url: str | None) -> None:
    """Let the restored node use its own copies, not what the node that was backed up uses."""
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines = [line for line in before if not line.strip().startswith(_ELSEWHERE)]
    lines += [f"DATABASE_URL={url}"] if url else []
    write_file(path, ("\n".join(lines) + "\n").encode(), private=True)


def fill_database(home: Path) -> None:
    """Fill the PostgreSQL database from the dump that was unpacked, if there is one.

    Raises RefusedError if the settings lead to another kind of database, or to another file.
    """
    database, dump = read_settings().database, home / _DUMP
    if not dump.exists():
        if database != Database(engine="sqlite3", name=str(home / _SQLITE)):
            raise RefusedError(
                "restore: this backup is of SQLite: leave out --database-url and DATABASE_URL"
            )
        return
    if database.engine == "sqlite3":
        raise RefusedError("restore: this backup is of PostgreSQL: give --database-url")
    _run_postgresql("pg_restore", database, [*_RESTORE, str(dump)])
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
        result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    except OSError as cause:
        raise StorageError(
            "%(program)s is not installed on this machine", program=program
        ) from cause
    if result.returncode:
        raise StorageError("%(program)s failed: %(why)s", program=program, why=result.stderr[-300:])
