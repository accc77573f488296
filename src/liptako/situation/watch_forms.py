"""Forms of the watch: when relief is due, what the next officer must know, who signs."""

from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from liptako.core.clock import instant_of
from liptako.members.watches import TEXT_LIMIT
from liptako.web import fields

_TURN = 8 * 3_600_000
_HOUR = 3_600_000


def next_relief(zone: ZoneInfo) -> str | None:
    """Return what the field of the relief shows at first: in about eight hours, a full hour."""
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
