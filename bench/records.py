"""The records that every system is fed with: the reference text where it is, else a like one."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "../shared/tools/generate_records.py"
_WORDS = (
    "flood bridge convoy clinic water fuel runway shelter road request damaged pump radio survey"
)
_CHOICE = _WORDS.split()
_KINDS = ("assist.request", "assist.offer", "incident.report", "doctrine.text", "exercise.plan")
_AUDIENCES = ("b", "b+c", "all", "b+d", "c")


def records(count: int, skip: int = 0) -> Iterator[dict[str, Any]]:
    """Give `count` records of about 390 bytes of JSON after the first `skip`, always the same."""
    if not REFERENCE.exists():
        yield from islice(_like_ones(skip + count), skip, None)
        return
    command = [sys.executable, str(REFERENCE), str(skip + count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield from map(json.loads, islice(process.stdout or (), skip, None))


def _like_ones(count: int) -> Iterator[dict[str, Any]]:
    """Give records of the same shape and size, where the reference generator is not at hand."""
    chance = random.Random(7)  # noqa: S311 (a measurement)
    for number in range(count):
        ref = {"ref": chance.randbytes(20).hex()} if number % 2 else {}
        yield ref | {
            "kind": chance.choice(_KINDS),
            "aud": chance.choice(_AUDIENCES),
            "seq": number,
            "ts": 1_790_000_000 + number * 37,
            "nonce": chance.randbytes(8).hex(),
            "body": {
                "title": " ".join(chance.choices(_CHOICE, k=5)),
                "text": " ".join(chance.choices(_CHOICE, k=chance.randint(8, 26))),
                "lat": round(chance.uniform(-60, 60), 5),
                "lon": round(chance.uniform(-180, 180), 5),
                "qty": chance.randint(1, 5000),
                "prio": chance.choice(["flash", "immediate", "priority", "routine"]),
            },
        }


def lines(count: int, skip: int = 0, key: str = "id") -> bytes:
    """Return the records as JSON lines, the id of 8 random bytes under `key`."""
    return b"".join(
        json.dumps(
            {key: record["nonce"], "number": record["seq"], "at": record["ts"]}
            | {name: record[name] for name in ("kind", "aud", "ref") if name in record}
            | record["body"],
            separators=(",", ":"),
        ).encode()
        + b"\n"
        for record in records(count, skip)
    )
