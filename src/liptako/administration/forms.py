"""Forms about people, offices and mandates: they read and check text, and know no rule."""

from collections.abc import Sequence
from datetime import date

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from liptako.members import words
from liptako.members.models import Office
from liptako.web.fields import Choice, offer


def _day() -> forms.DateInput:
    """Return a field for a day, whose value is spelt as browsers want it in every language."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class PersonForm(forms.Form):
    """A new account."""

    name = forms.CharField(label=_("Name"), max_length=120)
    username = forms.SlugField(
        label=_("Account"),
        max_length=64,
        help_text=_("Letters, digits and hyphens; for signing in."),
    )
    offices = forms.MultipleChoiceField(
        label=_("Offices"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: QueryDict | None, *, offices: Sequence[Choice]) -> None:
        """Offer these offices: code and title."""
        super().__init__(data)
        offer(self, "offices", offices)


class OfficeForm(forms.Form):
    """An office with its titles and roles."""

    code = forms.RegexField(
        r"^[a-z][a-z0-9-]{1,31}$",
        label=_("Code"),
        help_text=_("2 to 32 small letters, digits or hyphens; it cannot be changed later."),
    )
    title_fr = forms.CharField(label=_("Title in French"), max_length=120)
    title_en = forms.CharField(label=_("Title in English"), max_length=120, required=False)
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role.value, word) for role, word in words.ROLES.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    closed = forms.BooleanField(label=_("Closed: nobody acts in it any longer"), required=False)

    def __init__(self, data: QueryDict | None, *, office: Office | None) -> None:
        """Begin with the office that is to be changed, if there is one; its code stays."""
        initial = (
            None
            if office is None
            else {
                "code": office.code,
                "title_fr": office.titles.get("fr", ""),
                "title_en": office.titles.get("en", ""),
                "roles": office.roles,
                "closed": office.closed,
            }
        )
        super().__init__(data, initial=initial)
        self.fields["code"].disabled = office is not None


class MandateForm(forms.Form):
    """A mandate for an office."""

    office = forms.ChoiceField(label=_("Office"))
    subjects = forms.CharField(
        label=_("Subjects"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One on each line."),
    )
    begins = forms.DateField(label=_("From"), widget=_day())
    ends = forms.DateField(label=_("Until"), required=False, widget=_day())
    audience = forms.ChoiceField(label=_("Tell"))

    def __init__(
        self,
        data: QueryDict | None,
        *,
        offices: Sequence[Choice],
        audiences: Sequence[Choice],
        today: date,
    ) -> None:
        """Offer these offices and audiences; begin today."""
        super().__init__(data, initial={"begins": today})
        offer(self, "office", offices)
        offer(self, "audience", audiences)

    def clean_subjects(self) -> tuple[str, ...]:
        """Return the lines that are not empty."""
        lines = (line.strip() for line in self.cleaned_data["subjects"].splitlines())
        return tuple(line for line in lines if line)


class ReasonForm(forms.Form):
    """A reason for ending something."""

    reason = forms.CharField(label=_("Reason"), max_length=500)
