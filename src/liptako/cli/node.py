"""Commands of a node's life: init, work, rebuild."""

import threading
import time
from argparse import Namespace
from gettext import gettext as _

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.home import home_of, start, storage_error
from liptako.cli.spool import work_spool
from liptako.cli.words import Progress, complain, error_words, say
from liptako.env import read_settings
from liptako.ledger.node import ROOT_KEY

_SCHEDULE_SECONDS = 5.0
_POLL_SECONDS = 0.2
_PAUSE_SECONDS = 2.0


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    init = commands.add_parser("init", help=_("set up a node in a folder"))
    init.add_argument("--member", required=True, help=_("id of the member, such as ML"))
    init.add_argument("--name", action="append", default=[], help=_("name, as fr=Mali"))
    init.add_argument("--timezone", default="UTC", help=_("time zone, such as Africa/Bamako"))
    init.add_argument("--listen", help=_("addresses to serve, separated by spaces"))
    init.add_argument("--hosts", help=_("host names of the node, separated by spaces"))
    init.add_argument("--database-url", help=_("PostgreSQL instead of SQLite"))
    init.add_argument("--data", help=_("folder with public data"))
    init.add_argument("--administrator", default="admin", help=_("account of the administrator"))
    init.add_argument(
        "--root-key",
        default=ROOT_KEY,
        help=_("root key: a file, drawn if it is not there, or pkcs11:…; empty: none, see card"),
    )
    init.set_defaults(run=run_init)

    work = commands.add_parser("work", help=_("exchange with partners, do background work"))
    work.set_defaults(run=run_work)

    rebuild = commands.add_parser("rebuild", help=_("draw all tables again from the log"))
    rebuild.set_defaults(run=run_rebuild)


def run_init(args: Namespace) -> int:
    """Set up a node; a second run finishes what the first one did not."""
    from liptako.cli import setup
    from liptako.cli.delegating import CARD

    setup.make_folder(home_of(args), args)
    home = start(args, migrated=False)
    setup.build_map(home)
    password = setup.fill_database(args)  # last, so that the password is not lost to a fault
    say(_("Node of %(member)s set up in %(home)s") % {"member": args.member, "home": home})
    say(_("Fingerprint: %(phrase)s") % {"phrase": setup.own_phrase()})
    if (home / CARD).exists():
        say(_("Card for the partners: %(file)s") % {"file": home / CARD})
    if password:
        account = args.administrator
        say(
            _("Administrator: %(account)s  password: %(password)s")
            % {"account": account, "password": password}
        )
    if warning := setup.root_warning(home):
        say(warning)
    return codes.OK


def run_work(args: Namespace) -> int:
    """Run jobs as they come and ask for exchanges when they are due, until interrupted."""
    start(args)
    stop = threading.Event()
    schedule = threading.Thread(target=_schedule, args=(stop,), daemon=True)
    schedule.start()
    say(_("Working. Stop with Ctrl+C."))
    try:
        while not _has_worked():
            time.sleep(_PAUSE_SECONDS)
    finally:
        stop.set()
        schedule.join(timeout=10)
    return codes.OK


def _has_worked() -> bool:
    """Run jobs until told to stop; False if the database would not take it for a while."""
    from django.core.management import call_command
    from django.db import close_old_connections

    try:
        call_command("db_worker", interval=_POLL_SECONDS, startup_delay=False, verbosity=0)
    except Exception as error:
        found = storage_error(error)
        if found is None:
            raise
        complain(error_words(found))  # such as a rebuild, which lets nobody write until it is done
        close_old_connections()
        return False
    return True


def _schedule(stop: threading.Event) -> None:
    """Every few seconds: draw what waits, delete what has expired or is done, ask for exchanges."""
    from django.db import close_old_connections

    from liptako.federation.jobs import ask_when_due, forget_done
    from liptako.federation.recalls import confirm
    from liptako.federation.spool import Watch
    from liptako.ledger.files import finish, sweep
    from liptako.ledger.node import system_clock, this_node
    from liptako.ledger.projector import project_pending
    from liptako.ledger.store import expire

    seconds, watch = read_settings().exchange_seconds, Watch()
    while True:
        try:
            project_pending()
            while expire(system_clock()):
                pass
            finish(this_node())
            sweep(this_node())
            confirm(this_node())
            ask_when_due(seconds)
            forget_done()
            work_spool(this_node(), watch)
        except Exception as error:  # noqa: BLE001 (the top of a worker: say it and go on)
            complain(f"schedule: {error}")
        close_old_connections()
        if stop.wait(min(_SCHEDULE_SECONDS, seconds)):
            return


def run_rebuild(args: Namespace) -> int:
    """Draw all tables again and compare the state with what it was."""
    start(args)
    from liptako.ledger.projector import rebuild

    done = rebuild(Progress(_("Records")))
    say(_("%(count)d records. State: %(digest)s") % {"count": done.entries, "digest": done.after})
    if done.before == done.after:
        say(_("The tables were as the log says."))
        return codes.OK
    complain(
        _("The tables differed from the log and are mended. Before: %(digest)s")
        % {"digest": done.before}
    )
    return codes.FAULT
