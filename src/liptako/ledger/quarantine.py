"""Reads what was set aside: records that wait for another one, records that break a rule."""

from django.db.models import QuerySet

from liptako.ledger.models import Rejected, Waiting


def waiting() -> QuerySet[Waiting]:
    """Return the records that wait, the latest first."""
    return Waiting.objects.select_related("entry__channel").order_by("-entry_id")


def rejected() -> QuerySet[Rejected]:
    """Return the records that break a rule, the latest first."""
    return Rejected.objects.select_related("entry__channel").order_by("-entry_id")
