"""Backup and restore: a node comes back whole and in new logs, or it is not there at all."""

import re
import stat

import pytest

from tests.cli.shell import POSTGRESQL, Home, contents, wait_for

DATABASE = "liptako.pgdump" if POSTGRESQL else "liptako.sqlite3"
PRIVATE = ("keys/node.key", "keys/node.age", "keys/tls.key", "secret", "liptako.env")
DIGEST = """
from django.db import transaction
from liptako.ledger.digest import state_digest
from liptako.members.models import AuditEvent
with transaction.atomic():
    AuditEvent.objects.filter(event="node.restore").delete()
    print(state_digest())
    transaction.set_rollback(True)
"""
FIRST_EPOCH = """
from liptako.ledger.models import Entry
rows = Entry.objects.filter(channel__epoch=1).order_by("position")
print([(log, seq, bytes(leaf).hex()) for log, seq, leaf in
       rows.values_list("channel", "seq", "leaf")])
"""
HEADER = (
    "event_id,date,category,iso3,admin1,lat,lon,geo_precision,description,weapon,killed,injured,"
    "kidnapped,arrested,source_file\n"
)


@pytest.fixture(scope="module")
def original(originals):
    """The node that is backed up; nothing is changed in it."""
    return Home(originals / "ML")


@pytest.fixture(scope="module")
def told(original, tmp_path_factory):
    """Return the file of a backup, and what was said when it was written."""
    file = tmp_path_factory.mktemp("saved") / "ML.tar.gz"
    return file, original.run("backup", file)


@pytest.fixture(scope="module")
def saved(told):
    return told[0]


@pytest.fixture(scope="module")
def restored(saved, databases, tmp_path_factory):
    """Return a node made from the backup, and what was said; nothing is changed in it."""
    home = Home(tmp_path_factory.mktemp("restored") / "ML")
    return home, home.run("restore", saved, *databases.make())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_backup_is_one_private_file_and_says_that_it_holds_the_keys(told):
    file, result = told
    words = f"Backup written to {file}. It holds the private keys: keep it locked away.\n"
    assert result == (0, words, "")
    assert (mode(file), list(file.parent.iterdir())) == (0o600, [file])


def test_a_backup_holds_all_that_is_not_made_again_but_not_the_root_key(saved):
    made = {"keys/delegations.json", "keys/tls.crt", "keys/tls-next.crt", "keys/tls-next.key"}
    names = {*PRIVATE, *made, "card.json", "sources.json", DATABASE}
    assert set(contents(saved)) == names


def test_a_restored_node_is_told_with_its_new_epoch(restored):
    home, result = restored
    words, _, epoch = result.out.removesuffix(".\n").rpartition(" ")
    assert (result.code, int(epoch) > 1) == (0, True)
    assert re.fullmatch(r"Records: (\d+)/\1 \(100 %\)\n", result.err)
    assert words == f"Node restored in {home.folder}. Its own logs go on in epoch"


def test_a_restored_node_has_the_same_state_but_for_the_restore_itself(original, restored):
    home, _ = restored
    assert home.do(DIGEST) == original.do(DIGEST)


def test_a_restored_node_holds_its_old_logs_to_the_letter(original, restored):
    home, _ = restored
    assert home.do(FIRST_EPOCH) == original.do(FIRST_EPOCH)


def test_a_restored_node_begins_a_new_log_with_the_restore(restored):
    home, result = restored
    epoch = result.out.removesuffix(".\n").rpartition(" ")[2]
    found = home.do(
        "from liptako.ledger.models import Entry\n"
        "from liptako.members.models import AuditEvent\n"
        "new = Entry.objects.exclude(channel__epoch=1)\n"
        "print(*new.values_list('channel__epoch', 'seq', 'kind'))\n"
        "print(*AuditEvent.objects.filter(event='node.restore').values_list('detail', flat=True))"
    )
    assert found == f"({epoch}, 0, 'members.audit/1')\n{epoch}"


def test_everything_in_a_restored_node_is_in_order(restored):
    home, _ = restored
    assert home.ok("verify").endswith("records: every signature, hash and payload is in order.\n")


def test_a_restored_node_has_the_keys_and_files_of_the_old_one(original, restored):
    home, _ = restored
    names = [*PRIVATE[:-1], "keys/tls.crt", "card.json", "basemap.mbtiles", "sources.json"]
    assert {name: (home / name).read_bytes() for name in names} == {
        name: (original / name).read_bytes() for name in names
    }


def test_secrets_are_for_their_owner_only_in_a_restored_node_too(restored):
    home, _ = restored
    modes = {name: mode(home / name) for name in PRIVATE}
    assert modes == dict.fromkeys(PRIVATE, 0o600)


