"""Fields that forms of several modules share: choices, coordinates, times on the wall, urgency."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, cast

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from liptako.core.clock import instant_of
from liptako.core.errors import LiptakoError
from liptako.core.geo import parse_latitude, parse_longitude
from liptako.core.records.envelope import Precedence
from liptako.core.records.shared import REASON_LIMIT
from liptako.web.texts import error_text

Choice = tuple[str, Promise | str]

PRECEDENCES: dict[Precedence, Promise] = {
    Precedence.ROUTINE: _("Routine"),
    Precedence.PRIORITY: _("Priority"),
    Precedence.IMMEDIATE: _("Immediate"),
    Precedence.FLASH: _("Flash"),
}

CHOOSE: Choice = ("", _("— choose —"))
"""The first choice where none may be taken for granted."""

_TYPED = "%Y-%m-%dT%H:%M"


def choices_of(words_by_code: Mapping[Any, Promise | str]) -> list[Choice]:
    """Return the choices of a field from codes and words."""
    return [(str(code), word) for code, word in words_by_code.items()]


def offer(form: forms.Form, name: str, choices: Sequence[Choice]) -> None:
    """Let a field of a form, which must be one of choice, offer these."""
    cast("forms.ChoiceField", form.fields[name]).choices = choices


def reason_field(help_text: StrOrPromise) -> forms.CharField:
    """Return a field for why something is taken back; the help says who will read it."""
    return forms.CharField(
        label=_("Reason"),
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=help_text,
    )


def precedence_field() -> forms.ChoiceField:
    """Return a field for how urgently a record travels; routine, unless it is said."""
    return forms.ChoiceField(
        label=_("Precedence"), choices=lambda: choices_of(PRECEDENCES), initial="routine"
    )


def precedence_of(form: forms.Form) -> Precedence:
    """Return the precedence that was chosen in a form."""
    return Precedence(form.cleaned_data["precedence"])


class CoordinateField(forms.CharField):
    """A latitude or longitude as people type it; gives micro-degrees."""

    def __init__(self, label: StrOrPromise, *, latitude: bool) -> None:
        """Read a latitude or a longitude."""
        super().__init__(label=label, max_length=40, required=False)
        self._parse = parse_latitude if latitude else parse_longitude

    def clean(self, value: object) -> int | None:
        """Return micro-degrees, or nothing for an empty field."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return self._parse(text)
        except LiptakoError as error:
            raise forms.ValidationError(error_text(error)) from error


def coordinate_text(micro: int | None) -> str | None:
    """Return what a coordinate field shows for micro-degrees."""
    return None if micro is None else f"{micro / 1e6:.6f}"


class LocalTimeField(forms.DateTimeField):
    """A date and time in the member's own zone, as browsers send it."""

    def __init__(self, label: StrOrPromise, *, required: bool = True) -> None:
        """Show the browser's picker."""
        super().__init__(
            label=label,
            required=required,
            widget=forms.DateTimeInput(format=_TYPED, attrs={"type": "datetime-local"}),
            input_formats=[_TYPED, "%d/%m/%Y %H:%M"],
        )


def milliseconds_of(wall: datetime | None, zone: tzinfo) -> int | None:
    """Return an instant from the clock on the wall; Django has read it as UTC."""
    if wall is None:
        return None
    return instant_of(wall.astimezone(UTC).replace(tzinfo=zone)).milliseconds


def wall_text(milliseconds: int | None, zone: tzinfo) -> str | None:
    """Return the clock on the wall for an instant, as a local time field shows it."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, zone).strftime(_TYPED)
