"""Commands of the exchange: with a partner now, into a file, out of a file; comparing the state."""

from argparse import Namespace
from dataclasses import replace
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.files import cannot_read, whole_file
from liptako.cli.home import start
from liptako.cli.spool import run_spool
from liptako.cli.words import complain, error_words, say

if TYPE_CHECKING:  # it needs Django
    from liptako.federation.intake import Report


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    exchange = commands.add_parser("exchange", help=_("exchange with a partner"))
    how = exchange.add_subparsers(dest="how", required=True, metavar="HOW")
    now = how.add_parser("now", help=_("over the network, now"))
    now.add_argument("member", help=_("id of the member, such as ML"))
    now.set_defaults(run=run_now)
    write = how.add_parser("write", help=_("write what waits for a partner into a file"))
    write.add_argument("member", help=_("id of the member, such as ML"))
    write.add_argument("file", type=Path, help=_("file to write"))
    write.add_argument(
        "--attachments",
        type=int,
        metavar="MB",
        help=_("megabytes of attachments at most; all without it, none with 0"),
    )
    write.set_defaults(run=run_write)
    read = how.add_parser("read", help=_("read the file of a partner"))
    read.add_argument("file", type=Path, help=_("file to read"))
    read.set_defaults(run=run_read)
    digest = how.add_parser("digest", help=_("how this node judges what a partner holds too"))
    digest.add_argument("member", help=_("id of the member, such as ML"))
    digest.add_argument(
        "--logs", action="store_true", help=_("say too how much of each log of its own is here")
    )
    digest.set_defaults(run=run_digest)
    spool = how.add_parser("spool", help=_("work the folders LIPTAKO_SPOOL_IN and _OUT once"))
    spool.add_argument("--again", action="store_true", help=_("write files that were there before"))
    spool.set_defaults(run=run_spool)


def run_now(args: Namespace) -> int:
    """Exchange over the network."""
    start(args)
    from liptako.federation.exchange import exchange_with
    from liptako.ledger.node import this_node

    return _tell(exchange_with(this_node(), args.member))


def run_write(args: Namespace) -> int:
    """Write a bundle; the file appears under its name only once it is whole."""
    start(args)
    from liptako.federation.sync import WHOLE, write_bundle
    from liptako.ledger.node import this_node
    from liptako.members.actions import record_audit

    node = this_node()
    limit = None if args.attachments is None else max(args.attachments, 0) * 10**6
    with whole_file(args.file) as target:
        count = write_bundle(node, args.member, target, replace(WHOLE, files=limit))
    record_audit(node, "bundle.export", subject=args.member, detail=str(count))
    say(
        _("%(count)d records for %(member)s in %(file)s")
        % {"count": count, "member": args.member, "file": args.file}
    )
    return codes.OK


def run_read(args: Namespace) -> int:
    """Read a bundle."""
    start(args)
    from liptako.federation.files import read_file
    from liptako.ledger.node import this_node

    try:
        source = args.file.open("rb")
    except OSError as cause:
        raise cannot_read(args.file, cause) from cause
    with source:
        return _tell(read_file(this_node(), source))


def run_digest(args: Namespace) -> int:
    """Say the digest of the logs that are shared with a partner, to be compared with its own."""
    start(args)
    from liptako.ledger import compacts
    from liptako.ledger.projector import project_pending
    from liptako.ledger.reader import logs_for
    from liptako.ledger.tally import shared_digest

    compacts.current().check_exchange(args.member)
    project_pending()
    logs = logs_for(args.member, begun=False)
    digest = shared_digest(logs)
    count = sum(log.size for log in logs)
    say(
        _("Shared with %(member)s: %(logs)d logs, %(count)d records")
        % {"member": args.member, "logs": len(logs), "count": count}
    )
    for log in logs if args.logs else ():
        if log.author == args.member:
            say(f"{log.origin}={log.size}")
    if digest is None:
        complain(_("No digest yet: `rebuild` has to count what an older version has written."))
        return codes.FAULT
    say(_("Basis: %(basis)s  State: %(state)s") % {"basis": digest.basis, "state": digest.state})
    return codes.OK


def _tell(report: "Report") -> int:
    """Say what was taken and what was wrong."""
    say(
        _("%(count)d new records from %(member)s")
        % {"count": report.taken, "member": report.sender}
    )
    if report.outdated:
        complain(
            _("This is an older state of %(member)s than the one known here.")
            % {"member": report.sender}
        )
    for fault in report.faults:
        complain(error_words(fault))
    return codes.code_of(report.faults[0]) if report.faults else codes.OK
