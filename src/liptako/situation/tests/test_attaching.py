"""Files of incidents: brought, shown, opened, released only if ticked, destroyed."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from liptako.core.errors import MalformedError, NotAllowedError, RefusedError
from liptako.core.records.shared import FILES, FilesHeld
from liptako.core.refs import audience_id
from liptako.federation.recalls import ref_of
from liptako.ledger import files, registry
from liptako.ledger.attachments import files_of
from liptako.ledger.file_models import Attached as Row
from liptako.ledger.file_models import StoredFile
from liptako.ledger.models import Entry
from liptako.ledger.records import Thread
from liptako.ledger.testing import check_bytes, check_order, check_rebuild
from liptako.members.models import AuditEvent
from liptako.situation import actions, attaching
from liptako.situation.records import ATTACHMENT, Attached, Transform

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL, PAIR = frozenset({"ML", "BF", "NE"}), frozenset({"ML", "BF"})
ALONE, EVERYONE = audience_id({"ML"}), audience_id(ALL)
PDF = b"%PDF-1.7\nplan of the ford\n%%EOF\n"
GPS = b"\xff\xe1\x00\x10Exif\0\0GPS14.3N"
PHOTO = b"\xff\xd8" + GPS + b"\xff\xdb\x00\x03\x01\xff\xda\x00\x02picture\xff\xd9film"
CLEAN = b"\xff\xd8\xff\xdb\x00\x03\x01\xff\xda\x00\x02picture\xff\xd9"


def upload(data=PDF, name="plan de Awa.pdf"):
    return SimpleUploadedFile(name, data, content_type="text/html")


@pytest.fixture
def name(desk):
    """Report an incident."""
    return desk.report("Attaque du gué de Tessit")


def add(desk, name, *brought, caption="Plan du gué"):
    checked = [attaching.check_file(data) for data in brought or (PDF,)]
    attaching.attach(desk.node, desk.actor, name, checked, caption)
    return [file.digest for file in attaching.files_held("ML", name)]


def release(desk, name, *digests, transform=Transform.AS_IS, members=ALL, until=None):
    order = actions.ReleaseOrder(
        members=members,
        transform=transform,
        summary="Pour eux",
        basis="Article 6",
        until=until,
        files=frozenset(digests),
    )
    actions.release(desk.node, desk.actor, name, order)


def given(name, audience=EVERYONE):
    """Return what an audience was given of an incident: name, words, whether it is gone."""
    return [
        (file.state.file.name, file.caption, file.state.gone)
        for file in attaching.files_in(Thread("ML", name, audience))
    ]


# The record


def test_the_bytes_of_a_file_record_are_golden():
    assert check_bytes(ATTACHMENT, Attached(caption="Gué")) == '{"caption":"Gué"}'.encode()
    assert registry.encode_payload(Attached()) == b"{}"


def test_files_change_nothing_that_is_drawn(desk, name):
    add(desk, name)
    release(desk, name, *add(desk, name, PHOTO))
    check_rebuild()
    check_order(desk.node)


# Bringing one


def test_a_file_is_kept_without_the_name_that_it_had_and_without_traces_of_a_camera(desk, name):
    add(desk, name, PHOTO, PDF)
    photo, plan = attaching.files_held("ML", name)
    reference = actions.own_incident(desk.node, name).reference
    assert photo.state.file.name == f"{reference}-1.jpg"
    assert plan.state.file.name == f"{reference}-2.pdf"
    with files.open_file(desk.node, photo.digest) as file:
        assert file.read() == CLEAN
    assert (photo.caption, photo.audience, photo.state.is_whole) == ("Plan du gué", ALONE, True)


@pytest.mark.parametrize("data", [b"<html>", b"GIF89a", b"MZ"])
def test_no_other_kind_of_file_is_taken(data):
    with pytest.raises(RefusedError, match="a photo"):
        attaching.check_file(data)


def test_a_photo_that_is_cut_short_is_not_taken():
    with pytest.raises(MalformedError, match="cut short"):
        attaching.check_file(PHOTO[:-8])


def test_only_who_reports_adds_files_and_only_to_an_own_incident(desk, name, actor):
    with pytest.raises(NotAllowedError):
        attaching.attach(desk.node, actor("releasing_officer"), name, [], "")
    with pytest.raises(RefusedError, match="only the State"):
        attaching.attach(desk.node, desk.actor, "0000000000001", [], "")
    assert attaching.attach(desk.node, desk.actor, name, [], "") == []


# Releasing


def test_no_file_goes_along_unless_it_was_chosen(desk, name):
    first, second = add(desk, name, PHOTO, PDF)
    release(desk, name)
    assert given(name) == []
    release(desk, name, second)
    reference = actions.own_incident(desk.node, name).reference
    assert given(name) == [(f"{reference}-2.pdf", "Plan du gué", False)]
    assert Row.objects.filter(audience=EVERYONE, digest=first).count() == 0


def test_what_a_file_shows_is_told_only_where_the_text_is(desk, name):
    release(desk, name, *add(desk, name), transform=Transform.CELL)
    assert [caption for _, caption, _ in given(name)] == [""]


def test_a_file_that_an_audience_has_as_long_goes_no_second_time(desk, name):
    (digest,) = add(desk, name)
    release(desk, name, digest, until=1_800_000_000_000)
    release(desk, name, digest, until=1_800_000_000_000)
    assert len(given(name)) == 1
    release(desk, name, digest)
    assert len(given(name)) == 2


def test_a_file_that_is_not_here_cannot_be_released(desk, name):
    with pytest.raises(RefusedError, match="not here any longer"):
        release(desk, name, "0" * 64)


def test_a_release_shows_another_fingerprint_for_other_files(desk, name):
    copy = actions.own_incident(desk.node, name)
    orders = [
        actions.ReleaseOrder(
            members=ALL, transform=Transform.AS_IS, summary="x", basis="x", files=frozenset(chosen)
        )
        for chosen in ((), ("a",), ("b",))
    ]
    assert len({actions.fingerprint(copy, order) for order in orders}) == 3


def test_recalling_a_release_takes_its_files_back_and_leaves_ours(
    desk, name, django_capture_on_commit_callbacks
):
    (digest,) = add(desk, name)
    release(desk, name, digest)
    with django_capture_on_commit_callbacks(execute=True):
        actions.recall(desk.node, desk.actor, name, EVERYONE, "Erreur")
    assert [gone for _, _, gone in given(name)] == [True]
    assert [file.state.is_whole for file in attaching.files_held("ML", name)] == [True]
    assert StoredFile.objects.count() == 1


# Destroying


def test_a_file_is_destroyed_everywhere_and_the_incident_stays(
    desk, name, django_capture_on_commit_callbacks
):
    digest, other = add(desk, name, PHOTO, PDF)
    release(desk, name, digest, other)
    with django_capture_on_commit_callbacks(execute=True):
        attaching.destroy(desk.node, desk.actor, name, digest, "Visages")
    states = {file.digest: file.state.gone for file in attaching.files_held("ML", name)}
    assert states == {digest: True, other: False}
    assert sorted(gone for _, _, gone in given(name)) == [False, True]
    assert list(StoredFile.objects.values_list("digest", flat=True)) == [other]
    recalls = Entry.objects.filter(kind="exchange.recall/1")
    assert sorted(recalls.values_list("channel__audience", flat=True)) == sorted([ALONE, EVERYONE])
    event = AuditEvent.objects.get(event="incident.file")
    assert event.subject == actions.own_incident(desk.node, name).reference
    assert actions.own_incident(desk.node, name).summary == "Attaque du gué de Tessit"
    with pytest.raises(RefusedError, match="no such file"):
        attaching.destroy(desk.node, desk.actor, name, "0" * 64, "Visages")
    with pytest.raises(RefusedError, match="a reason"):
        attaching.destroy(desk.node, desk.actor, name, other, " ")


def test_who_reports_destroys_a_file_until_it_was_released(desk, name, actor):
    first, second = add(desk, name, PHOTO, PDF)
    release(desk, name, second)
    watch = actor("watch_officer")
    attaching.destroy(desk.node, watch, name, first, "Visages")
    with pytest.raises(NotAllowedError):
        attaching.destroy(desk.node, watch, name, second, "Visages")
    attaching.destroy(desk.node, actor("releasing_officer"), name, second, "Visages")


def test_a_file_that_was_brought_for_nothing_is_swept_away_after_an_hour(desk):
    files.keep(desk.node, PDF, type_="application/pdf", name="x.pdf")
    assert files.sweep(desk.node) == 0
    desk.node.clock.milliseconds += 3_600_001
    assert files.sweep(desk.node) == 1
    assert StoredFile.objects.count() == 0


def test_erasing_an_incident_deletes_its_files(
    desk, name, actor, django_capture_on_commit_callbacks
):
    release(desk, name, *add(desk, name, PHOTO, PDF))
    chief = actor("releasing_officer", "node_administrator", "watch_officer")
    with django_capture_on_commit_callbacks(execute=True):
        actions.erase(desk.node, chief, name, "Nom d’une personne")
    assert {file.state.gone for file in attaching.files_held("ML", name)} == {True}
    assert (Row.objects.count(), StoredFile.objects.count()) == (0, 0)


# The pages


def page_of(browser, name):
    return browser.get(f"/incidents/ML/{name}/").content.decode()


TYPED = {
    "kind": "flood",
    "summary": "Crue du Niger",
    "begins": "2026-09-21T11:26",
    "precision": "minute",
    "where": "Quartier du port",
    "severity": "3",
    "status": "confirmed",
    "credibility": "0",
    "precedence": "routine",
}


def test_a_report_may_bring_files_which_its_page_gives_to_be_saved(sign_in):
    browser = sign_in("permanence")
    sent = TYPED | {"brought": [upload(), upload(PHOTO, "IMG.jpg")], "caption": "Digue"}
    answer = browser.post("/incidents/report/", sent, follow=True)
    assert "Digue" in answer.content.decode()
    row = Entry.objects.filter(kind=ATTACHMENT).order_by("position").first()
    (plan, _) = attaching.files_held("ML", row.object)
    answer = browser.get(f"/incidents/ML/{row.object}/files/{plan.digest}")
    assert b"".join(answer.streaming_content) == PDF
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'attachment; filename="{plan.state.file.name}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("brought", "told"),
    [
        ([upload(b"<script>", "x.pdf")], "x.pdf: "),
        ([upload(b"", "empty.pdf")], "empty"),
        ([upload(PHOTO[:-8], "cut.jpg")], "cut.jpg: "),
        ([upload() for _ in range(9)], "At most 8 files"),
        ([upload(b"%PDF-" + bytes(20 * 2**20), "long.pdf")], "long.pdf is too large"),
    ],
)
def test_a_file_that_is_not_taken_is_told_and_nothing_is_written(sign_in, brought, told):
    for file in brought:
        file.seek(0)
    answer = sign_in("permanence").post("/incidents/report/", TYPED | {"brought": brought})
    assert (answer.status_code, told in answer.content.decode()) == (422, True)
    assert "Crue du Niger" in answer.content.decode()
    assert Entry.objects.filter(kind__startswith="situation.").count() == 0


def test_a_file_is_added_later_on_a_page_of_its_own(sign_in, name):
    browser = sign_in("permanence")
    assert f"/incidents/{name}/attach" in page_of(browser, name)
    url = f"/incidents/{name}/attach"
    assert browser.post(url, {"caption": "x"}).status_code == 422
    answer = browser.post(url, {"brought": [upload()], "caption": "Digue"}, follow=True)
    assert "Digue" in answer.content.decode()
    assert sign_in("diffusion").get(url).status_code == 403
    assert browser.get("/incidents/0000000000001/attach").status_code == 404


@pytest.mark.parametrize("office", ["administration", "redaction"])
def test_a_file_opens_for_nobody_who_may_not_see_the_incident(desk, name, sign_in, office):
    (digest,) = add(desk, name)
    assert sign_in(office).get(f"/incidents/ML/{name}/files/{digest}").status_code == 403


def test_a_file_opens_at_its_own_incident_only(desk, name, sign_in):
    (digest,) = add(desk, name)
    other = desk.report("Crue")
    browser = sign_in("planification")
    answer = browser.get(f"/incidents/ML/{name}/files/{digest}")
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, PDF)
    for url in (f"ML/{other}/files/{digest}", f"BF/{name}/files/{digest}", f"ML/{name}/files/0"):
        assert browser.get(f"/incidents/{url}").status_code == 404


def test_the_release_page_ticks_no_file_by_itself_and_shows_which_ones_go(desk, name, sign_in):
    digest, _ = add(desk, name, PHOTO, PDF)
    browser, url = sign_in("diffusion"), f"/incidents/{name}/release"
    first = browser.get(url).content.decode()
    assert f'name="attached" value="{digest}"' in first
    assert "checked" not in first[first.index('name="attached"') :]
    typed = {
        "audience": EVERYONE,
        "transform": "as_is",
        "summary": "Pour eux",
        "basis": "Article 6",
        "precedence": "routine",
    }
    shown = browser.post(url, typed | {"attached": digest, "preview": "1"})
    names = [file.state.file.name for file in shown.context["files"]]
    sheet = shown.content.decode().partition('class="sheet"')[2]
    assert names[0] in sheet
    assert names[0].replace("-1.jpg", "-2.pdf") not in sheet
    seen = shown.context["seen"]
    more = {"attached": digest, "release": "1", "seen": seen}
    assert browser.post(url, typed | {"release": "1", "seen": seen}).status_code == 422
    assert browser.post(url, typed | more).status_code == 302
    assert [file[0] for file in given(name)] == names


def test_the_page_says_how_far_a_file_of_a_partner_is(partner_of, desk, sign_in, incident_of):
    partner, name = partner_of("BF"), "0000000000001"
    plan = files.attachment_of(PDF, type_="application/pdf", name="BF-2026-AAAA-1.pdf")
    huge = files.Attachment(hash=bytes(32), size=30 * 10**6, type="image/jpeg", name="huge.jpg")
    partner.write(name, incident_of(reference="BF-2026-AAAA"))
    partner.write(name, Attached(caption="Digue"), ATTACHMENT, attachments=(plan, huge)).send()
    browser, url = sign_in("planification"), f"/incidents/BF/{name}/"
    where = (EVERYONE, plan.hash.hex())
    assert files.take_chunk(desk.node, "BF", where, (0, PDF[:10])) == 10
    text = browser.get(url).content.decode()
    assert f"on its way: 10\xa0bytes of {len(PDF)}\xa0bytes" in text
    assert "not fetched: 28.6\xa0MB, this node takes" in text
    assert browser.get(f"{url}files/{where[1]}").status_code == 404
    assert files.take_chunk(desk.node, "BF", where, (10, PDF[10:])) == len(PDF) - 10
    assert files.finish(desk.node) == []
    assert "received" in browser.get(url).content.decode()
    assert BytesIO(b"".join(browser.get(f"{url}files/{where[1]}"))).read() == PDF


def test_the_page_says_at_whom_a_released_file_is_stored(partner_of, desk, name, sign_in):
    (digest,) = add(desk, name)
    release(desk, name, digest)
    browser, url = sign_in("permanence"), f"/incidents/ML/{name}/"
    assert "stored at" not in browser.get(url).content.decode()
    (file,) = attaching.files_in(Thread("ML", name, EVERYONE))
    partner_of("BF").write(name, FilesHeld(), FILES, refs=(ref_of(file.state.entry),)).send()
    assert "stored at Burkina Faso" in " ".join(browser.get(url).content.decode().split())


def test_the_page_on_which_a_file_is_destroyed_says_what_will_happen(desk, name, sign_in):
    (digest,) = add(desk, name)
    browser, url = sign_in("permanence"), f"/incidents/{name}/destroy/{digest}"
    assert "The incident stays" in browser.get(url).content.decode()
    assert browser.post(url, {"reason": ""}).status_code == 422
    assert "destroyed" in browser.post(url, {"reason": "Visages"}, follow=True).content.decode()
    assert browser.get(url).status_code == 404
    assert [state.gone for state in files_of(Thread("ML", name, ALONE), ATTACHMENT)] == [True]
