"""The page of the stick with sealed parcels for a third member, and with what is no record."""

import os
import shutil

import pytest

from liptako.federation.volumes import write_volumes
from tests.bundles import bundle_for, read
from tests.folders import ALL

SECRET = frozenset({"ML", "NE"})


@pytest.fixture(autouse=True)
def met(fleet):
    """Begin with no file ready, and with nothing that anybody owes."""
    shutil.rmtree(fleet.nodes["ML"].home / "stick", ignore_errors=True)
    for member in fleet.nodes:
        for other in sorted(ALL - {member}):
            read(fleet, other, bundle_for(fleet, member, other))


def loads(desk):
    """Return how many records and parcels wait for each partner, by the page."""
    rows = desk.get("/stick/").context["rows"]
    return {member: (load.count, load.parcels) for member, load in rows}


def test_parcels_that_wait_are_counted_and_make_the_file_larger(desk):
    before = dict(desk.get("/stick/").context["rows"])["BF"].size
    desk.write("ML", "for Niger alone", audience=SECRET)
    assert loads(desk) == {"BF": (0, 1), "NE": (1, 0)}
    answer = desk.get("/stick/")
    assert "and 1 sealed parcel" in answer.content.decode()
    assert dict(answer.context["rows"])["BF"].size > before


def test_the_page_says_how_many_parcels_are_in_the_files(desk):
    desk.write("ML", "for Niger alone", audience=SECRET)
    answer = desk.post("/stick/write/", {"partners": ["BF", "NE"], "size": 0})
    ((level, text),) = desk.said(answer)
    assert (level, "1 record is in the files. 1 sealed parcel too." in text) == ("success", True)


def test_a_carrier_is_told_for_whom_a_file_has_brought_a_parcel_and_makes_one(desk):
    desk.write("BF", "for Niger alone", audience=frozenset({"BF", "NE"}))
    assert desk.read(desk.bundle("BF", "ML")) == [("new", 0)]
    assert "A sealed parcel for Niger: make a file for this partner too." in desk.notes()[0]
    assert loads(desk) == {"BF": (0, 0), "NE": (0, 1)}
    assert desk.read(desk.bundle("BF", "ML")) == [("known", 0)]
    files = desk.export("NE")
    assert [fault for data in files.values() for fault in read(desk.fleet, "NE", data).faults] == []
    assert ("", "for Niger alone") in desk.events("NE")


def test_a_file_with_nothing_but_receipts_is_not_said_to_hold_nothing_new(desk):
    desk.write("ML", "for all")
    read(desk.fleet, "BF", desk.bundle("ML", "BF"))
    assert desk.read(desk.bundle("BF", "ML")) == [("new", 0)]
    assert "New receipts of members." in desk.notes()[0]


def test_a_parcel_goes_into_one_volume_of_a_set(desk):
    desk.write("ML", *(os.urandom(2_000).hex() for _ in range(500)))
    desk.write("ML", "for Niger alone", audience=SECRET)
    with desk.fleet.at("ML") as node:
        folder = node.home / "volumes"
        folder.mkdir(exist_ok=True)
        volumes = write_volumes(node, "BF", folder, 400_000)
    assert len(volumes) > 2
    assert sum(volume.parcels for volume in volumes) == 1
