"""Two partners that share thousands of logs: each restore and each fail-over begins new ones."""

import pytest

from liptako.core.log.checkpoint import Checkpoint, sign_checkpoint
from liptako.core.log.frames import HeadsFrame
from liptako.core.log.note import NOTE_LIMIT
from liptako.federation import peers
from liptako.federation.heads import heads_for, owes
from liptako.ledger.models import Channel
from liptako.ledger.reader import head_of_log
from tests.bundles import PAIR, read, sealed_frames, write

COUNT = 2000


@pytest.fixture
def many(fleet):
    """Let ML hold the heads of many logs, as if it had begun a new one again and again."""
    write(fleet, "ML", "one", audience=PAIR)
    with fleet.at("ML") as node:
        log = Channel.objects.get()
        root = head_of_log(log).root
        for number in range(1, COUNT):
            log.origin = f"ML/c/{number:016x}/e{number}"
            head = Checkpoint(origin=log.origin, size=1, root=root)
            log.checkpoint = sign_checkpoint(head, node.signer)
            log.save(force_insert=True)
    return fleet


def test_the_heads_of_thousands_of_logs_are_signed_and_believed(many):
    with many.at("ML") as node:
        note = heads_for(node, "BF")
        origins = list(Channel.objects.order_by("origin").values_list("origin", flat=True))
    report = read(many, "BF", sealed_frames(many, "BF", [HeadsFrame(note)]))
    with many.at("BF") as node:
        said = peers.said_by("ML")
        assert (report.faults, owes(node, "ML")) == ([], True)
    assert [log.origin for log in said.logs] == origins
    assert (len(origins), len(said.asked), len(note) > 2 * NOTE_LIMIT) == (COUNT, COUNT, True)
