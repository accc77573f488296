"""Forms of files: what is brought is looked at before anything is written."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils.datastructures import MultiValueDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from liptako.core.errors import LiptakoError
from liptako.situation.attaching import check_file
from liptako.web.fields import reason_field
from liptako.web.texts import error_text

CAPTION_LIMIT = 160  # characters
_AT_ONCE = 8
_ACCEPTED = ".jpg,.jpeg,.png,.pdf,image/jpeg,image/png,application/pdf"


class FilesInput(forms.FileInput):
    """A field of the browser that takes several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Files; gives the bytes that would be kept of each, with its type."""

    def __init__(self, *, limit: int, required: bool, help_text: StrOrPromise) -> None:
        """Take files of so many bytes at most."""
        widget = FilesInput(attrs={"accept": _ACCEPTED})
        label = _("Photos or PDF files")
        super().__init__(label=label, required=required, widget=widget, help_text=help_text)
        self.limit = limit

    def clean(self, data: Any, initial: Any = None) -> Any:  # noqa: ANN401 (Django's own)
        """Return the files as they would be kept."""
        brought = [super(FilesField, self).clean(item, initial) for item in data or [None]]
        found = [item for item in brought if item is not None]
        if len(found) > _AT_ONCE:
            raise forms.ValidationError(_("At most %(n)d files at a time.") % {"n": _AT_ONCE})
        return [self._checked(item) for item in found]

    def _checked(self, file: UploadedFile[Any]) -> tuple[bytes, str]:
        """Return a file as it would be kept, or say what is wrong with it."""
        told = {"name": file.name, "limit": filesizeformat(self.limit)}
        if (file.size or 0) > self.limit:
            raise forms.ValidationError(
                _("%(name)s is too large: at most %(limit)s. Nothing was saved.") % told
            )
        try:
            return check_file(file.read())
        except LiptakoError as error:
            told = {"name": file.name, "why": error_text(error)}
            raise forms.ValidationError(_("%(name)s: %(why)s") % told) from error


class FilesForm(forms.Form):
    """Files for an incident, and what they show."""

    caption = forms.CharField(
        label=_("What they show"),
        max_length=CAPTION_LIMIT,
        required=False,
        help_text=_("Such as: bridge of Tessit, seen from the north. No names of persons."),
    )

    def __init__(
        self,
        data: QueryDict | None,
        brought: MultiValueDict[str, UploadedFile[Any]] | None,
        *,
        limit: int,
        required: bool = False,
    ) -> None:
        """Take files of so many bytes at most."""
        super().__init__(data, brought)
        help_text = format_lazy(
            _("Each at most {size}. The name of a file is not kept; if the page shows a fault, "
              "choose the files again."),
            size=filesizeformat(limit),
        )  # fmt: skip
        field = FilesField(limit=limit, required=required, help_text=help_text)
        self.fields = {"brought": field, **self.fields}


class DestroyForm(forms.Form):
    """Why a file is destroyed."""

    reason = reason_field(_("Those who had it are told this."))
