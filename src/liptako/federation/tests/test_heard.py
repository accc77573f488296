"""What a partner's word is worth: which is the latest, when it was heard, what was wrong."""

from dataclasses import replace

import pytest

from liptako.core.errors import NetworkError, VerificationError
from liptako.core.log.frames import HeadsFrame
from liptako.core.log.heads import read_heads
from liptako.federation import exchange, peers, standing
from liptako.ledger import store
from tests.bundles import (
    PAIR,
    bundle_for,
    open_for,
    read,
    replaced,
    sealed_frames,
    tampered,
    texts,
    write,
)
from tests.fleet import Wire

ALONE = frozenset()
WITH_NE = frozenset({"ML", "NE"})


def heads_in(fleet, member, data):
    (frame,) = [frame for frame in open_for(fleet, member, data) if isinstance(frame, HeadsFrame)]
    return frame.note


def row_of(fleet, member, other):
    with fleet.at(member):
        return peers.peer(other)


def heard(fleet, member, other):
    row = row_of(fleet, member, other)
    return row.heard_at, row.heard_by


def fault_of(fleet, member, other):
    return row_of(fleet, member, other).fault_template


# What heads tell


@pytest.mark.parametrize("audience", [ALONE, WITH_NE], ids=["for itself", "for another"])
def test_heads_do_not_tell_how_many_records_a_partner_may_not_have(fleet, audience):
    write(fleet, "ML", "for two", audience=PAIR)
    before = read_heads(heads_in(fleet, "BF", bundle_for(fleet, "ML", "BF")))
    write(fleet, "ML", *[f"number {i}" for i in range(5)], audience=audience)
    after = read_heads(heads_in(fleet, "BF", bundle_for(fleet, "ML", "BF")))
    assert replace(after, time=before.time) == before


def test_heads_that_hold_what_came_from_a_third_member_are_later_ones(fleet):
    write(fleet, "ML", "one")
    old = bundle_for(fleet, "BF", "NE")
    fleet.exchange("ML", "BF")
    read(fleet, "NE", bundle_for(fleet, "BF", "NE"))
    assert read(fleet, "NE", old).outdated


def test_what_a_restored_partner_says_is_its_latest_word_though_it_holds_less(fleet):
    older = bundle_for(fleet, "BF", "ML")
    write(fleet, "BF", "one", "two")
    newer = bundle_for(fleet, "BF", "ML")
    read(fleet, "ML", newer)
    with fleet.at("BF") as node:
        store.begin_epoch(node.clock())
    restored = bundle_for(fleet, "BF", "ML")
    assert [read(fleet, "ML", data).outdated for data in (older, restored, newer)] == [
        True, False, True
    ]  # fmt: skip


# When it was heard


def test_a_file_played_again_at_the_door_does_not_make_a_silent_partner_look_alive(fleet):
    write(fleet, "BF", "one")
    data = bundle_for(fleet, "BF", "ML")
    read(fleet, "ML", data)
    before = heard(fleet, "ML", "BF")
    with fleet.at("ML") as node:
        exchange.answer(node, data)
    assert (heard(fleet, "ML", "BF"), before[1]) == (before, "file")


def test_news_that_come_to_the_door_are_heard_over_the_network(fleet):
    write(fleet, "BF", "one")
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    before = heard(fleet, "ML", "BF")
    write(fleet, "BF", "two")
    with fleet.at("ML") as node:
        exchange.answer(node, bundle_for(fleet, "BF", "ML"))
    after = heard(fleet, "ML", "BF")
    assert (after[0] > before[0], after[1]) == (True, "network")


def test_of_two_partners_with_nothing_new_each_hears_the_other(fleet):
    fleet.settle()
    before = heard(fleet, "ML", "BF"), heard(fleet, "BF", "ML")
    fleet.exchange("ML", "BF")
    after = heard(fleet, "ML", "BF"), heard(fleet, "BF", "ML")
    assert [new > old for (new, _), (old, _) in zip(after, before, strict=True)] == [True, True]
    assert [door for _, door in after] == ["answer", "network"]


def test_a_request_played_again_does_not_make_a_silent_partner_look_alive(fleet):
    fleet.settle()
    request = bundle_for(fleet, "BF", "ML")
    with fleet.at("ML") as node:
        exchange.answer(node, request)
    before = heard(fleet, "ML", "BF")
    with fleet.at("ML") as node:
        exchange.answer(node, request)
    assert heard(fleet, "ML", "BF") == before


class Old:
    """A partner whose node was set back: it answers with what it said before."""

    def __init__(self, reply):
        self.reply = reply

    def exchange(self, _url, _pin, _bundle, _follow=None):
        return self.reply


def test_an_answer_that_says_less_than_before_is_believed_for_it_is_of_today(fleet):
    data = bundle_for(fleet, "BF", "ML")
    write(fleet, "BF", "one")
    fleet.exchange("ML", "BF")
    before = row_of(fleet, "ML", "BF")
    with fleet.at("ML") as node:
        exchange.exchange_with(node, "BF", Old(data))
    after = row_of(fleet, "ML", "BF")
    assert (after.heard_at > before.heard_at, bytes(after.heads)) == (
        True,
        heads_in(fleet, "ML", data),
    )


# What was wrong


@pytest.fixture
def spoilt(fleet):
    """Let ML write, and BF read a file of it in which somebody changed a payload."""
    write(fleet, "ML", "one")
    good = bundle_for(fleet, "ML", "BF")
    write(fleet, "ML", "two")
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    wrong = tampered(frames, lambda frame: replaced(frame, bodies=(b"{}", *frame.bodies[1:])))
    read(fleet, "BF", sealed_frames(fleet, "BF", wrong))
    assert "its payload is not the one" in fault_of(fleet, "BF", "ML")
    return good


