"""Drawing along with the intake: with a helper it comes to the same, whatever goes wrong."""

import signal
import socket
import time
from dataclasses import replace
from threading import Thread, Timer

import msgspec
import pytest
from django.db import connection, transaction

from liptako.core.refs import Ref
from liptako.ledger import helper, helping, projector, registry, store
from liptako.ledger.along import Along
from liptako.ledger.digest import state_digest
from liptako.ledger.models import Counter, Payload, Rejected, Tally, Unknown, Waiting
from liptako.ledger.records import Draft
from liptako.members.models import Office as OfficeRow
from liptako.members.records import AUDIT, MANDATE, OFFICE, Office
from tests.senders import ORIGIN, Sender

pytestmark = pytest.mark.django_db
BAD = b'{"code":"desk","titles":{},"roles":[]}'
FAR = b'{"office":"x","subjects":["a"],"begins":9007199254740991}'
ELSEWHERE = Ref(origin="NE/c/0001020304050607/e1", seq=7, leaf=bytes(16))
COUNT = 96


def noted():
    """Return all that is drawn."""
    tables = [
        sorted(map(str, model.objects.values_list())) for model in (Waiting, Rejected, Unknown)
    ]
    counter = Counter.objects.get()
    tally = sorted(tuple(map(bytes, row)) for row in Tally.objects.values_list("basis", "state"))
    return state_digest(), tables, tally, counter.projected, counter.position


def wait_until(is_so):
    """Wait until something is so."""
    for _ in range(1200):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("it has not come to it")


def wait_for_answers(along):
    """Wait until the helper has folded all that it was asked for."""
    for job in along._jobs:  # noqa: SLF001 (only a test waits for it)
        job.answer.result()


def take(sender, along, between=lambda _count: None):
    """Take in all that a sender has, and draw it along; do something between the packages."""
    for count in sender.packages():
        along.go_on(count, sender.news)
        if along.helper is not None and count <= 16:
            wait_until(along.helper.is_ready)
        between(count)
    along.finish()


def alone(sender):
    """Return what is noted if all is drawn in the ordinary way; leave nothing of it behind."""
    with transaction.atomic():
        for _ in sender.packages():
            projector.project_pending()
        found = noted()
        transaction.set_rollback(True)
    return found


@pytest.fixture
def sender(node, compact):
    """A sender whose log has one of everything that is set aside, and many that are not."""
    log = Sender(node)
    log.write_raw(b"not a header")
    log.write(body=BAD, name=2)
    log.write(body=b"{}", name=3)
    waits = log.write(name=4, refs=(ELSEWHERE,))
    log.write(name=4, refs=(waits,))
    first = log.write(name=5)
    log.write(name=6, refs=(first,))
    log.write(name=6, refs=(Ref(origin=ORIGIN, seq=5, leaf=bytes(16)),))
    log.write("later.thing/1", name=7)
    log.write(AUDIT, b'{"event":"x"}', name=8)
    log.write(AUDIT, b'{"event":"x"}', name=8)
    log.write(name=9, refs=(Ref(origin=ORIGIN, seq=20, leaf=bytes(16)),))  # comes only later
    while len(log.headers) < COUNT:
        log.write(name=10 + len(log.headers) % 40)
    return log


@pytest.fixture
def along():
    """What draws along, with a helper from the first batch on."""
    with Along(helped=True, many=0, batch=8) as found:
        yield found


def test_a_helper_comes_to_the_same_rows_and_notes(sender, along):
    expected = alone(sender)
    take(sender, along)
    assert noted() == expected
    assert along.folded >= COUNT // 8 - 4
    assert (Rejected.objects.count(), Waiting.objects.count(), Unknown.objects.count()) == (6, 2, 1)


@pytest.mark.parametrize("at", [24, 64, COUNT])
def test_a_record_that_cannot_be_drawn_at_all_is_found_in_the_ordinary_way(sender, along, at):
    while len(sender.headers) < at:
        sender.write()
    sender.headers, sender.bodies = sender.headers[:at], sender.bodies[:at]
    sender.write(MANDATE, FAR, name=99)
    expected = alone(sender)
    take(sender, along)
    assert noted() == expected
    assert Rejected.objects.filter(entry__object=f"{99:013}").count() == 1


@pytest.fixture
def refusing_database(node):
    """Let the database refuse what is drawn of one object, which no fold can know."""
    when = (
        f"BEFORE INSERT ON {OfficeRow._meta.db_table} FOR EACH ROW WHEN (NEW.object = '{45:013}')"
    )
    raises = "BEGIN RAISE EXCEPTION USING ERRCODE = 'check_violation'; END"
    statements = {
        "sqlite": [f"CREATE TRIGGER refuses {when} BEGIN SELECT RAISE(ABORT, 'refused'); END"],
        "postgresql": [
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${raises}$$",
            f"CREATE TRIGGER refuses {when} EXECUTE FUNCTION refuse()",
        ],
    }
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)


def test_what_the_database_refuses_is_found_in_the_ordinary_way(sender, along, refusing_database):
    expected = alone(sender)
    take(sender, along)
    assert noted() == expected
    assert set(Rejected.objects.values_list("entry__object", flat=True)) >= {f"{45:013}"}
    assert along.folded > 0


