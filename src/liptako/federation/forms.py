"""Forms about partners."""

import re
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

_ADDRESS = re.compile(r"https://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class AddressForm(forms.Form):
    """Where a partner's node is."""

    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=200,
        help_text=_("https://HOST:PORT; empty: exchange by file only."),
    )

    def clean_url(self) -> str:
        """Return an address without a path."""
        url = str(self.cleaned_data["url"]).strip().rstrip("/")
        if url and not _ADDRESS.fullmatch(url):
            raise forms.ValidationError(_("Expected https://HOST:PORT."))
        try:
            urlsplit(url).port  # noqa: B018 (reading it checks its bounds)
        except ValueError as cause:
            raise forms.ValidationError(_("Expected https://HOST:PORT.")) from cause
        return url


class BundleForm(forms.Form):
    """A bundle from a file."""

    bundle = forms.FileField(label=_("Bundle"))
