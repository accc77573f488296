"""`liptako delegate`: other keys for this node, or keys taken back, signed by the member's root."""

from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Mapping
from gettext import gettext as _
from pathlib import Path

from liptako.cli import codes
from liptako.cli.commands import Commands, add_root_keys, at_least_one
from liptako.cli.delegating import (
    advised_until,
    delegation_behind,
    settle_keys,
    signed_with_roots,
)
from liptako.cli.files import write_file
from liptako.cli.home import start
from liptako.cli.material import KINDS, prepare
from liptako.cli.roots import open_root
from liptako.cli.words import say
from liptako.core.compact.delegation import ADVICE_DAYS, Revoked, Signed
from liptako.core.compact.document import Root
from liptako.core.compact.dossier import Dossier, write_dossier
from liptako.core.compact.envelope import from_base64
from liptako.core.compact.versions import has_signed
from liptako.core.errors import MalformedError, RefusedError
from liptako.core.keys import public_key
from liptako.ledger.node import Node


def add_commands(commands: Commands) -> None:
    """Add the command of this file."""
    delegate = commands.add_parser("delegate", help=_("change keys of this node, or take one back"))
    add_root_keys(delegate)
    delegate.add_argument(
        "--renew",
        action="append",
        default=[],
        choices=KINDS,
        help=_("draw a new key: to sign, to open bundles, or for https; may be repeated"),
    )
    delegate.add_argument(
        "--days", type=at_least_one, default=ADVICE_DAYS, help=_("days until the next change")
    )
    _add_taking_back(delegate)
    delegate.add_argument("--output", type=Path, required=True, help=_("file for the partners"))
    delegate.set_defaults(run=run_delegate)


def _add_taking_back(delegate: ArgumentParser) -> None:
    """Add what says up to where former keys are good."""
    delegate.add_argument(
        "--stolen",
        action="store_true",
        help=_("the signing key was stolen: good up to what partners have confirmed, renewed"),
    )
    delegate.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="MEMBER",
        help=_("after a restore: give up what this partner may hold of our records; repeatable"),
    )
    delegate.add_argument(
        "--returned",
        choices=("keep", "drop"),
        help=_("with --stolen: what partners have handed back as ours was written by us, or not"),
    )
    delegate.add_argument(
        "--revoke", help=_("former signing key to be capped lower (its public key in base64)")
    )
    delegate.add_argument(
        "--cap",
        action="append",
        default=[],
        help=_("up to where the key that is revoked or changed is good, as ML/c/…/e1=1200"),
    )


def run_delegate(args: Namespace) -> int:
    """Make the next delegation; with enough root keys at hand, use its keys at once."""
    home = start(args)
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node

    _check_order(args)
    settle_keys(home, this_node().member, compacts.current())
    node = this_node()
    line = compacts.delegations_of(node.member)
    roots = [open_root(key) for key in args.key]
    made = _next(home, node, args)
    signed = signed_with_roots(made, roots, lambda item: compacts.note_signature(item, node.clock))
    data = write_dossier(Dossier(delegations=(*line, signed)))
    is_signed = has_signed(signed.envelope, _own_root(node))
    # Who signs elsewhere has to see there of whom the root keys are.
    write_file(args.output, data if is_signed else write_dossier(compacts.dossier()) + data)
    told = {"serial": signed.delegation.serial, "file": args.output}
    say(_("Delegation %(serial)d written to %(file)s") % told)
    if is_signed:
        adopt_own(home, node, data)
    else:
        say(_("Other root keys have to sign it: liptako compact-sign; then liptako compact-adopt"))
    return codes.OK


def _check_order(args: Namespace) -> None:
    """Raise RefusedError for keys that are to last too long, or a node without a compact."""
    from liptako.ledger import compacts

    if args.days > ADVICE_DAYS:
        raise RefusedError(
            "--days: expected at most %(limit)d, got %(got)d", limit=ADVICE_DAYS, got=args.days
        )
    if args.returned and not args.stolen:
        raise RefusedError("--returned: expected --stolen with it")
    if not compacts.current().version:
        raise RefusedError(
            "this node has no compact yet: its keys stand in its card (liptako card)"
        )


def _check_heard(node: Node, without: set[str]) -> None:
    """Raise RefusedError if a partner may hold of our logs what this node lacks since a restore.

    What lies beyond the caps is given up by everybody, so it has to come back here first.
    """
    from liptako.federation.standing import ahead_of_us

    lacking = sorted(ahead_of_us(node) - without)
    if lacking:
        raise RefusedError(
            "records of ours that this node lacks since it was restored may be held by %(members)s:"
            " exchange first, or give them up with --without",
            members=", ".join(lacking),
        )


