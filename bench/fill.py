"""Writes reference records into a node as incidents that all members of its compact may have.

Usage: LIPTAKO_HOME=… DJANGO_SETTINGS_MODULE=liptako.settings python bench/fill.py COUNT
"""

import sys
from itertools import islice
from typing import Any

import django
from records import records

django.setup()

from liptako.core.geo import MICRO  # noqa: E402 (after django.setup)
from liptako.core.refs import OBJECT_BYTES, object_id  # noqa: E402
from liptako.ledger import compacts  # noqa: E402
from liptako.ledger.node import this_node  # noqa: E402
from liptako.ledger.records import Draft  # noqa: E402
from liptako.ledger.store import append  # noqa: E402
from liptako.situation.records import INCIDENT, Incident, Period, Place  # noqa: E402

BATCH = 2_000


def incident_of(record: dict[str, Any]) -> Incident:
    """Return a reference record as an incident."""
    body = record["body"]
    return Incident(
        reference=f"ML-{record['seq']}",
        kind="flood",
        summary=body["title"],
        text=body["text"],
        period=Period(begins=record["ts"] * 1000),
        place=Place(lat=round(body["lat"] * MICRO), lon=round(body["lon"] * MICRO)),
    )


def main(count: int) -> None:
    """Write the records in batches."""
    node = this_node()
    everyone = compacts.current().active
    left = records(count)
    while batch := list(islice(left, BATCH)):
        drafts = [
            Draft(
                kind=INCIDENT,
                object=object_id(node.random(OBJECT_BYTES)),
                office="permanence",
                payload=incident_of(record),
                audience=everyone,
            )
            for record in batch
        ]
        append(node, drafts)


main(int(sys.argv[1]))
