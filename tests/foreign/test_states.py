"""Logs that no program would write, read by a node and by the foreign reader: both judge alike."""

from itertools import count

import pytest

from tests.bundles import read, sealed_frames
from tests.foreign.beside import (
    AUDIENCE,
    ORIGIN,
    Author,
    aside_at_node,
    aside_at_reader,
    digest_at_node,
    held_by_node,
    held_by_reader,
    reader_for,
    written_by_hand,
)
from tests.foreign.folding import REJECTED, WAITING, shared_digest, states_of

ZEROS = "A" * 22 + "=="
ELSEWHERE = ["NE/c/0001020304050607/e1", 7, ZEROS]
OFFICE = {"code": "desk", "titles": {"fr": "Bureau"}, "roles": ["planner"]}
INCIDENT = {
    "reference": "ML-2026-7K3F",
    "kind": "flood",
    "summary": "Crue",
    "period": {"begins": 1_790_000_000_000},
    "place": {"words": "Ansongo"},
}
JOURNAL = {"at": 1_790_000_000_000, "text": "Crue signalée"}
MANDATE = {"office": "delegue", "subjects": ["x"], "begins": 5, "ends": None}
RELEASE = {
    "audience": AUDIENCE, "members": ["NE", "ML", "BF"], "transform": "cell", "basis": "accord",
}  # fmt: skip
RECALLED = {"audience": AUDIENCE, "reason": "erreur"}


def both_judge(fleet, author):
    """Let a node and the reader of BF take a log; return what both set aside, by place."""
    sealed = sealed_frames(fleet, "BF", written_by_hand(fleet, author.log))
    reader = reader_for(fleet, "BF")
    report = reader.take(sealed)
    node = read(fleet, "BF", sealed)
    assert (report.faults, report.taken, node.taken) == ([], len(author.log), len(author.log))
    assert held_by_reader(reader) == held_by_node(fleet, "BF")
    assert aside_at_reader(reader) == aside_at_node(fleet, "BF")
    assert shared_digest(reader.logs, ("BF", "ML")) == digest_at_node(fleet, "BF", "ML")
    return {place: state for (_, place), state in aside_at_reader(reader).items()}


def test_waiting_rejected_and_unknown_records_are_told_apart(fleet):
    author, name = Author(), count(10)
    ref = author.write("members.office/1", OFFICE, name=next(name))
    author.write("members.office/1", OFFICE, name=next(name), refs=[ELSEWHERE])
    author.write("members.office/1", OFFICE | {"titles": {}}, name=next(name))
    author.write("members.office/1", {"code": 7}, name=next(name))
    author.write("later.thing/1", {"anything": 1}, name=next(name))
    author.write("later.thing/1", {}, name=next(name), refs=[ELSEWHERE], held=False)
    author.write("members.office/1", OFFICE, name=next(name), refs=[[*ref[:2], ZEROS]])
    author.write("members.office/1", OFFICE, name=next(name), held=False)
    author.write_raw(b"poison", b"{}")
    author.write("members.office/1", OFFICE, name=next(name), author="BF")
    author.write("members.office/1", OFFICE, name=next(name), precedence="flash")
    assert both_judge(fleet, author) == {
        1: WAITING, 2: REJECTED, 3: REJECTED, 5: WAITING, 6: REJECTED,
        8: REJECTED, 9: REJECTED, 10: REJECTED,
    }  # fmt: skip


def test_what_waits_is_followed_by_its_own_thread_alone(fleet):
    author = Author()
    first = author.write("members.office/1", OFFICE, refs=[ELSEWHERE])
    second = author.write("members.office/1", OFFICE, refs=[first])
    author.write("members.office/1", OFFICE, refs=[second])
    author.write("members.office/1", OFFICE)
    author.write("members.office/1", OFFICE, name=2, refs=[second])
    assert both_judge(fleet, author) == dict.fromkeys((0, 1, 2), WAITING)


@pytest.mark.parametrize("meant", [True, False])
def test_what_waits_is_judged_again_when_the_other_has_come(fleet, meant):
    """And the digest forgets that it has waited."""
    scratch, author, reader = Author(), Author(), reader_for(fleet, "BF")
    scratch.write("members.office/1", OFFICE)
    origin, place, leaf = scratch.write("members.office/1", OFFICE, name=2)
    author.write("members.office/1", OFFICE, refs=[[origin, place, leaf if meant else ZEROS]])
    author.write("members.office/1", OFFICE, name=2)
    frames, seen = written_by_hand(fleet, author.log, cut=1), []
    for part in (frames[:3], frames):
        sealed = sealed_frames(fleet, "BF", part)
        reader.take(sealed)
        read(fleet, "BF", sealed)
        seen.append(aside_at_reader(reader))
        assert seen[-1] == aside_at_node(fleet, "BF")
        assert shared_digest(reader.logs, ("BF", "ML")) == digest_at_node(fleet, "BF", "ML")
    name = (ORIGIN, 0)
    assert seen == [{name: WAITING}, {} if meant else {name: REJECTED}]


