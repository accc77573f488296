"""Files of incidents through real commands: on a stick, checked offline, in a backup, verified."""

import pytest

from tests.cli.shell import POSTGRESQL, Home, liptako

ATTACH = """
import hashlib
from liptako.members.permissions import Actor
from liptako.ledger.node import this_node
from liptako.situation import actions, attaching
from liptako.situation.models import Incident
from liptako.situation.records import Transform
roles = frozenset({"watch_officer", "releasing_officer"})
node, actor = this_node(), Actor(member="ML", person="", office="permanence", roles=roles)
name = Incident.objects.filter(author="ML").values_list("object", flat=True)[0]
data = b"%PDF-1.7" + bytes(range(256)) * 1000
attaching.attach(node, actor, name, [attaching.check_file(data)], "Digue")
digest = hashlib.sha256(data).hexdigest()
order = actions.ReleaseOrder(members=frozenset({"ML", "BF"}), transform=Transform.AS_IS,
                             summary="x", basis="x", files=frozenset({digest}))
actions.release(node, actor, name, order)
print(digest)
"""
HELD = """
from liptako.ledger.file_models import Attached
print(sorted(Attached.objects.values_list("held", flat=True)))
"""
GOOD = "every signature, hash and payload is in order."


@pytest.fixture
def digest(ml):
    """Let ML release an incident with a file to BF; return the hash of the file."""
    ml.ok("demo-incident")
    return ml.do(ATTACH)


@pytest.fixture
def bundle(ml, digest, tmp_path):
    """Return what ML has for BF, on a stick."""
    assert digest
    ml.ok("exchange", "write", "BF", tmp_path / "stick")
    return tmp_path / "stick"


def test_a_file_comes_with_the_stick_and_is_checked_by_anybody(ml, bf, bundle, digest):
    compact = bundle.parent / "compact"
    ml.ok("compact-export", compact)
    checked = liptako("verify", bundle, "--compact", compact, "--key", bf / "keys/node.age")
    assert (checked.code, checked.err) == (0, "")
    assert bf.do(HELD) == "[]"
    bf.ok("exchange", "read", bundle)
    assert bf.do(HELD) == "[True]"
    assert (bf / f"attachments/bf/{digest[:2]}/{digest}").stat().st_mode & 0o777 == 0o600
    assert GOOD in bf.ok("verify")


def test_a_small_stick_brings_as_much_of_the_files_as_was_said(ml, bf, digest, tmp_path):
    assert digest
    ml.ok("exchange", "write", "BF", tmp_path / "none", "--attachments", "0")
    bf.ok("exchange", "read", tmp_path / "none")
    assert bf.do(HELD) == "[False]"


def test_a_file_that_was_changed_or_is_missing_is_told_by_verify(bf, bundle, digest):
    bf.ok("exchange", "read", bundle)
    path = bf / f"attachments/bf/{digest[:2]}/{digest}"
    path.write_bytes(b"other")
    assert bf.run("verify").err.endswith(f"attachment {digest}: it was changed\n")
    path.unlink()
    result = bf.run("verify")
    assert (result.code, f"attachment {digest}: it is missing\n" in result.err) == (1, True)


@pytest.fixture
def restored(bf, bundle, databases, tmp_path):
    """Return a maker of a node from BF's backup, which is taken when it is called."""

    def make():
        bf.ok("backup", tmp_path / "backup")
        again = Home(tmp_path / "again")
        url = databases.make("template0") if POSTGRESQL else []
        again.ok("restore", tmp_path / "backup", *url)
        return again

    bf.ok("exchange", "read", bundle)
    return make


def test_a_backup_holds_the_files_and_a_restored_node_has_them(restored, digest):
    again = restored()
    assert (again / f"attachments/bf/{digest[:2]}/{digest}").is_file()
    assert (again.do(HELD), GOOD in again.ok("verify")) == ("[True]", True)


def test_a_restored_node_asks_again_for_a_file_that_its_backup_lacks(
    ml, bf, restored, digest, tmp_path
):
    (bf / f"attachments/bf/{digest[:2]}/{digest}").unlink()
    again = restored()
    assert again.do(HELD) == "[False]"
    again.ok("exchange", "write", "ML", tmp_path / "asked")
    ml.ok("exchange", "read", tmp_path / "asked")
    ml.ok("exchange", "write", "BF", tmp_path / "given")
    again.ok("exchange", "read", tmp_path / "given")
    assert (again.do(HELD), GOOD in again.ok("verify")) == ("[True]", True)
