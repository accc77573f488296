"""`liptako demo`: three nodes on this machine, real published incidents, one scripted incident.

Everything lies in one folder. A second run goes on where the first one ended; `--reset` begins
anew. People and the scripted incident are fictional and marked so.
"""

import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import time
from argparse import Namespace
from contextlib import closing
from gettext import gettext as _
from pathlib import Path
from types import FrameType

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.delegating import CARD
from liptako.cli.demo_fleet import Fleet, command_of, environ, run_all
from liptako.cli.demo_nodes import (
    BASE,
    COMPACT,
    NODES,
    PEOPLE,
    PLAYED,
    SIGN_INS,
    DemoNode,
    base_port,
    check_ports,
    http_port,
    https_port,
)
from liptako.cli.files import write_file
from liptako.cli.roots import open_root, sign_with
from liptako.cli.words import say
from liptako.core.compact.dossier import dossier_of, join_dossiers, read_dossier, write_dossier
from liptako.core.compact.draft import first_draft
from liptako.core.errors import NetworkError, StorageError
from liptako.ledger.node import ROOT_KEY

_EXCHANGE_SECONDS = 10
_PATIENCE = 60  # seconds


def add_commands(commands: Commands) -> None:
    """Add the command of this file."""
    demo = commands.add_parser("demo", help=_("run three nodes on this machine"))
    demo.add_argument("--folder", type=Path, default=Path("demo-nodes"), help=_("where"))
    demo.add_argument("--reset", action="store_true", help=_("delete what an earlier run left"))
    demo.add_argument("--base-port", type=int, help=_("first port (six are used; else 8100)"))
    demo.add_argument("--until-ready", action="store_true", help=_("stop once all has been shown"))
    demo.add_argument("--data", help=_("folder with public data"))
    demo.set_defaults(run=run_demo)


def run_demo(args: Namespace) -> int:
    """Set up what is missing, start the nodes, play the scripted incident, wait."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    folder = args.folder.absolute()
    base = base_port(folder, args)
    check_ports(base)
    first = args.reset or not (folder / SIGN_INS).exists()
    if first:
        data = os.environ.get("LIPTAKO_DATA") if args.data is None else args.data
        _set_up(folder, base, data and str(Path(data).absolute()))
    with Fleet(folder, base) as fleet:
        if not (folder / PLAYED).exists():
            _show_exchange(folder)
            _play(folder)
            write_file(folder / PLAYED, b"")
        _tell(folder, base, time.monotonic() - began)
        if not args.until_ready:
            fleet.wait()
    say(_("Stopped. Run it again to go on; --reset begins anew."))
    return codes.OK


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """End like Ctrl+C."""
    raise KeyboardInterrupt


def _set_up(folder: Path, base: int, data: str | None) -> None:
    """Set up three nodes with one compact, people and published incidents."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_file(folder / BASE, f"{base}\n".encode())
    for node in NODES:
        (folder / node.member).mkdir(mode=0o700)
        settings = _settings_of(node, base, data)
        write_file(folder / node.member / "liptako.env", settings.encode(), private=True)
    say(_("Setting up three nodes in %(folder)s: keys, databases, maps …") % {"folder": folder})
    run_all(folder, {node.member: _init_of(node) for node in NODES})
    _draft(folder)
    say(_("People, partners and published incidents …"))
    orders, passwords = folder / "orders.json", _draw_passwords()
    write_file(orders, json.dumps({"base": base, "passwords": passwords}).encode(), private=True)
    run_all(folder, {node.member: ("demo-fill", str(orders)) for node in NODES})
    write_file(folder / SIGN_INS, json.dumps(passwords).encode(), private=True)
    orders.unlink()


def _settings_of(node: DemoNode, base: int, data: str | None) -> str:
    """Return the settings file of a node."""
    http, https = http_port(base, node), https_port(base, node)
    return (
        f"LIPTAKO_MEMBER={node.member}\n"
        f"LIPTAKO_LISTEN=http://127.0.0.1:{http} https://127.0.0.1:{https}\n"
        f"LIPTAKO_EXCHANGE_SECONDS={_EXCHANGE_SECONDS}\nLIPTAKO_LOG_LEVEL=warning\n"
        + (f"LIPTAKO_DATA={data}\n" if data is not None else "")
    )


