"""What every test may ask for: nodes, a compact of three members, actors, records."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from liptako.core.clock import Instant
from liptako.core.compact.dossier import Dossier, dossier_of, write_dossier
from liptako.core.compact.draft import Changes, first_draft, next_draft
from liptako.core.compact.members import Compact
from liptako.core.keys import signer_from_seed, write_private_key
from liptako.core.log.sealed import new_identity, recipient_of
from tests import pact

# How long a case takes depends on what else the machine does: it fails no test.
hypothesis_settings.register_profile("liptako", deadline=None)
hypothesis_settings.load_profile("liptako")

MEMBERS = {
    "ML": ("Mali", "Africa/Bamako"),
    "BF": ("Burkina Faso", "Africa/Ouagadougou"),
    "NE": ("Niger", "Africa/Niamey"),
}
START = 1_790_000_000_000  # 2026-09-21T14:13:20Z


class Clock:
    """A clock that goes on by a second each time it is read."""

    def __init__(self) -> None:
        self.milliseconds = START

    def __call__(self) -> Instant:
        self.milliseconds += 1000
        return Instant(self.milliseconds)


def _seed(member: str) -> bytes:
    return bytes(range(32)) if member == "ML" else member.encode().ljust(32, b"\1")


IDENTITIES = {member: new_identity() for member in MEMBERS}


def _write_keys(home: Path, member: str) -> None:
    """Write the keys of a member's node into its folder."""
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "node.key").write_text(write_private_key(f"{member}/node", _seed(member)))
    (home / "keys" / "node.age").write_text(IDENTITIES[member])


def pytest_configure() -> None:
    """Give the node of the settings its keys."""
    _write_keys(Path(os.environ["LIPTAKO_HOME"]), "ML")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Collect the static files once, as `liptako init` does, beside making the database.

    Passwords of these tests are hashed fast; the journeys run with argon2 as people do.
    """
    from django.conf import settings
    from django.core.management import call_command

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("collectstatic", verbosity=0, interactive=False)


@pytest.fixture
def make_node(tmp_path: Path) -> Callable[[str], Any]:
    """Return a maker of nodes: `make_node("BF")`."""
    from liptako.ledger.node import Node

    def make(member: str) -> Node:
        home = Path(os.environ["LIPTAKO_HOME"]) if member == "ML" else tmp_path / member
        if not home.exists():
            _write_keys(home, member)
        identity = (home / "keys" / "node.age").read_text().strip()
        return Node(
            member=member,
            signer=signer_from_seed(_seed(member)),
            identity=identity,
            home=home,
            clock=Clock(),
        )

    return make


@pytest.fixture
def node(make_node: Callable[[str], Any]) -> Any:
    """The node of ML, which is also the one that pages are served by."""
    return make_node("ML")


def dossier_of_nodes(nodes: list[Any]) -> Dossier:
    """Return the first compact of these nodes, signed by all, with their delegations."""
    names = {member: {"fr": MEMBERS[member][0], "en": MEMBERS[member][0]} for member in MEMBERS}
    cards = [
        pact.card(node.member, names=names[node.member], timezone=MEMBERS[node.member][1])
        for node in nodes
    ]
    draft = first_draft(
        {"fr": "Confédération d’essai", "en": "Test confederation"},
        cards,
        {"fr": "Tous les membres", "en": "All members"},
    )
    version = pact.by(draft, *(node.member for node in nodes))
    delegations = [
        pact.delegated(node.member, sign=node.signer.public, seals=(recipient_of(node.identity),))
        for node in nodes
    ]
    return dossier_of([version.envelope, *(signed.envelope for signed in delegations)])


@pytest.fixture
def compact(db: None, make_node: Callable[[str], Any]) -> Compact:
    """Adopt a compact of ML, BF and NE, and return it."""
    from liptako.ledger import compacts

    nodes = [make_node(member) for member in MEMBERS]
    return compacts.adopt(write_dossier(dossier_of_nodes(nodes)), "ML", nodes[0].clock)


@pytest.fixture
def amend(compact: Compact, node: Any) -> Callable[[Changes], Compact]:
    """Return an adopter of the next version of the compact, signed by all who are in it."""
    from liptako.ledger import compacts

    def change(changes: Changes) -> Compact:
        draft = next_draft(compacts.dossier().versions[-1], changes)
        version = pact.by(draft, *(member.id for member in draft.document.members))
        return compacts.adopt(write_dossier(dossier_of([version.envelope])), "ML", node.clock)

    return change


@pytest.fixture
def actor() -> Callable[..., Any]:
    """Return a maker of actors: `actor("watch_officer", member="BF")`."""
    from liptako.members.permissions import Actor

    def make(*roles: str, member: str = "ML", office: str = "permanence") -> Actor:
        return Actor(member=member, person="", office=office, roles=frozenset(roles))

    return make


@pytest.fixture(scope="session")
def _fleet(django_db_setup: None, django_db_blocker: Any, request: pytest.FixtureRequest) -> Any:
    """Three nodes with a database each, made once."""
    from tests.fleet import Fleet

    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with django_db_blocker.unblock():
        made = Fleet(list(MEMBERS), worker)
        yield made
        made.close()


@pytest.fixture
def fleet(_fleet: Any, django_db_blocker: Any, make_node: Callable[[str], Any]) -> Iterator[Any]:
    """ML, BF and NE, each alone with an empty log and the same compact, and wires between them."""
    nodes = {member: make_node(member) for member in MEMBERS}
    with django_db_blocker.unblock():
        _fleet.reset(nodes, write_dossier(dossier_of_nodes(list(nodes.values()))))
        yield _fleet