def test_a_record_is_folded_by_its_lamport_and_not_by_its_place(fleet):
    author = Author()
    author.write("members.office/1", OFFICE | {"code": "late"}, lamport=9)
    author.write("members.office/1", OFFICE)
    author.write("members.mandate_end/1", {"reason": "fini"}, name=2, lamport=1)
    author.write("members.mandate/1", MANDATE, name=2, lamport=1)
    author.write("members.mandate_end/1", {"reason": "fini"}, name=2, lamport=2)
    assert both_judge(fleet, author) == dict.fromkeys((0, 2), REJECTED)


CASES = {
    "incident": (
        ["situation.incident/1"] * 5,
        [INCIDENT, INCIDENT | {"reference": "X"}, INCIDENT | {"summary": "\u3000"}, INCIDENT,
         INCIDENT | {"place": {"lat": 1}}],
        {1, 2, 4},
    ),
    "incident values": (
        ["situation.incident/1"] * 6,
        [INCIDENT | {"harm": {"killed": {"best": 1, "low": 2}}}, INCIDENT | {"severity": True},
         INCIDENT | {"status": "unheard"}, INCIDENT | {"kind": "Flood"},
         INCIDENT | {"place": {"words": "x", "radius_m": 2_000_001}},
         INCIDENT | {"period": {"begins": 5, "ends": 4}}],
        {0, 1, 2, 3, 4, 5},
    ),
    "incident that may be": (
        ["situation.incident/1"] * 4,
        [INCIDENT | {"harm": {"killed": {"best": 1, "high": 1}, "injured": None}},
         INCIDENT | {"later": [1, {"x": None}], "needs": ["unheard_of"]},
         INCIDENT | {"place": {"lat": -90_000_000, "lon": 180_000_000}},
         INCIDENT | {"summary": "x" * 160, "reliability": "F", "credibility": 6}],
        set(),
    ),
    "release": (
        ["situation.release/1", "situation.incident/1", "situation.recalled/1",
         "situation.release/1", "situation.recalled/1", "situation.recalled/1"],
        [RELEASE, INCIDENT, RECALLED, RELEASE, RECALLED, RECALLED],
        {0, 2, 5},
    ),
    "release values": (
        ["situation.incident/1", *["situation.release/1"] * 4],
        [INCIDENT, RELEASE | {"audience": "x"}, RELEASE | {"basis": " "},
         RELEASE | {"until": -1}, RELEASE | {"transform": "other"}],
        {1, 2, 3, 4},
    ),
    "journal": (
        ["situation.journal/1"] * 3,
        [JOURNAL | {"incident": "u" * 13}, JOURNAL, JOURNAL],
        {0, 2},
    ),
    "office": (
        ["members.office/1"] * 4,
        [OFFICE | {"roles": ["king"]}, OFFICE, OFFICE | {"closed": True}, OFFICE | {"code": "d2"}],
        {0, 3},
    ),
    "mandate": (
        ["members.mandate_end/1", "members.mandate/1", "members.mandate/1",
         "members.mandate_end/1", "members.mandate_end/1", "members.mandate_end/1"],
        [{"reason": "x"}, MANDATE | {"ends": 5}, MANDATE, {"reason": "\t"}, {"reason": "x"},
         {"reason": "x"}],
        {0, 1, 3, 5},
    ),
    "audit": (["members.audit/1"] * 2, [{"event": ""}, {"event": "x"}], {1}),
    "spelling": (
        ["exchange.test/1"] * 4,
        [b'{"text": ""}', b'{"text":"","text":""}', b'{"text":"\\u00e9"}', b'{"text":"\\t"}'],
        {0, 1, 2},
    ),
    "two groups": (
        ["situation.journal/1", "members.audit/1", "exchange.test/1"],
        [JOURNAL, {"event": "x"}, {}],
        set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_rules_of_each_kind_are_those_of_the_pages(fleet, case):
    author = Author()
    kinds, payloads, rejected = CASES[case]
    for kind, payload in zip(kinds, payloads, strict=True):
        author.write(kind, payload)
    assert both_judge(fleet, author) == dict.fromkeys(rejected, REJECTED)


def test_a_kind_that_this_reader_does_not_know_changes_the_basis_and_not_the_state(fleet):
    author = Author()
    author.write("members.office/1", OFFICE)
    author.write("members.audit/1", {"event": "x"}, name=2)
    both_judge(fleet, author)
    reader = reader_for(fleet, "BF")
    reader.take(sealed_frames(fleet, "BF", written_by_hand(fleet, author.log)))
    basis, state = shared_digest(reader.logs, ("BF", "ML"), {"members.office/1"})
    theirs = digest_at_node(fleet, "BF", "ML")
    assert (basis == theirs[0], state == theirs[1]) == (False, True)
    assert set(states_of(reader.logs, {"members.office/1"}).values()) == {"folded", "unknown"}