def _init_of(node: DemoNode) -> tuple[str, ...]:
    """Return the words of the command that sets up a node."""
    names = [item for name in node.names for item in ("--name", name)]
    of_member = ("--member", node.member, "--timezone", node.timezone)
    return ("init", *of_member, "--administrator", "init", *names)


def _draft(folder: Path) -> None:
    """Write the compact of the three nodes, signed with the root key of each."""
    homes = [folder / node.member for node in NODES]
    cards = join_dossiers(read_dossier((home / CARD).read_bytes()) for home in homes)
    draft = first_draft(
        {"fr": "Confédération des États du Sahel", "en": "Confederation of Sahel States"},
        cards.cards,
        {"fr": "Tous les membres de la Confédération", "en": "All members of the Confederation"},
    )
    signed = [sign_with(open_root(str(home / ROOT_KEY)), draft.envelope, None) for home in homes]
    delegations = [item.envelope for item in cards.delegations]
    write_file(folder / COMPACT, write_dossier(dossier_of([*signed, *delegations])))


def _draw_passwords() -> dict[str, dict[str, str]]:
    """Return a password for each account of each node."""
    return {
        node.member: {
            account: f"{secrets.token_hex(4)}-{secrets.token_hex(4)}"
            for account, _name, _offices in PEOPLE
        }
        for node in NODES
    }


_COUNTS = {
    "author": "SELECT count(*) FROM situation_incident WHERE shown AND author = ?",
    "reference": "SELECT count(*) FROM situation_incident WHERE shown AND reference = ?",
}


def _count(home: Path, column: str, value: str) -> int:
    """Return how many incidents a node shows; read from its tables, as its pages do."""
    uri = f"{(home / 'liptako.sqlite3').as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=20)) as database:
        return int(database.execute(_COUNTS[column], (value,)).fetchone()[0])


def _show_exchange(folder: Path) -> None:
    """Wait until the published incidents of each node are on all of them."""
    total = sum(_count(folder / node.member, "author", node.member) for node in NODES)
    say(_("Exchanging %(count)d incidents …") % {"count": total})
    deadline = time.monotonic() + _PATIENCE * 2
    for node in NODES:
        while sum(_count(folder / node.member, "author", other.member) for other in NODES) < total:
            if time.monotonic() > deadline:
                raise NetworkError(
                    "the node %(member)s did not receive everything", member=node.member
                )
            time.sleep(0.2)


def _play(folder: Path) -> None:
    """Let ML report and release the scripted incident, and time when the others have it."""
    command = command_of(folder / "ML", "demo-incident")
    result = subprocess.run(command, env=environ(), capture_output=True, text=True, check=False)
    if result.returncode:
        raise StorageError(
            "the scripted incident could not be reported: %(why)s", why=result.stderr[-300:]
        )
    reference, began = result.stdout.split()
    for node in NODES[1:]:
        while not _count(folder / node.member, "reference", reference):
            if time.time() - float(began) > _PATIENCE:
                raise NetworkError(
                    "the node %(member)s did not receive everything", member=node.member
                )
            time.sleep(0.02)
        seconds = time.time() - float(began)
        say(
            _("%(reference)s, released by ML: on %(member)s after %(seconds).1f s")
            % {"reference": reference, "member": node.member, "seconds": seconds}
        )


def _tell(folder: Path, base: int, seconds: float) -> None:
    """Say where to look and with which sign-ins."""
    passwords = json.loads((folder / SIGN_INS).read_text())
    say("")
    say(
        _("Ready after %(seconds).0f s. Three nodes, each master of its own data:")
        % {"seconds": seconds}
    )
    for node in NODES:
        say(f"\n  {node.member}  http://localhost:{http_port(base, node)}/")
        for account, _name, _offices in PEOPLE:
            say(f"      {account:<12} {passwords[node.member][account]}")
    say("")
    for line in (
        _("What to look at:"),
        _("1. BF, account permanence: the incident of ML is on the home page, its place coarse."),
        _("2. BF, Map: 827 past published incidents (or fictional ones), marked and credited."),
        _("3. ML: account permanence reports an incident, account diffusion releases it; see NE."),
        _("4. Any node, Partners: what is stored there, what waits; a file for a stick."),
        _("5. Account audit: the audit trail. All people here are fictional."),
        _("Stop with Ctrl+C."),
    ):
        say("  " + line)
