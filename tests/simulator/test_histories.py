"""Histories with faults: whatever happens, what was released arrives, and only where it may.

A few of them run here, at least one for every fault; `make soak` runs ten thousand.
"""

import os
import subprocess
import sys
import time

import pytest
from django.db import connection

from tests.fleet import Fleet
from tests.simulator import history, steps
from tests.simulator.world import MEMBERS

SECONDS = 20
FAULTS = {
    "crash", "damaged bundle", "full disk", "full stick", "partition", "poison", "power cut",
    "rearranged bundle", "restore", "set back", "stolen key", "two histories", "wrong clock",
    "wrong stick",
}  # fmt: skip


@pytest.fixture(scope="session")
def members(django_db_setup, django_db_blocker):
    """Return five nodes with a database each."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with django_db_blocker.unblock():
        made = Fleet(list(MEMBERS), f"simulator_{worker}", remembers=True)
        yield made
        made.close()


@pytest.fixture
def run(members, django_db_blocker):
    """Return what lets a history happen."""
    with django_db_blocker.unblock():
        yield lambda seed, numbers=None: history.run(members, seed, numbers)


@pytest.mark.slow
def test_after_healing_everything_is_where_it_belongs_and_nowhere_else(run):
    begun, seed, happened = time.monotonic(), 0, set()
    # PostgreSQL is slower: there as many as there is time for, here at least one for every fault.
    least = len(steps.FAULTS) if connection.vendor == "sqlite" else 1
    while seed < least or time.monotonic() - begun < SECONDS:
        outcome = run(seed)
        assert (outcome.replay, outcome.faults) == (outcome.replay, ())
        happened |= outcome.happened.keys()
        seed += 1
    assert connection.vendor != "sqlite" or happened >= FAULTS


@pytest.mark.slow
def test_one_seed_is_one_history_whatever_hashes_are_and_whether_queries_are_remembered():
    program = (
        "from tests import environment; import django; django.setup();"
        "from tests.fleet import Fleet; from tests.simulator import history, world;"
        "fleet = Fleet(list(world.MEMBERS), 'again', remembers={remembers});"
        "print(history.run(fleet, 7).trace)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    traces = {
        subprocess.run(
            [sys.executable, "-c", program.format(remembers=remembers)],
            env=environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, remembers in (("1", True), ("2", False))
    }
    assert len(traces) == 1
