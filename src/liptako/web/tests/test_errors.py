"""The summary of what is wrong in a form leads to each field, of whatever kind."""

import re

import pytest
from django import forms
from django.template.loader import render_to_string

ONE, TWO = [("a", "A")], [("a", "A"), ("b", "B")]


class Kinds(forms.Form):
    """A form with a field of each kind that ours have, all required."""

    text = forms.CharField()
    long = forms.CharField(widget=forms.Textarea)
    one = forms.ChoiceField(choices=TWO)
    yes = forms.BooleanField()
    radio = forms.ChoiceField(choices=TWO, widget=forms.RadioSelect)
    several = forms.MultipleChoiceField(choices=TWO, widget=forms.CheckboxSelectMultiple)
    single = forms.MultipleChoiceField(choices=ONE, widget=forms.CheckboxSelectMultiple)
    none = forms.MultipleChoiceField(choices=[], widget=forms.CheckboxSelectMultiple)


@pytest.fixture
def page():
    """The form, sent empty, as pages show it."""
    form = Kinds({})
    fields = [render_to_string("web/_field.html", {"field": field}) for field in form]
    return render_to_string("web/_errors.html", {"form": form}) + "".join(fields)


def test_every_link_of_the_summary_leads_to_one_place(page):
    links = re.findall(r'<a href="#([^"]*)">', page)
    assert links == [f"id_{name}" for name in Kinds.base_fields]
    assert [page.count(f'id="{link}"') for link in links] == [1] * len(links)


def test_a_group_of_choices_can_be_gone_to(page):
    groups = re.findall(r'<fieldset[^>]* id="(\w+)" tabindex="-1">', page)
    assert groups == ["id_radio", "id_several", "id_single", "id_none"]


def test_no_label_stands_inside_another_one(page):
    assert re.findall(r"<label[^>]*>(?:(?!</label>).)*<label", page, re.DOTALL) == []
