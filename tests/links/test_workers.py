"""Many processes of one node on one PostgreSQL: no fork, no gap, nothing lost, no double job."""

import json
from contextlib import ExitStack

import pytest

from tests.cli.shell import POSTGRESQL, free_port, listens, wait_for
from tests.links.watch import place, report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not POSTGRESQL, reason="several workers are for PostgreSQL"),
]

WRITERS, EACH = 3, 15
_WRITE = """
import datetime, sys
from liptako.core.records.envelope import Precedence
from liptako.core.refs import OBJECT_BYTES, object_id
from liptako.ledger import compacts, store
from liptako.ledger.node import this_node
from liptako.ledger.records import Draft
from liptako.situation.records import JOURNAL, JournalEntry
node = this_node()
for number in range({each}):
    draft = Draft(
        kind=JOURNAL, object=object_id(node.random(OBJECT_BYTES)), office="permanence",
        payload=JournalEntry(at=node.clock().milliseconds, text=f"{writer}-{{number}}"),
        audience=compacts.current().active,
        precedence=Precedence.FLASH if number % 5 == 0 else Precedence.ROUTINE,
    )
    store.append(node, [draft])
"""
_TEXTS = """
import json
from liptako.situation.models import JournalEntry
print(json.dumps(sorted(JournalEntry.objects.values_list("author", "text"))))
"""
_ORDER = """
import json
from django_tasks_db.models import DBTaskResult
from liptako.ledger.models import Channel, Entry
places = list(Entry.objects.order_by("position").values_list("position", flat=True))
gaps = [log.origin for log in Channel.objects.all() if log.size != log.entry_set.count()]
logs = Channel.objects.values_list("author", "audience", "lane", "epoch")
print(json.dumps({
    "gaps": gaps, "dense": places == list(range(1, len(places) + 1)),
    "forks": len(logs) - len(set(logs)),
    "jobs": sorted({(row.status, len(row.worker_ids)) for row in DBTaskResult.objects.all()}),
    "done": DBTaskResult.objects.count(),
}))
"""


@pytest.fixture
def addresses():
    return {member: f"https://127.0.0.1:{free_port()}" for member in ("ML", "BF")}


@pytest.fixture
def running(copy_of, addresses):
    """Both nodes, each with three processes that serve and two that work."""
    homes = {"ML": copy_of("ML empty"), "BF": copy_of("BF")}
    with ExitStack() as stack:
        for member, home in homes.items():
            (other,) = homes.keys() - {member}
            home.ok("partner", other, addresses[other])
            words = ("serve", "--only", addresses[member], "--workers", 3)
            stack.enter_context(home.process(*words))
            for _ in range(2):
                stack.enter_context(home.process("work", LIPTAKO_EXCHANGE_SECONDS="1"))
        for address in addresses.values():
            port = int(address.rpartition(":")[2])
            wait_for(lambda port=port: listens(port), 90)
        yield list(homes.values())


def write(stack, home):
    """Begin several processes that write into the logs of one node."""
    name = home.folder.name
    return [
        stack.enter_context(home.python(_WRITE.format(each=EACH, writer=f"{name} {number}")))
        for number in range(WRITERS)
    ]


def test_many_processes_write_and_exchange_at_once(running):
    with ExitStack() as stack:
        writers = [process for home in running for process in write(stack, home)]
        for process in writers:
            _, told = process.communicate(timeout=240)
            assert process.returncode == 0, told
    count = len(writers) * EACH
    wait_for(lambda: all(len(json.loads(home.do(_TEXTS))) == count for home in running), 240)
    wait_for(lambda: all(place(home).drawn == place(home).taken for home in running), 60)
    texts = [json.loads(home.do(_TEXTS)) for home in running]
    assert texts[0] == texts[1]
    assert len({tuple(row) for row in texts[0]}) == count
    for home in running:
        found = json.loads(home.do(_ORDER))
        assert (found["gaps"], found["dense"], found["forks"]) == ([], True, 0)
        assert {tries for _, tries in found["jobs"]} <= {0, 1}
        assert "FAILED" not in {status for status, _ in found["jobs"]}
        assert found["done"] > 0
    assert [report(home)["faults"] for home in running] == [[], []]
