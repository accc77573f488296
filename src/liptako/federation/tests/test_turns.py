"""One exchange with a partner at a time, whoever begins it."""

from contextlib import contextmanager

import pytest
from django.db import connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from liptako.core.errors import UnderWayError
from liptako.federation import exchange, jobs, standing
from liptako.federation.turns import turn
from tests.fleet import Wire

MANY = [f"number {i}" for i in range(30)]


@contextmanager
def taken(node, member):
    """Let another process of this node have its turn with a partner."""
    mine = connections["default"]
    other = connections["default"].copy()
    connections["default"] = other
    held = turn(node, member)
    try:
        assert held.__enter__()
        connections["default"] = mine
        yield
    finally:
        connections["default"] = other
        held.__exit__(None, None, None)
        connections["default"] = mine
        other.close()


def test_a_partner_has_one_turn_and_others_have_theirs(fleet):
    with (
        fleet.at("ML") as node,
        taken(node, "BF"),
        turn(node, "BF") as again,
        turn(node, "NE") as other,
    ):
        assert (again, other) == (False, True)


def test_a_turn_that_is_over_is_free(fleet):
    with fleet.at("ML") as node:
        with taken(node, "BF"):
            pass
        with turn(node, "BF") as ours:
            assert ours


def test_a_second_exchange_is_put_off_and_is_no_fault_of_the_partner(desk, fleet):
    desk.write("ML", "one")
    with fleet.at("ML") as node, taken(node, "BF"):
        with pytest.raises(UnderWayError):
            exchange.exchange_with(node, "BF", Wire(fleet))
        state = standing.state_of(node, "BF")
        assert (state.peer.tried_at, state.link) == (None, "untried")


def test_a_job_that_is_not_its_turn_is_done_later_once(desk, fleet):
    with fleet.at("ML") as node:
        DBTaskResult.objects.all().delete()
        with taken(node, "BF"):
            jobs.exchange.call("BF")
            jobs.exchange.call("BF")
        (row,) = DBTaskResult.objects.all()
        assert (row.args_kwargs["args"], row.run_after > timezone.now()) == (["BF"], True)


def test_who_sends_already_does_not_send_the_same_in_an_answer(desk, fleet):
    desk.write("BF", *MANY)
    with fleet.at("BF") as bf, taken(bf, "ML"):
        assert fleet.exchange("ML", "BF").taken == 0
    assert fleet.exchange("ML", "BF").taken == len(MANY)
