"""Files that go along with what a new member is granted."""

from datetime import UTC, datetime

import pytest

from liptako.core.refs import audience_id
from liptako.ledger import files
from liptako.ledger.models import Entry
from liptako.ledger.records import Thread
from liptako.situation import actions, attaching
from liptako.situation.backfill import Grant, fingerprint, give, left_of
from liptako.situation.records import ATTACHMENT, Transform

OLD, NEW = audience_id(["ML", "BF"]), audience_id(["ML", "NE"])
PLAN, MAP = (b"%PDF-1.7\n" + text + b"\n%%EOF\n" for text in (b"plan of the ford", b"map"))
GRANT = Grant(member="NE", audience=OLD, since=datetime(2020, 1, 1, tzinfo=UTC), basis="Adhésion")


def report(node, actor, incident, *brought):
    """Report an incident with files; return its name and their hashes."""
    name = actions.report(node, actor, incident).header.object
    checked = [attaching.check_file(data) for data in brought]
    attaching.attach(node, actor, name, checked, "Le gué")
    return name, [file.digest for file in attaching.files_held("ML", name)]


def release(node, actor, name, digests, **changes):
    """Release it to BF with these files."""
    fields = {
        "members": frozenset({"BF"}),
        "transform": Transform.AS_IS,
        "files": frozenset(digests),
    }
    order = actions.ReleaseOrder(summary="Pour eux", basis="6", **(fields | changes))
    actions.release(node, actor, name, order)


def given(name, audience=NEW):
    """Return the files that an audience has of an incident: hash, words, until when."""
    held = attaching.files_in(Thread("ML", name, audience))
    return [
        (file.digest, file.caption, file.state.entry.retain) for file in held if not file.state.gone
    ]


@pytest.fixture
def officer(actor):
    """Who may report and release."""
    return actor("watch_officer", "releasing_officer")


@pytest.fixture
def with_plan(node, compact, officer, incident_of):
    """Report an incident with two files, release it with one; return its name and their hashes."""
    name, digests = report(node, officer, incident_of(summary="Un"), PLAN, MAP)
    release(node, officer, name, digests[:1])
    return name, digests


@pytest.mark.django_db
def test_what_the_others_have_of_files_goes_along_and_nothing_else(node, officer, with_plan):
    name, (plan, _map) = with_plan
    give(node, officer, GRANT)
    assert given(name) == [(plan, "Le gué", None)]


@pytest.mark.django_db
def test_no_words_of_a_file_go_where_the_others_had_none(node, officer, compact, incident_of):
    name, digests = report(node, officer, incident_of(), PLAN)
    release(node, officer, name, digests, transform=Transform.CELL)
    give(node, officer, GRANT)
    assert given(name) == given(name, OLD) == [(digests[0], "", None)]


@pytest.mark.django_db
def test_a_file_ends_when_it_ends_for_the_others(node, officer, compact, incident_of):
    until = 4_000_000_000_000
    name, digests = report(node, officer, incident_of(), PLAN)
    release(node, officer, name, digests, until=until)
    give(node, officer, GRANT)
    assert given(name) == [(digests[0], "Le gué", until)]


@pytest.mark.django_db
def test_a_file_that_was_destroyed_does_not_go(node, officer, with_plan):
    name, (plan, _map) = with_plan
    attaching.destroy(node, officer, name, plan, "Montre un visage")
    assert (give(node, officer, GRANT), given(name)) == (1, [])


@pytest.mark.django_db
def test_a_file_goes_once_and_one_that_was_released_since_goes_too(node, officer, with_plan):
    name, digests = with_plan
    give(node, officer, GRANT)
    release(node, officer, name, digests)
    assert give(node, officer, GRANT) == 1
    assert [digest for digest, _words, _end in given(name)] == digests
    assert Entry.objects.filter(kind=ATTACHMENT, channel__audience=NEW).count() == 2


@pytest.mark.django_db
def test_a_file_that_goes_along_is_part_of_what_was_looked_at(node, officer, with_plan):
    name, (plan, _map) = with_plan
    before = fingerprint(node, left_of(node, GRANT), GRANT)
    attaching.destroy(node, officer, name, plan, "Montre un visage")
    assert fingerprint(node, left_of(node, GRANT), GRANT) != before


@pytest.mark.django_db
def test_the_page_says_how_many_files_go_along_and_how_large(sign_in, with_plan):
    order = {"member": "NE", "audience": OLD, "since": "2020-01-01", "basis": "Adhésion"}
    shown = " ".join(sign_in("diffusion").post("/backfill/", order).content.decode().split())
    assert f"1 file, {len(PLAN)} bytes" in shown.replace("\xa0", " ")


def test_the_new_member_gets_the_bytes(fleet, officer, incident_of):
    with fleet.at("ML") as node:
        name, digests = report(node, officer, incident_of(summary="Un"), PLAN)
        release(node, officer, name, digests)
        give(node, officer, GRANT)
    fleet.settle()
    fleet.settle()
    with fleet.at("NE") as node:
        assert given(name) == [(digests[0], "Le gué", None)]
        with files.open_file(node, digests[0]) as file:
            assert file.read() == PLAN
