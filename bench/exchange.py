"""What it costs to bring records to a partner by file, beside git, which also keeps hashed history.

Ours signs, seals for the recipient, verifies every entry and draws the tables; git does none of the
last three.
"""

import subprocess
import time
from pathlib import Path

from nodes import fill, liptako, make_nodes
from records import lines
from table import Row

COUNT = 20_000
_PER_COMMIT = 100


def measure(folder: Path) -> list[Row]:
    """Write and read one file with all records, and one with what came after."""
    here, there = make_nodes(folder, "ML", "BF")
    rows = []
    for what, count in (("initial", COUNT), ("catch-up", COUNT // 10)):
        fill(here, count)
        file = folder / f"{what}.bundle"
        _, writing = liptako(here, "exchange", "write", "BF", file)
        said, reading = liptako(there, "exchange", "read", file)
        if said != f"{count} new records from ML\n":
            message = f"expected {count} records, got: {said}"
            raise AssertionError(message)
        answer = folder / f"{what}.answer"  # tells ML what BF holds
        liptako(there, "exchange", "write", "ML", answer)
        liptako(here, "exchange", "read", answer)
        size, seconds = git_bundle(folder / what, count)
        bytes_each = file.stat().st_size / count
        rows += [
            Row(
                what=f"{what}: {count} records by file, size each",
                ours=bytes_each,
                peer=size / count,
                unit="B",
                peer_name=f"git bundle, {_PER_COMMIT} records a commit",
                goal="≤ 120 B" if what == "initial" else "",
            ),
            Row(
                what=f"{what}: write, read, verify, draw",
                ours=writing + reading,
                peer=seconds,
                unit="s",
                peer_name="git bundle create, clone",
            ),
        ]
    return rows


def git_bundle(folder: Path, count: int) -> tuple[int, float]:
    """Return the bytes of a git bundle of the records, and the seconds to make and clone it."""
    folder.mkdir()
    source, bundle = folder / "source", folder / "bundle"
    _run("git", "init", "--quiet", "--initial-branch=main", source)
    _run("git", "-C", source, "fast-import", "--quiet", given=_commits(count))
    began = time.perf_counter()
    _run("git", "-C", source, "bundle", "create", "--quiet", bundle, "main")
    _run("git", "clone", "--quiet", "--branch=main", bundle, folder / "clone")
    return bundle.stat().st_size, time.perf_counter() - began


def _commits(count: int) -> bytes:
    """Return commits of a hundred records each, as git's fast-import reads them."""
    records = lines(count).splitlines(keepends=True)
    parts = []
    for number, start in enumerate(range(0, count, _PER_COMMIT)):
        data = b"".join(records[start : start + _PER_COMMIT])
        parts.append(
            b"commit refs/heads/main\n"
            b"committer ML <ml@example> %d +0000\n"
            % (1_790_000_000 + number)
            + b"data 0\n"
            + b"M 644 inline %06d\ndata %d\n" % (number, len(data))
            + data
        )
    return b"\n".join(parts) + b"\n"


def _run(*words: object, given: bytes | None = None) -> None:
    """Run a program to its end."""
    subprocess.run([*map(str, words)], input=given, check=True, capture_output=True)
