"""Forms about partners."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from liptako.core.errors import MalformedError
from liptako.federation.client import ADDRESS_LIMIT, check_address
from liptako.federation.peers import Limits
from liptako.web.fields import offer


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


_MEGABYTE = 10**6
SIZES = {
    0: _("no limit: one file for each partner"),
    1: _("1 MB (for a slow e-mail)"),
    10: _("10 MB (for an e-mail)"),
    100: _("100 MB"),
    1000: _("1 GB"),
    4000: _("4 GB (old sticks: FAT32)"),
}


class ExportForm(forms.Form):
    """For whom files are written, and how long each may be."""

    partners = forms.MultipleChoiceField(
        label=_("For whom"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one partner.")},
    )
    size = forms.TypedChoiceField(
        label=_("No file longer than"),
        choices=lambda: list(SIZES.items()),
        coerce=int,
        required=False,
        empty_value="0",
    )

    def __init__(self, data: QueryDict | None, members: Sequence[str]) -> None:
        """Offer these partners."""
        super().__init__(data)
        offer(self, "partners", [(member, member) for member in members])

    def limit(self) -> int | None:
        """Return how many bytes a file may have, if there is a limit."""
        return int(self.cleaned_data["size"]) * _MEGABYTE or None


class _FilesInput(forms.FileInput):
    """A browser's choice of several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once."""

    widget = _FilesInput

    def clean(self, data: object, initial: object = None) -> "list[UploadedFile[bytes]]":
        """Return the files."""
        files = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files or [None]]


class ImportForm(forms.Form):
    """Bundles from files."""

    bundles = FilesField(
        label=_("Files on the stick"),
        allow_empty_file=True,
        help_text=_("All at once, in any order. A file that was read before does no harm."),
        error_messages={"required": _("Choose at least one file.")},
    )
