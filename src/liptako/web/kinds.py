"""What people read for a kind of record; one of a later version is shown by its code."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Promise] = {
    "exchange.destroyed/1": _("confirmation that something was deleted"),
    "exchange.files/1": _("confirmation that files were received"),
    "exchange.recall/1": _("recall"),
    "exchange.test/1": _("test message"),
    "members.audit/1": _("line of the audit trail"),
    "members.duty/1": _("turn of the roster"),
    "members.mandate/1": _("mandate"),
    "members.mandate_end/1": _("end of a mandate"),
    "members.office/1": _("office"),
    "members.watch/1": _("beginning of a watch"),
    "members.watch_end/1": _("end of a watch"),
    "members.watch_hand_over/1": _("hand-over of a watch"),
    "situation.attachment/1": _("file of an incident"),
    "situation.incident/1": _("incident"),
    "situation.journal/1": _("line of the journal"),
    "situation.recalled/1": _("note of a recall"),
    "situation.release/1": _("note of a release"),
}


def kind_word(kind: str) -> str:
    """Return the words for a kind of record, or its code."""
    return str(WORDS.get(kind, kind or "?"))
