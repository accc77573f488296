"""The records that every system is fed with: the reference text where it is, else a like one."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "../shared/tools/generate_records.py"
_WORDS = (
    "flood bridge convoy clinic water fuel runway shelter road request damaged pump radio survey"
)
_CHOICE = _WORDS.split()


def records(count: int) -> Iterator[dict[str, Any]]:
    """Give `count` records of about 390 bytes of JSON, the same ones each time."""
    if not REFERENCE.exists():
        yield from _like_ones(count)
        return
    command = [sys.executable, str(REFERENCE), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield from map(json.loads, process.stdout or ())


def _like_ones(count: int) -> Iterator[dict[str, Any]]:
    """Give records of the same shape and size, where the reference generator is not at hand."""
    chance = random.Random(7)  # noqa: S311 (a measurement)
    for number in range(count):
        yield {
            "kind": "incident.report",
            "seq": number,
            "ts": 1_790_000_000 + number * 37,
            "nonce": chance.randbytes(8).hex(),
            "ref": chance.randbytes(20).hex(),
            "body": {
                "title": " ".join(chance.choices(_CHOICE, k=5)),
                "text": " ".join(chance.choices(_CHOICE, k=chance.randint(8, 26))),
                "lat": round(chance.uniform(-60, 60), 5),
                "lon": round(chance.uniform(-180, 180), 5),
                "qty": chance.randint(1, 5000),
                "prio": chance.choice(["flash", "immediate", "priority", "routine"]),
            },
        }


def lines(count: int) -> bytes:
    """Return what ours carries of the records, an id of 8 random bytes with each, as JSON lines."""
    return b"".join(
        json.dumps(
            {"id": record["nonce"], "number": record["seq"], "at": record["ts"]}
            | {name: record["body"][name] for name in ("title", "text", "lat", "lon")},
            separators=(",", ":"),
        ).encode()
        + b"\n"
        for record in records(count)
    )
