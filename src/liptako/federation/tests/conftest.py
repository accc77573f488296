"""What tests of the pages about partners ask for: a desk at ML with partners that really answer."""

import io
import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from liptako.federation import sync
from liptako.ledger import store
from liptako.ledger.records import Draft
from liptako.members import actions
from liptako.members.models import AuditEvent
from liptako.members.records import AUDIT, Audit, Office
from tests.folders import Folders

ALL = frozenset({"ML", "BF", "NE"})


class Desk:
    """A browser of an office of ML, and what its node and those of its partners do."""

    def __init__(self, fleet):
        self.fleet, self.client = fleet, Client()
        self.client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"

    def act_as(self, *roles):
        with self.fleet.at("ML") as node:
            office = Office(code="bureau", titles={"fr": "Bureau"}, roles=roles)
            actions.set_office(node, None, office)
            person, _ = actions.add_person(
                node, None, username="awa", name="Awa", offices=["bureau"]
            )
            person.must_change_password = False
            person.save()
            self.client.force_login(person)
        return self

    def get(self, address, **more):
        with self.fleet.at("ML"):
            return self.client.get(address, **more)

    def post(self, address, data=None):
        with self.fleet.at("ML"):
            return self.client.post(address, data or {}, follow=True)

    def read(self, *data):
        """Read files; each may be bytes, or a name and bytes. Returns what became of each."""
        files = [item if isinstance(item, tuple) else ("b.bundle", item) for item in data]
        uploads = [SimpleUploadedFile(*file) for file in files]
        self.page = self.post("/stick/read/", {"bundles": uploads})
        return [(result.fate, result.taken) for result in self.page.context.get("results", ())]

    def said(self, answer):
        """Return what a page tells once, and how."""
        return [(message.level_tag, str(message)) for message in answer.context["messages"]]

    def file_for_us(self):
        """Return what a form sends with a good file."""
        return {"bundles": [SimpleUploadedFile("b.bundle", self.bundle("BF", "ML"))]}

    def export(self, *members, size=0):
        """Write files for partners; returns what stands ready then, by its name."""
        answer = self.post("/stick/write/", {"partners": members, "size": size})
        names = [name.text() for name, _size in answer.context["ready"]]
        return {name: b"".join(self.get(f"/stick/{name}").streaming_content) for name in names}

    def notes(self):
        """Return what the page says of each file, without its mark-up."""
        page = self.page.content.decode()
        rows = re.findall(r"<li>(.*?)</li>", page.partition('id="read"')[2], re.DOTALL)
        return [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in rows]

    def write(self, member, *texts, audience=ALL):
        with self.fleet.at(member) as node:
            drafts = [
                Draft(
                    kind=AUDIT,
                    object=f"{abs(hash((member, text))) % 10**13:013}",
                    office="permanence",
                    payload=Audit(event="test", detail=text),
                    audience=audience,
                )
                for text in texts
            ]
            store.append(node, drafts)

    def bundle(self, member, other):
        with self.fleet.at(member) as node:
            target = io.BytesIO()
            sync.write_bundle(node, other, target, sync.WHOLE)
            return target.getvalue()

    def events(self, member, event="test"):
        with self.fleet.at(member):
            found = AuditEvent.objects.filter(event=event).order_by("detail")
            return list(found.values_list("subject", "detail"))


@pytest.fixture
def desk_of(fleet):
    """Return a maker of desks: `desk_of("planner")`."""
    return Desk(fleet).act_as


@pytest.fixture
def desk(desk_of):
    """Return the desk of an office that may exchange."""
    return desk_of("watch_officer")


@pytest.fixture
def folders(fleet, tmp_path):
    """Return two empty folders of ML."""
    return Folders(fleet, tmp_path)
