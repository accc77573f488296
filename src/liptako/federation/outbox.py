"""What is on its way to a partner: records without its receipt, and test messages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q, QuerySet

from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import TEST, Probe
from liptako.core.refs import OBJECT_BYTES, audience_id, object_id
from liptako.federation import models, peers, standing
from liptako.ledger import store
from liptako.ledger.models import Entry
from liptako.ledger.node import Node
from liptako.ledger.reader import all_logs
from liptako.ledger.receipts import NOTHING, Sizes, sizes
from liptako.ledger.records import Draft
from liptako.members.permissions import Actor, Right, require


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A test message to a partner: when it was written, and when its node signed to have it."""

    sent_at: datetime
    back_at: datetime | None


def unacknowledged(node: Node, member: str) -> QuerySet[Entry]:
    """Return our records for a partner for which its receipt is not here, as they are sent.

    The urgent ones first, then the oldest.
    """
    said, signed = peers.said_by(member), sizes()
    wanted = [
        Q(channel=log, seq__gte=standing.stored_of(log, member, said, signed))
        for log in all_logs()
        if log.author == node.member and member in log.audience.members
    ]
    found = Entry.objects.filter(reduce(or_, wanted)) if wanted else Entry.objects.none()
    return found.select_related("channel").order_by("-channel__lane", "position")


@transaction.atomic
def send_test(node: Node, actor: Actor, member: str) -> None:
    """Write a test message for a partner; its receipt is the answer.

    Raises NotAllowedError, or RefusedError for a stranger.
    """
    require(actor, Right.EXCHANGE)
    peers.partner(node, member)
    draft = Draft(
        kind=TEST,
        object=object_id(node.random(OBJECT_BYTES)),
        office=actor.office,
        payload=Probe(),
        audience=frozenset({member}),
        precedence=Precedence.IMMEDIATE,
    )
    store.append(node, [draft])


def last_trials(node: Node, members: list[str], signed: Sizes) -> dict[str, Trial]:
    """Return for each partner the last test message that was sent to it."""
    audiences = {audience_id([node.member, member]): member for member in members}
    rows = models.Probe.objects.filter(author=node.member, audience__in=audiences)
    found: dict[str, Trial] = {}
    for row in rows.order_by("at"):
        member = audiences[row.audience]
        receipt = signed.get((row.origin, member), NOTHING)
        back = datetime.fromtimestamp(receipt.time, UTC) if receipt.size > row.seq else None
        found[member] = Trial(sent_at=row.at, back_at=back)
    return found
