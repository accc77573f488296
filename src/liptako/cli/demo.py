"""`liptako demo`: three nodes on this machine, real published incidents, one scripted incident.

Everything lies in one folder. A second run goes on where the first one ended; `--reset` begins
anew. People and the scripted incident are fictional and marked so.
"""

import json
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from types import FrameType
from typing import Any, Self

from liptako.cli import codes
from liptako.cli.words import complain, say
from liptako.core.compact.members import draft_compact, read_card, write_compact
from liptako.core.errors import NetworkError, RefusedError, StorageError

COMPACT = "compact.json"
SIGN_INS = "sign-ins.json"
_EXCHANGE_SECONDS = 10
_PATIENCE = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoNode:
    """A node of the demonstration. `countries` are those whose published incidents it takes."""

    member: str
    names: tuple[str, str]
    timezone: str
    offset: int
    countries: tuple[str, ...]


NODES = (
    DemoNode(
        member="ML",
        names=("fr=Mali", "en=Mali"),
        timezone="Africa/Bamako",
        offset=1,
        countries=("MLI",),
    ),
    DemoNode(
        member="BF",
        names=("fr=Burkina Faso", "en=Burkina Faso"),
        timezone="Africa/Ouagadougou",
        offset=2,
        countries=("BFA", "GHA"),
    ),
    DemoNode(
        member="NE",
        names=("fr=Niger", "en=Niger"),
        timezone="Africa/Niamey",
        offset=3,
        countries=("NER", "NGA", "CMR", "TCD", "BEN"),
    ),
)
PEOPLE = (
    ("permanence", "Officier de permanence (fictif)", ("permanence",)),
    ("diffusion", "Autorité de diffusion (fictive)", ("diffusion",)),
    ("admin", "Administrateur du nœud (fictif)", ("administration",)),
    ("audit", "Auditeur (fictif)", ("audit",)),
)


def add_commands(commands: Any) -> None:  # noqa: ANN401 (argparse keeps this type private)
    """Add the command of this file."""
    demo = commands.add_parser("demo", help=_("run three nodes on this machine"))
    demo.add_argument("--folder", type=Path, default=Path("demo-nodes"), help=_("where"))
    demo.add_argument("--reset", action="store_true", help=_("delete what an earlier run left"))
    demo.add_argument("--base-port", type=int, default=8100, help=_("first port (six are used)"))
    demo.add_argument("--until-ready", action="store_true", help=_("stop once all has been shown"))
    demo.add_argument("--data", help=_("folder with public data"))
    demo.set_defaults(run=run_demo)


def run_demo(args: Namespace) -> int:
    """Set up what is missing, start the nodes, play the scripted incident, wait."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    folder = args.folder.absolute()
    if args.reset and folder.exists():
        shutil.rmtree(folder)
    _check_ports(args.base_port)
    first = not (folder / SIGN_INS).exists()
    if first:
        _set_up(folder, args)
    with Fleet(folder, args.base_port) as fleet:
        fleet.wait_until_served()
        if first:
            _show_exchange(folder)
            _play(folder)
        _tell(folder, args.base_port, time.monotonic() - began)
        if not args.until_ready:
            fleet.wait()
    say(_("Stopped. Run it again to go on; --reset begins anew."))
    return codes.OK


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """End like Ctrl+C."""
    raise KeyboardInterrupt


def http_port(base: int, node: DemoNode) -> int:
    """Return the port of a node's pages."""
    return base + node.offset


def https_port(base: int, node: DemoNode) -> int:
    """Return the port that partners' nodes call."""
    return base + 340 + node.offset


def _check_ports(base: int) -> None:
    """Raise RefusedError if one of the ports is in use."""
    for node in NODES:
        for port in (http_port(base, node), https_port(base, node)):
            with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as cause:
                    raise RefusedError(
                        "port %(port)d is in use: stop what uses it, or give --base-port", port=port
                    ) from cause


