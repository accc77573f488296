"""Bundles that travel by hand: written for one partner, read with every fault named."""

import hashlib
import io
import re

import pytest

from liptako.core.log.sealed import recipient_of, seal
from liptako.federation import sync
from liptako.ledger.models import Entry
from liptako.members.models import AuditEvent

MAY_NOT = "planner", "releasing_officer", "auditor"


def test_a_file_for_a_stick_is_read_by_its_partner_and_noted(desk):
    desk.write("ML", "one", "two")
    desk.write("ML", "ours", audience=frozenset())
    answer = desk.post("/partners/BF/file/")
    with desk.fleet.at("BF") as node:
        bundle = io.BytesIO(b"".join(answer.streaming_content))
        report = sync.read_sealed(node, bundle, how="file")
    assert (report.sender, report.taken, report.faults) == ("ML", 2, [])
    assert desk.events("ML", "bundle.export") == [("BF", "2")]


def test_a_file_is_named_by_who_wrote_it_for_whom_and_when(desk):
    header = desk.post("/partners/BF/file/").headers["Content-Disposition"]
    name = r'attachment; filename="liptako-ML-BF-\d{8}T\d{4}Z\.bundle"'
    assert re.fullmatch(name, header)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "0 new records from BF."),
        (["one"], "1 new record from BF."),
        (["one", "two"], "2 new records from BF."),
    ],
)
def test_a_file_that_was_read_says_how_much_was_new(desk, texts, message):
    desk.write("BF", *texts)
    assert desk.read(desk.bundle("BF", "ML")) == [("success", message)]
    assert [detail for _, detail in desk.events("ML")] == texts
    assert desk.events("ML", "bundle.import") == [("BF", str(len(texts)))]


def test_a_file_read_twice_brings_nothing_new(desk):
    desk.write("BF", "one")
    bundle = desk.bundle("BF", "ML")
    told = [desk.read(bundle) for _ in range(2)]
    assert told[1] == [("success", "0 new records from BF.")]


def test_without_a_file_one_is_asked_for(desk):
    assert desk.said(desk.post("/partners/read/")) == [
        ("error", "Choose the file of a bundle first.")
    ]


@pytest.mark.parametrize("data", [b"not a bundle", b"age-encryption.org/v1\n", bytes(100)])
def test_a_file_that_is_no_bundle_says_so_and_leaves_a_line_in_the_audit_trail(desk, data):
    with desk.fleet.at("ML"):
        before = Entry.objects.count()
    told = desk.read(data)
    with desk.fleet.at("ML"):
        assert ([kind for kind, _ in told], Entry.objects.count()) == (["error"], before + 1)
        assert AuditEvent.objects.latest("at").event == "bundle.refused"


def test_a_file_for_somebody_else_says_so(desk):
    (told,) = desk.read(desk.bundle("BF", "NE"))
    assert told[0] == "error"
    assert "the key of this node" in told[1]


def test_a_file_that_this_node_wrote_itself_says_so(desk):
    plain, target = io.BytesIO(b"liptako"), io.BytesIO()
    seal(plain, target, recipient_of(desk.fleet.nodes["ML"].identity))
    assert [kind for kind, _ in desk.read(target.getvalue())] == ["error"]


def test_a_file_that_was_cut_keeps_what_came_before_and_says_so(desk):
    texts = [hashlib.shake_256(bytes([i % 256, i // 256])).hexdigest(200) for i in range(600)]
    desk.write("BF", *texts)
    told = desk.read(desk.bundle("BF", "ML")[:-200])
    kept = len(desk.events("ML"))
    assert kept in {256, 512}
    assert told[0] == ("success", f"{kept} new records from BF.")
    assert [kind for kind, _ in told[1:]] == ["error"]
    assert "cut short" in told[1][1]


def test_a_file_with_a_flipped_bit_says_so_and_keeps_nothing_of_it(desk):
    desk.write("BF", "one")
    bundle = bytearray(desk.bundle("BF", "ML"))
    bundle[-40] ^= 1
    told = desk.read(bytes(bundle))
    assert ("error" in [kind for kind, _ in told], desk.events("ML")) == (True, [])


@pytest.mark.parametrize("role", MAY_NOT)
def test_an_office_without_the_right_neither_writes_nor_reads_a_file(fleet, desk_of, role):
    desk = desk_of(role)
    desk.write("BF", "one")
    answers = [desk.post("/partners/BF/file/"), desk.post("/partners/read/", desk.file_for_us())]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert (desk.events("ML"), desk.events("ML", "bundle.export")) == ([], [])


@pytest.mark.parametrize("address", ["/partners/BF/file/", "/partners/read/"])
def test_looking_at_the_address_of_a_file_does_nothing(desk, address):
    answer = desk.get(address)
    assert (answer.status_code, desk.events("ML", "bundle.export")) == (405, [])
