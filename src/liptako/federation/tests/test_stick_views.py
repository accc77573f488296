"""The page of the stick: files written for partners, files read with every fault in plain words."""

import hashlib
import io
import os
import re
import shutil
import time

import pytest

from liptako.federation import sync
from liptako.ledger.models import Entry
from liptako.members.models import AuditEvent

MAY_NOT = "planner", "releasing_officer", "auditor"


@pytest.fixture(autouse=True)
def empty_folder(fleet):
    """Begin with no file ready."""
    shutil.rmtree(fleet.nodes["ML"].home / "stick", ignore_errors=True)


def noise(number, size=200):
    """Return a text that cannot be compressed."""
    return hashlib.shake_256(str(number).encode()).hexdigest(size)


# Export


def test_the_page_says_what_waits_for_each_partner_and_ticks_all(desk):
    desk.write("ML", "one", "two")
    desk.write("ML", "for two", audience=frozenset({"ML", "BF"}))
    desk.write("ML", "ours", audience=frozenset())
    answer = desk.get("/stick/")
    rows = {member: load.count for member, load in answer.context["rows"]}
    assert (rows, answer.context["ticked"]) == ({"BF": 3, "NE": 2}, ["BF", "NE"])
    assert answer.content.decode().count(" checked") == 2


def test_from_the_page_of_partners_only_that_one_is_ticked(desk):
    assert desk.get("/stick/?for=NE").context["ticked"] == ["NE"]


def test_a_file_is_written_for_each_partner_that_is_ticked_and_noted(desk):
    desk.write("ML", "one", "two")
    files = desk.export("BF", "NE")
    pattern = r"liptako-ML-(BF|NE)-\d{8}T\d{4}Z\.bundle"
    assert [re.fullmatch(pattern, name)[1] for name in files] == ["BF", "NE"]
    assert sorted(desk.events("ML", "bundle.export")) == [("BF", "2"), ("NE", "2")]
    with desk.fleet.at("BF") as node:
        report = sync.read_sealed(node, io.BytesIO(next(iter(files.values()))), how="file")
    assert (report.sender, report.taken, report.faults) == ("ML", 2, [])


def test_a_new_file_replaces_the_older_one_for_the_same_partner_only(desk):
    desk.export("BF", "NE")
    folder = desk.fleet.nodes["ML"].home / "stick"
    for path in folder.iterdir():
        path.rename(path.with_name(re.sub(r"-\d{8}T", "-20200101T", path.name)))
    names = sorted(desk.export("BF"))
    assert [name.split("-")[2] for name in names] == ["BF", "NE"]
    assert ["20200101T" in name for name in names] == [False, True]
    assert len(list(folder.iterdir())) == 2


def test_a_file_of_two_days_ago_is_not_offered_any_longer(desk):
    desk.export("BF")
    (path,) = (desk.fleet.nodes["ML"].home / "stick").iterdir()
    then = time.time() - 2 * 86_400
    os.utime(path, (then, then))
    assert desk.get("/stick/").context["ready"] == []
    desk.export("NE")
    assert not path.exists()


def test_without_a_tick_nothing_is_written_and_the_page_says_so(desk):
    answer = desk.post("/stick/write/")
    assert (answer.status_code, list(answer.context["export"].errors)) == (422, ["partners"])
    assert desk.events("ML", "bundle.export") == []


@pytest.mark.parametrize("members", [["TG"], ["ML"], ["../BF"]])
def test_for_a_stranger_nothing_is_written(desk, members):
    assert desk.post("/stick/write/", {"partners": members}).status_code == 422


@pytest.mark.parametrize("name", ["node.key", "..%2Fkeys%2Fnode.key", "liptako-ML-BF-x.bundle"])
def test_nothing_but_files_for_partners_is_given_out(desk, name):
    assert desk.get(f"/stick/{name}").status_code == 404


def test_volumes_are_named_by_number_and_read_in_any_order(desk):
    desk.write("BF", *(noise(number, 3_000) for number in range(700)))
    with desk.fleet.at("BF"):
        files = volumes_of(desk, "BF", "ML", 10**6)
    total = len(files)
    assert total > 2
    fates = desk.read(*reversed(files.items()))
    assert (dict(fates).keys(), sum(taken for _, taken in fates)) == ({"new"}, 700)
    assert desk.read(*files.items()) == [("known", 0)] * total
    assert "older" not in desk.page.content.decode()


def volumes_of(desk, member, other, limit):
    """Return the files that a member writes for another."""
    from liptako.federation.volumes import write_volumes  # noqa: PLC0415 (on its database)

    with desk.fleet.at(member) as node:
        folder = node.home / "out"
        folder.mkdir(exist_ok=True)
        found = write_volumes(node, other, folder, limit)
        return {item.name.text(): (folder / item.name.text()).read_bytes() for item in found}


