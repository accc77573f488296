"""Nodes for the tests of the command line, each with a database of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Databases, Home, build_map, copy_node, free_port, set_up


@pytest.fixture(name="free_port")
def make_free_port() -> Callable[[], int]:
    """Return a maker of ports that nobody uses now."""
    return free_port


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Databases for nodes."""
    databases = Databases()
    yield databases
    databases.drop()


@pytest.fixture(scope="session")
def map_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a base map, built once: an `init` that finds one builds none."""
    return build_map(tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="session")
def originals(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, map_files: Path
) -> Path:
    """Return a folder with the nodes ML and BF, which have one compact; made once, then copied."""
    folder = tmp_path_factory.mktemp("originals")
    set_up(folder, map_files, databases)
    return folder


@pytest.fixture
def copy_of(originals: Path, databases: Databases, tmp_path: Path) -> Callable[[str], Home]:
    """Return a maker of nodes that are set up and have a compact: `copy_of("BF")`."""

    def copy(member: str) -> Home:
        return copy_node(originals / member, tmp_path / member, databases)

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
