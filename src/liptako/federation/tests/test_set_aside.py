"""Records that were set aside, with the reason; the cards that tell of them and of what waits."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from liptako.core.clock import Instant
from liptako.core.log.checkpoint import head_of
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.verify import Channel
from liptako.core.records.envelope import Header, Lane, PayloadStub, encode_header
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.refs import LEAF_BYTES, Ref, audience_id
from liptako.federation import views
from liptako.ledger import projector, registry, store
from liptako.members.records import AUDIT, Audit
from liptako.web.cards import Card, Line

ALL = frozenset({"ML", "BF", "NE"})
ORIGIN = "BF/c/0001020304050607/e1"
ELSEWHERE = Ref(origin="NE/c/0001020304050607/e1", seq=7, leaf=bytes(LEAF_BYTES))
EXCHANGE = "Exchange with partners"


def header_of(seq, ref, body):
    """Return a header of BF that names another record."""
    return encode_header(
        Header(
            kind=AUDIT,
            author="BF",
            office="permanence",
            audience=audience_id(ALL),
            compact=1,
            object=f"{seq:013}",
            lamport=seq + 1,
            time=Instant(1_790_000_000_000),
            payload=PayloadStub(
                hash=payload_hash(derive_salt(bytes(16), seq), body), size=len(body)
            ),
            refs=(ref,),
        )
    )


def send(desk, *refs):
    """Let BF send a record for each of these references, right or wrong."""
    body = registry.encode_payload(Audit(event="test"))
    headers = tuple(header_of(seq, ref, body) for seq, ref in enumerate(refs))
    log = CompactRange().extend(leaf_hash(header) for header in headers)
    channel = Channel(origin=ORIGIN, author="BF", audience=audience_id(ALL), lane=Lane.BULK)
    package = PackageFrame(0, headers, (body,) * len(refs), bytes(16), (), ())
    with desk.fleet.at("ML") as node:
        store.take(node, sorted(ALL), channel, store.Signed(head_of(ORIGIN, log), b""), package)
        projector.project_pending()


def wrong():
    """Return a reference to the first record of the same log, but to other bytes."""
    return Ref(origin=ORIGIN, seq=0, leaf=bytes(LEAF_BYTES))


def rows_of(answer):
    assert answer.status_code == 200
    return [(str(row.entry), str(row)) for row in answer.context["page"]]


def test_a_record_that_waits_is_listed_with_what_it_waits_for(desk):
    send(desk, ELSEWHERE)
    answer = desk.get("/partners/set-aside/waiting/")
    assert rows_of(answer) == [(f"{ORIGIN}@0", f"{ELSEWHERE.origin}@7")]
    assert f"{ELSEWHERE.origin}@7" in answer.content.decode()


def test_a_record_that_breaks_a_rule_is_listed_with_the_reason(desk):
    send(desk, wrong())
    answer = desk.get("/partners/set-aside/rejected/")
    reason = f"it refers to another record than the one that is held: {ORIGIN}"
    assert rows_of(answer) == [(f"{ORIGIN}@0", reason)]
    assert reason in answer.content.decode()


def test_the_latest_record_that_was_set_aside_comes_first(desk):
    send(desk, ELSEWHERE, ELSEWHERE, ELSEWHERE)
    entries = [entry for entry, _ in rows_of(desk.get("/partners/set-aside/waiting/"))]
    assert entries == [f"{ORIGIN}@{seq}" for seq in (2, 1, 0)]


@pytest.mark.parametrize("what", ["waiting", "rejected"])
def test_a_page_with_nothing_set_aside_says_so(desk, what):
    answer = desk.get(f"/partners/set-aside/{what}/")
    assert (rows_of(answer), ">none<" in answer.content.decode()) == ([], True)


@pytest.mark.parametrize("what", ["lost", "Waiting"])
def test_what_is_not_set_aside_is_not_found(desk, what):
    assert desk.get(f"/partners/set-aside/{what}/").status_code == 404


@pytest.mark.parametrize(("what", "ref"), [("waiting", ELSEWHERE), ("rejected", wrong())])
def test_fifty_records_stand_on_a_page(desk, what, ref):
    send(desk, *[ref] * 51)
    pages = [rows_of(desk.get(f"/partners/set-aside/{what}/?page={n}")) for n in (1, 2)]
    assert [len(page) for page in pages] == [50, 1]


@pytest.mark.parametrize(("what", "ref"), [("waiting", ELSEWHERE), ("rejected", wrong())])
def test_the_page_asks_as_often_for_three_records_as_for_one(desk, what, ref):
    counts = []
    for n in (1, 3):
        desk.fleet.restart()
        desk.act_as("watch_officer")
        send(desk, *[ref] * n)
        with desk.fleet.at("ML"), CaptureQueriesContext(connection) as made:
            answer = desk.client.get(f"/partners/set-aside/{what}/")
        counts.append((len(rows_of(answer)), len(made)))
    assert counts == [(1, counts[0][1]), (3, counts[0][1])]


def test_the_page_of_partners_counts_what_was_set_aside(desk):
    send(desk, wrong(), ELSEWHERE, ELSEWHERE)
    context = desk.get("/partners/").context
    assert (context["waiting"], context["rejected"]) == (2, 1)


# Cards


def cards(desk, actor):
    with desk.fleet.at("ML") as node, override("en"):
        return views.cards(node, actor)


def test_a_card_tells_for_whom_records_wait_and_how_many_break_a_rule(desk, actor):
    desk.write("ML", "one", "two")
    desk.write("ML", "for two", audience=frozenset({"ML", "BF"}))
    send(desk, wrong())
    (card,) = cards(desk, actor("watch_officer"))
    assert card == Card(
        title=EXCHANGE,
        url="/partners/",
        count=3,
        lines=(
            Line(text="Burkina Faso: 3 records without its receipt", url="/partners/"),
            Line(text="Niger: 2 records without its receipt", url="/partners/"),
            Line(text="1 records break a rule", url="/partners/set-aside/rejected/"),
        ),
    )


def test_where_nothing_waits_the_card_is_empty(desk, actor):
    card = Card(title=EXCHANGE, url="/partners/", count=0)
    assert cards(desk, actor("node_administrator")) == [card]


@pytest.mark.parametrize("role", ["planner", "releasing_officer", "auditor", "drafter"])
def test_who_may_not_exchange_has_no_card(desk, actor, role):
    desk.write("ML", "one")
    assert cards(desk, actor(role)) == []
