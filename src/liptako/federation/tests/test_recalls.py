"""Recall and expiry between nodes: the content goes, the proof stays, each node confirms it."""

import pytest

from liptako.core.clock import Instant
from liptako.core.errors import RefusedError
from liptako.core.log.frames import AheadFrame
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import (
    DESTROYED,
    FILES,
    REASON_LIMIT,
    RECALL,
    TEST,
    Destroyed,
    FilesHeld,
    Probe,
    Recall,
)
from liptako.federation import models, recalls
from liptako.ledger import checking, store
from liptako.ledger.models import Entry, Payload, Recalled
from liptako.ledger.records import Draft, Thread
from liptako.ledger.testing import check_bytes, check_order, check_rebuild
from liptako.members.permissions import Actor
from liptako.members.records import OFFICE, Office
from tests.bundles import (
    ALL,
    bundle_for,
    open_for,
    read,
    replaced,
    sealed_frames,
    texts,
    write,
)

OFFICER = Actor(member="ML", person="", office="liberation", roles=frozenset())
SECRET = b"Gao, pont nord"


def say(fleet, *titles, member="ML", audience=ALL, **changes):
    """Let a member say something about one object, version after version; return its thread."""
    with fleet.at(member) as node:
        drafts = [
            Draft(
                kind=OFFICE,
                object="0000000000007",
                office="permanence",
                payload=Office(code="code", titles={"fr": title}, roles=()),
                audience=audience,
                **changes,
            )
            for title in titles
        ]
        *_, record = store.append(node, drafts)
        return record.thread


def take_back(fleet, thread, reason="Erreur de lieu", member="ML"):
    with fleet.at(member) as node:
        drafts = recalls.recall_drafts(OFFICER, thread, reason)
        store.append(node, drafts)
        return len(drafts)


def held(fleet, member, thread):
    """Return how many of a thread's records are here, and how many with their content."""
    with fleet.at(member):
        entries = Entry.objects.filter(object=thread.object, kind=OFFICE)
        return entries.count(), entries.exclude(payload=None).count()


def confirmed(fleet, thread):
    with fleet.at("ML"):
        return {item.member: item.is_done for item in recalls.taken(thread)}


def bytes_of(fleet, member):
    with fleet.at(member):
        bodies = Payload.objects.values_list("body", flat=True)
        return b"".join(map(bytes, bodies))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (RECALL, Recall(reason="Erreur")),
        (DESTROYED, Destroyed(why="recall")),
        (FILES, FilesHeld()),
        (TEST, Probe(text="Essai")),
        (TEST, Probe()),
    ],
    ids=str,
)
def test_each_kind_reads_what_it_writes(kind, payload):
    check_bytes(kind, payload)


def test_what_is_taken_back_is_deleted_at_all_who_had_it_and_they_say_so(fleet):
    thread = say(fleet, "Gao, pont nord", "Gao, pont nord et sud")
    fleet.settle()
    assert SECRET in bytes_of(fleet, "NE")
    take_back(fleet, thread)
    assert confirmed(fleet, thread) == {"BF": False, "NE": False}
    fleet.settle()
    for member in ALL:
        assert (held(fleet, member, thread), SECRET in bytes_of(fleet, member)) == ((2, 0), False)
    assert confirmed(fleet, thread) == {"BF": True, "NE": True}


def test_the_log_stays_proved_and_whole(fleet):
    thread = say(fleet, "Gao, pont nord")
    fleet.settle()
    take_back(fleet, thread)
    fleet.settle()
    for member in ALL:
        with fleet.at(member) as node:
            assert checking.check_logs(node, lambda *_: None)[0] == []
            check_rebuild()
            assert check_order(node) > 0


def test_why_is_told_to_all_who_had_it(fleet):
    thread = say(fleet, "Gao, pont nord")
    take_back(fleet, thread, " Erreur de lieu ")
    fleet.settle()
    for member in ALL:
        with fleet.at(member):
            (row,) = recalls.all_recalls()
            assert (row.author, row.reason, row.count) == ("ML", "Erreur de lieu", 1)
    with fleet.at("BF"):
        assert recalls.recalls_of(thread) == [row]


def test_a_recall_that_arrives_first_keeps_the_content_out(fleet):
    thread = say(fleet, "Gao, pont nord")
    old = bundle_for(fleet, "ML", "BF")
    take_back(fleet, thread)
    urgent, bulk = logs_in(fleet, bundle_for(fleet, "ML", "BF"))
    read(fleet, "BF", sealed_frames(fleet, "BF", urgent))
    read(fleet, "BF", old)
    assert (held(fleet, "BF", thread), bulk != []) == ((1, 0), True)
    fleet.settle()
    assert confirmed(fleet, thread)["BF"] is True


def logs_in(fleet, data):
    """Return the frames of a bundle with its urgent log alone, and those of the bulk log."""
    heads, *frames = open_for(fleet, "BF", data)
    starts = [i for i, frame in enumerate(frames) if getattr(frame, "lane", "")]
    return [heads, *frames[: starts[1]]], frames[starts[1] :]


def test_a_third_member_hands_the_proof_on_without_the_content(fleet):
    fleet.cut.add("NE")
    thread = say(fleet, "Gao, pont nord")
    fleet.exchange("ML", "BF")
    take_back(fleet, thread)
    fleet.exchange("ML", "BF")
    fleet.cut = {"ML"}
    report = fleet.exchange("BF", "NE")
    assert (report.faults, held(fleet, "NE", thread)) == ([], (1, 0))


