"""Reads a bundle into a node and says what that took.

Usage: … python bench/take_in.py FILE   (LIPTAKO_HOME, DJANGO_SETTINGS_MODULE)
"""

import json
import resource
import sys
import time
from pathlib import Path

import django

from liptako.cli.home import keep_what_is_loaded

django.setup()

from liptako.federation.files import read_file  # noqa: E402 (after django.setup)
from liptako.ledger.node import this_node  # noqa: E402


def main(file: str) -> None:
    """Read the bundle, from its first byte until everything is drawn."""
    node = this_node()
    keep_what_is_loaded()
    began, before = time.perf_counter(), time.process_time()
    with Path(file).open("rb") as source:
        report = read_file(node, source)
    took = {
        "taken": report.taken,
        "faults": [str(fault) for fault in report.faults],
        "wall": time.perf_counter() - began,
        "processor": time.process_time() - before,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(took))


main(sys.argv[1])
