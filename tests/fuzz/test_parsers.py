"""Hostile bytes for every parser: only our errors come out, and what is read writes back.

A few here; `make soak` tries a million. From good bytes with changes, and from any bytes at all.
"""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liptako.core.errors import LiptakoError
from tests.fuzz import command
from tests.fuzz.command import dice
from tests.fuzz.mutating import mutated_json, mutated_value

SECONDS = 20
LEAST = 40  # inputs for each parser


@pytest.mark.slow
def test_good_bytes_with_changes_are_read_or_refused():
    begun, number = time.monotonic(), 0
    while number < LEAST or time.monotonic() - begun < SECONDS:
        faults = [command.attempt(target, number) for target in command.targets()]
        assert [fault for fault in faults if fault] == []
        number += 1


@pytest.mark.parametrize("target", command.targets(), ids=lambda target: target.name)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(target, data):
    with contextlib.suppress(LiptakoError):
        target.read(data)


@pytest.mark.parametrize("target", command.targets(), ids=lambda target: target.name)
def test_good_bytes_are_read(target):
    if target.name == "frames":
        return
    for seed in target.seeds:
        target.read(seed)


def test_one_number_is_one_input():
    for target in command.targets():
        assert target.input(dice(7)) == target.input(dice(7))


def test_changes_reach_every_depth():
    tree = {"a": [1, {"b": "text"}], "c": b"bytes"}
    assert len({repr(mutated_value(tree, dice(i))) for i in range(200)}) > 150


def test_what_is_no_json_is_changed_all_the_same():
    assert mutated_json(b"\xff", [b"\xff"], dice(3)) != b"\xff"
