"""Kinds about records of any module: what a recall takes back, and what reason it needs."""

import msgspec
import pytest

from liptako.core.clock import Instant
from liptako.core.records.envelope import Header, PayloadStub
from liptako.core.records.shared import REASON_LIMIT, RECALL, reason_fault, takes_back
from liptako.core.refs import Ref, audience_id

LEAF = bytes(range(32))
TARGET = Header(
    kind="test.thing/1",
    author="ML",
    office="permanence",
    audience=audience_id(["BF", "ML"]),
    compact=1,
    object="0123456789abc",
    lamport=1,
    time=Instant(0),
    payload=PayloadStub(hash=bytes(32), size=2),
)
BACK = msgspec.structs.replace(TARGET, kind=RECALL, lamport=2)
NAMED = Ref(origin="ML/c/0001020304050607/e1", seq=0, leaf=LEAF[:16])


def test_a_recall_takes_back_what_it_names_in_its_own_thread():
    assert takes_back(BACK, NAMED, TARGET, LEAF)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "test.thing/1"},
        {"author": "BF"},
        {"object": "0123456789abd"},
        {"audience": audience_id(["ML"])},
    ],
    ids=str,
)
def test_it_takes_back_nothing_else(changes):
    assert not takes_back(msgspec.structs.replace(BACK, **changes), NAMED, TARGET, LEAF)


def test_it_takes_back_no_other_record_at_that_place():
    assert not takes_back(BACK, NAMED, TARGET, bytes(32))


@pytest.mark.parametrize("reason", ["", " \n", "x" * (REASON_LIMIT + 1)], ids=len)
def test_a_recall_without_a_reason_is_wrong(reason):
    assert "expected a reason" in str(reason_fault(reason))


def test_a_reason_of_the_greatest_length_is_good():
    assert reason_fault(" " + "x" * REASON_LIMIT + " ") is None
