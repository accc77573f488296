"""Finds the node's folder, and starts Django on it for the commands that need the database."""

import gc
import os
import sys
from argparse import Namespace
from gettext import gettext as _
from pathlib import Path

from liptako.cli.words import Progress
from liptako.core.errors import RefusedError, StorageError
from liptako.core.reasons import is_disk_full
from liptako.env import read_home

RESTORING = "restore-unfinished"
"""File in a folder that a restore has begun to fill, until its own logs go on in a new epoch."""
_NEW_OBJECTS = 20_000  # after so many more the collector looks, not after 700


def home_of(args: Namespace) -> Path:
    """Return the node's folder: `--home`, else LIPTAKO_HOME. Raises SettingError."""
    return Path(args.home).absolute() if args.home else read_home()


def is_at_node(args: Namespace) -> bool:
    """Say whether a command that can do without is run for a node."""
    return bool(args.home) or bool({"LIPTAKO_HOME", "LIPTAKO_HOME_FILE"} & os.environ.keys())


def start(args: Namespace, *, migrated: bool = True, restoring: bool = False) -> Path:
    """Start Django for the node and return its folder.

    Raises SettingError for a wrong setting or a missing key, StorageError for a database that
    cannot be reached, or that this version has not prepared yet, and RefusedError for a folder of
    a restore that was broken off: it would write its old logs a second time.
    """
    home = home_of(args)
    if (home / RESTORING).exists() and not restoring:
        raise RefusedError(
            "the restore into %(home)s was not finished: run `liptako restore` again",
            home=str(home),
        )
    os.environ.pop("LIPTAKO_HOME_FILE", None)
    os.environ["LIPTAKO_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "liptako.settings"
    import django

    django.setup()
    if migrated:
        from liptako.ledger.node import this_node

        this_node()
        _check_database()
    keep_what_is_loaded()
    return home


def keep_what_is_loaded() -> None:
    """Let the collector of garbage pass over what is loaded by now, and look seldom.

    Django and what it has loaded are half a million objects that stay. Looking at them again and
    again cost a tenth of the time in which a large bundle is read.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _check_database() -> None:
    """Raise StorageError if the database is not there or of another version."""
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
    except DatabaseError as cause:
        raise StorageError("the database cannot be reached: %(why)s", why=str(cause)) from cause
    if executor.loader.applied_migrations.keys() - executor.loader.disk_migrations.keys():
        raise StorageError(
            "the database was prepared by a newer version of the program: install that one, or "
            "restore the backup that was made before"
        )
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise StorageError(
            "the database was not prepared for this version: run `liptako init` on the same folder"
        )


def prepare_database() -> None:
    """Bring the database to this version, and draw the tables again from what it holds.

    This version may know kinds of record that the one before could only keep.
    """
    from django.core.management import call_command

    from liptako.ledger.projector import rebuild

    call_command("migrate", verbosity=0, interactive=False)
    rebuild(Progress(_("Records")))


def storage_error(error: Exception) -> StorageError | None:
    """Return our error for a disk or a database that would not take it; nothing for another error.

    Asked about every error at the top of a command, of which some do without Django.
    """
    if isinstance(error, OSError) and is_disk_full(error):
        return StorageError("the disk is full: %(why)s", why=error.filename or error.strerror)
    database = sys.modules.get("django.db")
    if database is None:
        return None
    damaged = type(error) is database.DatabaseError  # SQLite's word for a file that is no database
    if not (damaged or isinstance(error, database.OperationalError)):
        return None
    return StorageError("the database would not take it: %(why)s", why=str(error).strip())
