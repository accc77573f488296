"""The folders of files for and from partners: worked by `work`, or once by a command."""

import time
from argparse import Namespace
from datetime import timedelta
from gettext import gettext as _
from typing import TYPE_CHECKING

from liptako.cli import codes
from liptako.cli.home import start
from liptako.cli.words import complain, error_words, say
from liptako.core.errors import SettingError, StorageError
from liptako.env import read_settings

if TYPE_CHECKING:  # they need Django
    from collections.abc import Sequence

    from liptako.federation.files import Result
    from liptako.federation.spool import Spool, Watch
    from liptako.ledger.node import Node

_MEGABYTE = 10**6
_LOOK_SECONDS = 2.1


def _spool() -> "Spool":
    """Return the folders that the settings name."""
    from liptako.federation.spool import Spool

    settings = read_settings()
    return Spool(
        outgoing=settings.spool_out,
        incoming=settings.spool_in,
        limit=settings.spool_megabytes * _MEGABYTE or None,
    )


def work_spool(node: "Node", watch: "Watch") -> None:
    """Take in what came and write what waits; a stick that is not there waits for its return."""
    from liptako.federation.spool import take_in, write_out

    spool = _spool()
    try:
        _tell(take_in(node, spool, watch))
        write_out(node, spool, timedelta(seconds=read_settings().exchange_seconds))
    except StorageError as fault:
        complain(error_words(fault))


def run_spool(args: Namespace) -> int:
    """Work the folders once and say what became of each file."""
    start(args)
    from liptako.federation.spool import Watch, take_in, write_out
    from liptako.ledger.node import this_node

    spool, node, watch = _spool(), this_node(), Watch()
    if spool.outgoing is None and spool.incoming is None:
        raise SettingError("LIPTAKO_SPOOL_OUT, LIPTAKO_SPOOL_IN: neither is set")
    for folder in filter(None, {spool.outgoing, spool.incoming}):
        if not folder.is_dir():
            raise StorageError("%(file)s is not there: is the stick in?", file=str(folder))
    take_in(node, spool, watch)  # the first look only sees how long each file is
    time.sleep(_LOOK_SECONDS)
    results = take_in(node, spool, watch)
    _tell(results)
    for volume in write_out(node, spool, again=args.again):
        say(
            _("%(count)d records for %(member)s in %(file)s")
            % {"count": volume.count, "member": volume.name.recipient, "file": volume.name.text()}
        )
    faults = [fault for result in results for fault in result.faults]
    return codes.code_of(faults[0]) if faults else codes.OK


def _tell(results: "Sequence[Result]") -> None:
    """Say what became of incoming files."""
    for result in results:
        if result.sender:
            say(
                _("%(file)s: %(count)d new records from %(member)s")
                % {"file": result.title, "count": result.taken, "member": result.sender}
            )
        for fault in result.faults:
            complain(_("%(file)s: %(fault)s") % {"file": result.title, "fault": error_words(fault)})
