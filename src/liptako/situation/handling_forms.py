"""Form of what is done about an incident from its page."""

from django import forms
from django.utils.translation import gettext_lazy as _

from liptako.situation.handling import LONGEST_HOURS

HOLDS = (
    (6, _("in 6 hours")),
    (24, _("in a day")),
    (72, _("in 3 days")),
    (168, _("in a week")),
    (720, _("in 30 days")),
)
"""In how many hours an incident that holds is looked at again."""


class HandlingForm(forms.Form):
    """Who is to handle an incident, when it is looked at again, or which one is the same."""

    do = forms.ChoiceField(choices=[(name, name) for name in ("hand", "hold", "link")])
    seen = forms.CharField(max_length=20)
    office = forms.CharField(max_length=32, required=False)
    reference = forms.CharField(max_length=64, required=False)
    hours = forms.IntegerField(min_value=1, max_value=LONGEST_HOURS, required=False)
