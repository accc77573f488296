"""A node that was restored from an old backup, and its partners: nobody loses anything."""

import pytest

from liptako.cli import codes
from liptako.core.errors import RefusedError
from tests.cli.shell import POSTGRESQL, Home

COUNT = (
    "from liptako.situation.models import Incident; "
    "print(Incident.objects.values('object').distinct().count())"
)
EPOCH = "from liptako.ledger.reader import epoch; print(epoch())"
TRAIL = (
    "from liptako.members.models import AuditEvent; "
    "row = AuditEvent.objects.get(event='node.fence'); print((row.event, row.detail.isdigit()))"
)
LOGS = (
    "from liptako.ledger.models import Channel; "
    "print(Channel.objects.filter(author='BF', audience__members__contains='ML').count())"
)


def carry(one, other, folder):
    """Bring what waits from one node to another on a stick."""
    file = folder / f"{one.folder.name}-{other.folder.name}"
    member = {"again": "BF", "third": "BF"}.get(other.folder.name, other.folder.name)
    one.ok("exchange", "write", member, file)
    return other.ok("exchange", "read", file)


@pytest.fixture
def restore(databases, tmp_path):
    """Return a maker of nodes from a backup: `restore(file, "again")`."""

    def make(file, name):
        home = Home(tmp_path / name)
        url = databases.make("template0")[1:] if POSTGRESQL else []
        home.ok("restore", file, *[word for x in url for word in ("--database-url", x)])
        return home

    return make


@pytest.fixture
def backup(ml, bf, tmp_path):
    """Return a backup of BF with one incident of ML, while ML knows that BF has two."""
    ml.ok("demo-incident")
    carry(ml, bf, tmp_path)
    bf.ok("backup", tmp_path / "backup")
    ml.ok("demo-incident")
    carry(ml, bf, tmp_path)
    carry(bf, ml, tmp_path)
    return tmp_path / "backup"


def test_a_restored_node_gets_again_what_came_after_its_backup(ml, backup, restore, tmp_path):
    again = restore(backup, "again")
    assert again.do(COUNT) == "1"
    carry(again, ml, tmp_path)
    assert carry(ml, again, tmp_path) == "1 new records from ML\n"
    assert again.do(COUNT) == "2"


def test_one_backup_restored_twice_stops_nobody(ml, backup, restore, tmp_path):
    for name in ("again", "third"):
        home = restore(backup, name)
        home.ok("demo-incident")
        assert carry(home, ml, tmp_path).startswith("1 new records from BF")
    assert ml.do(COUNT) == "4"
    assert ml.ok("verify").endswith("every signature, hash and payload is in order.\n")


def test_a_node_whose_disk_was_set_back_goes_on_in_new_logs_once_that_is_said(ml, bf, tmp_path):
    """Nothing tells it of a snapshot, so the administrator does, before anything runs."""
    bf.ok("demo-incident")
    epoch = bf.do(EPOCH)
    said = bf.ok("fence")
    assert said == f"The node's own logs go on in epoch {bf.do(EPOCH)}.\n"
    assert int(bf.do(EPOCH)) > int(epoch)
    bf.ok("demo-incident")
    carry(bf, ml, tmp_path)
    assert ml.do(COUNT) == "2"
    assert bf.do(TRAIL) == "('node.fence', True)"


def test_who_was_restored_takes_a_stolen_key_back_once_it_knows_what_is_given_up(
    bf, backup, restore, tmp_path
):
    again, root = restore(backup, "again"), bf.folder / "keys/root.key"
    words = ("--key", root, "--output", tmp_path / "keys.json")
    for kind in (("--stolen",), ("--renew", "sign")):
        told = again.run("delegate", *kind, *words)
        assert told.code == codes.CODES[RefusedError]
        assert told.err.startswith("records of ours that this node lacks since it was restored may")
        assert " by ML: exchange first, or give them up with --without\n" in told.err
    again.ok("delegate", "--stolen", *words, "--without", "ML")
