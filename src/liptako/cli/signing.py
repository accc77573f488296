"""Commands that carry a compact from desk to desk: sign, show."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path

from liptako.cli import codes
from liptako.cli.commands import Commands, add_root_keys
from liptako.cli.files import read_file, write_file
from liptako.cli.home import is_at_node, start
from liptako.cli.roots import Note, RootKey, open_root, sign_with
from liptako.cli.words import named, say
from liptako.core.compact.delegation import Signed
from liptako.core.compact.document import Document, Root, Signatory, State
from liptako.core.compact.dossier import (
    Dossier,
    dossier_of,
    join_dossiers,
    read_dossier,
    write_dossier,
)
from liptako.core.compact.envelope import Envelope, signed_with
from liptako.core.compact.members import compact_phrase
from liptako.core.compact.versions import Tally, Version, tallies
from liptako.core.errors import MalformedError, RefusedError


def add_commands(commands: Commands) -> None:
    """Add the commands of this file."""
    sign = commands.add_parser("compact-sign", help=_("sign a compact, or a delegation"))
    sign.add_argument("file", type=Path, help=_("file with the compact"))
    add_root_keys(sign)
    sign.set_defaults(run=run_sign)

    show = commands.add_parser("compact-show", help=_("say what a compact says, and who signed"))
    show.add_argument("file", nargs="?", type=Path, help=_("file; none: the one in force here"))
    show.set_defaults(run=run_show)


def run_sign(args: Namespace) -> int:
    """Add the signatures of root keys to what waits for them in a file; say what was signed."""
    note = _note(args)
    dossier = read_dossier(read_file(args.file))
    if not args.key:
        raise RefusedError("compact-sign: expected --key")
    roots = [open_root(key) for key in args.key]
    made = [
        sign_with(root, envelope, note) for root in roots for envelope in _waiting(dossier, root)
    ]
    if not made:
        raise RefusedError("nothing in %(file)s waits for this key", file=str(args.file))
    signed = join_dossiers([dossier, dossier_of(made)])
    write_file(args.file, write_dossier(signed))
    for line in describe(signed):
        say(line)
    return codes.OK


def _note(args: Namespace) -> Note | None:
    """Return what keeps a line of each signature at a node; nothing away from one."""
    if not is_at_node(args):
        return None
    start(args)
    from liptako.ledger import compacts
    from liptako.ledger.node import this_node

    node = this_node()
    return lambda line: compacts.note_signature(line, node.clock)


def _waiting(dossier: Dossier, root: RootKey) -> Iterator[Envelope]:
    """Give what a root key may sign and has not: the last version, a member's last delegation."""
    public = root.signer.public
    last = dossier.versions[-1:]
    parties = [card.member for card in dossier.cards]
    for version in dossier.versions[-2:]:
        parties += version.document.members
    ours = {member.id for member in parties if public in member.root.keys}
    lines = [dossier.line(member)[-1:] for member in sorted(ours)]
    deeds: Sequence[Version | Signed] = [
        *(last if ours else ()),
        *(s for line in lines for s in line),
    ]
    for deed in deeds:
        if not signed_with(deed.envelope, [public]) and _is_open(deed, parties):
            yield deed.envelope


def _is_open(deed: Version | Signed, parties: Sequence[Signatory]) -> bool:
    """Say whether a deed waits for signatures; a delegation that is signed enough does not."""
    if isinstance(deed, Version):
        return True
    roots = [member.root for member in parties if member.id == deed.delegation.member]
    return not any(_is_enough(deed.envelope, root) for root in roots)


def _is_enough(envelope: Envelope, root: Root) -> bool:
    """Say whether enough root keys have signed."""
    return len(signed_with(envelope, root.keys)) >= root.threshold


def run_show(args: Namespace) -> int:
    """Say what a compact says, who has signed it and who is missing."""
    if args.file is not None:
        dossier = read_dossier(read_file(args.file))
    else:
        start(args)
        from liptako.ledger import compacts

        dossier = compacts.dossier()
    if not dossier.versions and not dossier.delegations and not dossier.cards:
        raise MalformedError("compact: expected a version of it")
    for line in describe(dossier):
        say(line)
    return codes.OK


def describe(dossier: Dossier) -> Iterator[str]:
    """Give what the last version says in plain words, and how far it is signed."""
    for card in dossier.cards:
        yield _("Card of %(member)s") % {"member": _named(card.member)}
    if dossier.versions:
        version = dossier.versions[-1]
        before = dossier.versions[-2] if len(dossier.versions) > 1 else None
        yield from _describe_document(version.document)
        yield from _describe_signatures(tallies(version, before))
        yield _("Compare aloud: %(phrase)s") % {"phrase": compact_phrase(version.envelope.payload)}
    for member in sorted({signed.delegation.member for signed in dossier.delegations}):
        yield _describe_keys(dossier.line(member)[-1])


def _describe_document(document: Document) -> Iterator[str]:
    """Give what a version says."""
    yield _("%(name)s, version %(version)d") % {
        "name": named(document.names),
        "version": document.version,
    }
    for member in document.members:
        yield _describe_member(member)
    for audience in document.audiences:
        yield _("Audience %(name)s: %(members)s") % {
            "name": named(audience.names),
            "members": ", ".join(sorted(audience.members)),
        }
    count = document.needed
    if document.approve is None:
        yield _("A later version needs the signatures of all active members.")
    else:
        yield ngettext(
            "A later version needs the signature of %(count)d active member.",
            "A later version needs the signatures of %(count)d active members.",
            count,
        ) % {"count": count}


def _describe_member(member: Signatory) -> str:
    """Return how a member stands, in a line."""
    text = {
        State.ACTIVE: _("Member %(member)s: %(threshold)d of %(keys)d root keys sign"),
        State.SUSPENDED: _("Member %(member)s: suspended, its logs are frozen"),
        State.LEFT: _("Member %(member)s: has left, its logs are frozen"),
    }[member.state]
    return text % {
        "member": _named(member),
        "threshold": member.root.threshold,
        "keys": len(member.root.keys),
    }


def _named(member: Signatory) -> str:
    """Return the id of a member and one of its names."""
    return f"{member.id} ({named(member.names)})"


def _describe_signatures(found: Sequence[Tally]) -> Iterator[str]:
    """Give who has signed, under the rule before and under the new one."""
    titles = [_("Under its own rule"), _("Under the rule before it")]
    for title, tally in zip(titles, reversed(found), strict=False):
        yield _("%(title)s: signed by %(signed)s; %(needed)d needed; missing: %(missing)s") % {
            "title": title,
            "signed": ", ".join(sorted(tally.signed)) or "—",
            "needed": tally.needed,
            "missing": ", ".join(sorted(tally.missing)) or "—",
        }
        for member in sorted(tally.renewed):
            yield _(
                "%(member)s has lost its root keys, by the word of all others: new ones count"
            ) % {"member": member}
    enough = all(tally.is_enough for tally in found)
    yield _("It is valid: it can be adopted.") if enough else _("It is not valid yet.")


def _describe_keys(signed: Signed) -> str:
    """Return which delegation a member's node works under."""
    delegation = signed.delegation
    return _("Keys of %(member)s: delegation %(serial)d, to be changed by %(day)s") % {
        "member": delegation.member,
        "serial": delegation.serial,
        "day": delegation.until.moment().date().isoformat(),
    }
