"""The command `backfill`: grants a new member what was released before it joined."""

from argparse import ArgumentTypeError, Namespace
from datetime import UTC, datetime
from gettext import gettext as _

from liptako.cli import codes
from liptako.cli.commands import Commands
from liptako.cli.home import start
from liptako.cli.words import Progress, say
from liptako.core.refs import audience_id


def add_commands(commands: Commands) -> None:
    """Add the command of this file."""
    backfill = commands.add_parser(
        "backfill", help=_("grant a new member incidents that were released before it joined")
    )
    backfill.add_argument("member", help=_("id of the member, such as ML"))
    backfill.add_argument("--audience", required=True, help=_("who has them: members, as ML,BF,NE"))
    backfill.add_argument(
        "--since", required=True, type=_day, help=_("released since this day, as 2026-09-16")
    )
    backfill.add_argument("--basis", required=True, help=_("order, agreement or article"))
    backfill.add_argument("--yes", action="store_true", help=_("do it, not only count"))
    backfill.set_defaults(run=run_backfill)


def _day(text: str) -> datetime:
    """Return the beginning of a day, UTC. Raises what argparse expects."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as cause:
        raise ArgumentTypeError(
            _("expected a day as 2026-09-16, got %(text)s") % {"text": text}
        ) from cause


def run_backfill(args: Namespace) -> int:
    """Count what the member would get, or grant it; a second run goes on."""
    start(args)
    from liptako.cli.acting import releasing_administrator
    from liptako.ledger.node import this_node
    from liptako.situation import backfill

    node = this_node()
    grant = backfill.Grant(
        member=args.member,
        audience=audience_id(args.audience.split(",")),
        since=args.since,
        basis=args.basis,
    )
    backfill.check_grant(node, grant)
    left = backfill.left_of(node, grant)
    total, files = left.count(), len(backfill.files_left(node, left, grant))
    if not args.yes:
        text = _(
            "%(member)s would get %(count)d incidents with %(files)d files. With --yes it does."
        )
        say(text % {"member": args.member, "count": total, "files": files})
        return codes.OK
    show = Progress(_("Incidents"))
    actor = releasing_administrator(node)
    done = backfill.give(node, actor, grant, lambda count: show(count, total))
    counted = {"count": done, "member": args.member}
    say(_("%(count)d incidents were granted to %(member)s.") % counted)
    return codes.OK
