"""What is no backup, or cannot be restored here, is refused; nothing of it is left behind."""

import tarfile
from io import BytesIO

import pytest

from tests.cli.shell import POSTGRESQL, Home, contents, kill, wait_for

DATABASE = "liptako.pgdump" if POSTGRESQL else "liptako.sqlite3"
NOWHERE = ("--database-url", "postgresql://u@127.0.0.1:1/n")


@pytest.fixture(scope="module")
def saved(originals, tmp_path_factory):
    """Return a backup of ML."""
    file = tmp_path_factory.mktemp("saved") / "ML.tar.gz"
    Home(originals / "ML").ok("backup", file)
    return file


def pack(file, files):
    """Write a backup by hand."""
    with tarfile.open(file, "w:gz") as tar:
        for name, data in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(data)
            tar.addfile(item, BytesIO(data))


@pytest.fixture
def repacked(saved, tmp_path):
    """Return a maker of backups like the one of ML, with other files in it."""

    def repack(changes):
        file = tmp_path / "repacked.tar.gz"
        files = {name: data for name, data in contents(saved).items() if name != DATABASE}
        pack(file, files | changes)
        return file

    return repack


def test_a_folder_that_holds_something_is_refused_and_left_as_it_was(home, saved):
    home.folder.mkdir()
    (home / "letter").write_text("dear")
    refused = f"restore: the folder {home.folder} is not empty\n"
    assert home.run("restore", saved) == (5, "", refused)
    assert [(path.name, path.read_text()) for path in home.folder.iterdir()] == [("letter", "dear")]


@pytest.mark.parametrize("folder", ["/proc/nothing", "/dev/null/node"])
def test_a_folder_that_cannot_be_written_is_named(saved, folder):
    result = Home(folder).run("restore", saved)
    assert (result.code, result.out) == (8, "")
    assert result.err.startswith(f"{folder} cannot be written: ")


def test_without_room_to_unpack_nothing_is_left(home, saved):
    result = home.limited("restore", saved, kibibytes=100)
    assert (result.code, "cannot be written" in result.err) == (8, True)
    assert not home.folder.exists()


def flipped(data, place):
    at = int(len(data) * place)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _data: b"",
        lambda _data: b"a letter, and no backup",
        lambda data: data[:1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: flipped(data, 0.1),
        lambda data: flipped(data, 0.5),
        lambda data: flipped(data, 0.999999),
    ],
    ids=["empty", "letter", "a byte", "half", "but a byte", "early", "middle", "checksum"],
)
def test_a_file_that_is_damaged_or_no_backup_is_refused(home, saved, tmp_path, spoil):
    file = tmp_path / "file"
    file.write_bytes(spoil(saved.read_bytes()))
    refused = f"restore: {file} is no backup, or it is damaged\n"
    assert home.run("restore", file) == (3, "", refused)
    assert not home.folder.exists()


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"letter": b"dear"},
        {"keys/node.key": b""},
        {"liptako.sqlite3": b""},
        {"keys/node.key": b"", "liptako.sqlite3": b"", "liptako.pgdump": b""},
    ],
    ids=["nothing", "letter", "no database", "no key", "two databases"],
)
def test_an_archive_of_something_else_is_refused(home, tmp_path, files):
    file = tmp_path / "file"
    pack(file, files)
    assert home.run("restore", file) == (3, "", f"restore: {file} is no backup\n")
    assert not home.folder.exists()


@pytest.mark.parametrize("name", ["../escaped", "keys/../../escaped"])
def test_a_file_that_would_be_unpacked_elsewhere_is_not(home, repacked, tmp_path, name):
    file = repacked({DATABASE: b"", name: b"x"})
    assert home.run("restore", file) == (3, "", f"restore: {file} is no backup\n")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("name", ["nothing", "."])
def test_a_backup_that_cannot_be_read_is_named(home, tmp_path, name):
    result = home.run("restore", tmp_path / name)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"{tmp_path / name} cannot be read: ")


SQLITE = "this backup is of SQLite: leave out --database-url and DATABASE_URL"
OTHERS = "this backup is of PostgreSQL: give --database-url"


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("liptako.sqlite3", NOWHERE, SQLITE),
        ("liptako.sqlite3", ("--database-url", "sqlite:////nowhere/x"), SQLITE),
        ("liptako.pgdump", (), OTHERS),
        ("liptako.pgdump", ("--database-url", "sqlite:////nowhere/x"), OTHERS),
    ],
)
def test_another_kind_of_database_is_refused(home, repacked, name, words, message):
    refused = (5, "", f"restore: {message}\n")
    assert home.run("restore", repacked({name: b""}), *words) == refused
    assert not home.folder.exists()


def test_another_kind_of_database_in_the_environment_is_refused(home, repacked):
    refused = (5, "", f"restore: {SQLITE}\n")
    file = repacked({"liptako.sqlite3": b""})
    assert home.run("restore", file, DATABASE_URL=NOWHERE[1]) == refused
    assert not home.folder.exists()


def test_a_wrong_address_of_a_database_is_named_and_nothing_is_left(home, saved):
    result = home.run("restore", saved, "--database-url", "nonsense")
    assert (result.code, result.err.startswith("DATABASE_URL: expected")) == (9, True)
    assert not home.folder.exists()


def test_a_damaged_key_in_a_backup_is_named_and_nothing_is_left(home, repacked):
    file = repacked({DATABASE: b"", "keys/node.key": b"damaged"})
    told = f"LIPTAKO_HOME: {home / 'keys/node.key'} is damaged\n"
    assert home.run("restore", file) == (9, "", told)
    assert not home.folder.exists()


def test_a_damaged_dump_in_a_backup_is_told_and_nothing_is_left(home, repacked):
    result = home.run("restore", repacked({"liptako.pgdump": b"damaged"}), *NOWHERE)
    assert (result.code, result.err.startswith("pg_restore ")) == (8, True)
    assert not home.folder.exists()


def test_a_damaged_database_file_in_a_backup_is_told_and_nothing_is_left(home, repacked):
    result = home.run("restore", repacked({"liptako.sqlite3": b"damaged " * 1000}))
    assert (result.code, result.out, "Traceback" in result.err) == (8, "", False)
    assert not home.folder.exists()


def test_without_the_programs_of_postgresql_they_are_named(home, repacked):
    result = home.run("restore", repacked({"liptako.pgdump": b""}), *NOWHERE, PATH="/nowhere")
    assert result == (8, "", "pg_restore is not installed on this machine\n")
    assert not home.folder.exists()


def test_what_a_restore_that_was_killed_has_left_is_no_node(home, saved):
    home.folder.mkdir()
    with home.process("restore", saved) as process:
        wait_for((home / "liptako.env").exists)
        kill(process)
    told = f"the restore into {home.folder} was not finished: run `liptako restore` again\n"
    for words in (("verify",), ("work",), ("serve",), ("init", "--member", "ML")):
        assert home.run(*words) == (5, "", told)


def test_a_restore_that_was_killed_is_done_again_into_the_same_folder(home, saved, databases):
    home.folder.mkdir()
    (home / "restore-unfinished").write_text("")
    (home / "keys").mkdir()
    (home / "keys" / "node.key").write_text("half of a key")
    assert home.ok("restore", saved, *databases.make()).startswith("Node restored in ")
    assert home.ok("verify").endswith("every signature, hash and payload is in order.\n")