def _liptako(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a command on a node."""
    return subprocess.Popen([sys.executable, "-m", "liptako", "--home", str(home), *arguments])  # noqa: S603


def _all(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for commands. Raises StorageError if one of them failed."""
    for process in processes:
        if process.wait():
            raise StorageError("the set-up of the demonstration failed: see above")


def _set_up(folder: Path, args: Namespace) -> None:
    """Set up three nodes with one compact, people and published incidents."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    say(_("Setting up three nodes in %(folder)s …") % {"folder": folder})
    _all([_init(folder / node.member, node, args) for node in NODES])
    cards = [read_card((folder / node.member / "card.json").read_bytes()) for node in NODES]
    compact = draft_compact(
        {"fr": "Confédération des États du Sahel", "en": "Confederation of Sahel States"},
        cards,
        {"fr": "Tous les membres de la Confédération", "en": "All members of the Confederation"},
    )
    (folder / COMPACT).write_bytes(write_compact(compact))
    passwords = {
        node.member: {
            account: secrets.token_hex(4) + "-" + secrets.token_hex(4)
            for account, _name, _offices in PEOPLE
        }
        for node in NODES
    }
    orders = folder / "orders.json"
    orders.write_text(json.dumps({"base": args.base_port, "passwords": passwords}))
    orders.chmod(0o600)
    say(_("People, partners and published incidents …"))
    _all([_liptako(folder / node.member, "demo-fill", str(orders)) for node in NODES])
    (folder / SIGN_INS).write_text(json.dumps(passwords))
    (folder / SIGN_INS).chmod(0o600)
    orders.unlink()


def _init(home: Path, node: DemoNode, args: Namespace) -> subprocess.Popen[bytes]:
    """Start the set-up of a node."""
    base = args.base_port
    listen = f"http://127.0.0.1:{http_port(base, node)} https://127.0.0.1:{https_port(base, node)}"
    names = [item for name in node.names for item in ("--name", name)]
    data = ["--data", args.data] if args.data is not None else []
    home.mkdir(parents=True)
    (home / "liptako.env").write_text(
        f"LIPTAKO_MEMBER={node.member}\nLIPTAKO_LISTEN={listen}\n"
        f"LIPTAKO_EXCHANGE_SECONDS={_EXCHANGE_SECONDS}\nLIPTAKO_LOG_LEVEL=warning\n"
        + (f"LIPTAKO_DATA={args.data}\n" if args.data is not None else "")
    )
    return _liptako(
        home, "init", "--member", node.member, "--timezone", node.timezone,
        "--administrator", "init", *names, *data,
    )  # fmt: skip


class Fleet:
    """The processes of the three nodes; they end with it."""

    def __init__(self, folder: Path, base: int) -> None:
        """Know where the nodes are."""
        self._folder, self._base = folder, base
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Start server and worker of each node."""
        for node in NODES:
            for command in ("serve", "work"):
                self._processes.append(_liptako(self._folder / node.member, command))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all processes, gently first."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()

    def wait_until_served(self) -> None:
        """Wait until all pages answer. Raises NetworkError."""
        deadline = time.monotonic() + _PATIENCE
        for node in NODES:
            for port in (http_port(self._base, node), https_port(self._base, node)):
                while not _answers(port):
                    if time.monotonic() > deadline or self._has_ended():
                        raise NetworkError(
                            "the node %(member)s does not answer", member=node.member
                        )
                    time.sleep(0.1)

    def _has_ended(self) -> bool:
        """Say whether one of the processes has ended."""
        return any(process.poll() is not None for process in self._processes)

    def wait(self) -> None:
        """Wait for Ctrl+C, or for the end of one of the processes."""
        try:
            while not self._has_ended():
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
        complain(_("One of the processes has ended; stopping the others."))


def _answers(port: int) -> bool:
    """Say whether somebody listens."""
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
            return True
    except OSError:
        return False


def _count(home: Path, condition: str, value: str) -> int:
    """Return how many incidents a node shows; read from its tables, as its pages do."""
    uri = f"{(home / 'liptako.sqlite3').as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=20)) as database:
        query = f"SELECT count(*) FROM situation_incident WHERE shown AND {condition} = ?"  # noqa: S608 (our own words)
        return int(database.execute(query, (value,)).fetchone()[0])


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
    result = subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-m", "liptako", "--home", str(folder / "ML"), "demo-incident"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
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
