"""The page of the journal: lines in order, their corrections, the search, the next line."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liptako.core.clock import instant_of
from liptako.ledger.models import Entry
from liptako.situation import actions
from liptako.situation.models import JournalEntry as Row
from liptako.situation.records import JournalEntry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ONE = "0000000000001"
READERS = "diffusion", "audit"
OTHERS = "planification", "administration", "redaction"


@pytest.fixture
def write(node, actor):
    """Return a writer of lines that gives their names: `write("Ronde", at=2_000)`."""

    def make(text, at=1_000, **changes):
        entry = JournalEntry(at=at, text=text, **changes)
        return actions.write_journal(node, actor("watch_officer"), entry).header.object

    return make


@pytest.fixture
def incident(node, actor, incident_of):
    """Report an incident and return its name."""
    return actions.report(node, actor("watch_officer"), incident_of()).header.object


def texts(answer):
    assert answer.status_code == 200
    return [row.text for row in answer.context["page"]]


def test_the_journal_begins_with_what_happened_last(write, sign_in):
    for text, at in [("B", 2_000), ("C", 1_000), ("A", 3_000)]:
        write(text, at)
    assert texts(sign_in("permanence").get("/journal/")) == ["A", "B", "C"]


def test_an_empty_journal_says_so(sign_in):
    assert "The journal is empty." in sign_in("permanence").get("/journal/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=RONDE", ["Ronde au gué"]),
        ("text=gu%C3%A9", ["Relève au gué", "Ronde au gué"]),
        ("text=rien", []),
        ("text=%25", []),
        ("text=%00", ["Relève au gué", "Ronde au gué"]),
    ],
)
def test_the_journal_is_searched_by_its_words(write, sign_in, query, found):
    write("Ronde au gué")
    write("Relève au gué", 2_000)
    assert texts(sign_in("permanence").get(f"/journal/?{query}")) == found


def test_fifty_lines_stand_on_a_page_and_the_search_goes_with_it(write, sign_in):
    for i in range(51):
        write(f"Ronde {i}", i)
    browser = sign_in("permanence")
    first, second = (browser.get(f"/journal/?text=ronde&page={n}") for n in (1, 2))
    assert (len(texts(first)), texts(second)) == (50, ["Ronde 0"])
    assert 'href="?text=ronde&amp;page=2"' in first.content.decode()


def test_the_journal_asks_as_often_for_three_lines_as_for_one(write, sign_in):
    browser, counts = sign_in("permanence"), []
    for lines in (["A"], ["B", "C"]):
        for text in lines:
            write("Correction", corrects=write(text))
        with CaptureQueriesContext(connection) as made:
            assert browser.get("/journal/").status_code == 200
        counts.append(len(made))
    assert counts[0] == counts[1]


# Writing


def test_a_line_is_written_for_ever_under_the_office_and_the_time_of_the_wall(sign_in):
    typed = {"text": " Chef joint ", "at": "2026-09-21T11:26"}
    answer = sign_in("permanence").post("/journal/", typed, follow=True)
    row = Row.objects.get()
    at = instant_of(row.at).milliseconds
    assert (row.text, at, row.office) == ("Chef joint", 1_789_989_960_000, "permanence")
    assert answer.redirect_chain == [("/journal/", 302)]
    assert "Written into the journal." in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 4_001}, "text"),
        ({"text": "Ronde", "at": "hier"}, "at"),
        ({"text": "Ronde", "incident": "x" * 14}, "incident"),
        ({"text": "Ronde", "incident": "pas un nom"}, "__all__"),
        ({"text": "Ronde", "corrects": ONE}, "__all__"),
    ],
)
def test_a_line_with_a_fault_is_not_written_and_what_was_typed_is_kept(sign_in, typed, field):
    answer = sign_in("permanence").post("/journal/", typed)
    form = answer.context["form"]
    assert (answer.status_code, list(form.errors), Row.objects.count()) == (422, [field], 0)
    assert {name: form[name].value() for name in typed} == typed


def test_the_list_stands_below_a_line_with_a_fault(write, sign_in):
    write("Ronde")
    answer = sign_in("permanence").post("/journal/", {"text": ""})
    assert [row.text for row in answer.context["page"]] == ["Ronde"]


# What a line is about


def test_a_line_about_an_incident_is_kept_with_it(sign_in, incident):
    browser = sign_in("permanence")
    answer = browser.get(f"/journal/?incident={incident}")
    form, about = answer.context["form"], answer.context["about"]
    assert (form["incident"].value(), about.summary) == (incident, "Attaque d’un convoi")
    browser.post("/journal/", {"text": "Chef joint", "incident": form["incident"].value()})
    assert Row.objects.get().incident == incident


def test_a_line_about_nothing_that_is_here_shows_nothing(sign_in, partner_of, incident_of):
    partner_of("BF").write(ONE, incident_of(reference="BF-1")).send()
    browser = sign_in("permanence")
    found = [browser.get(f"/journal/?incident={name}").context["about"] for name in (ONE, "", "x")]
    assert [row or None for row in found] == [None, None, None]


def test_a_correction_shows_what_it_corrects_and_stands_beside_it(write, sign_in):
    name, browser = write("Six camions"), sign_in("permanence")
    answer = browser.get(f"/journal/?corrects={name}")
    assert (answer.context["corrected"].text, answer.context["form"]["corrects"].value()) == (
        "Six camions", name
    )  # fmt: skip
    browser.post("/journal/", {"text": "Sept camions", "corrects": name})
    corrections = browser.get("/journal/").context["corrections"]
    assert {key: row.text for key, row in corrections.items()} == {name: "Sept camions"}


def test_the_page_says_what_was_corrected_and_how(write, sign_in):
    write("Sept camions", 2_000, corrects=write("Six camions"))
    page = sign_in("permanence").get("/journal/?text=six").content.decode()
    assert [word in page for word in ("Six camions", "Sept camions", "corrected")] == [True] * 3


# Who may


@pytest.mark.parametrize("office", READERS)
def test_who_may_only_read_is_shown_no_form(write, sign_in, office):
    write("Ronde")
    answer = sign_in(office).get("/journal/")
    page = answer.content.decode()
    assert (texts(answer), 'name="at"' in page, "?corrects=" in page) == (["Ronde"], False, False)


def test_who_may_write_is_shown_the_form(write, sign_in):
    write("Ronde")
    page = sign_in("permanence").get("/journal/").content.decode()
    assert ('name="at"' in page, "?corrects=" in page) == (True, True)


@pytest.mark.parametrize("office", [*READERS, *OTHERS])
@pytest.mark.parametrize("text", ["Ronde", ""])
def test_an_office_without_the_right_writes_nothing(sign_in, office, text):
    browser, before = sign_in(office), Entry.objects.count()
    answer = browser.post("/journal/", {"text": text})
    assert (answer.status_code, Entry.objects.count()) == (403, before)


@pytest.mark.parametrize("office", OTHERS)
def test_an_office_without_the_right_does_not_see_the_journal(write, sign_in, office):
    write("Ronde secrète")
    answer = sign_in(office).get("/journal/")
    assert (answer.status_code, "secrète" in answer.content.decode()) == (403, False)
