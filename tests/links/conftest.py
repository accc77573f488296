"""The nodes for tests of what lies between two of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import databases
from tests.cli.shell import Databases, Home, copy_node
from tests.links import killing

__all__ = ["databases"]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Path:
    """Return a folder with ML, which has much for its partners, and BF, which has nothing."""
    folder = tmp_path_factory.mktemp("prepared")
    killing.prepare(folder, databases)
    return folder


@pytest.fixture
def copy_of(prepared: Path, databases: Databases, tmp_path: Path) -> Callable[[str], Home]:
    """Return a maker of copies of what was prepared: `copy_of("BF")`."""

    def copy(name: str) -> Home:
        return copy_node(prepared / name, tmp_path / name, databases)

    return copy
