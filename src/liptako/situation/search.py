"""What a person looks for: the filter of list, map and feed, and the search of the journal."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from liptako.members.permissions import Actor
from liptako.situation import queries, words
from liptako.situation.lists import Filter
from liptako.web.fields import Choice, choices_of, offer


class FilterForm(forms.Form):
    """What to look for among the incidents."""

    text = forms.CharField(label=_("Text"), required=False, max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    severity = forms.ChoiceField(label=_("Severity from"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False)
    author = forms.ChoiceField(label=_("State"), required=False)
    standing = forms.ChoiceField(label=_("Standing"), required=False)
    pile = forms.ChoiceField(label=_("Waits for me"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("To (inclusive)"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(
        self, data: QueryDict, *, authors: Sequence[tuple[str, str]], zone: ZoneInfo
    ) -> None:
        """Offer these States; days begin and end in this zone."""
        super().__init__(data)
        self.zone = zone
        everything: list[Choice] = [("", _("all"))]
        offers: dict[str, Sequence[Choice]] = {
            "kind": [(code, kind.name) for code, kind in words.KINDS.items()],
            "severity": choices_of(words.SEVERITIES),
            "status": choices_of(words.STATUSES),
            "standing": choices_of(words.STANDINGS),
            "pile": choices_of(words.PILES),
            "author": list(authors),
        }
        for name, choices in offers.items():
            offer(self, name, [*everything, *choices])

    def wanted(self) -> Filter:
        """Return the filter; a field that cannot be read asks for nothing."""
        self.is_valid()
        data = self.cleaned_data
        return Filter(
            text=data.get("text") or "",
            kind=data.get("kind") or "",
            pile=data.get("pile") or "",
            status=data.get("status") or "",
            standing=data.get("standing") or "",
            author=data.get("author") or "",
            severity=int(data["severity"]) if data.get("severity") else None,
            since=_midnight(data.get("since"), self.zone),
            until=_midnight(data.get("until"), self.zone, days=1),
        )


def filter_form(params: QueryDict, actor: Actor | None, zone: ZoneInfo) -> FilterForm:
    """Return the filter of an address, with the States whose incidents the actor may see."""
    authors = [(code, code) for code in queries.authors(actor)]
    return FilterForm(params, authors=authors, zone=zone)


def _midnight(day: date | None, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """Return the beginning of a day on the clocks of a zone; none at either end of the calendar."""
    if day is None:
        return None
    try:
        return (datetime.combine(day, time(), zone) + timedelta(days=days)).astimezone(UTC)
    except OverflowError:
        return None


class JournalSearch(forms.Form):
    """What to look for in the journal; which incident or entry the next line is about."""

    text = forms.CharField(required=False, max_length=100)
    incident = forms.CharField(required=False, max_length=13)
    corrects = forms.CharField(required=False, max_length=13)

    def wanted(self) -> tuple[str, str, str]:
        """Return text, incident and entry; what cannot be read asks for nothing."""
        self.is_valid()
        data = self.cleaned_data
        return data.get("text", ""), data.get("incident", ""), data.get("corrects", "")
