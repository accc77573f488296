"""Forms of the watch and its roster: relief, what the next officer must know, who signs, turns."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from liptako.core.clock import instant_of
from liptako.core.errors import MalformedError
from liptako.members.records import Duty
from liptako.members.roster import NOTE_LIMIT, TURNS_LIMIT
from liptako.members.watches import TEXT_LIMIT
from liptako.web import fields

_TURN = 8 * 3_600_000
_HOUR = 3_600_000


def next_relief(zone: ZoneInfo, planned: datetime | None) -> str | None:
    """Return what the field of the relief shows at first: as planned, else in about eight hours."""
    if planned is not None:
        return fields.wall_text(instant_of(planned).milliseconds, zone)
    now = instant_of(timezone.now()).milliseconds
    return fields.wall_text(round((now + _TURN) / _HOUR) * _HOUR, zone)


def _password() -> forms.CharField:
    """Return a field for the password, with which somebody signs."""
    return forms.CharField(
        label=_("Your password, to sign"),
        max_length=1_000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


def _words(label: StrOrPromise, rows: int, *, required: bool = True) -> forms.CharField:
    """Return a field for some sentences."""
    return forms.CharField(
        label=label,
        max_length=TEXT_LIMIT,
        required=required,
        help_text=_("Name no person: what is written here stays."),
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class _DueForm(forms.Form):
    """Begins with when relief is due."""

    due = fields.LocalTimeField(_("Relief due"))

    def due_at(self, zone: ZoneInfo) -> int:
        """Return when relief is due, in milliseconds UTC."""
        return fields.milliseconds_of(self.cleaned_data["due"], zone) or 0


class BeginForm(_DueForm):
    """Begins a watch that nobody keeps."""


class HandOverForm(forms.Form):
    """Hands a watch over."""

    text = _words(_("What the next officer must know"), 6)
    password = _password()


class AcceptForm(_DueForm):
    """Accepts a watch that was handed over."""

    remarks = _words(_("Remarks"), 2, required=False)
    password = _password()


class TakeOverForm(_DueForm):
    """Takes a watch over from somebody who is not there."""

    reason = _words(_("Why there is no hand-over"), 2)
    password = _password()


class EndForm(forms.Form):
    """Ends a watch without relief."""

    reason = _words(_("Why nobody relieves you"), 2)


REPEATS: dict[str, StrOrPromise] = {
    "": _("once"),
    "1": _("every day"),
    "2": _("every second day"),
    "3": _("every third day"),
    "7": _("every week"),
}


class DutyForm(forms.Form):
    """Turns of the roster: the first one, and how often it comes again."""

    person = forms.ChoiceField(label=_("Who"))
    begins = fields.LocalTimeField(_("From"))
    ends = fields.LocalTimeField(_("Until"))
    repeat = forms.ChoiceField(
        label=_("Again"), choices=lambda: fields.choices_of(REPEATS), required=False
    )
    times = forms.IntegerField(
        label=_("Times in all"), min_value=1, max_value=TURNS_LIMIT, initial=1
    )
    note = forms.CharField(label=_("Note"), max_length=NOTE_LIMIT, required=False)

    def __init__(
        self, data: QueryDict | None, *, people: Sequence[fields.Choice], zone: ZoneInfo
    ) -> None:
        """Offer these people: code and name. Times are those of the clock on the wall."""
        super().__init__(data)
        fields.offer(self, "person", people)
        self._zone = zone

    def turns(self) -> list[Duty]:
        """Return the turns that were typed: at the same hours on the wall each time."""
        data = self.cleaned_data
        every, times = int(data["repeat"] or 0), data["times"] if data["repeat"] else 1
        return [
            Duty(
                person=data["person"],
                begins=self._at(data["begins"], every * number),
                ends=self._at(data["ends"], every * number),
                note=data["note"].strip(),
            )
            for number in range(times)
        ]

    def _at(self, wall: datetime, days: int) -> int:
        """Return an instant so many days after a clock on the wall."""
        try:
            return fields.milliseconds_of(wall + timedelta(days=days), self._zone) or 0
        except OverflowError as cause:
            raise MalformedError("roster: expected turns before the year 9999") from cause
