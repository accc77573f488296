"""Invariant I5: nobody sees what the release does not allow, through any door of any node.

Random incidents of random States, released to random audiences at random coarseness, or not at all.
Each carries words that stand nowhere else. Every door of every node is then searched for them.
"""

import io
import re
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from liptako.core.geo import Position, Region
from liptako.core.log.bundle import read_bundle
from liptako.core.log.sealed import unseal
from liptako.federation import sync
from liptako.ledger.file_models import Chunk
from liptako.ledger.files import stored_files
from liptako.ledger.models import Entry, Payload
from liptako.members import actions as people
from liptako.members.models import Person
from liptako.members.offices import STANDARD
from liptako.members.permissions import Actor
from liptako.members.records import Mandate, Office, Role
from liptako.situation import actions, attaching
from liptako.situation.models import Incident as IncidentRow
from liptako.situation.records import (
    Incident,
    JournalEntry,
    Level,
    Origin,
    Period,
    Place,
    Transform,
)
from liptako.situation.words import PILES

MEMBERS = ("ML", "BF", "NE")
OFFICES = ("permanence", "diffusion", "planification", "administration", "audit", "redaction")
BEGINS = 1_790_000_000_000
SOMEWHERE = Region(code="ML-7", name="Gao", middle=Position(lat=0, lon=0), radius_m=400_000)
EVERYTHING = Office(code="everything", titles={"fr": "Tout"}, roles=tuple(Role))
"""An office with all roles: it sees all that anybody at a node can see."""


@dataclass(frozen=True)
class Case:
    """An incident of a State, and to whom it is released, how coarse; nobody: not at all."""

    owner: str
    audience: frozenset[str]
    transform: Transform


cases = st.builds(
    Case,
    owner=st.sampled_from(MEMBERS),
    audience=st.frozensets(st.sampled_from(MEMBERS)),
    transform=st.sampled_from(Transform),
)


FILES = ("file", "kept")
"""What two files of each incident hold: the first one is released along with it."""


def words_of(number):
    """Return the words of a case, by what they would give away."""
    names = (
        "summary", "text", "words", "source", "journal", "handled", "released", "mandate", "audit",
        "caption", "file", "kept",
    )  # fmt: skip
    return {name: f"{name}{number}needle" for name in names}


def place_of(number):
    return Position(lat=14_123_457 + number * 1000, lon=-1_765_431 - number * 1000)


def moment_of(number):
    return BEGINS + 60_000 * number + 1


def exact(number):
    """Return the coordinates and the time of a case in every spelling that a door uses."""
    place = place_of(number)
    pairs = ((place.lat, "N"), (place.lon, "W"))
    spellings = {f"{abs(value) / 1e6:.4f}" for value, _ in pairs}
    spellings |= {str(abs(value)) for value, _ in pairs} | {str(place.lat / 1e6)}
    return spellings | {str(moment_of(number))}


def actor(member, role, office):
    return Actor(member=member, person="", office=office, roles=frozenset({role}))


def report(fleet, number, case):
    """Let the owner report, write its journal, and release what the case says."""
    words, place = words_of(number), place_of(number)
    incident = Incident(
        reference=f"{case.owner}-REF-{number}needle",
        kind="flood",
        summary=words["summary"],
        text=words["text"],
        period=Period(begins=moment_of(number)),
        place=Place(lat=place.lat, lon=place.lon, level=Level.POINT, words=words["words"]),
        source=Origin(words=words["source"]),
        handled_by=words["handled"],
    )
    with fleet.at(case.owner) as node:
        officer = actor(case.owner, "watch_officer", "permanence")
        name = actions.report(node, officer, incident).header.object
        entry = JournalEntry(at=BEGINS, text=words["journal"], incident=name)
        actions.write_journal(node, officer, entry)
        brought = [attaching.check_file(f"%PDF-{words[what]}".encode()) for what in FILES]
        attaching.attach(node, officer, name, brought, words["caption"])
        given, _kept = [file.digest for file in attaching.files_held(case.owner, name)]
        if case.audience - {case.owner}:
            order = actions.ReleaseOrder(
                files=frozenset({given}),
                members=case.audience,
                transform=case.transform,
                summary=words["released"],
                basis="test",
                region=SOMEWHERE if case.transform is Transform.REGION else None,
            )
            actions.release(node, actor(case.owner, "releasing_officer", "diffusion"), name, order)
        mandate = Mandate(office="permanence", subjects=(words["mandate"],), begins=BEGINS)
        chief = actor(case.owner, "node_administrator", "administration")
        people.give_mandate(node, chief, mandate, case.audience)
        people.record_audit(node, "bundle.refused", actor=chief, detail=words["audit"])


def add_officers(fleet):
    for member in MEMBERS:
        with fleet.at(member) as node:
            for office in (*STANDARD, EVERYTHING):
                people.set_office(node, None, office)
            for office in (*OFFICES, "everything"):
                people.add_person(node, None, username=office, name=office, offices=[office])
            Person.objects.update(must_change_password=False)


