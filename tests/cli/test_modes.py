"""What commands write is for its owner only, whatever the shell would let others read."""

import os
import shutil

import pytest

from tests.cli.shell import POSTGRESQL, Home


@pytest.fixture(autouse=True)
def _open_shell():
    """Run commands from a shell that lets everybody read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def files_of(folder):
    """Return the files of a node, those apart that every page gives to everybody."""
    static = folder / "static"
    return {path for path in folder.rglob("*") if path.is_file() and static not in path.parents}


def test_a_new_node_is_readable_by_its_owner_only(tmp_path, map_files, databases):
    home = Home(tmp_path / "ML")
    shutil.copytree(map_files, home.folder)
    before = files_of(home.folder)
    home.ok("init", "--member", "ML", "--data", "", *databases.make())
    written = files_of(home.folder) - before
    assert {path.name for path in written} >= {"node.key", "secret", "card.json", "liptako.env"}
    assert [path for path in written if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("words", [("backup",), ("exchange", "write", "BF")])
def test_a_file_that_leaves_a_node_is_readable_by_its_owner_only(ml, tmp_path, words):
    file = tmp_path / "out"
    ml.ok(*words, file)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(POSTGRESQL, reason="the tables lie on a server")
def test_a_restored_database_is_readable_by_its_owner_only(ml, tmp_path):
    ml.ok("backup", tmp_path / "out")
    home = Home(tmp_path / "again")
    home.ok("restore", tmp_path / "out")
    assert (home / "liptako.sqlite3").stat().st_mode & 0o777 == 0o600
