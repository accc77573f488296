"""The nodes of the demonstration: whose they are, their people, their ports, their folder."""

import socket
from argparse import Namespace
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from liptako.core.errors import RefusedError

COMPACT = "compact.json"
SIGN_INS = "sign-ins.json"
PLAYED = "played"
"""File that says that the scripted incident has been shown."""

BASE = "base-port"
"""File with the first port; it also marks a folder as one of a demonstration."""

_BASE_PORT = 8100
_HTTPS = 340
_LAST_PORT = 65_535


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


def http_port(base: int, node: DemoNode) -> int:
    """Return the port of a node's pages."""
    return base + node.offset


def https_port(base: int, node: DemoNode) -> int:
    """Return the port that partners' nodes call."""
    return base + _HTTPS + node.offset


def base_port(folder: Path, args: Namespace) -> int:
    """Return the first port of the demonstration in a folder.

    Raises RefusedError for a folder with anything else in it (`--reset` deletes it), and for
    another port than the one that the nodes in it know of each other.
    """
    wanted: int | None = args.base_port
    if (folder / BASE).is_file():
        known = _known_port(folder / BASE, reset=args.reset)
        if wanted not in {None, known} and not args.reset:
            raise RefusedError(
                "the nodes in %(folder)s were set up with --base-port %(port)d: give that, or "
                "--reset",
                folder=str(folder),
                port=known,
            )
        return known if wanted is None else wanted
    empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not empty and not (folder / SIGN_INS).is_file():
        raise RefusedError(
            "%(folder)s holds something else than a demonstration: give another --folder",
            folder=str(folder),
        )
    return _BASE_PORT if wanted is None else wanted


def _known_port(file: Path, *, reset: bool) -> int:
    """Return the first port that the nodes know.

    Raises RefusedError if it cannot be read and what lies there is not to be deleted anyway.
    """
    try:
        return int(file.read_text())
    except ValueError as cause:
        if reset:
            return _BASE_PORT
        raise RefusedError("%(file)s is damaged: give --reset", file=str(file)) from cause


def check_ports(base: int) -> None:
    """Raise RefusedError if one of the ports is none or in use."""
    last = _LAST_PORT - _HTTPS - len(NODES)
    if not 0 < base <= last:
        raise RefusedError("--base-port: expected 1 to %(last)d, got %(got)d", last=last, got=base)
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
