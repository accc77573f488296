"""Forms about partners."""

from django import forms
from django.utils.translation import gettext_lazy as _

from liptako.core.errors import MalformedError
from liptako.federation.client import ADDRESS_LIMIT, check_address


class AddressForm(forms.Form):
    """Where a partner's node is."""

    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=ADDRESS_LIMIT,
        help_text=_("https://HOST:PORT; empty: exchange by file only."),
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
