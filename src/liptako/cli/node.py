"""Commands of a node's life: init, serve, work, rebuild."""

import signal
import subprocess
import sys
import threading
from argparse import Namespace
from gettext import gettext as _
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from liptako.cli import codes, setup
from liptako.cli.home import home_of, start
from liptako.cli.words import Progress, complain, say
from liptako.core.errors import SettingError
from liptako.core.refs import member_id
from liptako.env import read_settings

_THREADS = 4
_SCHEDULE_SECONDS = 5.0
_POLL_SECONDS = 0.2


def add_commands(commands: Any) -> None:  # noqa: ANN401 (argparse keeps this type private)
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
    init.set_defaults(run=run_init)

    serve = commands.add_parser("serve", help=_("serve the pages and the partners' nodes"))
    serve.add_argument("--only", help=_("serve only this address"))
    serve.add_argument("--workers", type=int, default=1, help=_("processes per address"))
    serve.set_defaults(run=run_serve)

    work = commands.add_parser("work", help=_("exchange with partners, do background work"))
    work.set_defaults(run=run_work)

    rebuild = commands.add_parser("rebuild", help=_("draw all tables again from the log"))
    rebuild.set_defaults(run=run_rebuild)


def run_init(args: Namespace) -> int:
    """Set up a node; a second run finishes what the first one did not."""
    member_id(args.member)
    setup.make_folder(home_of(args), args)
    home = start(args, migrated=False)
    password = setup.fill_database(args)
    setup.build_map(home)
    say(_("Node of %(member)s set up in %(home)s") % {"member": args.member, "home": home})
    say(_("Fingerprint: %(phrase)s") % {"phrase": setup.own_phrase()})
    say(_("Card for the partners: %(file)s") % {"file": home / setup.CARD})
    if password:
        account = args.administrator
        say(
            _("Administrator: %(account)s  password: %(password)s")
            % {"account": account, "password": password}
        )
    return codes.OK


def run_serve(args: Namespace) -> int:
    """Serve all addresses of LIPTAKO_LISTEN until interrupted, a process for each."""
    home = start(args)
    settings = read_settings()
    if args.only:
        return _serve_one(args.only, args.workers)
    if not setup.has_map(home):
        complain(_("There is no base map: maps stay empty. Run: liptako basemap"))
    if len(settings.listen) == 1:
        say(_("Serving %(address)s") % {"address": settings.listen[0]})
        return _serve_one(settings.listen[0], args.workers)
    command = [sys.executable, "-m", "liptako", "serve", f"--workers={args.workers}", "--only"]
    children = [subprocess.Popen([*command, address]) for address in settings.listen]  # noqa: S603
    for address in settings.listen:
        say(_("Serving %(address)s") % {"address": address})
    return _wait_for(children)


def _wait_for(children: list[subprocess.Popen[bytes]]) -> int:
    """Wait until one of the servers ends, then end the others."""
    stop = threading.Event()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    while not stop.wait(0.5) and all(child.poll() is None for child in children):
        pass
    for child in children:
        child.terminate()
    codes_of_children = [child.wait() for child in children]
    return codes.OK if stop.is_set() else max(codes_of_children)


def _serve_one(address: str, workers: int) -> int:
    """Serve one address in this process."""
    from granian import Granian  # noqa: PLC0415 (needed by this command only)
    from granian.constants import Interfaces  # noqa: PLC0415 (same)

    from liptako.ledger.node import TLS_CERT, TLS_KEY  # noqa: PLC0415 (after django.setup)

    home = read_settings().home
    parts = urlsplit(address)
    if parts.hostname is None or parts.port is None:
        raise SettingError("LIPTAKO_LISTEN: expected http(s)://HOST:PORT, got %(got)s", got=address)
    tls = parts.scheme == "https"
    server = Granian(
        "liptako.wsgi:application",
        address=parts.hostname,
        port=parts.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=_THREADS,
        websockets=False,
        ssl_cert=home / TLS_CERT if tls else None,
        ssl_key=home / TLS_KEY if tls else None,
        log_level="warning",  # type: ignore[arg-type]  # granian takes the text too
    )
    server.serve()
    return codes.OK


def run_work(args: Namespace) -> int:
    """Run jobs as they come and ask for exchanges when they are due, until interrupted."""
    start(args)
    from django.core.management import call_command  # noqa: PLC0415 (after django.setup)

    stop = threading.Event()
    schedule = threading.Thread(target=_schedule, args=(stop,), daemon=True)
    schedule.start()
    say(_("Working. Stop with Ctrl+C."))
    try:
        call_command("db_worker", interval=_POLL_SECONDS, startup_delay=False, verbosity=0)
    finally:
        stop.set()
        schedule.join(timeout=10)
    return codes.OK


def _schedule(stop: threading.Event) -> None:
    """Draw what waits to be drawn and ask for exchanges that are due, every few seconds."""
    from django.db import close_old_connections  # noqa: PLC0415 (after django.setup)

    from liptako.federation.jobs import ask_when_due  # noqa: PLC0415 (same)
    from liptako.ledger.projector import project_pending  # noqa: PLC0415 (same)

    seconds = read_settings().exchange_seconds
    while True:
        try:
            project_pending()
            ask_when_due(seconds)
        except Exception as error:  # noqa: BLE001 (the top of a worker: say it and go on)
            complain(f"schedule: {error}")
        close_old_connections()
        if stop.wait(min(_SCHEDULE_SECONDS, seconds)):
            return


def run_rebuild(args: Namespace) -> int:
    """Draw all tables again and compare the state with what it was."""
    start(args)
    from liptako.ledger.digest import state_digest  # noqa: PLC0415 (after django.setup)
    from liptako.ledger.projector import rebuild  # noqa: PLC0415 (same)

    before = state_digest()
    count = rebuild(Progress(_("Records")))
    after = state_digest()
    say(_("%(count)d records. State: %(digest)s") % {"count": count, "digest": after})
    if before == after:
        say(_("The tables were as the log says."))
        return codes.OK
    complain(
        _("The tables differed from the log and are mended. Before: %(digest)s")
        % {"digest": before}
    )
    return codes.FAULT
