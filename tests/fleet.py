"""Several nodes in one process, each with a database of its own, and a network between them.

`with fleet.at("BF") as node:` lets everything inside run on BF's database. Nothing is replaced:
the same code runs as on three machines; only the wires are short (the port of `federation.client`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.utils import load_backend

from liptako.core.errors import NetworkError
from liptako.federation import exchange
from liptako.federation.peers import set_url
from liptako.ledger import compacts
from liptako.ledger.node import this_node
from tests.snapshots import Snapshot


class Fleet:
    """The nodes of one test session. `reset` empties them between tests.

    Their databases may remember how queries are put into SQL (`tests.remembered`).
    """

    def __init__(self, members: list[str], suffix: str, *, remembers: bool = False) -> None:
        self._wrappers = {
            member: _new_database(member, suffix, remembers=remembers) for member in members
        }
        self.nodes: dict[str, Any] = {}
        self.cut: set[str] = set()
        self._dossier = b""
        self._empty: dict[str, Snapshot] = {}
        self._begun: dict[tuple[str, bytes], Snapshot] = {}
        for member in members:
            with self._on(member):
                call_command("migrate", verbosity=0, interactive=False)
            self._empty[member] = self.snapshot(member)

    def close(self) -> None:
        """Let go of all databases."""
        for wrapper in self._wrappers.values():
            wrapper.close()

    @contextmanager
    def _on(self, member: str) -> Iterator[None]:
        before = connections["default"]
        connections["default"] = self._wrappers[member]
        try:
            yield
        finally:
            connections["default"] = before

    def database(self, member: str) -> Any:
        """Return the connection to a member's database."""
        return self._wrappers[member]

    def snapshot(self, member: str) -> Snapshot:
        """Return a copy of all that a member's database holds."""
        return Snapshot(self._wrappers[member])

    @contextmanager
    def at(self, member: str) -> Iterator[Any]:
        """Let what is inside run on a member's node; gives the node."""
        node, before = self.nodes[member], settings.LIPTAKO
        settings.LIPTAKO = replace(before, home=node.home, member=member)
        this_node.cache_clear()
        try:
            with self._on(member):
                yield node
        finally:
            settings.LIPTAKO = before
            this_node.cache_clear()

    def reset(self, nodes: dict[str, Any], dossier: bytes, *, connected: bool = True) -> None:
        """Empty the databases of these nodes, let them adopt a compact, and connect them."""
        self.nodes, self.cut, self._dossier = nodes, set(), dossier
        for member in self.nodes:
            self._begin(member)
        if connected:
            self.connect()

    def restart(self) -> None:
        """Empty all databases once more, for the next of many cases in one test."""
        for member in self.nodes:
            self._begin(member)
        self.connect()

    def set_back(self, member: str) -> None:
        """Let a node forget everything but the compact, as if its disk were an old one."""
        self._begin(member)
        self.connect()

    def _begin(self, member: str) -> None:
        """Let a node hold nothing but the compact."""
        if (member, self._dossier) in self._begun:
            self._begun[member, self._dossier].put_back()
            return
        self._empty[member].put_back()
        with self._on(member):
            compacts.adopt(self._dossier, member, self.nodes[member].clock)
        self._begun = {key: kept for key, kept in self._begun.items() if key[0] != member}
        self._begun[member, self._dossier] = self.snapshot(member)

    def connect(self) -> None:
        """Tell every node the address of every other."""
        for member in self.nodes:
            for other in self.nodes:
                if other != member:
                    with self.at(member) as node:
                        set_url(node, other, f"https://{other.lower()}.invalid:8443")

    def exchange(self, member: str, other: str) -> Any:
        """Let a member exchange with another over the short wire; returns the report."""
        with self.at(member) as node:
            return exchange.exchange_with(node, other, Wire(self))

    def settle(self) -> None:
        """Let everybody exchange with everybody until nothing moves."""
        while sum(
            self.exchange(member, other).taken
            for member in self.nodes
            for other in self.nodes
            if member != other
        ):
            pass


class Wire:
    """The network between the nodes of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.sent: list[bytes] = []

    def exchange(self, url: str, pins: Any, bundle: bytes, follow: Any = None) -> bytes:  # noqa: ARG002 (the port's)
        """Hand a bundle to the node at an address."""
        member = url.removeprefix("https://").partition(".")[0].upper()
        if member in self._fleet.cut:
            raise NetworkError("%(host)s cannot be reached: %(why)s", host=member, why="cut")
        self.sent.append(bundle)
        with self._fleet.at(member) as node:
            reply = exchange.answer(node, bundle)
        self.sent.append(reply)
        return reply


def _new_database(member: str, suffix: str, *, remembers: bool) -> Any:
    """Return a connection to a database of its own."""
    chosen = deepcopy(connections.settings["default"])
    name = f"fleet_{member.lower()}_{suffix}"
    if chosen["ENGINE"].endswith("sqlite3"):
        chosen["NAME"] = f"file:{name}?mode=memory&cache=shared"
    else:
        with connections["default"].cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
        chosen["NAME"] = name
    wrapper = load_backend(chosen["ENGINE"]).DatabaseWrapper(chosen, alias="default")
    if remembers and wrapper.vendor == "sqlite":
        wrapper.ops.compiler_module = "tests.remembered"
    return wrapper
