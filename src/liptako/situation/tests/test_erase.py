"""Personal data is erased without breaking a proof: here at once, at partners by a recall."""

import pytest

from liptako.core.errors import NotAllowedError, RefusedError
from liptako.core.records.payload import derive_salt
from liptako.ledger import checking, files
from liptako.ledger.models import Entry, Package, Payload
from liptako.ledger.testing import check_rebuild
from liptako.members.models import AuditEvent
from liptako.situation import actions, attaching, queries
from liptako.situation.models import Incident, JournalEntry
from liptako.situation.models import Release as ReleaseRow

NAMED = "Vu avec Moussa Exemple au marché"
REASON = "Nom d’une personne"


@pytest.fixture
def name(desk, compact):
    """Report an incident that names a person, change it, and release it to all."""
    found = desk.report(NAMED)
    desk.change(found, text=NAMED)
    desk.release(found)
    return found


@pytest.fixture
def line(desk, compact):
    """Write a line of the journal that names a person."""
    desk.note(NAMED, "")
    return JournalEntry.objects.get().object


def bodies():
    """Return all that is held in payloads."""
    return b"".join(bytes(body) for body in Payload.objects.values_list("body", flat=True))


def faults(node):
    return checking.check_logs(node, lambda _done, _total: None)[0]


@pytest.mark.django_db
def test_every_version_of_an_incident_is_gone_and_every_proof_holds(desk, name, node):
    before = Entry.objects.count()
    actions.erase(node, desk.actor, name, REASON)
    assert (Incident.objects.count(), ReleaseRow.objects.count(), b"Moussa" in bodies()) == (
        0, 0, False
    )  # fmt: skip
    assert (Entry.objects.count() > before, faults(node)) == (True, [])
    kept = Package.objects.exclude(seed=b"").filter(channel__lane="bulk")
    assert not kept.filter(channel__entry__object=name).exists()
    check_rebuild()


@pytest.mark.django_db(transaction=True)
def test_the_files_of_an_incident_go_with_it(desk, compact, node):
    name = desk.report(NAMED)
    data = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
    attaching.attach(node, desk.actor, name, [(data, "application/pdf")], NAMED)
    assert len(list(files.stored_files(node))) == 1
    actions.erase(node, desk.actor, name, REASON)
    assert (list(files.stored_files(node)), b"Moussa" in bodies()) == ([], False)
    assert faults(node) == []


@pytest.mark.django_db
def test_a_line_of_the_journal_stays_without_its_words(desk, line, node):
    actions.erase(node, desk.actor, line, REASON)
    (row,) = queries.journal(desk.actor)
    assert (row.erased, row.text, row.office, b"Moussa" in bodies()) == (
        True, "", "permanence", False
    )  # fmt: skip
    assert (list(queries.journal(desk.actor, "Moussa")), faults(node)) == ([], [])
    check_rebuild()


@pytest.mark.django_db
def test_what_is_written_after_an_erasure_has_salts_that_nobody_can_guess(desk, line, node):
    actions.erase(node, desk.actor, line, REASON)
    desk.note("Après", "")
    package = Package.objects.get(channel__audience__members=["ML"], channel__lane="bulk", number=0)
    assert bytes(package.seed) == b""
    last = Payload.objects.filter(entry__channel=package.channel).latest("entry__seq")
    assert bytes(last.salt) != derive_salt(b"", last.entry.seq)
    assert faults(node) == []


@pytest.mark.django_db
def test_the_audit_trail_says_what_and_how_much_and_not_why(desk, name, node):
    actions.erase(node, desk.actor, name, REASON)
    event = AuditEvent.objects.get(event="record.erase")
    assert (event.subject, event.detail) == (name, "4")  # two versions, one copy, one note


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["", "  ", "x" * 2_001])
def test_without_a_reason_nothing_is_erased(desk, name, node, reason):
    with pytest.raises(RefusedError, match="expected a reason"):
        actions.erase(node, desk.actor, name, reason)
    assert b"Moussa" in bodies()