@pytest.fixture
def breaking_module():
    """Register a fold with a fault."""
    original = registry.module_of(OFFICE)
    registry.register(replace(original, fold=lambda _threads: {}["poison"]))
    yield
    registry.register(original)


def test_nothing_is_the_answer_to_a_batch_that_cannot_be_folded(sender, breaking_module):
    list(sender.packages())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        helping_thread = Thread(target=_serve, args=[theirs])
        helping_thread.start()
        assert OFFICE in msgspec.msgpack.decode(helper.receive(ours))
        entries = list(projector.entries_of({f"{10 + 39:013}"}))
        helper.send(ours, msgspec.msgpack.encode(projector.batch_of(entries)))
        assert helper.receive(ours) == b""
        ours.shutdown(socket.SHUT_WR)
        helping_thread.join()


def _serve(link):
    """Serve until the other side has gone."""
    with pytest.raises(EOFError):
        helper.serve(link)


def test_what_another_process_writes_meanwhile_is_not_drawn_over(sender, along, node):
    payload = Office(code="permanence", titles={"fr": "Permanence"}, roles=("watch_officer",))
    draft = Draft(kind=OFFICE, object=f"{1:013}", office="system", payload=payload)
    took = []

    def between(count):
        if count == 40:
            wait_for_answers(along)
            store.append(node, [draft])
            took.append(along.folded)
        if count == 48:  # what was folded before is dropped: all is drawn in the ordinary way
            assert along.folded == took[0]
            assert Counter.objects.get().projected == Counter.objects.get().position

    take(sender, along, between)
    assert OfficeRow.objects.filter(author="ML").count() == 1
    assert Counter.objects.get().projected == Counter.objects.get().position == COUNT + 1
    assert took[0] < along.folded  # it helps on after that
    drawn = noted()
    projector.rebuild(lambda _done, _total: None)
    assert noted() == drawn


def test_what_another_process_has_drawn_meanwhile_is_not_drawn_again(sender, along):
    took = []

    def between(count):
        if count == 40:
            wait_for_answers(along)
            projector.project_pending()
            took.append(along.folded)
        if count == 48:
            assert along.folded == took[0]

    take(sender, along, between)
    assert Counter.objects.get().projected == COUNT


def test_a_payload_that_is_destroyed_while_it_is_folded_is_drawn_no_more(sender, along):
    name = f"{10 + 39:013}"

    def between(count):
        if count == 40:
            wait_for_answers(along)
            gone = Payload.objects.filter(entry__object=name)
            assert gone.delete()[0] == 1
            projector.redraw({name})

    sender.headers, sender.bodies = sender.headers[:48], sender.bodies[:48]
    take(sender, along, between)
    assert not OfficeRow.objects.filter(object=name).exists()
    assert OfficeRow.objects.filter(object=f"{10 + 38:013}").exists()


@pytest.mark.parametrize("dies", [False, True])
def test_a_rebuild_with_a_helper_changes_nothing(sender, dies):
    list(sender.packages())
    projector.project_pending()
    drawn, told = noted(), []
    with helping.Helper() as rebuilding:
        wait_until(rebuilding.is_ready)
        if dies:
            rebuilding.process.send_signal(signal.SIGSTOP)
            Timer(1, rebuilding.process.kill).start()
        rebuilt = projector.rebuild(lambda done, total: told.append((done, total)), rebuilding)
        assert rebuilding.folded == (0 if dies else 1)
    assert (noted(), rebuilt.entries, told) == (drawn, COUNT, [(COUNT, COUNT)])


def test_what_the_database_refuses_in_a_rebuild_is_found_in_the_ordinary_way(
    sender, refusing_database
):
    list(sender.packages())
    projector.project_pending()
    drawn = noted()
    with helping.Helper() as rebuilding:
        wait_until(rebuilding.is_ready)
        projector.rebuild(lambda _done, _total: None, rebuilding)
        assert rebuilding.folded == 1
    assert noted() == drawn


def test_a_helper_that_dies_is_not_missed(sender, along):
    expected = alone(sender)

    def between(count):
        if count == 40:
            along.helper.process.kill()

    take(sender, along, between)
    assert noted() == expected


def test_a_helper_that_reads_other_kinds_than_we_do_is_not_asked(sender, swapped_module):
    with Along(helped=True, many=0, batch=8) as along:
        for count in sender.packages():
            along.go_on(count)
        wait_until(lambda: not along.helper.is_alive())
        along.finish()
        assert along.folded == 0
    assert Counter.objects.get().projected == COUNT


@pytest.fixture
def swapped_module():
    """Register a module that stands in no program."""
    module = registry.Module(
        name="other", kinds=(), tables=(), fold=lambda _threads: registry.Folded({})
    )
    registry.register(module)
    yield
    registry._modules.pop("other")  # noqa: SLF001 (nothing else takes a module out again)


def test_few_entries_and_a_database_in_memory_get_no_helper(sender):
    assert helping.pays() is False
    with Along(helped=True) as along:
        take(sender, along)
        assert along.helper is None
    with Along(many=0, batch=8) as along:
        take(sender, along)
        assert along.helper is None
    assert Counter.objects.get().projected == COUNT
