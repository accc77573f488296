"""Forms about partners."""

from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _


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
        parts = urlsplit(url)
        if url and (parts.scheme != "https" or not parts.hostname or parts.path):
            raise forms.ValidationError(_("Expected https://HOST:PORT."))
        return url


class BundleForm(forms.Form):
    """A bundle from a file."""

    bundle = forms.FileField(label=_("Bundle"))
