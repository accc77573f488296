"""Runs histories: one again, or many, going on where it was stopped. See `--help`."""

import sys

from tests import environment  # noqa: F401 (settings first)
from tests.simulator.command import main

sys.exit(main(sys.argv[1:]))
