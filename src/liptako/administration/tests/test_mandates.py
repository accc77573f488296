"""Pages about mandates: the list, giving one to an audience, ending it."""

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liptako.core.refs import audience_id
from liptako.ledger import store
from liptako.ledger.models import Entry
from liptako.ledger.records import Draft
from liptako.members.models import Mandate
from liptako.members.records import MANDATE
from liptako.members.records import Mandate as MandatePayload

pytestmark = pytest.mark.django_db
CHIEF = "node_administrator"
ALL = frozenset({"ML", "BF", "NE"})
TYPED = {
    "office": "delegue",
    "subjects": "mesures communes\n\n  règlement  ",
    "begins": "2026-11-23",
    "ends": "",
    "audience": audience_id(ALL),
}


def text_of(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def give(node, number, **changes):
    fields = {
        "office": "delegue",
        "subjects": (f"matière {number}",),
        "begins": number * 86_400_000,
    }
    payload = MandatePayload(**(fields | changes))
    name = f"{number:013}"
    draft = Draft(kind=MANDATE, object=name, office="admin", payload=payload, audience=ALL)
    store.append(node, [draft])
    return name


@pytest.fixture
def chief(compact, office, acting):
    """The browser of the administration of a node with an office for delegates."""
    office("delegue", "delegate")
    return acting(CHIEF)


def test_a_node_without_mandates_says_so(chief):
    assert "No mandate was given yet." in text_of(chief.get("/mandates/"))


def test_the_first_day_on_offer_is_spelt_as_browsers_want_it(chief):
    page = chief.get("/mandates/").content.decode()
    assert re.search(r'name="begins" value="(\d{4}-\d\d-\d\d)"', page)


def test_a_mandate_is_given_to_an_office_and_told_to_an_audience(chief):
    answer = chief.post("/mandates/", TYPED, follow=True)
    assert answer.redirect_chain == [("/mandates/", 302)]
    row = Mandate.objects.get()
    assert (row.office, row.subjects, row.begins, row.ends, row.audience) == (
        "delegue",
        ["mesures communes", "règlement"],
        datetime(2026, 11, 23, tzinfo=UTC),
        None,
        audience_id(ALL),
    )
    assert "Bureau delegue mesures communes · règlement 23 Nov. 2026 —" in text_of(answer)


def test_a_mandate_holds_on_its_last_day_too(chief):
    answer = chief.post("/mandates/", TYPED | {"ends": "2026-11-23"}, follow=True)
    end = datetime(2026, 11, 23, 23, 59, 59, 999_000, tzinfo=UTC)
    assert Mandate.objects.get().ends == end
    assert text_of(answer).count("23 Nov. 2026") == 2


def test_a_mandate_for_the_state_alone_is_told_to_nobody(chief):
    chief.post("/mandates/", TYPED | {"audience": audience_id(["ML"])})
    assert Mandate.objects.get().audience == audience_id(["ML"])


@pytest.mark.parametrize(
    "changes",
    [
        {"office": "nowhere"},
        {"subjects": " \n "},
        {"begins": "hier"},
        {"begins": ""},
        {"ends": "2026-02-30"},
        {"audience": audience_id(["BF", "NE"])},
        {"audience": ""},
    ],
)
def test_a_mandate_with_a_fault_is_shown_again_and_not_given(chief, changes):
    answer = chief.post("/mandates/", TYPED | changes)
    assert (answer.status_code, Mandate.objects.count()) == (422, 0)
    assert 'class="errorlist"' in answer.content.decode()


@pytest.mark.parametrize("changes", [{"ends": "2026-11-22"}, {"begins": "1066-10-14"}])
def test_a_mandate_against_a_rule_is_refused_and_what_was_typed_is_kept(chief, changes):
    answer = chief.post("/mandates/", TYPED | changes)
    assert (answer.status_code, Mandate.objects.count()) == (422, 0)
    assert "mesures communes" in text_of(answer)


def test_the_last_day_of_the_calendar_can_be_typed(chief):
    assert chief.post("/mandates/", TYPED | {"ends": "9999-12-31"}).status_code == 302


def test_the_list_tells_an_expired_mandate_from_one_in_force(chief, node):
    give(node, 1, ends=2 * 86_400_000)
    give(node, 2)
    give(node, 3, ends=200_000 * 86_400_000)
    found = re.findall(
        r"matière (\d) \d Jan. 1970 (—|\d+ \S+ \d+)( expired)?", text_of(chief.get("/mandates/"))
    )
    assert found == [
        ("3", "1 Aug. 2517", ""),
        ("2", "—", ""),
        ("1", "3 Jan. 1970", " expired"),
    ]


def test_a_mandate_of_a_partner_names_the_partners_office_and_cannot_be_ended_here(
    chief, make_node
):
    give(make_node("BF"), 1)
    page = chief.get("/mandates/")
    assert "Burkina Faso delegue matière 1" in text_of(page)
    assert "/end/" not in page.content.decode()
    assert chief.get("/mandates/0000000000001/end/").status_code == 404


def test_the_list_of_mandates_asks_as_often_for_three_as_for_one(chief, node):
    counts = []
    for wanted in ((1,), (2, 3)):
        for number in wanted:
            give(node, number)
        with CaptureQueriesContext(connection) as queries_made:
            chief.get("/mandates/")
        counts.append(len(queries_made))
    assert counts[0] == counts[1]


def test_a_long_list_is_cut_into_pages(chief, node):
    for number in range(51):
        give(node, number)
    pages = [text_of(chief.get(f"/mandates/?page={n}")).count("matière") for n in (1, 2, "x", 99)]
    assert pages == [50, 1, 50, 1]


def test_a_delegate_sees_mandates_and_gives_none(compact, office, acting, node):
    office("delegue")
    name = give(node, 1)
    browser = acting("delegate")
    page = browser.get("/mandates/")
    assert (page.status_code, "matière 1" in text_of(page)) == (200, True)
    assert [word for word in ("/end/", 'name="subjects"') if word in page.content.decode()] == []
    before = Entry.objects.count()
    answers = [browser.post("/mandates/", TYPED), browser.post(f"/mandates/{name}/end/")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert Entry.objects.count() == before


def test_a_training_officer_sees_no_mandates(compact, acting, node):
    give(node, 1)
    page = acting("training_officer").get("/mandates/")
    assert (page.status_code, "matière" in text_of(page)) == (403, False)


def test_a_mandate_is_ended_with_a_reason(chief, node):
    name = give(node, 1)
    assert "matière 1" in text_of(chief.get(f"/mandates/{name}/end/"))
    answer = chief.post(f"/mandates/{name}/end/", {"reason": "relève"}, follow=True)
    assert answer.redirect_chain == [("/mandates/", 302)]
    assert "ended relève" in text_of(answer)
    assert Mandate.objects.get().ended_because == "relève"


def test_a_mandate_is_not_ended_without_a_reason(chief, node):
    name = give(node, 1)
    answer = chief.post(f"/mandates/{name}/end/", {"reason": " "})
    assert (answer.status_code, Mandate.objects.get().ended_because) == (422, "")
    summary = answer.content.decode().partition('role="alert"')[2].partition("</div>")[0]
    assert '<a href="#id_reason">Reason</a>' in summary


def test_a_mandate_is_ended_once(chief, node):
    name = give(node, 1)
    statuses = [
        chief.post(f"/mandates/{name}/end/", {"reason": word}).status_code for word in ("a", "b")
    ]
    assert (statuses, Mandate.objects.get().ended_because) == ([302, 409], "a")


def test_a_mandate_that_does_not_exist_is_not_found(chief):
    assert chief.get("/mandates/0000000000009/end/").status_code == 404
