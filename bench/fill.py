"""Writes reference records into a node as incidents that all members of its compact may have.

Usage: … python bench/fill.py COUNT [SKIP [BATCH [PRECEDENCE [LENGTH]]]]

LIPTAKO_HOME and DJANGO_SETTINGS_MODULE are set. With LENGTH each text is so many characters of
noise instead, which compression makes a quarter shorter.
"""

import secrets
import sys
from base64 import b64encode
from itertools import islice
from typing import Any

import django
from records import records

django.setup()

from liptako.core.geo import MICRO  # noqa: E402 (after django.setup)
from liptako.core.records.envelope import Precedence  # noqa: E402
from liptako.core.refs import OBJECT_BYTES, object_id  # noqa: E402
from liptako.ledger import compacts  # noqa: E402
from liptako.ledger.node import this_node  # noqa: E402
from liptako.ledger.records import Draft  # noqa: E402
from liptako.ledger.store import append  # noqa: E402
from liptako.situation.records import (  # noqa: E402
    INCIDENT,
    Count,
    Harm,
    Incident,
    Origin,
    Period,
    Place,
)

BATCH = 2_000
_SEVERITIES = ("routine", "priority", "immediate", "flash")


def noise(length: int) -> str:
    """Return so many characters by chance."""
    return b64encode(secrets.token_bytes(length * 3 // 4)).decode()


def incident_of(record: dict[str, Any], text: str = "") -> Incident:
    """Return a reference record as an incident: every field of it has its place.

    Its nonce of 8 random bytes is the id of the object, which is drawn at random.
    """
    body = record["body"]
    return Incident(
        reference=f"ML-{record['seq']}",
        kind=record["kind"].replace(".", "_"),
        summary=body["title"],
        text=text or body["text"],
        period=Period(begins=record["ts"] * 1000),
        place=Place(lat=round(body["lat"] * MICRO), lon=round(body["lon"] * MICRO)),
        severity=_SEVERITIES.index(body["prio"]) + 1,
        needs=(record["aud"].replace("+", "_"),),
        harm=Harm(displaced=Count(best=body["qty"])),
        source=Origin(id=record.get("ref", "")),
    )


def main(
    count: int, skip: int = 0, batch: int = BATCH, precedence: str = "routine", length: int = 0
) -> None:
    """Write the records, so many at a time."""
    node = this_node()
    everyone = compacts.current().active
    left = records(count, skip)
    while some := list(islice(left, batch)):
        drafts = [
            Draft(
                kind=INCIDENT,
                object=object_id(node.random(OBJECT_BYTES)),
                office="permanence",
                payload=incident_of(record, noise(length)),
                audience=everyone,
                precedence=Precedence(precedence),
            )
            for record in some
        ]
        append(node, drafts)


main(*map(int, sys.argv[1:4]), *sys.argv[4:5], *map(int, sys.argv[5:]))
