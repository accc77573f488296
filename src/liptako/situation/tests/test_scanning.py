"""What may tell who somebody is: it is noticed when written, and does not leave unlooked at."""

import pytest

from liptako.core.errors import MalformedError, RefusedError
from liptako.core.personal import Sort
from liptako.core.refs import audience_id
from liptako.situation import actions, attaching
from liptako.situation.models import Incident
from liptako.situation.models import Release as ReleaseRow
from liptako.situation.records import Origin, Place, Transform
from liptako.situation.scanning import NAMES, Personal, personal_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
PAIR = frozenset({"ML", "BF"})
NAMED = "Vu avec Moussa Exemple, tél. 70 12 34 56"
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
FORM = {
    "audience": audience_id(PAIR),
    "transform": "as_is",
    "summary": "Attaque",
    "basis": "Article 6",
    "precedence": "routine",
}


def order(**changes):
    fields = {
        "members": PAIR,
        "transform": Transform.AS_IS,
        "summary": "Attaque",
        "basis": "Article 6",
    }
    return actions.ReleaseOrder(**(fields | changes))


def test_every_field_that_is_written_freely_is_read(node, incident_of):
    incident = incident_of(
        summary="Moussa",
        text="70 12 34 56",
        place=Place(words="chez Traoré"),
        source=Origin(words="a@poste.example.ml"),
    )
    assert personal_in(node.home, incident, ["M. Exemple", "Crue"]) == [
        Personal("summary", Sort.NAME, "Moussa"),
        Personal("text", Sort.PHONE, "70 12 34 56"),
        Personal("where", Sort.NAME, "Traoré"),
        Personal("source", Sort.MAIL, "a@poste.example.ml"),
        Personal("caption", Sort.NAME, "Exemple"),
    ]


@pytest.mark.parametrize(
    "summary",
    ["Attaque à Djibo", "Marché de Koudougou", "Gao, Ménaka et Téra", "Crue à Ansongo, 3 blessés"],
)
def test_towns_of_the_region_are_no_names(node, incident_of, summary):
    assert personal_in(node.home, incident_of(summary=summary)) == []


def test_a_node_adds_names_of_its_own(node, incident_of, tmp_path):
    (tmp_path / NAMES).write_text("# À nous\nZébulon\n!chef\n", encoding="utf-8")
    found = personal_in(tmp_path, incident_of(summary="Zebulon et le chef Inconnu, Moussa"))
    assert [item.text for item in found] == ["Zebulon", "Inconnu", "Moussa"]


def test_a_list_of_names_that_cannot_be_read_is_told(incident_of, tmp_path):
    (tmp_path / NAMES).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MalformedError, match=NAMES):
        personal_in(tmp_path, incident_of())


def test_it_does_not_go_before_somebody_has_looked(node, desk):
    name = desk.report("Attaque", text=NAMED)
    with pytest.raises(RefusedError, match=r"70 12 34 56, Moussa Exemple; take it out"):
        actions.release(node, desk.actor, name, order())
    assert not ReleaseRow.objects.exists()
    actions.release(node, desk.actor, name, order(looked=True))
    assert ReleaseRow.objects.exists()


def test_what_is_withheld_need_not_be_looked_at(node, desk):
    name = desk.report("Attaque", text=NAMED, place=Place(lat=15_000_000, lon=0))
    actions.release(node, desk.actor, name, order(transform=Transform.CELL))
    assert ReleaseRow.objects.exists()


def test_what_is_said_of_a_file_that_goes_along_is_read_too(node, desk):
    name = desk.report("Attaque")
    attaching.attach(node, desk.actor, name, [(PDF, "application/pdf")], "Moussa Exemple")
    (digest,) = [file.digest for file in attaching.files_held("ML", name)]
    actions.release(node, desk.actor, name, order())  # it stays here
    with pytest.raises(RefusedError, match="Moussa Exemple"):
        actions.release(node, desk.actor, name, order(files=frozenset({digest})))


# The pages


def test_the_page_shows_it_and_asks_for_a_tick(sign_in, desk):
    browser, url = sign_in("diffusion"), f"/incidents/{desk.report('A', text=NAMED)}/release"
    answer = browser.post(url, FORM | {"preview": "1"})
    page = answer.content.decode()
    assert "<mark>Moussa Exemple</mark>" in page
    assert "telephone number · Text" in page
    let_go = FORM | {"release": "1", "seen": answer.context["seen"]}
    refused = browser.post(url, let_go)
    assert (refused.status_code, "take it out, or say" in refused.content.decode()) == (422, True)
    assert browser.post(url, let_go | {"looked": "1"}).status_code == 302
    assert ReleaseRow.objects.exists()


def test_a_page_without_any_asks_for_nothing(sign_in, desk):
    url = f"/incidents/{desk.report('Attaque')}/release"
    page = sign_in("diffusion").post(url, FORM | {"preview": "1"}).content.decode()
    assert "I have looked at this" not in page


def test_who_writes_it_is_told_at_once(sign_in):
    browser = sign_in("permanence")
    fields = {
        "kind": "attack", "severity": "3", "status": "reported", "precedence": "routine",
        "summary": "Attaque", "begins": "2026-01-02T03:04", "precision": "minute",
        "where": "Gao", "text": NAMED,
    }  # fmt: skip
    page = browser.post("/incidents/report/", fields, follow=True).content.decode()
    assert "This may tell who somebody is: 70 12 34 56, Moussa Exemple." in page
    name = Incident.objects.get().object
    url = f"/incidents/{name}/change"
    page = browser.post(url, fields | {"text": "Vu par un berger"}, follow=True).content.decode()
    assert "may tell who somebody is" not in page
    page = browser.post(url, fields, follow=True).content.decode()
    assert "70 12 34 56, Moussa Exemple. Change the incident" in page
