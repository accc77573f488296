"""The page of partners in plain words: what was heard, waits, is stored; addresses; exchanges."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_tasks_db.models import DBTaskResult

from liptako.core.compact.dossier import write_dossier
from liptako.core.errors import MalformedError, NetworkError
from liptako.federation import peers
from liptako.federation.heads import heads_for
from liptako.federation.models import Peer
from liptako.ledger import compacts
from tests import pact

ALL = frozenset({"ML", "BF", "NE"})
PAIR = frozenset({"ML", "BF"})
MAY, MAY_NOT = ("watch_officer", "node_administrator"), ("planner", "releasing_officer", "auditor")


def facts(answer, name):
    """Return what a page says of a partner, by its words."""
    section = answer.content.decode().partition(f"<h2>{name}</h2>")[2].partition("</dl>")[0]
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", section, re.DOTALL)
    return {term: " ".join(re.sub("<[^>]+>", " ", text).split()) for term, text in pairs}


# How it stands


def test_a_partner_of_whom_nothing_was_heard(desk):
    shown = facts(desk.get("/partners/"), "Burkina Faso")
    assert shown == {
        "Last heard": "never",
        "Stored there": "0 of our records, by its signed receipt",
        "Without its receipt": "nothing",
        "Received": "0",
        "Address": "https://bf.invalid:8443 Change",
    }


def test_what_waits_is_counted_with_the_age_of_the_oldest(desk):
    desk.write("ML", "one", "two")
    desk.write("ML", "for two", audience=PAIR)
    desk.write("ML", "ours", audience=frozenset())
    waits = facts(desk.get("/partners/"), "Burkina Faso")["Without its receipt"]
    assert re.fullmatch(r"3\s?, the oldest .+ ago|3\s?, the oldest just now", waits)
    assert facts(desk.get("/partners/"), "Niger")["Without its receipt"].startswith("2")


def test_after_an_exchange_it_is_said_what_is_stored_there_and_what_came(desk):
    desk.write("ML", "one", "two")
    desk.write("BF", "theirs")
    desk.fleet.exchange("ML", "BF")
    shown = facts(desk.get("/partners/"), "Burkina Faso")
    assert (shown["Stored there"], shown["Without its receipt"], shown["Received"][:1]) == (
        "2 of our records, by its signed receipt", "nothing", "1"
    )  # fmt: skip
    assert shown["Last heard"].endswith("(over the network)")


def test_a_partner_that_was_heard_by_file(desk):
    desk.read(desk.bundle("BF", "ML"))
    assert facts(desk.get("/partners/"), "Burkina Faso")["Last heard"].endswith("(by file)")


def test_why_an_exchange_failed_is_shown_until_one_succeeds(desk):
    desk.fleet.cut.add("BF")
    with pytest.raises(NetworkError):
        desk.fleet.exchange("ML", "BF")
    fault = "BF cannot be reached: cut"
    shown = [fault in desk.get("/partners/").content.decode()]
    desk.fleet.cut.clear()
    desk.fleet.exchange("ML", "BF")
    shown.append(fault in desk.get("/partners/").content.decode())
    assert shown == [True, False]


def test_a_fault_that_tells_a_number_is_shown_with_it(desk):
    fault = MalformedError("expected %(limit)d, got %(got)s", limit=3, got="four")
    with desk.fleet.at("ML"):
        peers.note_read("BF", [fault], outdated=False)
    assert "expected 3, got four" in desk.get("/partners/").content.decode()


def test_the_same_address_gives_the_partners_alone_to_htmx(desk):
    answer = desk.get("/partners/", headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert ("<html" in page, "Burkina Faso" in page, "Niger" in page) == (False, True, True)


def test_a_browser_is_told_that_htmx_gets_something_else_at_this_address(desk):
    assert "hx-request" in desk.get("/partners/").headers["Vary"].lower()


def test_the_page_asks_as_often_for_three_records_as_for_one(desk):
    counts = []
    for texts in (["A"], ["B", "C"]):
        desk.write("ML", *texts)
        desk.write("BF", *texts)
        desk.fleet.exchange("ML", "BF")
        with desk.fleet.at("ML"), CaptureQueriesContext(connection) as made:
            assert desk.client.get("/partners/").status_code == 200
        counts.append(len(made))
    assert counts[0] == counts[1]


def test_the_page_asks_as_often_for_three_partners_as_for_two(desk):
    counts = []
    with desk.fleet.at("ML") as node:
        first = compacts.dossier().versions[-1]
        more = pact.after(first, "BF", "ML", "NE", "TG", cards=(pact.card("TG"),))
        for is_more in (False, True):
            if is_more:
                joining = pact.dossier(more, delegations=[pact.delegated("TG")])
                compacts.adopt(write_dossier(joining), "ML", node.clock)
            desk.client.get("/partners/")  # the first one makes a row for a new partner
            with CaptureQueriesContext(connection) as made:
                states = desk.client.get("/partners/").context["states"]
            counts.append((len(states), len(made)))
    assert counts == [(2, counts[0][1]), (3, counts[0][1])]


# Exchange now


def test_an_exchange_that_was_asked_for_waits_once(desk):
    for _ in range(2):
        answer = desk.post("/partners/BF/exchange/")
    assert desk.said(answer) == [("success", "The exchange was asked for.")]
    with desk.fleet.at("ML"):
        asked = [task.args_kwargs["args"] for task in DBTaskResult.objects.all()]
    assert (answer.redirect_chain, asked) == ([("/partners/", 302)], [["BF"]])


def test_no_exchange_is_promised_with_a_partner_without_an_address(desk):
    with desk.fleet.at("ML") as node:
        peers.set_url(node, "BF", "")
    answer = desk.post("/partners/BF/exchange/")
    with desk.fleet.at("ML"):
        assert DBTaskResult.objects.count() == 0
    assert "success" not in dict(desk.said(answer))


@pytest.mark.parametrize("member", ["TG", "ML", "bf", "..."])
@pytest.mark.parametrize("what", ["exchange", "test", "address"])
def test_who_is_no_partner_is_refused(desk, member, what):
    answer = desk.post(f"/partners/{member}/{what}/", {"url": "https://x.invalid"})
    with desk.fleet.at("ML"):
        known = sorted(Peer.objects.values_list("member", flat=True))
    assert (answer.status_code, known) == (409, ["BF", "NE"])


# The address


def test_the_address_is_shown_and_changed(desk):
    asked = desk.get("/partners/BF/address/")
    form = asked.context["form"]
    answer = desk.post("/partners/BF/address/", {"url": " https://node.bf:9000/ "})
    assert (asked.status_code, form["url"].value()) == (200, "https://bf.invalid:8443")
    assert desk.said(answer) == [("success", "Saved.")]
    shown = facts(answer, "Burkina Faso")["Address"]
    assert shown == "https://node.bf:9000 Change"


def test_a_partner_without_an_address_is_reached_by_file_only(desk):
    page = desk.post("/partners/BF/address/", {"url": ""})
    assert facts(page, "Burkina Faso")["Address"] == "none: by file only Change"
    offered = re.findall(r"/partners/(\w+)/exchange/", page.content.decode())
    assert offered == ["NE"]


@pytest.mark.parametrize(
    "url",
    [
        "http://node.bf:9000",
        "node.bf:9000",
        "https://",
        "https://node.bf/path",
        "https://" + "x" * 200,
        "https://[::1",
        "https://node.bf:port",
        "https://node.bf:99999",
        "https://node.bf?x=1",
        "https://node.bf#x",
        "https://awa@node.bf",
        "https://node bf",
    ],
)
def test_an_address_that_is_none_is_not_kept_but_shown_again(desk, url):
    answer = desk.post("/partners/BF/address/", {"url": url})
    with desk.fleet.at("ML"):
        assert Peer.objects.get(member="BF").url == "https://bf.invalid:8443"
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["url"])
    assert answer.context["form"]["url"].value() == url


# Who may


@pytest.mark.parametrize("role", [*MAY, *MAY_NOT])
def test_who_may_only_look_is_offered_nothing_to_do(desk_of, role):
    page = desk_of(role).get("/partners/").content.decode()
    offers = ("/partners/BF/exchange/", "/stick/?for=BF", "/partners/BF/address/", "/BF/test/")
    assert [offer in page for offer in offers] == [role in MAY] * 4
    assert "Last heard" in page


@pytest.mark.parametrize("role", MAY_NOT)
def test_an_office_without_the_right_asks_for_nothing_and_changes_no_address(desk_of, role):
    desk, url = desk_of(role), "https://elsewhere.invalid"
    answers = [
        desk.post("/partners/BF/exchange/"),
        desk.post("/partners/BF/address/", {"url": url}),
        desk.get("/partners/BF/address/"),
    ]
    with desk.fleet.at("ML"):
        assert DBTaskResult.objects.count() == 0
        assert not Peer.objects.filter(url=url).exists()
    assert [answer.status_code for answer in answers] == [403] * 3


def test_an_office_without_roles_sees_no_partner(desk_of):
    desk = desk_of()
    answers = [desk.get(f"/partners/{page}") for page in ("", "set-aside/rejected/")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "Burkina Faso" not in answers[0].content.decode()


def test_looking_at_the_address_of_an_exchange_asks_for_none(desk):
    assert desk.get("/partners/BF/exchange/").status_code == 405


@pytest.mark.parametrize("address", ["/partners/", "/partners/set-aside/waiting/"])
def test_who_has_not_signed_in_comes_to_the_sign_in(client, db, address):
    assert client.get(address).headers["Location"] == f"/account/sign-in/?next={address}"


# Whether it passes


def tag(answer, name):
    """Return what a page says of the way to a partner."""
    head = answer.content.decode().partition(f"<h2>{name}</h2>")[2].partition("</div>")[0]
    return " ".join(re.sub("<[^>]+>", " ", head).split())


def test_a_way_passes_once_a_partner_has_answered(desk):
    seen = [tag(desk.get("/partners/"), "Burkina Faso")]
    desk.fleet.exchange("BF", "ML")  # it came to us: that the way there is open is not known
    seen.append(tag(desk.get("/partners/"), "Burkina Faso"))
    desk.fleet.exchange("ML", "BF")
    desk.fleet.exchange("BF", "ML")
    seen.append(tag(desk.get("/partners/"), "Burkina Faso"))
    desk.fleet.cut.add("BF")
    with pytest.raises(NetworkError):
        desk.fleet.exchange("ML", "BF")
    seen.append(tag(desk.get("/partners/"), "Burkina Faso"))
    assert seen == ["not tried yet", "not tried yet", "passing", "not passing"]


def test_a_partner_without_an_address_is_one_of_files(desk):
    desk.post("/partners/BF/address/", {"url": ""})
    assert tag(desk.get("/partners/"), "Burkina Faso") == "by file"


def test_what_a_partner_released_and_is_not_here_is_told(desk):
    desk.write("BF", "one", "two")
    desk.fleet.exchange("ML", "BF")
    received = facts(desk.get("/partners/"), "Burkina Faso")["Received"]
    assert received.startswith("2 – everything that it released to us up to")
    with desk.fleet.at("ML"):
        now = desk.fleet.nodes["ML"].clock().moment()
        peers.note_heard("BF", heads_with_more(desk), now, "file")
    received = facts(desk.get("/partners/"), "Burkina Faso")["Received"]
    assert received == "2 – 3 that it released to us are not here yet"


def heads_with_more(desk):
    """Return what BF says once it has written three more records."""
    desk.write("BF", "three", "four", "five")
    with desk.fleet.at("BF") as node:
        return heads_for(node, "ML")


def test_a_test_message_goes_there_and_back(desk):
    assert "Test message" not in facts(desk.get("/partners/"), "Burkina Faso")
    told = desk.said(desk.post("/partners/BF/test/"))
    assert told == [("success", "The test message was written. Its receipt will show here.")]
    assert facts(desk.get("/partners/"), "Burkina Faso")["Test message"].endswith("no receipt yet")
    desk.fleet.exchange("ML", "BF")
    assert facts(desk.get("/partners/"), "Burkina Faso")["Test message"].endswith("there and back")


def test_of_several_test_messages_the_last_one_counts(desk):
    desk.post("/partners/BF/test/")
    desk.fleet.exchange("ML", "BF")
    desk.post("/partners/BF/test/")
    assert facts(desk.get("/partners/"), "Burkina Faso")["Test message"].endswith("no receipt yet")


def test_what_has_no_receipt_is_listed_as_it_is_sent_the_urgent_first_then_the_oldest(desk):
    desk.write("ML", "one", "two")
    desk.fleet.exchange("ML", "BF")
    desk.write("ML", "three")
    desk.post("/partners/BF/test/")
    rows = desk.get("/partners/BF/outbox/").context["page"]
    assert [(row.kind, row.channel.lane) for row in rows] == [
        ("exchange.test/1", "urgent"), ("members.audit/1", "bulk")
    ]  # fmt: skip
    assert len(desk.get("/partners/NE/outbox/").context["page"]) == 3


def test_a_stranger_has_no_outbox_and_gets_no_test(desk):
    assert desk.get("/partners/TG/outbox/").status_code == 409
    assert desk.post("/partners/TG/test/").status_code == 409


def test_a_long_outbox_is_cut_into_pages_that_go_on_to_newer_records(desk):
    desk.write("ML", *(f"n {number}" for number in range(120)))
    page = desk.get("/partners/BF/outbox/")
    assert (len(page.context["page"]), page.context["page"].paginator.num_pages) == (50, 3)
    text = page.content.decode()
    assert ("Newer →" in text, "Older →" in text) == (True, False)
    assert "← Older" in desk.get("/partners/BF/outbox/?page=3").content.decode()