def _next(home: Path, node: Node, args: Namespace) -> Signed:
    """Return the next delegation, not yet signed; draws the keys that it is to name."""
    from liptako.ledger import compacts

    if args.stolen or "sign" in args.renew:
        _check_heard(node, set(args.without))
    given = {} if args.revoke else _caps(args.cap)
    decided = {**(returned_sizes(node, given, args.returned) if args.stolen else {}), **given}
    keys = prepare(home, node.member, {*args.renew, *(["sign"] if args.stolen else [])})
    line = compacts.delegations_of(node.member)
    former = line[-1].delegation.sign
    revoked = _revoked(node, args, None if former == keys.sign else former, decided)
    until = advised_until(node.clock(), args.days)
    return delegation_behind(line, node.member, keys, until, revoked)


def adopt_own(home: Path, node: Node, data: bytes) -> None:
    """Take in a delegation of this node, and use its keys."""
    from liptako.federation import adopting
    from liptako.federation.deeds import note_gone
    from liptako.ledger import compacts
    from liptako.members.actions import record_audit

    compact, gone = adopting.adopt(node, data)
    settle_keys(home, node.member, compact)
    from liptako.ledger.node import this_node

    serial = compacts.delegations_of(node.member)[-1].delegation.serial
    record_audit(this_node(), "keys.delegate", detail=str(serial))
    note_gone(this_node(), gone)
    for origin, entries in gone.items():
        told = {"origin": origin, "count": entries}
        say(_("%(origin)s: deleted of what had come from partners: %(count)d") % told)
    say(_("The keys are in use. Start serve and work again; hand the file to the partners."))


def _own_root(node: Node) -> Root:
    """Return the root keys of this member in the compact in force."""
    from liptako.ledger import compacts

    members = compacts.dossier().versions[-1].document.members
    return next(member.root for member in members if member.id == node.member)


def _revoked(
    node: Node, args: Namespace, former: bytes | None, decided: Mapping[str, int]
) -> list[Revoked]:
    """Return the keys that a delegation takes back, each with its caps; `former` is changed.

    `decided` are the caps of it that somebody has given.
    """
    from liptako.ledger import pen

    revoked = []
    if former is not None:
        caps = dict(confirmed_sizes(node) if args.stolen else pen.own_sizes(node))
        revoked.append(Revoked(key=former, caps={**caps, **decided}))
    if args.revoke:
        key = public_key(from_base64(args.revoke, "--revoke"))
        revoked.append(Revoked(key=key, caps=_caps(args.cap)))
    return revoked


def confirmed_sizes(node: Node) -> Mapping[str, int]:
    """Return how far partners have confirmed our logs by their receipts.

    The farthest partner counts. A log that is for us alone has no other witness than this node.
    """
    from liptako.ledger import receipts
    from liptako.ledger.models import Channel

    caps: dict[str, int] = {}
    for (origin, _member), signed in receipts.sizes().items():
        caps[origin] = max(caps.get(origin, 0), signed.size)
    logs = Channel.objects.filter(author=node.member).select_related("audience")
    return {
        log.origin: log.size if log.audience.members == [node.member] else caps.get(log.origin, 0)
        for log in logs
    }


def returned_sizes(node: Node, given: Collection[str], choice: str | None) -> Mapping[str, int]:
    """Return up to where logs count of which partners have handed back the end, as was decided.

    A thief of the key may have written that. Raises RefusedError if nobody has decided.
    """
    from django.db.models import F

    from liptako.ledger.models import Channel

    returned = Channel.objects.filter(author=node.member, regained__lt=F("size"))
    rows = returned.exclude(origin__in=given).order_by("origin")
    found = [(origin, start or 0, size) for origin, start, size in rows.values_list(*_RETURNED)]
    if choice is None and found:
        for origin, start, size in found:
            told = {"origin": origin, "count": size - start, "cap": start}
            say(_("%(origin)s=%(cap)d: came from partners behind that: %(count)d") % told)
        raise RefusedError(
            "partners have handed back records as ours, and a thief of the key may have written"
            " them: --returned keep if we have, --returned drop if not, or --cap for each log"
        )
    return {origin: size if choice == "keep" else start for origin, start, size in found}


_RETURNED = ("origin", "regained", "size")


def _caps(texts: list[str]) -> dict[str, int]:
    """Return sizes by log from ORIGIN=SIZE. Raises MalformedError."""
    caps = {}
    for text in texts:
        origin, equals, size = text.partition("=")
        if not equals or not size.isdecimal():
            raise MalformedError("expected ML/c/…/e1=1200, got %(got)s", got=text)
        caps[origin] = int(size)
    return caps
