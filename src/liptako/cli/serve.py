"""The command `serve`: the addresses of a node, a process for each."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from gettext import gettext as _
from pathlib import Path
from types import FrameType

from liptako.cli import codes
from liptako.cli.commands import Commands, at_least_one
from liptako.cli.home import start
from liptako.cli.words import complain, say
from liptako.core.errors import SettingError
from liptako.core.reasons import why_of
from liptako.env import read_settings, split_address

_THREADS = 4
_PATIENCE = 8  # seconds for a server to end what it is doing


def add_commands(commands: Commands) -> None:
    """Add the command of this file."""
    serve = commands.add_parser("serve", help=_("serve the pages and the partners' nodes"))
    serve.add_argument("--only", help=_("serve only this address"))
    serve.add_argument("--workers", type=at_least_one, default=1, help=_("processes per address"))
    serve.set_defaults(run=run_serve)


def run_serve(args: Namespace) -> int:
    """Serve all addresses of LIPTAKO_LISTEN, or one, until interrupted."""
    home = start(args)
    from liptako.web import basemap

    addresses = (args.only,) if args.only else read_settings().listen
    for address in addresses:
        _check_address(home, address)
    if args.only:
        return _serve_one(home, args.only, args.workers)
    if not basemap.is_built(home):
        complain(_("There is no base map: maps stay empty. Run: liptako basemap"))
    for address in addresses:
        say(_("Serving %(address)s") % {"address": address})
    if len(addresses) == 1:
        return _serve_one(home, addresses[0], args.workers)
    return _serve_all(addresses, args.workers)


def _check_address(home: Path, address: str) -> None:
    """Raise SettingError for an address that cannot be served."""
    from liptako.cli.certificate import check_certificate

    scheme, host, port = split_address(address)
    if scheme == "https":
        check_certificate(home)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as cause:
            raise SettingError(
                "LIPTAKO_LISTEN: %(address)s cannot be served: %(why)s",
                address=address,
                why=why_of(cause),
            ) from cause


def _serve_all(addresses: Sequence[str], workers: int) -> int:
    """Serve each address in a process until we are told to stop, or until one of them ends."""
    told: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    command = [sys.executable, "-m", "liptako", "serve", f"--workers={workers}", "--only"]
    children = [subprocess.Popen([*command, it], process_group=0) for it in addresses]
    while not told and all(child.poll() is None for child in children):
        time.sleep(0.2)
    ended = [child.returncode for child in children if child.returncode is not None]
    _end(children)
    if told:
        return codes.OK
    complain(_("One of the processes has ended; stopping the others."))
    return max([codes.FAULT, *ended])


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop all processes, gently first, then with whatever they have started themselves."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + _PATIENCE
    for child in children:
        try:
            child.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _serve_one(home: Path, address: str, workers: int) -> int:
    """Serve one address in this process."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from liptako.ledger.node import TLS_CERT, TLS_KEY

    scheme, host, port = split_address(address)
    tls = scheme == "https"
    server = Granian(
        "liptako.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=_THREADS,
        websockets=False,
        ssl_cert=home / TLS_CERT if tls else None,
        ssl_key=home / TLS_KEY if tls else None,
        log_level=LogLevels.warning,
    )
    server.serve()
    return codes.OK
