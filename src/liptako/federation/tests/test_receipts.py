"""Receipts between nodes: what a partner signed that it stored, by whatever way it came."""

import pytest

from liptako.core.log.frames import HeadsFrame, ReceiptFrame
from liptako.core.log.heads import read_heads
from liptako.core.log.receipt import check_receipt, read_receipt
from liptako.federation import standing
from liptako.ledger.models import Receipt
from tests.bundles import PAIR, bundle_for, heads_frame, open_for, read, sealed_frames, write


def receipts(fleet, member):
    """Return up to where whom a member has a receipt of, by author and signer."""
    with fleet.at(member):
        rows = Receipt.objects.values_list("channel__author", "member", "size")
        return sorted(rows)


def state(fleet, member, other):
    with fleet.at(member) as node:
        return standing.state_of(node, other)


def counts(fleet, member, other):
    found = state(fleet, member, other)
    return found.stored, found.waiting, found.missing


def frames_of(fleet, member, other, kind):
    return [
        frame
        for frame in open_for(fleet, other, bundle_for(fleet, member, other))
        if isinstance(frame, kind)
    ]


def test_what_a_partner_has_stored_it_signs_in_its_answer(fleet):
    write(fleet, "ML", "one", "two", audience=PAIR)
    assert counts(fleet, "ML", "BF") == (0, 2, 0)
    fleet.exchange("ML", "BF")
    assert counts(fleet, "ML", "BF") == (2, 0, 0)
    with fleet.at("ML"):
        note = bytes(Receipt.objects.get().note)
    public = fleet.nodes["BF"].signer.public
    receipt = read_receipt(note)
    assert (check_receipt(receipt, [public]), receipt.checkpoint.size) == (public, 2)


def test_who_asks_for_news_signs_for_them_in_the_same_exchange(fleet):
    write(fleet, "BF", "one")
    fleet.exchange("ML", "BF")
    assert receipts(fleet, "BF") == [("BF", "ML", 1)]


def test_a_receipt_that_was_lost_is_asked_for_again(fleet):
    write(fleet, "ML", "one")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    assert len(frames_of(fleet, "BF", "ML", ReceiptFrame)) == 1  # and nobody reads it
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    assert counts(fleet, "ML", "BF") == (1, 0, 0)
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    assert frames_of(fleet, "BF", "ML", ReceiptFrame) == []


def test_with_nothing_new_no_receipt_travels_nor_is_asked_for(fleet):
    write(fleet, "ML", "one")
    write(fleet, "NE", "two", audience=PAIR | {"NE"})
    fleet.settle()
    for member, other in (("ML", "BF"), ("BF", "ML"), ("NE", "ML")):
        (frame,) = frames_of(fleet, member, other, HeadsFrame | ReceiptFrame)
        assert read_heads(frame.note).asked == ()


def test_a_receipt_reaches_an_author_through_a_third_member(fleet):
    fleet.cut.add("NE")
    write(fleet, "ML", "one")
    fleet.exchange("ML", "BF")
    fleet.cut = {"ML"}
    fleet.exchange("BF", "NE")
    assert receipts(fleet, "BF") == [("ML", "BF", 1), ("ML", "NE", 1)]
    fleet.cut = {"NE"}
    fleet.exchange("ML", "BF")
    assert counts(fleet, "ML", "NE") == (1, 0, 0)


def test_of_a_log_that_its_author_knows_to_be_stored_no_third_member_is_told(fleet):
    write(fleet, "ML", "one")
    fleet.settle()
    write(fleet, "BF", "two")
    fleet.exchange("BF", "NE")
    assert ("ML", "NE", 1) not in receipts(fleet, "BF")


def test_receipts_travel_by_file_as_well(fleet):
    write(fleet, "ML", "one")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF", standalone=True))
    read(fleet, "ML", bundle_for(fleet, "BF", "ML", standalone=True))
    assert counts(fleet, "ML", "BF") == (1, 0, 0)


def receipt_frame(fleet, **changes):
    """Return BF's receipt for one entry of ML, changed."""
    (frame,) = frames_of(fleet, "BF", "ML", ReceiptFrame)
    names = ("origin", "size", "member", "time", "signature")
    return ReceiptFrame(**{name: getattr(frame, name) for name in names} | changes)


@pytest.fixture
def stored(fleet):
    """Let BF store one entry of ML, of which ML has no receipt yet."""
    write(fleet, "ML", "one")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))


@pytest.mark.parametrize(
    "changes", [{"signature": bytes(64)}, {"time": 7}, {"member": "NE"}], ids=str
)
@pytest.mark.usefixtures("stored")
def test_a_receipt_that_does_not_fit_is_told_and_not_kept(fleet, changes):
    frames = [heads_frame(fleet, "BF", "ML"), receipt_frame(fleet, **changes)]
    (fault,) = read(fleet, "ML", sealed_frames(fleet, "ML", frames)).faults
    assert "does not fit this log" in str(fault)
    assert receipts(fleet, "ML") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 2},
        {"size": 0},
        {"member": "TG"},
        {"member": "ML"},
        {"origin": "ML/c/0001020304050607/e1"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("stored")
def test_a_receipt_that_says_nothing_of_what_is_held_is_passed_over(fleet, changes):
    frames = [heads_frame(fleet, "BF", "ML"), receipt_frame(fleet, **changes)]
    report = read(fleet, "ML", sealed_frames(fleet, "ML", frames))
    assert (report.faults, report.receipts, receipts(fleet, "ML")) == ([], 0, [])


@pytest.mark.usefixtures("stored")
def test_an_earlier_receipt_does_not_take_the_place_of_a_later_one(fleet):
    early = receipt_frame(fleet)
    write(fleet, "ML", "two")
    fleet.exchange("ML", "BF")
    read(fleet, "ML", sealed_frames(fleet, "ML", [heads_frame(fleet, "BF", "ML"), early]))
    assert receipts(fleet, "ML") == [("ML", "BF", 2)]


# What is complete


def test_what_a_partner_has_told_of_and_is_not_here_is_counted(fleet):
    write(fleet, "BF", "one", "two")
    assert state(fleet, "ML", "BF").is_complete is False  # it was never heard
    (frame,) = frames_of(fleet, "BF", "ML", HeadsFrame)
    read(fleet, "ML", sealed_frames(fleet, "ML", [frame]))
    assert (state(fleet, "ML", "BF").missing, state(fleet, "ML", "BF").is_complete) == (2, False)
    fleet.exchange("ML", "BF")
    assert (state(fleet, "ML", "BF").missing, state(fleet, "ML", "BF").is_complete) == (0, True)


def test_up_to_when_all_is_here_is_told_by_the_partners_own_clock(fleet):
    write(fleet, "BF", "one")
    fleet.exchange("ML", "BF")
    said = state(fleet, "ML", "BF").said_at
    fleet.exchange("ML", "BF")
    assert state(fleet, "ML", "BF").said_at > said
