"""Who holds the files of a record says so to its author, once, and nobody else learns of it."""

import random

from liptako.core.log.frames import ChunkFrame
from liptako.federation import attachments
from liptako.federation.attachments import held_by
from liptako.ledger import files, store
from liptako.ledger.models import Entry
from liptako.ledger.records import Draft
from liptako.members.records import AUDIT, Audit
from tests.bundles import ALL, bundle_for, open_for, read, sealed_frames

PHOTO = random.Random(1).randbytes(100_000)  # noqa: S311 (bytes that do not compress)
OTHER = random.Random(2).randbytes(1_000)  # noqa: S311 (same)


def attach(fleet, *datas, author="ML"):
    """Let a member write a record with files for all; return it."""
    with fleet.at(author) as node:
        kept = tuple(files.keep(node, data, type_="image/png", name="x.png") for data in datas)
        draft = Draft(
            kind=AUDIT,
            object="0123456789abc",
            office="permanence",
            payload=Audit(event="test", detail="photo"),
            audience=ALL,
            attachments=kept,
        )
        return store.append(node, [draft])[0]


def holders(fleet, member, record):
    with fleet.at(member):
        return held_by(record.origin, record.seq)


def said(fleet, member):
    """Return how many confirmations a member holds."""
    with fleet.at(member):
        return Entry.objects.filter(kind="exchange.files/1").count()


def test_a_partner_that_has_all_files_of_a_record_tells_its_author(fleet):
    record = attach(fleet, PHOTO, OTHER)
    fleet.settle()
    fleet.settle()
    assert holders(fleet, "ML", record) == ["BF", "NE"]
    assert holders(fleet, "BF", record) == ["BF"]
    assert [said(fleet, member) for member in ("ML", "BF", "NE")] == [2, 1, 1]


def test_it_is_told_once(fleet):
    attach(fleet, OTHER)
    fleet.settle()
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    with fleet.at("BF") as node:
        assert attachments.confirm(node) == 0
    fleet.settle()
    assert said(fleet, "BF") == 1


def test_one_file_that_is_lacking_is_too_many(fleet):
    record = attach(fleet, PHOTO, OTHER)
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
    chunks = [frame for frame in frames if isinstance(frame, ChunkFrame)]
    read(fleet, "BF", sealed_frames(fleet, "BF", [f for f in frames if f != chunks[-1]]))
    assert holders(fleet, "BF", record) == []
    fleet.exchange("BF", "ML")
    assert holders(fleet, "BF", record) == ["BF"]


def test_the_author_itself_confirms_nothing(fleet):
    attach(fleet, OTHER)
    with fleet.at("ML") as node:
        assert attachments.confirm(node) == 0
