"""What a desk may do: references, owners, releases, the journal; and nothing without the right."""

import re
import secrets
from dataclasses import replace

import msgspec
import pytest

from liptako.core.clock import Instant
from liptako.core.errors import NotAllowedError, RefusedError
from liptako.core.geo import Position, Region
from liptako.core.records.envelope import Precedence
from liptako.core.refs import audience_id
from liptako.ledger.models import Channel, Entry
from liptako.ledger.reader import thread_records
from liptako.ledger.records import Thread
from liptako.ledger.testing import check_order, check_rebuild
from liptako.situation import actions, importing, models
from liptako.situation.records import (
    INCIDENT,
    JournalEntry,
    Level,
    Place,
    Release,
    Status,
    Transform,
)
from liptako.situation.rules import transformed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("compact")]
ALL = frozenset({"ML", "BF", "NE"})
PAIR = frozenset({"ML", "BF"})
ALONE = audience_id(["ML"])
NEXT_YEAR = 1_800_000_000_000  # 2027-01-15T08:00:00Z
GAO = Region(code="ML-7", name="Gao", middle=Position(lat=16_000_000, lon=0), radius_m=400_000)


@pytest.fixture
def watch(actor):
    return actor("watch_officer")


@pytest.fixture
def releaser(actor):
    return actor("releasing_officer", office="diffusion")


@pytest.fixture
def reported(node, watch, incident_of):
    """Report an incident and return the name of its object."""
    return actions.report(node, watch, incident_of(reference="ML-2026-0001")).header.object


def order(*members, **changes):
    fields = {
        "members": frozenset(members or ALL),
        "transform": Transform.CELL,
        "summary": "Attaque dans le Gourma",
        "basis": "Article 6",
    }
    return actions.ReleaseOrder(**(fields | changes))


def payloads(name, audience):
    """Return what stands in our log about an object for an audience."""
    thread = Thread("ML", name, audience_id(audience))
    return [record.payload for record in thread_records(thread)]


# Reporting


def test_a_report_is_given_a_reference_and_is_for_our_own_state_only(node, watch, incident_of):
    record = actions.report(node, watch, incident_of(), precedence=Precedence.FLASH, marking="R")
    reference, header = record.payload.reference, record.header
    assert re.fullmatch("ML-2026-[0-9A-HJKMNP-TV-Z]{4}", reference)
    assert record.payload == incident_of(reference=reference)
    assert (header.audience, header.office, header.precedence, header.marking) == (
        ALONE, "permanence", Precedence.FLASH, "R"
    )  # fmt: skip


def drawing(node, *codes):
    """Return the node with dice that fall on these codes when a reference is drawn."""
    left = iter(codes)
    return replace(
        node, random=lambda n: next(left).to_bytes(3, "big") if n == 3 else secrets.token_bytes(n)
    )


def test_a_reference_tells_the_year_and_not_how_many_there_are(node, watch, incident_of):
    later = replace(drawing(node, 7), clock=lambda: Instant(NEXT_YEAR))
    assert actions.report(later, watch, incident_of()).payload.reference == "ML-2027-0007"


def test_a_reference_that_was_given_is_not_given_again(node, watch, incident_of):
    given = [
        actions.report(drawing(node, *codes), watch, incident_of()).payload.reference
        for codes in ([7], [7, 7, 8])
    ]
    assert given == ["ML-2026-0007", "ML-2026-0008"]


def test_a_partners_references_are_not_ours(node, watch, partner_of, incident_of):
    partner_of("BF").write("0000000000001", incident_of(reference="ML-2026-0007")).send()
    record = actions.report(drawing(node, 7), watch, incident_of())
    assert record.payload.reference == "ML-2026-0007"


def test_a_report_against_the_rules_leaves_nothing_behind(node, watch, incident_of):
    with pytest.raises(RefusedError, match="expected coordinates, an area, or words"):
        actions.report(node, watch, incident_of(place=Place()))
    assert (Entry.objects.count(), models.Incident.objects.count()) == (0, 0)


# Changing


