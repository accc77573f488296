"""Real processes killed with -9 at seeded moments: nothing is lost, little is done again."""

import sys

import pytest

from tests.cli.shell import POSTGRESQL
from tests.links import killing

# Each story once, one half on SQLite, the other on PostgreSQL; many times in the long run.
SEEDS = range(int(POSTGRESQL), len(killing.STORIES), 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: killing.STORIES[seed].__name__)
def test_a_node_that_was_killed_goes_on_where_it_was(seed, prepared, databases, tmp_path):
    piece = killing.tell(seed, prepared, tmp_path, databases)
    sys.stderr.write(f"\n{dict(piece.happened)}\n")
    assert piece.found == ()
    assert piece.happened.total() > 0
