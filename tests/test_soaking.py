"""Long runs can be stopped and go on; what was found is kept and shown."""

from collections import Counter as Tally

import pytest

from tests import soaking
from tests.simulator.history import Outcome, every_step, shortest, step_of
from tests.simulator.steps import FAULTS


class Work:
    """Counts the pieces that were done, and is stopped at one of them."""

    def __init__(self, stop=None):
        self.done, self.stop = [], stop

    def __call__(self, number):
        if number == self.stop:
            raise KeyboardInterrupt
        self.done.append(number)
        found = ("wrong",) if number == 1 else ()
        return soaking.Piece(found=found, happened=Tally(piece=1))


def soak(folder, work):
    return soaking.Soak(
        name="x", first=0, count=4, jobs=1, work=work, begin=lambda: None, folder=folder
    )


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path):
    first, second = Work(stop=2), Work()
    with pytest.raises(KeyboardInterrupt):
        soaking.run(soak(tmp_path, first))
    progress = soaking.run(soak(tmp_path, second))
    assert (first.done, second.done) == ([0, 1], [2, 3])
    assert (progress.found, progress.happened) == (["wrong"], {"piece": 4})


def test_a_run_of_other_code_begins_anew(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        soaking.run(soak(tmp_path, Work(stop=2)))
    (kept,) = tmp_path.iterdir()
    kept.write_text(kept.read_text().replace('"code":"', '"code":"other'))
    again = Work()
    soaking.run(soak(tmp_path, again))
    assert (again.done, list(tmp_path.iterdir())) == ([0, 1, 2, 3], [])


def outcome(seed, steps):
    """Return how a history ends in which steps 2 and 5 go wrong together."""
    faults = ("wrong",) if {2, 5} <= set(steps) else ()
    return Outcome(seed=seed, steps=tuple(steps), names=(), faults=faults)


def test_a_bad_history_is_shortened_to_the_steps_that_matter():
    found = shortest(outcome(7, range(9)), outcome)
    assert found.steps == (2, 5)
    assert found.replay == ".venv/bin/python -m tests.simulator --seed 7 --steps 2,5"


def test_a_whole_history_is_replayed_by_its_seed_alone():
    whole = outcome(7, every_step(7))
    assert whole.replay == ".venv/bin/python -m tests.simulator --seed 7"


def test_every_fault_has_its_turn():
    assert {step_of(seed, 3) for seed in range(len(FAULTS))} == set(FAULTS)
