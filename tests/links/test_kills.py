"""Real processes killed with -9 at seeded moments: nothing is lost, little is done again."""

import sys

import pytest

from tests.links import killing

SEEDS = range(len(killing.STORIES))  # each story once; many more in the long run


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS, ids=[story.__name__ for story in killing.STORIES])
def test_a_node_that_was_killed_goes_on_where_it_was(seed, prepared, databases, tmp_path):
    piece = killing.tell(seed, prepared, tmp_path, databases)
    sys.stderr.write(f"\n{dict(piece.happened)}\n")
    assert piece.found == ()
    assert piece.happened.total() > 0
