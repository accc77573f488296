"""How long it takes to draw all tables again, beside Django's own way to fill them from a file."""

import re
from pathlib import Path

from nodes import fill, liptako, make_nodes, run
from table import Row

SIZES = (10_000, 100_000)


def measure(folder: Path) -> list[Row]:
    """Rebuild nodes of growing size; the state must be the same as before."""
    rows = []
    for count in SIZES:
        home = make_nodes(folder / str(count), "ML", "BF")[0]
        fill(home, count)
        said, seconds = liptako(home, "rebuild")
        if "The tables were as the log says." not in said:
            raise AssertionError(said)
        total = int(re.search(r"(\d+) records\. State", said)[1])
        rows.append(
            Row(
                what=f"rebuild of {total} records",
                ours=seconds,
                peer=_loaddata(home, folder / f"{count}.jsonl"),
                unit="s",
                peer_name="Django loaddata of the same rows",
                goal="≤ 30 s" if count == SIZES[-1] else "",
            )
        )
    return rows


def _loaddata(home: Path, file: Path) -> float:
    """Return the seconds in which Django fills the table of incidents from a file."""
    options = ("--format=jsonl", "--output", file)
    run("-m", "django", "dumpdata", "situation.Incident", *options, home=home)
    statement = "DELETE FROM situation_incident"
    code = f"from django.db import connection; connection.cursor().execute({statement!r})"
    run("-c", f"import django; django.setup()\n{code}", home=home)
    return run("-m", "django", "loaddata", file, home=home)[1]
