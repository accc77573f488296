"""Page of the journal: its lines, and a line to write the next one."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from liptako.core.clock import instant_of
from liptako.federation.recalls import recalls_about
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right, require
from liptako.situation import actions, queries
from liptako.situation.forms import JournalForm
from liptako.situation.models import JournalEntry
from liptako.situation.search import JournalSearch
from liptako.web.fields import wall_text
from liptako.web.paging import page_of
from liptako.web.partial import is_done, render_form
from liptako.web.zones import zone_of


@officer(Right.SEE_JOURNAL)
def journal(request: OfficerRequest) -> HttpResponse:
    """Show the journal with a line to write the next entry."""
    text, about, corrects = JournalSearch(request.GET).wanted()
    corrected = queries.journal_entry(request.actor, corrects)
    form = JournalForm(
        request.POST or None,
        initial={"incident": about} | _corrected(corrected, zone_of(request.node)),
    )
    if request.method == "POST":
        require(request.actor, Right.WRITE_JOURNAL)
        if form.is_valid() and _is_written(request, form):
            return redirect("journal")
    page = page_of(request, queries.journal(request.actor, text))
    context = {
        "form": form,
        "page": page,
        "text": text,
        "about": about and queries.incident(request.actor, request.node.member, about),
        "corrected": corrected,
        "corrections": queries.corrections(request.actor, [row.object for row in page]),
        "erased": recalls_about(request.node.member, [row.object for row in page if row.erased]),
        "references": queries.references(request.actor, [row.incident for row in page]),
    }
    return render_form(request, "situation/journal.html", context)


def _corrected(row: JournalEntry | None, zone: ZoneInfo) -> dict[str, str | None]:
    """Return what the form shows of the entry that is to be corrected."""
    if row is None:
        return {}
    at = wall_text(instant_of(row.at).milliseconds, zone)
    return {"corrects": row.object, "incident": row.incident, "text": row.text, "at": at}


def _is_written(request: OfficerRequest, form: JournalForm) -> bool:
    """Write a line into the journal; say whether it is there."""
    node, zone = request.node, zone_of(request.node)
    if not is_done(form, lambda: actions.write_journal(node, request.actor, form.entry(zone))):
        return False
    messages.success(request, _("Written into the journal."))
    return True
