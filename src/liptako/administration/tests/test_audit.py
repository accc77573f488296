"""The page of the audit trail: what happened, by whom, filtered by event."""

import re

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from liptako.members import actions, projection
from liptako.members.permissions import Actor
from liptako.members.records import Audit

pytestmark = pytest.mark.django_db


def rows_of(answer):
    """Return what the table says below event, office, by, about and detail."""
    cells = re.findall(r"<td data-label=[^>]+>(.*?)</td>", answer.content.decode(), re.DOTALL)
    plain = [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]
    return [tuple(plain[i + 1 : i + 6]) for i in range(0, len(plain), 6)]


def told(answer):
    """Return the rows that are not about the auditor's own sign-in, which the clock puts first."""
    return [row for row in rows_of(answer) if row[0] != "Signed in"]


@pytest.fixture
def auditor(acting):
    """The browser of the auditor."""
    return acting("auditor")


def test_the_trail_names_the_people_whom_this_node_knows(auditor, node, person):
    awa, zoe = person("awa"), Actor(member="ML", person="", office="bureau", roles=frozenset())
    actor = Actor(member="ML", person=awa.code, office="bureau", roles=frozenset())
    actions.record_audit(node, "bundle.export", actor=actor, subject="BF", detail="usb")
    actions.record_audit(node, "person.erase", actor=zoe, subject="0000000000009")
    actions.record_audit(node, "later.thing")
    assert told(auditor.get("/audit/"))[:3] == [
        ("later.thing", "the node itself", "—", "—", ""),
        ("Account and name erased", "Bureau bureau", "—", "0000000000009", ""),
        ("Bundle written to a file", "Bureau bureau", "Awa Traoré", "BF", "usb"),
    ]


def test_after_an_erasure_the_trail_shows_the_code_only(auditor, node, person, actor):
    awa = person("awa")
    actions.erase_person(node, actor("node_administrator", office="bureau"), awa)
    page = auditor.get("/audit/?event=person.add")
    assert [about for _, _, _, about, _ in rows_of(page)] == ["Zoé Chef", awa.code][::-1]
    assert "Awa" not in page.content.decode()


def test_the_trail_is_filtered_by_event(auditor, node):
    actions.record_audit(node, "node.init", detail="ML")
    page = auditor.get("/audit/?event=node.init")
    assert [detail for *_, detail in rows_of(page)] == ["ML"]
    assert '<option value="node.init" selected>' in page.content.decode()


def test_what_a_partner_says_happened_is_neither_shown_nor_on_offer(auditor, node):
    ours = actions.record_audit(node, "node.init", detail="ML")
    says = Audit(event="partner.says", detail="a forged detail")
    theirs = replace(ours, header=msgspec.structs.replace(ours.header, author="BF"), payload=says)
    projection.project({theirs.thread: [theirs]})
    for address in ("/audit/", "/audit/?event=partner.says"):
        page = auditor.get(address).content.decode()
        assert [word in page for word in ('"partner.says"', "a forged detail")] == [False, False]


@pytest.mark.parametrize("event", ["never.happened", "%00", "x" * 2000])
def test_an_event_that_never_happened_filters_nothing(auditor, event):
    page = auditor.get(f"/audit/?event={event}")
    assert (page.status_code, len(told(page))) == (200, 2)
    assert " selected" not in page.content.decode()


def test_a_page_beyond_an_empty_trail_is_empty(auditor, node):
    assert auditor.get("/audit/?page=7").status_code == 200


@pytest.mark.parametrize("role", ["node_administrator", "watch_officer"])
def test_only_an_auditor_sees_the_trail(acting, node, role):
    actions.record_audit(node, "node.init", detail="a secret detail")
    answer = acting(role).get("/audit/")
    assert (answer.status_code, "a secret detail" in answer.content.decode()) == (403, False)


def test_the_trail_asks_as_often_for_three_events_more(auditor, node, person):
    with CaptureQueriesContext(connection) as few:
        auditor.get("/audit/")
    for i in range(3):
        actions.record_audit(node, "sign_in", subject=person(f"p{i}").code)
    with CaptureQueriesContext(connection) as many:
        auditor.get("/audit/")
    assert len(many) == len(few)


def test_the_trail_is_cut_into_pages_of_a_hundred_that_keep_the_filter(auditor, node):
    for _ in range(101):
        actions.record_audit(node, "bundle.export")
    page = auditor.get("/audit/?event=bundle.export")
    assert len(rows_of(page)) == 100
    (following,) = re.findall(r'href="(\?[^"]+)" rel="next"', page.content.decode())
    assert len(rows_of(auditor.get("/audit/" + following.replace("&amp;", "&")))) == 1
