"""Takes in deeds: versions of the compact and keys, with all that follows for what is held."""

from collections.abc import Iterable, Iterator

from django.db import transaction
from django.utils.translation import gettext as _

from liptako.core.compact.members import Compact
from liptako.core.errors import RefusedError
from liptako.federation.recalls import by_thread, taking_back
from liptako.ledger import compacts, doubts, store
from liptako.ledger.models import Channel, Entry, Recalled
from liptako.ledger.node import Node
from liptako.ledger.recalls import taken_back
from liptako.members.actions import SYSTEM
from liptako.members.permissions import Actor


def adopt(
    node: Node, data: bytes, note: doubts.Note | None = None
) -> tuple[Compact, dict[str, int]]:
    """Take in deeds, give up what counts no longer, and `note` that: all or nothing.

    Return what is in force, and how many entries of which log were deleted. What is lost for good
    of our own records is taken back by us. Raises what `doubts.adopt` raises.
    """
    intake = compacts.examine(data)
    if intake.faults:
        return doubts.adopt(node, data, note)
    with transaction.atomic():
        store.lock()
        before = compacts.current()
        _affirm(node, doubts.forsaken(node.member, before, intake.compact))
        return doubts.adopt(node, data, note)


def _affirm(node: Node, cuts: Iterable[tuple[Channel, int]]) -> None:
    """Take back ourselves what recalls have destroyed that stand beyond these places of own logs.

    A thief of our key may have written these, and they are about to be deleted. What they destroyed
    here is gone for good, so the partners must not go on showing it, nor wait for it. It is said
    with the former key, while that counts, and signed anew with the log.
    """
    actor = Actor(member=node.member, person="", office=SYSTEM, roles=frozenset())
    reason = _("Its content was destroyed with a stolen key.")
    for thread, lost in by_thread(_destroyed(cuts)).items():
        try:
            store.append(node, taking_back(actor, thread, lost, reason))
        except RefusedError:
            continue  # somebody of the audience takes part no longer: nothing may be said to it


def _destroyed(cuts: Iterable[tuple[Channel, int]]) -> Iterator[Entry]:
    """Give the own entries whose payloads only recalls beyond these places have destroyed."""
    recalls = Recalled.objects.select_related("entry")
    beyond = (recalls.filter(entry__channel=log, entry__seq__gte=start) for log, start in cuts)
    forged = {row.pk: row for rows in beyond for row in rows}
    for origin, seq in sorted(taken_back(forged.values())):
        others = recalls.filter(origin=origin, seq=seq).exclude(pk__in=forged)
        if not taken_back(others):
            bare = Entry.objects.filter(channel=origin, seq=seq, payload=None)
            yield from bare.select_related("channel")
