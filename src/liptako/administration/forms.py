"""Forms about people, offices and mandates: they read and check text, and know no rule."""

from collections.abc import Sequence
from datetime import date

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

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
    """An office with its roles, and its titles in the languages of the pages."""

    code = forms.RegexField(
        r"^[a-z][a-z0-9-]{1,31}$",
        label=_("Code"),
        help_text=_("2 to 32 small letters, digits or hyphens; it cannot be changed later."),
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role.value, word) for role, word in words.ROLES.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    closed = forms.BooleanField(label=_("Closed: nobody acts in it any longer"), required=False)

    def __init__(
        self,
        data: QueryDict | None,
        *,
        office: Office | None,
        languages: Sequence[tuple[str, StrOrPromise]],
    ) -> None:
        """Begin with the office that is to be changed, if there is one; its code stays.

        A title is asked for in each of these languages (code and name), and needed in the first.
        """
        super().__init__(data, initial=_office_values(office) if office else None)
        self._before = office.titles if office else {}
        self._languages = [code for code, _name in languages]
        for language, name in languages:
            self.fields[f"title_{language}"] = forms.CharField(
                label=_("Title (%(language)s)") % {"language": name},
                max_length=120,
                required=language == self._languages[0],
            )
        self.order_fields(["code", *(f"title_{code}" for code in self._languages)])
        self.fields["code"].disabled = office is not None

    def titles(self) -> dict[str, str]:
        """Return the titles that were typed, and as they were those that the form does not ask."""
        typed = {code: self.cleaned_data[f"title_{code}"] for code in self._languages}
        kept = {code: title for code, title in self._before.items() if code not in typed}
        return {code: title for code, title in (typed | kept).items() if title}


def _office_values(office: Office) -> dict[str, object]:
    """Return what the form shows of an office."""
    titles = {f"title_{code}": title for code, title in office.titles.items()}
    return {"code": office.code, "roles": office.roles, "closed": office.closed, **titles}


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
