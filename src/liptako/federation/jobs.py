"""Exchanges in the background: one asked for by each write, and one every so often."""

import logging
from datetime import timedelta

from django.utils import timezone
from django_tasks import TaskResultStatus, task
from django_tasks_db.models import DBTaskResult

from liptako.core.errors import LiptakoError, UnderWayError
from liptako.federation.exchange import exchange_with
from liptako.federation.models import Peer
from liptako.ledger.node import this_node

logger = logging.getLogger(__name__)


_KEPT = timedelta(days=1)
_AGAIN = timedelta(seconds=2)  # until it is tried again while another worker exchanges


@task()
def exchange(member: str) -> None:
    """Exchange with one partner. May run twice; what was exchanged already is not sent again.

    If another worker is at it, this is tried again later: that one may just be about to end.
    """
    try:
        report = exchange_with(this_node(), member)
    except UnderWayError:
        if not _is_asked_for(member):
            exchange.using(run_after=timezone.now() + _AGAIN).enqueue(member)
        return
    except LiptakoError as error:
        logger.warning("exchange with %s: %s", member, error)
        return
    for fault in report.faults:
        logger.warning("exchange with %s: %s", member, fault)
    if report.more:
        exchange.enqueue(member)


def ask_for_exchange(partners: frozenset[str]) -> None:
    """Ask for an exchange with each of these partners that has an address."""
    reachable = Peer.objects.filter(member__in=partners).exclude(url="")
    for member in reachable.values_list("member", flat=True):
        if not _is_asked_for(member):
            exchange.enqueue(member)


def ask_when_due(seconds: int) -> None:
    """Ask for an exchange with each partner that was not tried for that long."""
    due = timezone.now() - timedelta(seconds=seconds)
    rows = Peer.objects.exclude(url="").exclude(tried_at__gt=due)
    ask_for_exchange(frozenset(rows.values_list("member", flat=True)))


def forget_done() -> int:
    """Delete what is known of jobs that began long ago, of any module; return how many.

    They would be a million rows a year. One that has no end was killed with its worker.
    """
    long_ago = timezone.now() - _KEPT
    return DBTaskResult.objects.filter(started_at__lt=long_ago).delete()[0]


def _is_asked_for(member: str) -> bool:
    """Say whether an exchange with a partner waits already and has not begun."""
    waiting = DBTaskResult.objects.filter(
        status=TaskResultStatus.READY, task_path=exchange.module_path
    )
    return any(row.args_kwargs["args"] == [member] for row in waiting)
