"""Forms of the desk: they read and check text; what an incident must be is in `rules`."""

from collections.abc import Mapping
from datetime import UTC, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from liptako.core.clock import instant_of
from liptako.situation import words
from liptako.situation.records import (
    Count,
    Harm,
    Incident,
    JournalEntry,
    Level,
    Period,
    PeriodPrecision,
    Place,
    Standing,
    Status,
)
from liptako.situation.rules import JOURNAL_LIMIT, SUMMARY_LIMIT, TEXT_LIMIT
from liptako.web import fields


class IncidentForm(forms.Form):
    """An incident, as a watch officer types it; the fields in the order of the page."""

    field_order = (
        "kind", "severity", "status", "precedence", "summary", "begins", "ends", "precision",
        "where", "lat", "lon", "radius_km", *[
            f"{name}_{part}" for name in words.HARMS for part in ("best", "low", "high")
        ],
    )  # fmt: skip

    kind = forms.ChoiceField(
        label=_("What happened"),
        choices=lambda: [
            fields.CHOOSE,
            *((code, kind.name) for code, kind in words.KINDS.items()),
        ],
    )
    summary = forms.CharField(label=_("Summary"), max_length=SUMMARY_LIMIT)
    begins = fields.LocalTimeField(_("When"))
    precision = forms.ChoiceField(
        label=_("How exactly"),
        choices=lambda: fields.choices_of(words.PRECISIONS),
        initial="minute",
    )
    ends = fields.LocalTimeField(_("Until"), required=False)
    where = forms.CharField(label=_("Where, in words"), max_length=200, required=False)
    lat = fields.CoordinateField(_("Latitude"), latitude=True)
    lon = fields.CoordinateField(_("Longitude"), latitude=False)
    radius_km = forms.FloatField(
        label=_("Known within (km)"), min_value=0, max_value=2000, required=False
    )
    severity = forms.TypedChoiceField(
        label=_("Severity"),
        choices=lambda: [fields.CHOOSE, *fields.choices_of(words.SEVERITIES)],
        coerce=int,
    )
    status = forms.ChoiceField(
        label=_("Status"), choices=lambda: fields.choices_of(words.STATUSES), initial="reported"
    )
    reliability = forms.ChoiceField(
        label=_("Reliability of the source"),
        choices=lambda: fields.choices_of(words.RELIABILITIES),
        required=False,
    )
    credibility = forms.TypedChoiceField(
        label=_("Credibility of the report"),
        choices=lambda: fields.choices_of(words.CREDIBILITIES),
        coerce=int,
        required=False,
    )
    source = forms.CharField(label=_("Source, in words"), max_length=200, required=False)
    affected = forms.MultipleChoiceField(
        label=_("Who and what is affected"),
        choices=lambda: fields.choices_of(words.AFFECTED),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    needs = forms.MultipleChoiceField(
        label=_("Needs"),
        choices=lambda: fields.choices_of(words.NEEDS),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    text = forms.CharField(
        label=_("Text"),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=TEXT_LIMIT,
        required=False,
    )
    valid_until = fields.LocalTimeField(_("To be looked at again by"), required=False)
    precedence = fields.precedence_field()
    fictional = forms.BooleanField(label=_("Fictional (exercise or demonstration)"), required=False)

    def __init__(
        self, data: QueryDict | None, *, zone: ZoneInfo, initial: Mapping[str, Any]
    ) -> None:
        """Read times in this zone; add three fields for each kind of harm."""
        super().__init__(data, initial=dict(initial))
        self.zone = zone
        for name, word in words.HARMS.items():
            parts = {"best": _("best estimate"), "low": _("at least"), "high": _("at most")}
            for part, label in parts.items():
                self.fields[f"{name}_{part}"] = forms.IntegerField(
                    label=format_lazy("{} – {}", word, label),
                    min_value=0,
                    max_value=10_000_000,
                    required=False,
                )
        self.order_fields(self.field_order)

    def clean(self) -> None:
        """Say at its field what does not fit together; what an incident must be is in `rules`."""
        data = self.cleaned_data
        begins, ends = data.get("begins"), data.get("ends")
        if begins and ends and ends < begins:
            self.add_error("ends", _("It ends before it begins."))
        if {"lat", "lon", "where"} <= data.keys():
            self._check_place(data["lat"], data["lon"], data["where"])
        for name in words.HARMS:
            parts = [data.get(f"{name}_{part}") for part in ("low", "best", "high")]
            known = [number for number in parts if number is not None]
            if known and data.get(f"{name}_best", 0) is None:
                self.add_error(f"{name}_best", _("Give a best estimate too."))
            elif known != sorted(known):
                self.add_error(f"{name}_best", _("It must lie between the two others."))

    def _check_place(self, lat: int | None, lon: int | None, where: str) -> None:
        """Ask for half a position, or for any place at all."""
        if (lat is None) != (lon is None):
            self.add_error("lon" if lon is None else "lat", _("Give both, or neither."))
        elif lat is None and not where.strip():
            self.add_error("where", _("Give the place in words, or its coordinates."))

    def is_past(self) -> bool:
        """Say whether it has happened already, give or take a clock that is wrong by an hour."""
        period = _period(self.cleaned_data, self.zone)
        if period.begins <= instant_of(timezone.now() + timedelta(hours=1)).milliseconds:
            return True
        self.add_error("begins", _("This lies in the future."))
        return False

    def harm_rows(self) -> list[tuple[Promise, Any, Any, Any]]:
        """Return the fields of harm as rows of a table."""
        return [
            (word, self[f"{name}_best"], self[f"{name}_low"], self[f"{name}_high"])
            for name, word in words.HARMS.items()
        ]

    def incident(self, before: Incident | None = None) -> Incident:
        """Return the incident that was typed; what the form does not ask stays as it was."""
        data = self.cleaned_data
        kept = before or Incident(
            reference="", kind="", summary="", period=Period(begins=0), place=Place()
        )
        return msgspec.structs.replace(
            kept,
            kind=data["kind"],
            summary=data["summary"].strip(),
            text=data["text"].strip(),
            period=_period(data, self.zone),
            place=_place(data, kept.place),
            severity=data["severity"],
            status=Status(data["status"]),
            standing=_standing(data, kept.standing),
            affected=tuple(data["affected"]),
            needs=tuple(data["needs"]),
            harm=_harm(data),
            reliability=data["reliability"],
            credibility=data["credibility"] or 0,
            source=msgspec.structs.replace(kept.source, words=data["source"].strip()),
            valid_until=fields.milliseconds_of(data["valid_until"], self.zone),
        )


def _standing(data: Mapping[str, Any], before: Standing) -> Standing:
    """Return what was ticked; what others have published never becomes a report of a desk."""
    if before is Standing.PUBLISHED:
        return before
    return Standing.FICTIONAL if data["fictional"] else Standing.LIVE


def _period(data: Mapping[str, Any], zone: ZoneInfo) -> Period:
    """Return the period that was typed, in the member's zone."""
    precision = PeriodPrecision(data["precision"])
    clock = _clock_of(precision, zone)
    return Period(
        begins=fields.milliseconds_of(data["begins"], clock) or 0,
        ends=fields.milliseconds_of(data["ends"], clock),
        precision=precision,
    )


def _clock_of(precision: PeriodPrecision, zone: ZoneInfo) -> tzinfo:
    """Return the zone of a period. A day has none: it is the same day on every node's pages."""
    return UTC if precision in {PeriodPrecision.DAY, PeriodPrecision.MONTH} else zone


def _place(data: Mapping[str, Any], before: Place) -> Place:
    """Return the place that was typed; level and area stay where it has not moved."""
    radius = round((data["radius_km"] or 0) * 1000)
    if (data["lat"], data["lon"], radius) == (before.lat, before.lon, before.radius_m):
        return msgspec.structs.replace(before, words=data["where"].strip())
    return Place(
        lat=data["lat"],
        lon=data["lon"],
        radius_m=radius,
        level=Level.RADIUS if radius else Level.POINT,
        words=data["where"].strip(),
    )


def _harm(data: Mapping[str, Any]) -> Harm:
    """Return the harm that was typed; a row without a best number is not known."""
    counts = {
        name: Count(best=data[f"{name}_best"], low=data[f"{name}_low"], high=data[f"{name}_high"])
        for name in words.HARMS
        if data[f"{name}_best"] is not None
    }
    return Harm(**counts)


def initial_of(incident: Incident, zone: ZoneInfo) -> dict[str, Any]:
    """Return what the form shows for an incident that is there already."""
    place, period = incident.place, incident.period
    clock = _clock_of(period.precision, zone)
    return {
        "kind": incident.kind,
        "summary": incident.summary,
        "text": incident.text,
        "begins": fields.wall_text(period.begins, clock),
        "ends": fields.wall_text(period.ends, clock),
        "precision": period.precision.value,
        "where": place.words,
        "lat": fields.coordinate_text(place.lat),
        "lon": fields.coordinate_text(place.lon),
        "radius_km": place.radius_m / 1000 if place.radius_m else None,
        "severity": incident.severity,
        "status": incident.status.value,
        "affected": incident.affected,
        "needs": incident.needs,
        "reliability": incident.reliability,
        "credibility": incident.credibility,
        "source": incident.source.words,
        "valid_until": fields.wall_text(incident.valid_until, zone),
        "fictional": incident.standing is Standing.FICTIONAL,
        **_initial_harm(incident.harm),
    }


def _initial_harm(harm: Harm) -> dict[str, int | None]:
    """Return what the rows of harm show; one that is not known stays empty."""
    known = {name: getattr(harm, name) for name in words.HARMS if getattr(harm, name) is not None}
    return {
        f"{name}_{part}": getattr(count, part)
        for name, count in known.items()
        for part in ("best", "low", "high")
    }


class JournalForm(forms.Form):
    """A line of the journal; without a time it is now."""

    text = forms.CharField(
        label=_("Entry"),
        max_length=JOURNAL_LIMIT,
        widget=forms.Textarea(attrs={"rows": 2, "accesskey": "j"}),
    )
    at = fields.LocalTimeField(_("When (empty: now)"), required=False)
    incident = forms.CharField(widget=forms.HiddenInput, required=False, max_length=13)
    corrects = forms.CharField(widget=forms.HiddenInput, required=False, max_length=13)

    def entry(self, zone: ZoneInfo) -> JournalEntry:
        """Return the entry that was typed."""
        data = self.cleaned_data
        now = instant_of(timezone.now()).milliseconds
        return JournalEntry(
            at=fields.milliseconds_of(data["at"], zone) or now,
            text=data["text"].strip(),
            incident=data["incident"],
            corrects=data["corrects"],
        )
