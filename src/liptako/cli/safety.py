"""Commands that keep a node safe: backup, restore, fence."""

from argparse import Namespace
from functools import partial
from gettext import gettext as _
from pathlib import Path

from liptako.cli import archive, codes
from liptako.cli.commands import Commands
from liptako.cli.home import home_of, prepare_database, start
from liptako.cli.words import say


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    backup = commands.add_parser("backup", help=_("write the whole node into one file"))
    backup.add_argument("file", type=Path, help=_("file to write"))
    backup.set_defaults(run=run_backup)

    restore = commands.add_parser(
        "restore", help=_("make a node from a backup, in an empty folder")
    )
    restore.add_argument("file", type=Path, help=_("file to read"))
    restore.add_argument("--database-url", help=_("PostgreSQL database to fill (empty)"))
    restore.set_defaults(run=run_restore)

    fence = commands.add_parser(
        "fence", help=_("go on in new logs, after the database was set back by other means")
    )
    fence.set_defaults(run=run_fence)


def run_backup(args: Namespace) -> int:
    """Write keys, settings, attachments and a snapshot of the database; the node goes on."""
    home = start(args)
    from liptako.ledger.files import stored_files
    from liptako.ledger.node import this_node

    archive.write_backup(home, args.file, partial(stored_files, this_node()))
    say(
        _("Backup written to %(file)s. It holds the private keys: keep it locked away.")
        % {"file": args.file}
    )
    return codes.OK


def run_restore(args: Namespace) -> int:
    """Unpack a backup and begin new logs, so that no log is ever written twice.

    What could not be finished is taken away again: a node is restored, or it is not there. What was
    broken off by force is marked, and is not a node until a restore into the folder is done.
    """
    home = home_of(args)
    archive.unpack_backup(args.file, home, args.database_url)
    try:
        epoch = _begin_again(args, home)
        archive.finish(home)
    except BaseException:
        archive.remove(home)
        raise
    say(
        _("Node restored in %(home)s. Its own logs go on in epoch %(epoch)d.")
        % {"home": home, "epoch": epoch}
    )
    return codes.OK


def _begin_again(args: Namespace, home: Path) -> int:
    """Fill the database, bring it to this version, begin new logs; return their epoch."""
    start(args, migrated=False, restoring=True)
    from django.core.management import call_command

    from liptako.ledger.files import restore_files
    from liptako.ledger.node import this_node
    from liptako.ledger.store import begin_epoch
    from liptako.members.actions import record_audit

    node = this_node()
    archive.fill_database(home)
    prepare_database()
    call_command("collectstatic", verbosity=0, interactive=False)
    restore_files(node, home / archive.ATTACHMENTS)
    epoch = begin_epoch(node.clock())
    record_audit(node, "node.restore", detail=str(epoch))
    return epoch


def run_fence(args: Namespace) -> int:
    """Begin new logs on a database that is older than what partners may hold.

    For a disk or a machine that was set back to a snapshot, which nothing tells the node.
    """
    start(args)
    from liptako.ledger.node import this_node
    from liptako.ledger.store import begin_epoch
    from liptako.members.actions import record_audit

    node = this_node()
    epoch = begin_epoch(node.clock())
    record_audit(node, "node.fence", detail=str(epoch))
    say(_("The node's own logs go on in epoch %(epoch)d.") % {"epoch": epoch})
    return codes.OK
