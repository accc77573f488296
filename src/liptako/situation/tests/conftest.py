"""What tests of the desk may ask for: incidents, what a partner wrote, people before a page."""

import msgspec
import pytest
from django.conf import settings
from django.test import Client

from liptako.core.clock import Instant
from liptako.core.log.checkpoint import head_of
from liptako.core.log.frames import PackageFrame
from liptako.core.log.merkle import CompactRange, leaf_hash
from liptako.core.log.verify import Channel
from liptako.core.records.envelope import Header, Lane, PayloadStub, encode_header
from liptako.core.records.payload import derive_salt, payload_hash
from liptako.core.refs import audience_id
from liptako.ledger import projector, registry, store
from liptako.members import actions as people
from liptako.members.offices import STANDARD
from liptako.situation import actions
from liptako.situation.records import (
    INCIDENT,
    Incident,
    JournalEntry,
    Origin,
    Period,
    Place,
    Transform,
)

ALL = frozenset({"ML", "BF", "NE"})
BEGINS = 1_789_990_000_000  # 2026-09-21T11:26:40Z
TESSIT = Place(lat=15_046_000, lon=-238_000, words="Nord de Tessit")


def make_incident(**changes):
    fields = {
        "reference": "",
        "kind": "attack",
        "summary": "Attaque d’un convoi",
        "period": Period(begins=BEGINS),
        "place": TESSIT,
        "text": "Deux camions immobilisés au gué.",
        "source": Origin(words="Chef du village"),
        "handled_by": "permanence",
    }
    return Incident(**(fields | changes))


@pytest.fixture(scope="session")
def incident_of():
    """Return a maker of incidents: `incident_of(severity=4)`."""
    return make_incident


class Partner:
    """A State that writes what it likes into its log for an audience, and lets it arrive here."""

    def __init__(self, node, member, audience):
        self.node, self.member, self.audience = node, member, audience
        self.origin = f"{member}/c/{audience_id(audience).encode().hex()[:16]}/e1"
        self.headers, self.bodies = [], []

    def write(self, name, payload, kind=INCIDENT, time=BEGINS, **changes):
        seq, body = len(self.headers), registry.encode_payload(payload)
        digest = payload_hash(derive_salt(bytes(16), seq), body)
        header = Header(
            kind=kind,
            author=self.member,
            office="permanence",
            audience=audience_id(self.audience),
            compact=1,
            object=name,
            lamport=seq + 1,
            time=Instant(time),
            payload=PayloadStub(hash=digest, size=len(body)),
            **changes,
        )
        self.headers.append(encode_header(header))
        self.bodies.append(body)
        return self

    def send(self):
        log = CompactRange().extend(leaf_hash(header) for header in self.headers)
        channel = Channel(
            origin=self.origin,
            author=self.member,
            audience=audience_id(self.audience),
            lane=Lane.BULK,
        )
        package = PackageFrame(
            start=0,
            headers=tuple(self.headers),
            bodies=tuple(self.bodies),
            seed=bytes(16),
            salts=(),
            proof=(),
        )
        signed = store.Signed(head_of(self.origin, log), b"")
        store.take(self.node, sorted(self.audience), channel, signed, package)
        projector.project_pending()


@pytest.fixture
def partner_of(node, compact):
    """Return a maker of partners: `partner_of("NE", audience=frozenset({"ML", "NE"}))`."""

    def make(member="BF", audience=ALL):
        return Partner(node, member, audience)

    return make


class Desk:
    """Reports, changes, releases and notes; each summary is a name for the test."""

    transform = Transform.AS_IS

    def __init__(self, node, actor, incident_of):
        self.node, self.actor, self.incident_of = node, actor, incident_of

    def report(self, summary, **changes):
        payload = self.incident_of(summary=summary, **changes)
        return actions.report(self.node, self.actor, payload).header.object

    def change(self, name, **changes):
        before = actions.own_incident(self.node, name)
        after = msgspec.structs.replace(before, **changes)
        actions.update(self.node, self.actor, name, after)

    def release(self, name, *members, until=None):
        order = actions.ReleaseOrder(
            members=frozenset(members or ALL),
            transform=self.transform,
            summary="Pour eux",
            basis="Article 6",
            until=until,
            looked=True,
        )
        actions.release(self.node, self.actor, name, order)

    def note(self, text, name):
        actions.write_journal(self.node, self.actor, JournalEntry(at=0, text=text, incident=name))


@pytest.fixture
def desk(node, actor, incident_of):
    """Return what a desk does, in one word each, and the actor who looks."""
    return Desk(node, actor("watch_officer", "releasing_officer"), incident_of)


@pytest.fixture
def report(node, actor, incident_of):
    """Return a watch officer who reports: `report("Crue", kind="flood")`."""
    return Desk(node, actor("watch_officer"), incident_of).report


@pytest.fixture
def sign_in(node, compact):
    """Return a maker of clients that are signed in: `sign_in("permanence")`, in English."""

    def make(*offices, username="", name="Awa Test", password=""):
        for office in STANDARD:
            if office.code in offices:
                people.set_office(node, None, office)
        person, _ = people.add_person(
            node, None, username=username or "-".join(offices), name=name, offices=offices
        )
        if password:
            person.set_password(password)
        person.must_change_password = False
        person.save()
        client = Client()
        client.force_login(person)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
        return client

    return make
