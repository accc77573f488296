"""The page of the compact: who is in it, with which keys; a newer one is looked at first."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from liptako.core.clock import Instant
from liptako.core.compact.delegation import Revoked
from liptako.core.compact.document import State
from liptako.core.compact.dossier import dossier_of, read_dossier, write_dossier
from liptako.core.compact.draft import Changes, next_draft
from liptako.core.compact.members import compact_phrase
from liptako.federation import deeds
from liptako.ledger import compacts
from liptako.ledger.models import Deed
from liptako.members.models import AuditEvent
from tests import pact

URL = "/compact/"


@pytest.fixture
def admin(desk_of):
    """Return the desk of an administrator."""
    return desk_of("node_administrator")


def amended(desk, signers=("BF", "ML", "NE"), **changes):
    """Return a file with the next version, signed by these members."""
    with desk.fleet.at("ML"):
        draft = next_draft(compacts.dossier().versions[-1], Changes(**changes))
    return write_dossier(dossier_of([pact.by(draft, *signers).envelope]))


SUSPENDED = {"states": {"NE": (State.SUSPENDED, {})}}


def look(desk, data):
    return desk.post(URL, {"file": SimpleUploadedFile("compact.json", data)})


def take(desk, data, phrase=""):
    return desk.post(URL, {"dossier": data.decode(), "phrase": phrase, "adopt": "1"})


def words(answer):
    return " ".join(answer.content.decode().split())


def version(desk):
    with desk.fleet.at("ML"):
        return compacts.current().version


def test_the_page_shows_members_keys_and_who_has_signed(admin):
    answer = admin.get(URL)
    assert [(row.member.id, row.serial, row.is_late) for row in answer.context["rows"]] == [
        ("BF", 1, False), ("ML", 1, False), ("NE", 1, False)
    ]  # fmt: skip
    ((document, signers),) = answer.context["versions"]
    assert (document.version, signers) == (1, ["BF", "ML", "NE"])
    with admin.fleet.at("ML"):
        assert compact_phrase(compacts.document()) in words(answer)


def test_keys_that_should_have_been_changed_are_told(admin):
    with admin.fleet.at("ML") as node:
        before = compacts.delegations_of("BF")[-1].delegation
        signed = pact.delegated(
            "BF",
            before=compacts.delegations_of("BF")[-1],
            sign=before.sign,
            seals=before.seals,
            pins=before.pins,
            until=Instant(1),
        )
        compacts.adopt(write_dossier(dossier_of([signed.envelope])), "ML", node.clock)
    assert "should have been changed by" in words(admin.get(URL))


def test_a_newer_version_is_looked_at_then_taken_in(admin):
    data = amended(admin, **SUSPENDED)
    seen = words(look(admin, data))
    assert "It follows the version that is held, and enough members have signed it." in seen
    assert ("(does not take part)" in seen, version(admin)) == (True, 1)
    done = words(take(admin, data))
    assert ("The compact was taken in." in done, version(admin)) == (True, 2)
    assert "suspended" in done
    with admin.fleet.at("ML"):
        assert AuditEvent.objects.filter(event="compact.adopt", detail="2").count() == 1


@pytest.mark.parametrize("data", [b"", b"no compact", b"\xff"], ids=["nothing", "other", "no text"])
def test_what_is_no_compact_is_told(admin, data):
    answer = look(admin, data) if data else admin.post(URL, {})
    assert (answer.status_code, 'role="alert"' in words(answer), version(admin)) == (422, True, 1)


def test_a_version_that_too_few_have_signed_is_refused(admin):
    data = amended(admin, signers=("ML",), **SUSPENDED)
    assert look(admin, data).status_code == 422
    assert (take(admin, data).status_code, version(admin)) == (422, 1)


def test_the_first_compact_is_taken_in_by_its_phrase_alone(admin):
    with admin.fleet.at("ML"):
        data, phrase = write_dossier(compacts.dossier()), compact_phrase(compacts.document())
        Deed.objects.all().delete()
    assert "it has adopted no compact yet" in words(admin.get(URL))
    assert phrase in words(look(admin, data))
    refused = take(admin, data, "11111 22222")
    assert (refused.status_code, "not the same" in words(refused)) == (422, True)
    assert version(admin) == 0
    take(admin, data, f"  {phrase} ")
    assert version(admin) == 1


def test_all_that_members_rely_on_is_given_as_a_file(admin):
    answer = admin.get("/compact/file")
    assert read_dossier(answer.content).compact().version == 1
    assert "attachment" in answer.headers["Content-Disposition"]


def test_who_has_signed_two_sets_of_keys_is_an_alarm(admin):
    with admin.fleet.at("ML") as node:
        before = compacts.delegations_of("BF")[-1]
        keys = {"seals": before.delegation.seals, "pins": before.delegation.pins}
        gone = (Revoked(key=before.delegation.sign, caps={}),)
        for name in ("one", "two"):
            signed = pact.delegated(
                "BF", before=before, sign=pact.signer(name).public, revoked=gone, **keys
            )
            deeds.take_deeds(node, write_dossier(dossier_of([signed.envelope])))
    told = "Burkina Faso has signed two different sets of keys with the number 2."
    assert told in words(admin.get(URL))


@pytest.mark.parametrize("role", ["watch_officer", "auditor", "planner"])
def test_who_does_not_administer_sees_it_and_changes_nothing(desk_of, role):
    desk = desk_of(role)
    data = amended(desk, **SUSPENDED)
    assert "Take in a newer one" not in words(desk.get(URL))
    take(desk, data)
    assert version(desk) == 1
