"""Runs the benchmarks, prints a table, and writes it with machine and date (`make bench`).

Usage: python bench/run.py [NAME …]   all of them where none is named

With KEEP=1 the results of a part are kept too.
"""

import os
import platform
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import batches
import exchange
import ingest
import link
import rebuild
import urgent
from records import REFERENCE
from table import Row, as_markdown

BENCHMARKS = {
    "link": link,
    "urgent": urgent,
    "ingest": ingest,
    "batches": batches,
    "exchange": exchange,
    "rebuild": rebuild,
}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main(names: list[str]) -> int:
    """Measure, print, and keep the results of a full run."""
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {sorted(BENCHMARKS)}")
    rows: list[Row] = []
    for name in names or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix=f"liptako-bench-{name}-") as folder:
            rows += BENCHMARKS[name].measure(Path(folder))
    table = as_markdown(rows)
    print(table)
    if not names or os.environ.get("KEEP"):
        _keep(table, ", ".join(names))
    return 0


def _keep(table: str, only: str) -> None:
    """Write the table into the page of results, the latest run on top."""
    title = f"## {datetime.now(UTC):%Y-%m-%d}, {_machine()}{only and f', only {only}'}\n\n"
    text = PAGE.read_text(encoding="utf-8")
    head, mark, older = text.partition("<!-- results -->\n")
    PAGE.write_text(f"{head}{mark}\n{title}{table}{older}", encoding="utf-8")


def _machine() -> str:
    """Return what the figures were measured on."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    text = "the reference records" if REFERENCE.exists() else "records like the reference ones"
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {text}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
