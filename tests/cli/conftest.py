"""Nodes for the tests of the command line, each with a database of its own."""

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.shell import POSTGRESQL, Databases, Home, liptako, python


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a maker of ports that nobody uses now."""

    def make() -> int:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return make


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Databases for nodes."""
    databases = Databases()
    yield databases
    databases.drop()


@pytest.fixture(scope="session")
def map_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base map, built once: an `init` that finds one builds none."""
    home = tmp_path_factory.mktemp("map")
    code = "from pathlib import Path; from liptako.web import basemap; import sys; "
    assert python("-c", code + "basemap.build(Path(sys.argv[1]), None, print)", home).code == 0
    return home


@pytest.fixture(scope="session")
def originals(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, map_files: Path
) -> Path:
    """Return a folder with the nodes ML and BF, which have one compact; made once, then copied."""
    folder = tmp_path_factory.mktemp("originals")
    homes = {member: Home(folder / member) for member in ("ML", "BF")}
    for member, home in homes.items():
        shutil.copytree(map_files, home.folder)
        home.ok("init", "--member", member, "--data", "", *databases.make())
    cards = [home / "card.json" for home in homes.values()]
    compact = folder / "compact.json"
    names = ("--name", "fr=Pacte", "--everyone", "fr=Tous", "--output", compact)
    phrase = liptako("compact-draft", *cards, *names).out.rpartition("Compare aloud: ")[2].strip()
    for home in homes.values():
        assert liptako("compact-sign", compact, "--key", home / "keys/root.key").code == 0
    for home in homes.values():
        home.ok("compact-adopt", compact, "--phrase", phrase)
    return folder


@pytest.fixture
def copy_of(originals: Path, databases: Databases, tmp_path: Path) -> Callable[[str], Home]:
    """Return a maker of nodes that are set up and have a compact: `copy_of("BF")`."""

    def copy(member: str) -> Home:
        home = Home(tmp_path / member)
        shutil.copytree(originals / member, home.folder)
        if POSTGRESQL:
            settings = home / "liptako.env"
            lines = dict(line.split("=", 1) for line in settings.read_text().splitlines())
            lines["DATABASE_URL"] = databases.copy(lines["DATABASE_URL"].rpartition("/")[2])
            settings.write_text("".join(f"{name}={text}\n" for name, text in lines.items()))
        return home

    return copy


@pytest.fixture
def ml(copy_of: Callable[[str], Home]) -> Home:
    """The node of ML."""
    return copy_of("ML")


@pytest.fixture
def bf(copy_of: Callable[[str], Home]) -> Home:
    """The node of BF."""
    return copy_of("BF")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A folder that is not there yet."""
    return Home(tmp_path / "new")
