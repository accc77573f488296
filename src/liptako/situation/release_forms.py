"""Form of the release."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liptako.core.clock import instant_of
from liptako.situation import words
from liptako.situation.records import Transform
from liptako.situation.rules import SUMMARY_LIMIT
from liptako.web import fields


class RecallForm(forms.Form):
    """Why a release is taken back."""

    reason = fields.reason_field(_("Those who had it are told this."))


class EraseForm(forms.Form):
    """Why something is erased."""

    reason = fields.reason_field(
        _("It stays, and those who had it are told this: do not name the person in it.")
    )


class ReleaseForm(forms.Form):
    """To whom an incident is released, and how coarse."""

    audience = forms.ChoiceField(label=_("To"))
    transform = forms.ChoiceField(
        label=_("What they see"),
        choices=lambda: fields.choices_of(words.TRANSFORMS),
        widget=forms.RadioSelect,
        initial=Transform.CELL.value,
    )
    summary = forms.CharField(
        label=_("Summary for them"),
        max_length=SUMMARY_LIMIT,
        help_text=_("Take out what they are not meant to know, such as the name of the place."),
    )
    basis = forms.CharField(
        label=_("Basis"), max_length=300, help_text=_("Order, agreement or article.")
    )
    days = forms.IntegerField(
        label=_("For how many days"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Empty: without an end."),
    )
    precedence = fields.precedence_field()
    attached = forms.MultipleChoiceField(
        label=_("Files that go along"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_(
            "What is not ticked stays with this State. Look at each one first: a photo can show "
            "faces, number plates or a place."
        ),
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        audiences: Sequence[tuple[str, str]],
        files: Sequence[tuple[str, str]],
        initial: Mapping[str, Any],
    ) -> None:
        """Offer these audiences and files."""
        super().__init__(data, initial=dict(initial))
        fields.offer(self, "audience", [fields.CHOOSE, *audiences])
        if files:
            fields.offer(self, "attached", files)
        else:
            del self.fields["attached"]

    def until(self) -> int | None:
        """Return when the release ends, in milliseconds UTC: whole days, and the rest of today.

        So it is the same when it is shown and when it is ordered.
        """
        days = self.cleaned_data["days"]
        if not days:
            return None
        midnight = datetime.combine(timezone.now().astimezone(UTC), time.min, UTC)
        return instant_of(midnight + timedelta(days=days + 1)).milliseconds


class BackfillForm(forms.Form):
    """To which member, of what was released to whom, since when, on what basis."""

    member = forms.ChoiceField(label=_("To the new member"))
    audience = forms.ChoiceField(
        label=_("What was released to"),
        help_text=_(
            "It gets what these hold, as they hold it: no more exact and no later version."
        ),
    )
    since = forms.DateField(
        label=_("Released since"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    basis = forms.CharField(
        label=_("Basis"), max_length=300, help_text=_("Order, agreement or article.")
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        members: Sequence[tuple[str, str]],
        audiences: Sequence[tuple[str, str]],
        rosters: Mapping[str, Collection[str]],
    ) -> None:
        """Offer these members and audiences; `rosters` says who is in each of these."""
        super().__init__(data)
        self._rosters = rosters
        fields.offer(self, "member", [fields.CHOOSE, *members])
        fields.offer(self, "audience", [fields.CHOOSE, *audiences])

    def clean(self) -> dict[str, Any]:
        """Return the fields; who is among the recipients already gets nothing anew."""
        data: dict[str, Any] = super().clean() or {}
        if data.get("member", "") in self._rosters.get(data.get("audience", ""), ()):
            self.add_error("audience", _("The member is one of these: it has this already."))
        return data
