"""Exchanges in the background: asked for by each write and every so often, each only once."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from liptako.federation import jobs, peers
from liptako.federation.models import Peer
from liptako.ledger import store
from liptako.ledger.node import this_node
from liptako.ledger.records import Draft
from liptako.members.records import AUDIT, Audit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
NOBODY = "https://127.0.0.1:9"  # the port "discard", where nothing listens
BOTH = frozenset({"BF", "NE"})


@pytest.fixture
def partners(node):
    """Give both partners an address."""
    for member in BOTH:
        peers.set_url(node, member, NOBODY)


@pytest.fixture
def write(node, partners, django_capture_on_commit_callbacks):
    """Return a writer of a record for an audience."""

    def make(*audience):
        draft = Draft(
            kind=AUDIT,
            object="0000000000001",
            office="permanence",
            payload=Audit(event="test"),
            audience=frozenset(audience),
        )
        with django_capture_on_commit_callbacks(execute=True):
            store.append(node, [draft])

    return make


def asked():
    """Return with whom an exchange was asked for."""
    return sorted(row.args_kwargs["args"][0] for row in DBTaskResult.objects.all())


@pytest.mark.parametrize(
    ("audience", "members"),
    [((), []), (("BF",), ["BF"]), (("BF", "NE", "ML"), ["BF", "NE"])],
)
def test_what_is_written_for_partners_asks_for_an_exchange_with_them(write, audience, members):
    write(*audience)
    assert asked() == members


def test_many_writes_ask_once(write):
    for audience in (["BF"], ["BF", "NE"], ["NE"]):
        write(*audience)
    assert asked() == ["BF", "NE"]


def test_a_partner_by_file_only_is_not_asked(node, partners):
    peers.set_url(node, "BF", "")
    jobs.ask_for_exchange(BOTH)
    assert asked() == ["NE"]


def test_while_an_exchange_runs_the_next_one_can_be_asked_for(partners):
    jobs.ask_for_exchange(BOTH)
    DBTaskResult.objects.update(status="RUNNING")
    jobs.ask_for_exchange(frozenset({"BF"}))
    assert asked() == ["BF", "BF", "NE"]


def test_who_was_not_tried_for_long_is_asked(partners):
    Peer.objects.filter(member="BF").update(tried_at=timezone.now() - timedelta(seconds=61))
    Peer.objects.filter(member="NE").update(tried_at=timezone.now() - timedelta(seconds=30))
    jobs.ask_when_due(60)
    assert asked() == ["BF"]


def test_who_was_never_tried_is_asked(node, partners):
    peers.set_url(node, "NE", "")
    jobs.ask_when_due(60)
    assert asked() == ["BF"]


def test_an_exchange_that_fails_ends_and_leaves_its_reason(partners, caplog):
    caplog.set_level("WARNING")
    jobs.exchange.call("BF")
    row = Peer.objects.get(member="BF")
    said = row.fault_template % row.fault_params
    assert said.startswith("127.0.0.1:9 cannot be reached: ")
    assert f"exchange with BF: {said}" in caplog.text
    assert row.tried_at is not None


@pytest.mark.parametrize("url", ["https://127.0.0.1:port", "https://[::1", "nowhere"])
def test_an_exchange_with_an_address_that_is_none_ends_and_leaves_its_reason(url):
    Peer.objects.create(member="BF", url=url)
    jobs.exchange.call("BF")
    assert Peer.objects.get(member="BF").fault_template != ""


def test_an_exchange_with_a_stranger_ends():
    jobs.exchange.call("TG")
    assert this_node().member not in Peer.objects.values_list("member", flat=True)


def test_what_is_known_of_old_jobs_goes_and_the_others_stay(write):
    write("BF", "NE")
    begun = {"BF": timedelta(hours=25), "NE": timedelta(hours=23)}
    for row in DBTaskResult.objects.all():
        ago = begun[row.args_kwargs["args"][0]]
        DBTaskResult.objects.filter(id=row.id).update(started_at=timezone.now() - ago)
    jobs.exchange.enqueue("ML")
    assert (jobs.forget_done(), asked()) == (1, ["ML", "NE"])


def test_a_partner_is_called_by_its_code(partners):
    assert sorted(map(str, Peer.objects.all())) == ["BF", "NE"]
