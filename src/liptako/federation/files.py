"""Bundles out of files that people bring: each leaves its line in the audit trail."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, Protocol

from liptako.core.errors import CutError, GapError, LiptakoError, VerificationError
from liptako.federation import parcels
from liptako.federation.intake import Report
from liptako.federation.sync import read_sealed
from liptako.federation.volumes import Name, read_name
from liptako.ledger.node import Node
from liptako.members.actions import record_audit
from liptako.members.permissions import Actor

Fate = Literal["new", "known", "faulty", "cut", "gap", "ours", "other", "refused"]
"""What became of a file: something new in it; nothing new; something wrong in it; its end missing;
what goes before it missing; written by this node itself; for another one; not taken at all."""


def read_file(node: Node, source: BinaryIO, *, actor: Actor | None = None) -> Report:
    """Take in a bundle from a file; say what was taken and what was wrong.

    Raises what `read_sealed` raises, and then the trail says that the file was refused, and why.
    """
    try:
        report = read_sealed(node, source, how="file")
    except LiptakoError as error:
        record_audit(node, "bundle.refused", actor=actor, detail=str(error))
        raise
    taken = str(report.taken)
    record_audit(node, "bundle.import", actor=actor, subject=report.sender, detail=taken)
    return report


class Source(Protocol):
    """A file by its name, which can be opened again: what was missing may have come meanwhile."""

    @property
    def name(self) -> str:
        """What its name is, which may say what it should hold."""

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open it from its beginning."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of one file of several.

    Beside records it may bring receipts, bytes of files, and parcels for others: `carried` says for
    whom.
    """

    title: str
    name: Name | None
    fate: Fate = "refused"
    sender: str = ""
    taken: int = 0
    receipts: int = 0
    chunks: int = 0
    carried: tuple[str, ...] = ()
    outdated: bool = False
    faults: list[LiptakoError] = field(default_factory=list)
    missing: tuple[int, ...] = ()

    @property
    def earlier(self) -> tuple[int, ...]:
        """The missing volumes of its set that go before it."""
        return tuple(n for n in self.missing if self.name and n < self.name.number)

    @property
    def is_new(self) -> bool:
        """Say whether it brought anything that was not here."""
        return bool(self.taken or self.receipts or self.chunks or self.carried)

    def add(self, earlier: "Result") -> None:
        """Count what an earlier reading of the same file has brought, too."""
        self.taken += earlier.taken
        self.receipts += earlier.receipts
        self.chunks += earlier.chunks
        self.carried += earlier.carried


def read_files(
    node: Node, sources: Sequence[Source], *, actor: Actor | None = None
) -> list[Result]:
    """Take in several files in any order, volumes of one set too; say what became of each.

    What lacks something that goes before is read again once another file has brought something.
    """
    results: dict[int, Result] = {}
    left = sorted(sources, key=lambda source: _order(source.name))
    while left:
        before = sum(result.taken for result in results.values())
        for source in left:
            earlier = results.get(id(source))
            result = read_one(node, source, actor=actor)
            if earlier is not None:
                result.add(earlier)
            results[id(source)] = result
        left = [source for source in left if results[id(source)].fate == "gap"]
        if sum(result.taken for result in results.values()) == before:
            break
    found = list(results.values())
    for result in found:
        result.missing = _missing(result, found)
    return found


def _order(title: str) -> tuple[str, str, int, str]:
    """Return what files are sorted by: of a set the first volume first, an older set before."""
    name = read_name(title)
    return (name.sender, name.stamp, name.number, title) if name else ("", "", 0, title)


def read_one(node: Node, source: Source, *, actor: Actor | None = None) -> Result:
    """Take in one file; whatever is wrong with it is in the result."""
    result, before = Result(title=source.name, name=read_name(source.name)), parcels.carried()
    try:
        with source.open() as file:
            report = read_file(node, file, actor=actor)
    except LiptakoError as error:
        result.faults = [error]
        result.fate = _fate_of(node, result.name, error)
        return result
    result.sender, result.taken = report.sender, report.taken
    result.receipts, result.chunks = report.receipts, report.chunks
    found = parcels.carried().items()
    result.carried = tuple(sorted(who for digest, who in found if digest not in before))
    result.outdated, result.faults = report.outdated, report.faults
    if any(isinstance(fault, CutError) for fault in report.faults):
        result.fate = "cut"
    elif any(isinstance(fault, GapError) for fault in report.faults):
        result.fate = "gap"
    elif report.faults:
        result.fate = "faulty"
    else:
        result.fate = "new" if result.is_new else "known"
    return result


def _fate_of(node: Node, name: Name | None, error: LiptakoError) -> Fate:
    """Return why a file could not be opened, as far as its name tells."""
    if name is None or not isinstance(error, VerificationError) or name.recipient == node.member:
        return "refused"
    return "ours" if name.sender == node.member else "other"


def _missing(result: Result, found: Sequence[Result]) -> tuple[int, ...]:
    """Return which volumes of the same set were not among the files that could be read."""
    if result.name is None:
        return ()
    name = result.name
    here = {
        other.name.number
        for other in found
        if other.name is not None
        and (other.name.sender, other.name.stamp) == (name.sender, name.stamp)
        and other.fate != "refused"
    }
    return tuple(number for number in range(1, name.total + 1) if number not in here)
