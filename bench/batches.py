"""How many bytes a record takes in a file, by how many go together, beside git.

One record alone carries heads, proofs and the envelope for itself; of many each carries a part.
"""

import shutil
from pathlib import Path

from exchange import git_bundle
from nodes import fill, liptako, make_nodes
from table import Row

SIZES = (1, 10, 100, 256, 1_500, 20_000)


def measure(folder: Path) -> list[Row]:
    """Write bundles of growing size to a partner that knows the compact."""
    here, there = make_nodes(folder, "ML", "BF")
    _write(there, "ML", folder / "greeting")
    liptako(here, "exchange", "read", folder / "greeting")
    rows = []
    for count in SIZES:
        node = folder / f"of{count}"
        shutil.copytree(here, node)
        fill(node, count)
        size = _write(node, "BF", folder / f"{count}.bundle")
        peer, _ = git_bundle(folder / f"git{count}", count)
        rows.append(Row(f"{count} together, each", size / count, peer / count, "B", "git bundle"))
    return rows


def _write(home: Path, member: str, file: Path) -> int:
    """Write a bundle for a partner; return how many bytes it has."""
    liptako(home, "exchange", "write", member, file)
    return file.stat().st_size
