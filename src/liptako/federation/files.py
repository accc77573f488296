"""Bundles out of files that people bring: each leaves its line in the audit trail."""

from typing import BinaryIO

from liptako.core.errors import LiptakoError
from liptako.federation.intake import Report
from liptako.federation.sync import read_sealed
from liptako.ledger.node import Node
from liptako.members.actions import record_audit
from liptako.members.permissions import Actor


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
