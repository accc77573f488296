"""Commands about public data: base map, published incidents, fictional incidents."""

from argparse import Namespace
from collections.abc import Sequence
from gettext import gettext as _
from pathlib import Path
from typing import Any

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.home import start
from liptako.cli.words import Progress, complain, error_words, say
from liptako.core.errors import LiptakoError, SettingError
from liptako.env import read_settings


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    base = commands.add_parser("basemap", help=_("build the base map again"))
    base.set_defaults(run=run_basemap)

    published = commands.add_parser("import", help=_("import published incidents"))
    published.add_argument("table", nargs="?", type=Path, help=_("CSV table; else LIPTAKO_DATA"))
    published.add_argument(
        "--country",
        action="append",
        default=[],
        help=_("take this country only, such as MLI; may be repeated"),
    )
    published.add_argument(
        "--release", action="store_true", help=_("release them to all members of the compact")
    )
    published.set_defaults(run=run_import)


def run_basemap(args: Namespace) -> int:
    """Build the base map from LIPTAKO_DATA or from the outlines of the program."""
    home = start(args, migrated=False)
    from liptako.web import basemap

    basemap.build(home, read_settings().data, lambda _step: say(_("Building the base map …")))
    say(_("Base map built."))
    return codes.OK


def run_import(args: Namespace) -> int:
    """Import a table of published incidents, in the office of the administration."""
    start(args)
    from liptako.situation.jobs import TABLE, read_table

    data = read_settings().data
    path = args.table or (data and data / TABLE)
    if path is None:
        raise SettingError("%(name)s: this setting is missing", name="LIPTAKO_DATA")
    rows = read_table(path)
    added, faults = _take(rows, args)
    for fault in faults:
        complain(error_words(fault))
    say(_("%(added)d new incidents of %(total)d rows.") % {"added": added, "total": len(rows)})
    return codes.FAULT if faults else codes.OK


def _take(rows: Sequence[Any], args: Namespace) -> tuple[int, Sequence[LiptakoError]]:
    """Take the rows of a table in; return how many were new, and what is wrong with the others."""
    from liptako.cli.acting import administrator, releasing_administrator
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node
    from liptako.situation.importing import ImportOrder, import_published

    node, show, added = this_node(), Progress(_("Incidents")), 0
    members = compacts.current().active if args.release else frozenset()
    order = ImportOrder(countries=frozenset(args.country), members=members)

    def progress(done: int, new: int) -> None:
        nonlocal added
        added = new
        show(done, len(rows))

    actor = releasing_administrator(node) if args.release else administrator(node)
    faults = import_published(node, actor, rows, order, progress)
    return added, faults
