"""Forms about partners."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liptako.core.errors import MalformedError
from liptako.federation.client import ADDRESS_LIMIT, check_address
from liptako.federation.peers import Limits


class LinkForm(forms.Form):
    """Where a partner's node is, and how much of the line the exchange may take."""

    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=ADDRESS_LIMIT,
        help_text=_("https://HOST:PORT; empty: exchange by file only."),
    )

    cap_kbit = forms.IntegerField(
        label=_("At most, in kbit/s"),
        required=False,
        min_value=8,
        max_value=10_000_000,
        help_text=_("Empty: as much as the line carries."),
    )
    bulk_from = forms.TimeField(
        label=_("Not urgent only from"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Local time. What is urgent goes at any time. Empty: always."),
    )
    bulk_until = forms.TimeField(
        label=_("and until"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )

    def clean(self) -> dict[str, Any]:
        """Return the fields; one time of two says nothing."""
        data: dict[str, Any] = super().clean() or {}
        if (data.get("bulk_from") is None) != (data.get("bulk_until") is None):
            field = "bulk_from" if data.get("bulk_from") is None else "bulk_until"
            self.add_error(field, _("Give both times, or neither."))
        return data

    def limits(self) -> Limits:
        """Return how much of the line may be taken."""
        data = self.cleaned_data
        return Limits(
            cap_kbit=data["cap_kbit"] or 0,
            bulk_from=data["bulk_from"],
            bulk_until=data["bulk_until"],
        )

    def clean_url(self) -> str:
        """Return an address without a path."""
        url = str(self.cleaned_data["url"])
        try:
            return check_address(url) if url else ""
        except MalformedError as cause:
            raise forms.ValidationError(_("Expected https://HOST:PORT.")) from cause


class BundleForm(forms.Form):
    """A bundle from a file."""

    bundle = forms.FileField(label=_("Bundle"))