def test_a_missing_volume_is_named(desk):
    desk.write("BF", *(noise(number, 3_000) for number in range(700)))
    files = volumes_of(desk, "BF", "ML", 10**6)
    names = sorted(files)
    desk.read((names[0], files[names[0]]), (names[2], files[names[2]]))
    notes = desk.notes()
    total = len(names)
    assert "First read these of the same set: no. 2" in notes[1]
    assert f"It is one of a set of {total}; not among those that you chose: no. 2" in notes[0]
    fates = desk.read((names[1], files[names[1]]), (names[2], files[names[2]]))
    assert [fate for fate, _ in fates] == ["new", "new"]


# Import


def test_the_page_says_how_much_was_new_and_from_whom(desk):
    desk.write("BF", "one", "two")
    assert desk.read(desk.bundle("BF", "ML")) == [("new", 2)]
    assert desk.notes() == ["b.bundle read 2 new records from Burkina Faso."]
    assert "Everything that Burkina Faso has told us of is here." in desk.page.content.decode()
    assert desk.events("ML", "bundle.import") == [("BF", "2")]


def test_several_files_of_several_partners_are_read_at_once(desk):
    desk.write("BF", "one")
    desk.write("NE", "two", "three")
    fates = desk.read(desk.bundle("BF", "ML"), desk.bundle("NE", "ML"), b"a letter")
    assert sorted(fates) == [("new", 1), ("new", 2), ("refused", 0)]


def test_a_file_read_twice_brings_nothing_new(desk):
    desk.write("BF", "one")
    bundle = desk.bundle("BF", "ML")
    assert [*desk.read(bundle), *desk.read(bundle)] == [("new", 1), ("known", 0)]
    assert "All of it was here already (from Burkina Faso)." in desk.notes()[0]


def test_an_old_file_is_told_to_be_old(desk):
    old = desk.bundle("BF", "ML")
    desk.write("BF", "one")
    desk.read(desk.bundle("BF", "ML"))
    desk.read(old)
    assert "It is older than what is known here of its sender." in desk.notes()[0]


def test_without_a_file_one_is_asked_for(desk):
    answer = desk.post("/stick/read/")
    assert (answer.status_code, list(answer.context["import"].errors)) == (422, ["bundles"])


@pytest.mark.parametrize("data", [b"", b"not a bundle", b"age-encryption.org/v1\n", bytes(100)])
def test_a_file_that_is_no_bundle_says_so_and_leaves_a_line_in_the_audit_trail(desk, data):
    with desk.fleet.at("ML"):
        before = Entry.objects.count()
    assert desk.read(data) == [("refused", 0)]
    with desk.fleet.at("ML"):
        assert Entry.objects.count() == before + 1
        assert AuditEvent.objects.latest("at").event == "bundle.refused"


@pytest.mark.parametrize(
    ("name", "fate", "words"),
    [
        ("liptako-BF-NE-20260921T1413Z.bundle", "other", "By its name it is for Niger"),
        ("liptako-ML-NE-20260921T1413Z (1).bundle", "ours", "This node wrote it itself, for Niger"),
        ("b.bundle", "refused", "the keys of this node"),
    ],
)
def test_a_file_for_somebody_else_says_for_whom_as_far_as_its_name_tells(desk, name, fate, words):
    assert desk.read((name, desk.bundle("BF", "NE"))) == [(fate, 0)]
    assert words in desk.notes()[0]


def test_a_file_that_was_cut_keeps_what_came_before_and_says_whom_to_ask(desk):
    desk.write("BF", *(noise(number) for number in range(600)))
    ((fate, taken),) = desk.read(desk.bundle("BF", "ML")[:-200])
    assert (fate, taken in {256, 512}, len(desk.events("ML"))) == ("cut", True, taken)
    assert "Ask Burkina Faso for the rest" in desk.notes()[0]
    missing = 600 - taken
    assert f"{missing} records that Burkina Faso released" in desk.page.content.decode()


def test_a_file_with_a_flipped_bit_says_so_and_keeps_nothing_of_it(desk):
    desk.write("BF", "one")
    bundle = bytearray(desk.bundle("BF", "ML"))
    bundle[-40] ^= 1
    ((fate, taken),) = desk.read(bytes(bundle))
    assert (fate in {"cut", "refused"}, taken, desk.events("ML")) == (True, 0, [])


# Who may


@pytest.mark.parametrize("role", MAY_NOT)
def test_an_office_without_the_right_neither_writes_nor_reads_a_file(fleet, desk_of, role):
    desk = desk_of(role)
    desk.write("BF", "one")
    answers = [
        desk.get("/stick/"),
        desk.get("/stick/liptako-ML-BF-20260921T1413Z.bundle"),
        desk.post("/stick/write/", {"partners": ["BF"]}),
        desk.post("/stick/read/", desk.file_for_us()),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert (desk.events("ML"), desk.events("ML", "bundle.export")) == ([], [])


@pytest.mark.parametrize("address", ["/stick/write/", "/stick/read/"])
def test_looking_at_the_address_of_a_file_does_nothing(desk, address):
    answer = desk.get(address)
    assert (answer.status_code, desk.events("ML", "bundle.export")) == (405, [])
