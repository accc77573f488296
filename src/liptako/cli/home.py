"""Finds the node's folder, and starts Django on it for the commands that need the database."""

import os
from argparse import Namespace
from pathlib import Path

from liptako.core.errors import SettingError, StorageError

_DEFAULT = "LIPTAKO_HOME"


def home_of(args: Namespace) -> Path:
    """Return the node's folder: `--home`, else LIPTAKO_HOME. Raises SettingError."""
    home = args.home or os.environ.get(_DEFAULT)
    if not home:
        raise SettingError("%(name)s: this setting is missing", name=_DEFAULT)
    return Path(home).absolute()


def start(args: Namespace, *, migrated: bool = True) -> Path:
    """Start Django for the node and return its folder.

    Raises SettingError for a wrong setting, and StorageError for a database that cannot be
    reached, or that this version has not prepared yet.
    """
    home = home_of(args)
    os.environ[_DEFAULT] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "liptako.settings"
    import django  # noqa: PLC0415 (slow, and not for the commands that do without)

    django.setup()
    if migrated:
        _check_database()
    return home


def _check_database() -> None:
    """Raise StorageError if the database is not there or of another version."""
    from django.db import OperationalError, connection  # noqa: PLC0415 (after django.setup)
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415 (same)

    try:
        executor = MigrationExecutor(connection)
    except OperationalError as cause:
        raise StorageError("the database cannot be reached: %(why)s", why=str(cause)) from cause
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise StorageError(
            "the database was not prepared for this version: run `liptako init` on the same folder"
        )