def test_a_third_member_hands_on_a_recall_of_the_same_log(fleet):
    fleet.cut.add("NE")
    thread = say(fleet, "Gao, pont nord", precedence=Precedence.FLASH)
    fleet.exchange("ML", "BF")
    take_back(fleet, thread)
    fleet.exchange("ML", "BF")
    fleet.cut = {"ML"}
    data = bundle_for(fleet, "BF", "NE")
    assert [type(frame) for frame in open_for(fleet, "NE", data)].count(AheadFrame) == 1
    report = fleet.exchange("BF", "NE")
    assert (report.faults, held(fleet, "NE", thread)) == ([], (1, 0))


def test_a_third_member_that_leaves_content_out_is_still_refused(fleet):
    say(fleet, "Gao, pont nord")
    fleet.exchange("ML", "BF")
    frames = open_for(fleet, "NE", bundle_for(fleet, "BF", "NE"))
    without = [
        replaced(frame, bodies=(None,), seed=b"", salts=(b"",), headers=whole(fleet, "BF"))
        if hasattr(frame, "bodies")
        else frame
        for frame in frames
    ]
    (fault,) = read(fleet, "NE", sealed_frames(fleet, "NE", without)).faults
    assert "has left out a payload" in str(fault)


def whole(fleet, member):
    with fleet.at(member):
        return (bytes(Entry.objects.get(kind=OFFICE).header),)


def test_an_entry_shown_ahead_that_its_author_did_not_sign_ends_the_log(fleet):
    say(fleet, "Gao, pont nord")
    heads, log, *rest = open_for(fleet, "BF", bundle_for(fleet, "ML", "BF"))
    ahead = AheadFrame(0, b"{}", None, b"", ())
    report = read(fleet, "BF", sealed_frames(fleet, "BF", [heads, log, ahead, *rest]))
    assert (len(report.faults), report.taken) == (1, 0)


def test_a_recall_touches_its_own_thread_only(fleet):
    thread = say(fleet, "Gao, pont nord")
    other = write(fleet, "ML", "something else")
    with fleet.at("ML") as node:
        draft = Draft(
            kind=RECALL,
            object=thread.object,
            office="",
            payload=Recall(reason="Erreur"),
            audience=ALL,
            refs=(other[0].ref,),
        )
        store.append(node, [draft])
    fleet.settle()
    assert [texts(fleet, member) for member in ALL] == [["something else"]] * 3
    assert held(fleet, "BF", thread) == (1, 1)


def test_nobody_else_can_take_a_record_back(fleet):
    thread = say(fleet, "Gao, pont nord")
    fleet.settle()
    with fleet.at("BF") as node:
        entry = Entry.objects.get(kind=OFFICE)
        draft = Draft(
            kind=RECALL,
            object=thread.object,
            office="",
            payload=Recall(reason="Erreur"),
            audience=ALL,
            refs=(recalls.ref_of(entry),),
        )
        store.append(node, [draft])
    fleet.settle()
    assert [held(fleet, member, thread) for member in ALL] == [(1, 1)] * 3


def test_what_is_released_anew_after_a_recall_stays(fleet):
    thread = say(fleet, "Gao, pont nord")
    take_back(fleet, thread)
    say(fleet, "Région de Gao")
    fleet.settle()
    assert held(fleet, "BF", thread) == (2, 1)
    assert take_back(fleet, thread) == 1
    assert take_back(fleet, thread) == 0  # nothing is left
    with fleet.at("ML"):
        assert Recalled.objects.count() == 2


def test_the_end_of_a_release_is_confirmed_like_a_recall(fleet):
    thread = say(fleet, "Gao, pont nord", retain=Instant(1_790_000_100_000))
    fleet.settle()
    for member in ALL:
        with fleet.at(member) as node:
            assert store.expire(Instant(1_790_000_100_000)) == 1
            node.clock.milliseconds = 1_790_000_200_000
            recalls.confirm(node)
    fleet.settle()
    assert confirmed(fleet, thread) == {"BF": True, "NE": True}
    with fleet.at("ML"):
        assert set(models.Destroyed.objects.values_list("author", "why")) == {
            ("BF", "expiry"),
            ("NE", "expiry"),
        }


def test_what_was_confirmed_once_is_not_confirmed_again(fleet):
    thread = say(fleet, "Gao, pont nord")
    fleet.settle()
    take_back(fleet, thread)
    fleet.settle()
    with fleet.at("BF") as node:
        assert recalls.confirm(node) == 0
        assert models.Destroyed.objects.filter(author="BF").count() == 1


@pytest.mark.parametrize("reason", ["", "  ", "x" * (REASON_LIMIT + 1)], ids=len)
def test_a_recall_needs_a_reason(fleet, reason):
    thread = say(fleet, "Gao, pont nord")
    with pytest.raises(RefusedError, match="recall: expected a reason"):
        take_back(fleet, thread, reason)


@pytest.mark.parametrize("audience", [frozenset(), ALL], ids=["for itself", "of another State"])
def test_only_what_this_state_has_released_can_be_taken_back(fleet, audience):
    thread = say(fleet, "Gao, pont nord", member="BF" if audience else "ML", audience=audience)
    fleet.settle()
    with pytest.raises(RefusedError, match="only what this State has released"):
        take_back(fleet, Thread(*thread))


def test_of_a_thread_that_is_all_there_nothing_is_asked(fleet):
    thread = say(fleet, "Gao, pont nord")
    assert confirmed(fleet, thread) == {}