def test_a_whole_file_takes_away_what_was_wrong_with_the_one_before(fleet, spoilt):
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    assert fault_of(fleet, "BF", "ML") == ""


def test_a_whole_request_takes_away_what_was_wrong_with_a_file(fleet, spoilt):
    fleet.exchange("ML", "BF")
    assert fault_of(fleet, "BF", "ML") == ""


def test_an_outdated_file_takes_no_fault_away(fleet, spoilt):
    before = fault_of(fleet, "BF", "ML")
    assert read(fleet, "BF", spoilt).outdated
    assert fault_of(fleet, "BF", "ML") == before


def test_a_file_that_was_cut_takes_no_fault_away(fleet, spoilt):
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    read(fleet, "BF", sealed_frames(fleet, "BF", frames, ended=False))
    assert "cut short" in fault_of(fleet, "BF", "ML")


def test_a_file_says_nothing_of_whether_a_partner_can_be_reached(fleet):
    fleet.cut.add("BF")
    with pytest.raises(NetworkError):
        fleet.exchange("ML", "BF")
    read(fleet, "ML", bundle_for(fleet, "BF", "ML"))
    assert "cannot be reached" in fault_of(fleet, "ML", "BF")
    fleet.cut.clear()
    fleet.exchange("ML", "BF")
    assert fault_of(fleet, "ML", "BF") == ""


def test_what_is_wrong_with_a_file_is_taken_away_though_a_try_failed_before(fleet, spoilt):
    fleet.cut.add("ML")
    with pytest.raises(NetworkError):
        fleet.exchange("BF", "ML")
    frames = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    read(fleet, "BF", sealed_frames(fleet, "BF", frames, ended=False))
    assert "cut short" in fault_of(fleet, "BF", "ML")
    read(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    assert fault_of(fleet, "BF", "ML") == ""


# When nothing is new


def last_exchange(fleet, member, other):
    """Return what travelled in one exchange, and its report."""
    wire = Wire(fleet)
    with fleet.at(member) as node:
        report = exchange.exchange_with(node, other, wire)
    return wire.sent, report


def test_with_nothing_new_a_line_goes_each_way(fleet):
    write(fleet, "ML", "one")
    write(fleet, "NE", "two")
    fleet.settle()
    sent, report = last_exchange(fleet, "ML", "BF")
    assert [data.startswith(b"liptako.same/1") for data in sent] == [True, True]
    assert (sum(map(len, sent)) <= 400, report.taken, report.faults) == (True, 0, [])


def test_a_line_moves_last_heard_and_up_to_when_all_is_here(fleet):
    write(fleet, "BF", "one")
    fleet.settle()
    before = [state(fleet, *pair).said_at for pair in (("ML", "BF"), ("BF", "ML"))]
    heard_before = heard(fleet, "ML", "BF"), heard(fleet, "BF", "ML")
    sent, _ = last_exchange(fleet, "ML", "BF")
    assert len(sent) == 2
    after = [state(fleet, *pair).said_at for pair in (("ML", "BF"), ("BF", "ML"))]
    assert [new > old for new, old in zip(after, before, strict=True)] == [True, True]
    heard_after = heard(fleet, "ML", "BF"), heard(fleet, "BF", "ML")
    assert [new[0] > old[0] for new, old in zip(heard_after, heard_before, strict=True)] == [
        True, True
    ]  # fmt: skip


def state(fleet, member, other):
    with fleet.at(member) as node:
        return standing.state_of(node, other)


@pytest.mark.parametrize("who", ["ML", "BF"])
def test_with_something_new_on_either_side_bundles_go(fleet, who):
    fleet.settle()
    write(fleet, who, "one")
    last_exchange(fleet, "ML", "BF")
    assert [texts(fleet, member) for member in ("ML", "BF")] == [["one"], ["one"]]


def test_a_line_played_again_does_not_make_a_silent_partner_look_alive(fleet):
    fleet.settle()
    sent, _ = last_exchange(fleet, "BF", "ML")
    before = heard(fleet, "ML", "BF")
    with fleet.at("ML") as node:
        assert exchange.answer(node, sent[0]).startswith(b"liptako.same/1")
    assert heard(fleet, "ML", "BF") == before


def test_a_line_of_somebody_who_was_never_heard_is_answered_with_nothing(fleet):
    fleet.settle()
    sent, _ = last_exchange(fleet, "BF", "ML")
    fleet.restart()
    with fleet.at("ML") as node:
        assert exchange.answer(node, sent[0]) == b""


def test_a_line_by_a_stranger_or_for_somebody_else_is_refused(fleet):
    fleet.settle()
    sent, _ = last_exchange(fleet, "BF", "ML")
    forged = sent[0].replace(b"BF", b"NE")
    with fleet.at("ML") as node, pytest.raises(VerificationError):
        exchange.answer(node, forged)
    with fleet.at("NE") as node, pytest.raises(VerificationError):
        exchange.answer(node, sent[0])


def test_an_answer_that_is_no_such_line_leads_to_bundles(fleet):
    fleet.settle()
    sent, _ = last_exchange(fleet, "BF", "ML")
    other = Old(sent[0])  # its own line, sent back
    with fleet.at("BF") as node, pytest.raises(VerificationError):
        exchange.exchange_with(node, "ML", other)