@pytest.mark.django_db
def test_what_is_erased_already_or_of_a_partner_or_no_such_thing_is_refused(
    desk, name, node, partner_of, incident_of
):
    actions.erase(node, desk.actor, name, REASON)
    partner_of().write("0000000000001", incident_of(reference="BF-1")).send()
    mandate = AuditEvent.objects.latest("at").object
    for other in (name, "0000000000001", "0000000000002", mandate):
        with pytest.raises(RefusedError):
            actions.erase(node, desk.actor, other, REASON)
    assert Incident.objects.get().author == "BF"


@pytest.mark.django_db
def test_who_has_not_the_right_erases_nothing(actor, desk, name, node):
    with pytest.raises(NotAllowedError):
        actions.erase(node, actor("watch_officer", "node_administrator"), name, REASON)
    assert b"Moussa" in bodies()


def test_partners_delete_their_copy_and_confirm_it(fleet, actor, incident_of):
    officer = actor("watch_officer", "releasing_officer")
    with fleet.at("ML") as node:
        record = actions.report(node, officer, incident_of(summary=NAMED))
        name = record.header.object
        order = actions.ReleaseOrder(
            members=frozenset({"BF", "NE"}),
            transform=actions.Transform.AS_IS,
            summary=NAMED,
            basis="6",
            looked=True,
        )
        actions.release(node, officer, name, order)
    fleet.settle()
    with fleet.at("BF"):
        assert b"Moussa" in bodies()
    with fleet.at("ML") as node:
        actions.erase(node, officer, name, REASON)
    fleet.settle()
    for member in ("ML", "BF", "NE"):
        with fleet.at(member) as node:
            assert (b"Moussa" in bodies(), faults(node)) == (False, [])
    with fleet.at("ML"):
        from liptako.federation import recalls  # noqa: PLC0415 (on its database)

        done = [
            (item.member, item.is_done)
            for thread in recalls.threads_about("ML", name)
            for item in recalls.taken(thread)
        ]
    assert done == [("BF", True), ("NE", True)]


# The pages


@pytest.mark.django_db
def test_the_page_says_what_will_happen_and_does_it_with_a_reason(sign_in, name):
    browser = sign_in("diffusion")
    url = f"/erase/{name}/"
    assert url in browser.get(f"/incidents/ML/{name}/").content.decode()
    page = browser.get(url).content.decode()
    assert ("All versions of it are deleted here at once" in page, "All members" in page) == (
        True, True
    )  # fmt: skip
    assert browser.post(url, {"reason": " "}).status_code == 422
    shown = browser.post(url, {"reason": REASON}, follow=True).content.decode()
    assert ("This incident was erased" in shown, REASON in shown, "Moussa" in shown) == (
        True, True, False
    )  # fmt: skip
    assert shown.count("has not confirmed that it is deleted") == 2
    assert browser.get(url).status_code == 404


@pytest.mark.django_db
def test_a_line_is_erased_from_the_journal_and_stands_there_as_erased(sign_in, line):
    browser = sign_in("diffusion")
    url = f"/erase/{line}/"
    assert url in browser.get("/journal/").content.decode()
    shown = browser.post(url, {"reason": REASON}, follow=True).content.decode()
    assert ("Erased" in shown, REASON in shown, "Moussa" in shown, url in shown) == (
        True, True, False, False
    )  # fmt: skip
    assert browser.get(url).status_code == 404


@pytest.mark.django_db
def test_an_incident_that_a_partner_recalled_says_so(sign_in, partner_of, incident_of, desk):
    browser = sign_in("permanence")
    assert browser.get("/incidents/BF/0000000000001/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("office", ["permanence", "planification", "audit", "administration"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_office_without_the_right_erases_nothing(sign_in, name, office, method):
    answer = getattr(sign_in(office), method)(f"/erase/{name}/", {"reason": REASON})
    assert (answer.status_code, b"Moussa" in bodies()) == (403, True)
