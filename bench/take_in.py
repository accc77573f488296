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
    """Read the bundle, from its first byte until everything is drawn.

    A process that helped with it counts too, and its memory as if both had their most at once.
    """
    node = this_node()
    keep_what_is_loaded()
    began, before = time.perf_counter(), time.process_time()
    with Path(file).open("rb") as source:
        report = read_file(node, source)
    wall = time.perf_counter() - began
    own, helped = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    took = {
        "taken": report.taken,
        "faults": [str(fault) for fault in report.faults],
        "wall": wall,
        "processor": time.process_time() - before + helped.ru_utime + helped.ru_stime,
        "megabytes": (own.ru_maxrss + helped.ru_maxrss) / 1024,
    }
    print(json.dumps(took))


main(sys.argv[1])
