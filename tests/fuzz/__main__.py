"""Tries changed bytes on every parser. See `--help`."""

import sys

import django

from tests import environment  # noqa: F401 (the settings stand in it)

django.setup()

from tests.fuzz.command import main  # noqa: E402 (its models need Django)

sys.exit(main(sys.argv[1:]))
