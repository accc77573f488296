"""Checks what a node holds: every leaf, every root, every signature, payload and file."""

from argparse import Namespace
from gettext import gettext as _

from liptako.cli import codes
from liptako.cli.home import start
from liptako.cli.words import Progress, complain, error_words, say


def verify_log(args: Namespace) -> int:
    """Check all logs of the node and say what is wrong."""
    start(args)
    from liptako.ledger.checking import check_logs
    from liptako.ledger.files import check_files
    from liptako.ledger.node import this_node

    faults, count = check_logs(this_node(), Progress(_("Records")))
    faults += check_files(this_node())
    for fault in faults:
        complain(error_words(fault))
    if faults:
        return codes.FAULT
    say(_("%(count)d records: every signature, hash and payload is in order.") % {"count": count})
    return codes.OK
