"""A row of a benchmark's table, and the table as text."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of ours beside that of a peer in the same run; less is better."""

    what: str
    ours: float
    peer: float
    unit: str
    peer_name: str
    goal: str = ""


def as_markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table with the ratio of ours to the peer's."""
    head = "| what | ours | peer | ratio | peer is | goal |\n|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| {row.what} | {row.ours:.4g} {row.unit} | {row.peer:.4g} {row.unit} "
        f"| {row.ours / row.peer:.2f} | {row.peer_name} | {row.goal} |\n"
        for row in rows
    )