def test_a_change_replaces_the_incident_and_keeps_its_marking(node, watch, incident_of):
    first = actions.report(node, watch, incident_of(), marking="RESTREINT")
    after = msgspec.structs.replace(first.payload, status=Status.CONFIRMED)
    record = actions.update(node, watch, first.header.object, after, precedence=Precedence.PRIORITY)
    row = models.Incident.objects.get()
    assert record.payload == after
    assert (row.status, row.versions, row.marking, row.precedence) == (
        "confirmed", 2, "RESTREINT", "priority"
    )  # fmt: skip


def test_a_change_cannot_give_another_reference(node, reported, watch, incident_of):
    with pytest.raises(RefusedError, match="ML-2026-0001 cannot be changed"):
        actions.update(node, watch, reported, incident_of(reference="ML-2026-0002"))
    assert models.Incident.objects.get().versions == 1


def test_only_the_state_that_reported_an_incident_changes_it(node, watch, partner_of, incident_of):
    partner_of("BF").write("0000000000001", incident_of(reference="BF-1")).send()
    with pytest.raises(RefusedError, match="only the State that reported it"):
        actions.update(node, watch, "0000000000001", incident_of(reference="BF-1"))


# Releasing


@pytest.mark.parametrize("transform", list(Transform))
def test_a_release_sends_exactly_what_its_preview_showed(node, reported, releaser, transform):
    wanted = order(transform=transform, region=GAO)
    shown = actions.preview(node, reported, wanted)
    known = actions.own_incident(node, reported)
    assert shown == transformed(known, transform, GAO, "Attaque dans le Gourma")
    assert actions.release(node, releaser, reported, wanted).payload == shown
    assert payloads(reported, ALL) == [shown]


def test_a_release_is_a_copy_for_the_audience_and_a_note_for_ourselves(node, reported, releaser):
    copy = actions.release(node, releaser, reported, order("BF", until=NEXT_YEAR))
    note = Release(
        audience=audience_id(PAIR),
        members=("BF", "ML"),
        transform=Transform.CELL,
        basis="Article 6",
        until=NEXT_YEAR,
    )
    assert (copy.header.kind, copy.header.audience) == (INCIDENT, audience_id(PAIR))
    assert (copy.header.office, copy.header.retain) == ("diffusion", Instant(NEXT_YEAR))
    assert payloads(reported, PAIR) == [copy.payload]
    assert payloads(reported, ["ML"])[1:] == [note]


def test_a_release_without_an_end_is_kept_for_ever(node, reported, releaser):
    assert actions.release(node, releaser, reported, order()).header.retain is None


def test_a_flash_goes_into_the_urgent_log(node, reported, releaser):
    actions.release(node, releaser, reported, order(precedence=Precedence.FLASH))
    logs = Channel.objects.order_by("size").values_list("audience_id", "lane", "size")
    assert set(logs) == {(ALONE, "bulk", 3), (audience_id(ALL), "urgent", 1)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"members": frozenset()}, "expected at least one partner"),
        ({"members": frozenset({"ML"})}, "expected at least one partner"),
        ({"members": frozenset({"BF", "TG"})}, "TG is not a member of the compact"),
        ({"basis": " "}, "expected the basis on which it is given"),
        ({"summary": ""}, "expected a summary"),
        ({"transform": Transform.REGION}, "no region is known for this place"),
    ],
)
def test_a_release_that_is_refused_sends_nothing(node, reported, releaser, changes, reason):
    before = Entry.objects.count()
    with pytest.raises(RefusedError, match=reason):
        actions.release(node, releaser, reported, replace(order(), **changes))
    assert (Entry.objects.count(), models.Release.objects.count()) == (before, 0)


def test_a_partners_incident_is_not_ours_to_release(node, releaser, partner_of, incident_of):
    partner_of("BF").write("0000000000001", incident_of(reference="BF-1")).send()
    with pytest.raises(RefusedError, match="only the State that reported it"):
        actions.release(node, releaser, "0000000000001", order("NE"))


def test_what_was_seen_may_go_out(node, reported, releaser):
    seen = actions.fingerprint(actions.preview(node, reported, order()), order())
    record = actions.release(node, releaser, reported, order(), seen=seen)
    assert payloads(reported, ALL) == [record.payload]


