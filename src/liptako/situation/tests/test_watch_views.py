"""Pages of the watch: begun, handed over with what is open, accepted, taken over, printed."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.cache import cache
from django.utils import timezone
from pypdf import PdfReader

from liptako.core.errors import RefusedError
from liptako.core.refs import audience_id
from liptako.ledger.records import Draft
from liptako.ledger.store import append
from liptako.ledger.testing import check_rebuild
from liptako.members import queries as members
from liptako.members.models import AuditEvent, Duty, Watch
from liptako.members.records import DUTY
from liptako.members.records import Duty as DutyRecord
from liptako.situation import actions
from liptako.situation.models import JournalEntry
from liptako.situation.records import Status

pytestmark = pytest.mark.django_db
PASSWORD = "une phrase assez longue"  # noqa: S105 (of people who exist in tests only)
LATER = {"due": (timezone.now() + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M")}
SIGNED = {"password": PASSWORD}
HANDED = {"do": "hand_over", "text": "Convoi attendu à 18 h", **SIGNED}


@pytest.fixture
def enter(sign_in):
    """Return a maker of clients: `enter("awa")`, who acts at the desk, in English."""
    cache.clear()

    def make(username, *offices):
        name, codes = f"{username.title()} Test", offices or ("permanence",)
        return sign_in(*codes, username=username, name=name, password=PASSWORD)

    return make


def post(client, **data):
    """Do something with the watch; return the page that comes of it, as words."""
    answer = client.post("/watch/", data, follow=True)
    return answer.status_code, " ".join(answer.content.decode().split())


def look(client, address="/watch/"):
    """Return a page as words."""
    return " ".join(client.get(address).content.decode().split())


def last():
    """Return the watch that is kept."""
    return Watch.objects.get(ended_at=None)


def begin(client):
    """Begin the watch; return its name."""
    assert post(client, do="begin", **LATER)[0] == 200
    return last().object


def test_before_anybody_has_begun_one_everybody_at_the_desk_writes(enter):
    page = look(enter("awa"))
    assert "Nobody keeps the watch" in page
    assert "Begin the watch" in page
    assert "No watch was kept yet." in page


def test_who_begins_it_writes_and_the_others_are_told_who_does(enter):
    awa, issa = enter("awa"), enter("issa")
    begin(awa)
    assert "You keep the watch" in look(awa)
    assert "Awa Test keeps the watch" in look(issa)
    assert "You do not keep the watch" in look(issa, "/journal/")
    assert issa.post("/journal/", {"text": "Ronde"}).status_code == 403
    assert issa.get("/incidents/report/").status_code == 403
    assert awa.post("/journal/", {"text": "Ronde"}).status_code == 302
    assert JournalEntry.objects.count() == 1


def test_a_watch_goes_from_one_officer_to_the_next(enter, desk):
    desk.report("Crue à Gao", severity=3)
    awa, issa = enter("awa"), enter("issa")
    name = begin(awa)
    assert "Crue à Gao" in look(awa)
    assert "Handed over. You keep the watch until accepted." in post(awa, **HANDED)[1]
    awa.post("/journal/", {"text": "Encore une ronde"})
    seen = look(issa)
    assert "Convoi attendu à 18 h" in seen
    assert "1 entry in the journal since" in seen
    seen = last().handed_at.isoformat()
    page = post(issa, do="accept", watch=name, seen=seen, remarks="Vu", **LATER, **SIGNED)[1]
    assert "Accepted: you keep the watch." in page
    sheet = look(awa, f"/watch/{name}/")
    for part in ("Crue à Gao", "Awa Test", "Issa Test", "signed with the password", "Vu"):
        assert part in sheet
    assert awa.post("/journal/", {"text": "Non"}).status_code == 403


def test_nothing_is_signed_with_a_wrong_password(enter):
    awa = enter("awa")
    begin(awa)
    status, page = post(awa, **(HANDED | {"password": "autre"}))
    assert (status, "this is not your password" in page, last().handed_at) == (422, True, None)
    assert "Convoi attendu à 18 h" in page
    assert AuditEvent.objects.filter(event="sign_in.failed").count() == 1


def test_passwords_are_not_tried_without_end(enter):
    awa = enter("awa")
    begin(awa)
    for _ in range(10):
        post(awa, **(HANDED | {"password": "autre"}))
    status, page = post(awa, **HANDED)
    assert (status, "too many wrong passwords" in page, last().handed_at) == (422, True, None)


def test_who_finds_nobody_takes_the_watch_over(enter):
    awa, issa = enter("awa"), enter("issa")
    name = begin(awa)
    status, _ = post(issa, do="take_over", watch=name, reason="", **LATER, **SIGNED)
    assert (status, last().object) == (422, name)
    post(issa, do="take_over", watch=name, reason="Awa est évacuée", **LATER, **SIGNED)
    assert "Awa est évacuée" in look(issa, f"/watch/{last().object}/")
    assert "taken over without one" in look(issa)


def test_a_watch_ends_without_relief(enter):
    awa = enter("awa")
    begin(awa)
    assert "Nobody keeps the watch now." in post(awa, do="end", reason="Fin de l’exercice")[1]
    assert "Nobody keeps the watch" in look(awa, "/")
    assert awa.post("/journal/", {"text": "Non"}).status_code == 403


def test_what_no_longer_fits_is_told_and_changes_nothing(enter):
    awa, issa = enter("awa"), enter("issa")
    begin(awa)
    assert "The watch has changed meanwhile" in post(issa, do="begin", **LATER)[1]
    assert "The watch has changed meanwhile" in post(issa, do="dance")[1]
    post(awa, **HANDED)
    status, page = post(issa, do="accept", watch="0000000000009", **LATER, **SIGNED)
    assert (status, "it has changed meanwhile" in page) == (422, True)
    assert Watch.objects.count() == 1


def test_the_home_page_says_what_is_to_be_done_about_the_watch(enter):
    awa, issa, releasing = enter("awa"), enter("issa"), enter("ali", "diffusion")
    begin(awa)
    assert "Relief is overdue" not in look(releasing, "/")
    post(awa, **HANDED)
    assert "The watch is handed over: accept it" in look(issa, "/")
    assert "accept it" not in look(awa, "/")
    Watch.objects.update(due=timezone.now() - timedelta(minutes=20))
    assert "Relief is overdue" in look(awa, "/")
    assert "Relief is overdue" in look(releasing, "/")
    assert "overdue" in look(awa)


def test_what_is_open_is_own_and_news_and_neither_closed_nor_published(
    enter, desk, partner_of, incident_of
):
    awa = enter("awa")
    desk.report("Ouvert", severity=1)
    desk.report("Grave", severity=4)
    desk.change(desk.report("Clos"), status=Status.CLOSED)
    partner_of("BF").write("0000000000007", incident_of(reference="B", summary="D’ailleurs")).send()
    begin(awa)
    page = look(awa).partition("Open now")[2].partition("<table")[0]
    found = [word for word in ("Grave", "Ouvert", "Clos") if word in page]
    assert found == ["Grave", "Ouvert"]
    assert page.index("Grave") < page.index("Ouvert")
    assert "D’ailleurs" not in page  # it is of years ago


def test_a_sheet_says_how_what_was_open_stands_now_and_keeps_no_copy(enter, desk):
    awa, name = enter("awa"), desk.report("Nom d’une personne")
    watch = begin(awa)
    post(awa, **HANDED)
    desk.change(name, status=Status.CONFIRMED)
    sheet = look(awa, f"/watch/{watch}/")
    assert ">Reported<" in sheet
    assert ">Confirmed<" in sheet
    actions.erase(desk.node, desk.actor, name, "Une personne est nommée")
    sheet = look(awa, f"/watch/{watch}/")
    assert "Nom d’une personne" not in sheet
    assert "Not here any longer: recalled or erased" in sheet


def test_the_sheet_prints_as_a_document(enter, desk):
    desk.report("Crue à Gao", severity=3)
    awa, issa = enter("awa"), enter("issa")
    name = begin(awa)
    blank = printed(awa, name)
    assert "Convoi" not in blank
    assert "Signatures" not in blank
    post(awa, **HANDED)
    assert "not yet" in printed(awa, name)
    seen = last().handed_at.isoformat()
    post(issa, do="accept", watch=name, seen=seen, remarks="Vu", **LATER, **SIGNED)
    for part in ("Awa Test", "Issa Test", "Convoi attendu à 18 h", "Crue à Gao", "Mali"):
        assert part in printed(awa, name)
    post(awa, do="take_over", watch=last().object, reason="Issa est parti", **LATER, **SIGNED)
    assert "Issa est parti" in printed(awa, last().object)
    assert "Vu" in printed(awa, last().after)
    assert awa.get("/watch/0000000000009.pdf").status_code == 404
    assert enter("zoe", "planification").get(f"/watch/{name}.pdf").status_code == 403


def test_a_document_keeps_no_copy_of_what_was_erased_and_says_so(enter, desk):
    awa, name = enter("awa"), desk.report("Nom d’une personne")
    watch = begin(awa)
    post(awa, **HANDED)
    assert "Nom d’une personne" in printed(awa, watch)
    actions.erase(desk.node, desk.actor, name, "Une personne est nommée")
    assert "Nom d’une personne" not in printed(awa, watch)
    assert "recalled or erased" in printed(awa, watch)


def printed(client, name):
    """Return the text of the sheet of a watch as a document."""
    answer = client.get(f"/watch/{name}.pdf")
    assert answer["Content-Type"] == "application/pdf"
    pages = PdfReader(BytesIO(answer.content)).pages
    return "\n".join(page.extract_text() for page in pages)


def test_a_name_that_was_erased_is_nowhere(enter):
    awa, issa = enter("awa"), enter("issa")
    name = begin(awa)
    members.person(last().person).delete()
    assert "Awa Test" not in look(issa) + look(issa, f"/watch/{name}/")
    assert "erased" in look(issa, f"/watch/{name}/")


def test_who_reads_the_journal_sees_the_watches_and_changes_nothing(enter):
    name, auditor = begin(enter("awa")), enter("ali", "audit")
    assert "Awa Test" in look(auditor)
    assert "Begin the watch" not in look(auditor)
    assert auditor.get(f"/watch/{name}/").status_code == 200
    assert auditor.post("/watch/", {"do": "begin", **LATER}).status_code == 403
    planner = enter("zoe", "planification")
    assert [planner.get("/watch/").status_code, planner.get(f"/watch/{name}/").status_code] == [
        403, 403
    ]  # fmt: skip


def test_there_is_no_sheet_of_what_is_no_watch_of_ours(enter):
    awa = enter("awa")
    assert awa.get("/watch/0000000000009/").status_code == 404


def test_the_watch_is_for_this_state_alone(enter, node):
    awa = enter("awa")
    begin(awa)
    post(awa, **HANDED)
    assert set(Watch.objects.values_list("audience", flat=True)) == {audience_id([node.member])}


# What was said in one is erased


REASON = "Une personne est nommée"


def relieved(awa, issa):
    """Let Awa keep a watch and hand it over to Issa; return its name."""
    name = begin(awa)
    post(awa, do="hand_over", text="Vu avec Moussa Exemple", **SIGNED)
    seen = last().handed_at.isoformat()
    post(issa, do="accept", watch=name, seen=seen, remarks="Moussa Exemple ?", **LATER, **SIGNED)
    return name


def test_what_was_said_in_a_watch_is_erased_and_its_times_stay(enter, desk):
    name, chief = relieved(enter("awa"), enter("issa")), enter("zoe", "diffusion")
    before, url = members.watch("ML", name), f"/erase/{name}/"
    assert url in look(chief, f"/watch/{name}/")
    assert url not in look(chief, f"/watch/{last().object}/")  # it is still kept
    assert "Moussa Exemple" in look(chief, url)
    shown = chief.post(url, {"reason": REASON}, follow=True).content.decode()
    assert REASON in shown
    row = members.watch("ML", name)
    assert (row.erased, row.text, row.person) == (True, "", "")
    assert [getattr(row, when) for when in ("begins", "handed_at", "ended_at", "office")] == [
        getattr(before, when) for when in ("begins", "handed_at", "ended_at", "office")
    ]
    assert "Moussa Exemple" not in shown + look(chief)
    assert (chief.get(url).status_code, chief.get(f"/watch/{name}.pdf").status_code) == (404, 404)
    assert last().person
    check_rebuild()


def test_a_watch_that_is_kept_is_not_erased_before_it_ends(enter, desk):
    begin(enter("awa"))
    with pytest.raises(RefusedError, match="hand it over or end it first"):
        actions.erase(desk.node, desk.actor, last().object, REASON)


def test_a_turn_of_the_roster_that_was_erased_is_gone(desk):
    draft = Draft(
        kind=DUTY,
        object="0000000000001",
        office="permanence",
        payload=DutyRecord(person="0000000000002", begins=0, ends=3_600_000, note="Moussa Exemple"),
    )
    append(desk.node, [draft])
    assert Duty.objects.get().note == "Moussa Exemple"
    actions.erase(desk.node, desk.actor, "0000000000001", REASON)
    assert not Duty.objects.exists()
    check_rebuild()