def doors(fleet, member):
    """Give everything that anybody at a member's node can get out of it, as text."""
    with fleet.at(member):
        client = Client()
        client.force_login(Person.objects.get(username="everything"))
        for row in IncidentRow.objects.all():
            page = client.get(reverse("incident", args=[row.author, row.object])).content.decode()
            yield page
            for path in re.findall(r'href="(/incidents/[^"]+/files/[^"]+)"', page):
                yield b"".join(client.get(path).streaming_content).decode()
        for path in PATHS:
            yield client.get(path).content.decode()
        yield "".join(repr(row) for row in IncidentRow.objects.values())


def addresses(resolver, before="/"):
    """Give every address of the program that needs nothing filled in, of later pages too."""
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        elif "<" not in route:
            yield route


PATHS = (
    *addresses(get_resolver("liptako.urls")),
    "/incidents/?text=eedl",
    "/incidents/?kind=flood&standing=live",
    *(f"/incidents/?pile={pile}" for pile in PILES),
    "/journal/?text=eedl",
    "/partners/set-aside/waiting/",
    "/partners/set-aside/rejected/",
)


def bundles(fleet, member):
    """Give for each partner of a node what a bundle for it holds, opened, as text."""
    for other in MEMBERS:
        if other == member:
            continue
        sealed, plain = io.BytesIO(), io.BytesIO()
        with fleet.at(member) as node:
            sync.write_bundle(node, other, sealed, sync.WHOLE)
        unseal(io.BytesIO(sealed.getvalue()), plain, fleet.nodes[other].identity)
        plain.seek(0)
        yield other, repr(list(read_bundle(plain)))


def allowed(case, number, viewer):
    """Return which of a case's words a State may see."""
    words = words_of(number)
    everything = {*words.values(), f"REF-{number}needle"} | exact(number)
    if viewer == case.owner:
        return everything
    if viewer not in case.audience:
        return set()
    coarse = {words["released"], words["mandate"], words["file"], f"REF-{number}needle"}
    if case.transform is not Transform.AS_IS:
        return coarse
    hidden = ("summary", "source", "journal", "handled", "audit", "kept")
    return everything - {words[name] for name in hidden}


def secrets(chosen, viewer):
    """Return every word that a State must not see, of all cases."""
    found = set()
    for number, case in enumerate(chosen):
        words = {*words_of(number).values(), f"REF-{number}needle"} | exact(number)
        found |= words - allowed(case, number, viewer)
    return found


@pytest.mark.slow
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(chosen=st.lists(cases, min_size=3, max_size=8))
def test_no_door_of_any_node_gives_away_what_was_not_released(fleet, chosen):
    fleet.restart()
    add_officers(fleet)
    for number, case in enumerate(chosen):
        report(fleet, number, case)
    for sender in MEMBERS:
        for recipient, text in bundles(fleet, sender):
            assert {word for word in secrets(chosen, recipient) if word in text} == set()
    fleet.settle()
    for viewer in MEMBERS:
        hidden = secrets(chosen, viewer)
        for text in doors(fleet, viewer):
            assert {word for word in hidden if word in text} == set()
        held = evidence(fleet, viewer)
        assert {word for word in hidden if word.encode() in held} == set()


def evidence(fleet, viewer):
    """Return all bytes that a node holds of others and itself."""
    with fleet.at(viewer):
        rows = [*Payload.objects.values_list("body", flat=True)]
        rows += [*Entry.objects.values_list("header", flat=True)]
        rows += [*Chunk.objects.values_list("data", flat=True)]
        rows += [file.read() for _, _, file in stored_files(fleet.nodes[viewer])]
    return b"\n".join(bytes(row) for row in rows)


def test_what_was_released_is_seen_so_that_the_search_above_can_fail(fleet):
    add_officers(fleet)
    report(fleet, 0, Case("ML", frozenset({"BF"}), Transform.CELL))
    report(fleet, 1, Case("ML", frozenset({"BF", "NE"}), Transform.AS_IS))
    told = dict(bundles(fleet, "ML"))
    assert (words_of(0)["released"] in told["BF"], words_of(0)["mandate"] in told["BF"]) == (
        True,
        True,
    )
    assert (words_of(1)["text"] in told["NE"], words_of(0)["mandate"] in told["NE"]) == (
        True,
        False,
    )
    fleet.settle()
    text = "".join(doors(fleet, "BF"))
    wanted = allowed(Case("ML", frozenset({"BF"}), Transform.CELL), 0, "BF")
    assert {word for word in wanted if word not in text} == set()
    assert words_of(1)["text"] in text
    assert str(place_of(1).lat / 1e6) in text
    assert words_of(0)["text"] not in text


@pytest.mark.parametrize("office", OFFICES)
def test_an_office_without_the_right_sees_no_incident_of_its_own_state(fleet, office):
    add_officers(fleet)
    report(fleet, 0, Case("ML", frozenset(), Transform.AS_IS))
    with fleet.at("ML"):
        client = Client()
        client.force_login(Person.objects.get(username=office))
        word = words_of(0)["summary"]
        seen = any(word in client.get(path).content.decode() for path in PATHS)
    assert seen == (office in {"permanence", "diffusion", "planification", "audit"})