@pytest.mark.parametrize(
    "changes",
    [
        {"transform": Transform.AS_IS},
        {"summary": "Attaque à Tessit"},
        {"members": frozenset({"BF"})},
        {"precedence": Precedence.FLASH},
        {"until": NEXT_YEAR},
        {"basis": "Article 7"},
    ],
)
def test_what_was_not_seen_does_not_go_out(node, reported, releaser, changes):
    seen = actions.fingerprint(actions.preview(node, reported, order()), order())
    with pytest.raises(RefusedError, match="this is not what was shown"):
        actions.release(node, releaser, reported, replace(order(), **changes), seen=seen)
    assert models.Release.objects.count() == 0


def test_what_was_changed_after_it_was_seen_does_not_go_out(node, reported, watch, releaser):
    seen = actions.fingerprint(actions.preview(node, reported, order()), order())
    known = actions.own_incident(node, reported)
    actions.update(node, watch, reported, msgspec.structs.replace(known, severity=4))
    with pytest.raises(RefusedError, match="this is not what was shown"):
        actions.release(node, releaser, reported, order(), seen=seen)


def test_a_second_release_to_the_same_audience_replaces_the_first(node, reported, releaser):
    actions.release(node, releaser, reported, order())
    actions.release(node, releaser, reported, order(transform=Transform.AS_IS))
    row = models.Release.objects.get()
    assert (row.transform, row.versions) == ("as_is", 2)
    assert [payload.place.level for payload in payloads(reported, ALL)] == [
        Level.CELL, Level.POINT
    ]  # fmt: skip


# The journal


def test_a_line_of_the_journal_is_for_our_own_state_only(node, watch):
    entry = JournalEntry(at=1_790_000_000_000, text="Ronde")
    record = actions.write_journal(node, watch, entry)
    assert (record.payload, record.header.audience) == (entry, ALONE)


def test_a_correction_is_a_new_line_that_names_the_old_one(node, watch):
    first = actions.write_journal(node, watch, JournalEntry(at=0, text="Six camions"))
    name = first.header.object
    actions.write_journal(node, watch, JournalEntry(at=0, text="Sept camions", corrects=name))
    rows = models.JournalEntry.objects.order_by("written_at").values_list("text", "corrects")
    assert list(rows) == [("Six camions", ""), ("Sept camions", name)]


def test_a_line_that_is_not_ours_cannot_be_corrected(node, watch, partner_of):
    theirs = JournalEntry(at=0, text="Leur ronde")
    partner_of("BF").write("0000000000001", theirs, kind="situation.journal/1").send()
    with pytest.raises(RefusedError, match="no entry that could be corrected"):
        actions.write_journal(node, watch, JournalEntry(at=0, text="Non", corrects="0000000000001"))


# Rights and invariants


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("watch_officer", {"report", "update", "write_journal"}),
        ("releasing_officer", {"release"}),
        ("node_administrator", {"start_import", "import_published"}),
        ("auditor", set()),
        ("planner", set()),
    ],
)
def test_each_office_does_what_its_roles_allow_and_nothing_else(
    node, reported, actor, role, allowed
):
    who, known = actor(role), actions.own_incident(node, reported)
    doings = {
        "report": lambda: actions.report(node, who, known),
        "update": lambda: actions.update(node, who, reported, known),
        "release": lambda: actions.release(node, who, reported, order()),
        "write_journal": lambda: actions.write_journal(node, who, JournalEntry(at=0, text="R")),
        "start_import": lambda: importing.start_import(node, who, 0),
        "import_published": lambda: importing.import_published(
            node, who, [], importing.ImportOrder(), lambda _done, _added: None
        ),
    }
    done = {name for name, do in doings.items() if is_done(do)}
    assert done == allowed


def is_done(do):
    """Do it; say whether it was allowed."""
    try:
        do()
    except NotAllowedError:
        return False
    return True


def test_nobody_without_an_office_does_anything(node, incident_of):
    with pytest.raises(NotAllowedError, match="may not do this"):
        actions.report(node, None, incident_of())


def test_what_a_desk_has_done_can_be_drawn_again_in_any_order(
    node, reported, watch, releaser, incident_of
):
    actions.release(node, releaser, reported, order())
    actions.update(node, watch, reported, incident_of(reference="ML-2026-0001", severity=4))
    actions.release(node, releaser, reported, order("NE", precedence=Precedence.FLASH))
    check_rebuild()
    assert check_order(node) > 1