def test_nobody_else_looks_into_the_folders_of_a_restored_node(restored):
    home, _ = restored
    assert [oct(mode(path)) for path in (home.folder, home / "keys")] == ["0o700", "0o700"]


def test_a_restored_node_uses_a_database_of_its_own(original, restored):
    home, _ = restored
    before, after = [
        [line for line in (node / "liptako.env").read_text().splitlines() if "DATABASE_URL" in line]
        for node in (original, home)
    ]
    assert (len(before), len(after)) == (POSTGRESQL, POSTGRESQL)
    assert not after or before != after


@pytest.mark.skipif(POSTGRESQL, reason="a database file elsewhere is one of SQLite")
def test_a_database_file_elsewhere_is_restored_into_the_folder(ml, home, tmp_path):
    (ml / "liptako.sqlite3").rename(tmp_path / "elsewhere.sqlite3")
    with (ml / "liptako.env").open("a") as settings:
        settings.write(f"DATABASE_URL=sqlite:///{tmp_path}/elsewhere.sqlite3\n")
    ml.ok("backup", tmp_path / "file")
    home.ok("restore", tmp_path / "file")
    assert "DATABASE_URL" not in (home / "liptako.env").read_text()
    assert home.do(FIRST_EPOCH) == ml.do(FIRST_EPOCH)


@pytest.mark.skipif(not POSTGRESQL, reason="a database that is full already is one of PostgreSQL")
def test_a_database_that_holds_a_node_already_is_refused_and_left_as_it_was(ml, home, saved):
    lines = (ml / "liptako.env").read_text().splitlines()
    url = next(line.split("=", 1)[1] for line in lines if line.startswith("DATABASE_URL="))
    before = ml.do(DIGEST)
    result = home.run("restore", saved, "--database-url", url)
    assert (result.code, result.err.startswith("pg_restore failed: ")) == (8, True)
    assert (home.folder.exists(), ml.do(DIGEST)) == (False, before)


def test_partners_take_what_a_node_writes_after_an_old_backup(ml, bf, home, databases, tmp_path):
    ml.ok("backup", tmp_path / "old")
    for node in (ml, home):
        if node is home:
            home.ok("restore", tmp_path / "old", *databases.make())
        node.ok("demo-incident")
        node.ok("exchange", "write", "BF", tmp_path / "bundle")
        assert bf.ok("exchange", "read", tmp_path / "bundle") == "1 new records from ML\n"
    logs = "from liptako.ledger.models import Channel; print(*Channel.objects.filter(author='ML')"
    assert bf.do(f"{logs}.values_list('size', flat=True))") == "1 1"


def test_a_node_that_is_being_written_to_is_saved_as_it_is_at_one_moment(
    ml, home, databases, tmp_path
):
    rows = [f"A{n},2022-03-01,health_care,MLI,Gao,16.2,-0.1,(2),x,,0,0,0,0,f" for n in range(400)]
    (tmp_path / "table").write_text(HEADER + "\n".join(rows))
    with ml.process("import", tmp_path / "table") as importing:
        importing.stderr.readline()  # the first rows are there
        ml.ok("backup", tmp_path / "file")
        assert (importing.communicate()[0], importing.returncode) == (
            "400 new incidents of 400 rows.\n",
            0,
        )
    home.ok("restore", tmp_path / "file", *databases.make())
    count = "from liptako.situation.models import Incident; print(Incident.objects.count())"
    assert int(home.do(count)) in {100, 200, 300, 400}
    assert "is in order" in home.ok("verify")


@pytest.mark.parametrize("target", ["/proc/file", "/nowhere/file", "/"])
def test_a_backup_that_cannot_be_written_is_told(original, target):
    result = original.run("backup", target)
    assert (result.code, result.out) == (8, "")
    assert result.err.startswith(f"{target} cannot be written: ")


def test_without_room_for_a_backup_the_older_one_stays_and_nothing_else(original, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"older")
    result = original.limited("backup", file, kibibytes=100)
    assert (result.code, result.out) == (8, "")
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(file, b"older")]


def test_a_backup_that_was_killed_never_bears_the_name_and_may_be_done_again(original, tmp_path):
    file = tmp_path / "file"
    with original.process("backup", file) as process:
        wait_for(lambda: list(tmp_path.iterdir()))
        process.kill()
    assert not file.exists()
    original.ok("backup", file)
    assert DATABASE in contents(file)


def test_what_a_backup_that_was_killed_left_beside_it_is_taken_away(original, tmp_path):
    left = tmp_path / "ML.tar.gz.part-x"
    left.mkdir()
    (left / DATABASE).write_bytes(b"half of a database")
    original.ok("backup", tmp_path / "ML.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["ML.tar.gz"]
