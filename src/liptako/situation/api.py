"""Incidents for machines: GeoJSON (RFC 7946), through the same door as every page."""

from django.http import JsonResponse

from liptako.core.geo import MICRO
from liptako.members.gate import OfficerRequest, officer
from liptako.members.permissions import Right
from liptako.situation import lists
from liptako.situation.models import Incident
from liptako.situation.search import filter_form
from liptako.situation.words import kind_word
from liptako.web.zones import zone_of

LIMIT = 20_000
"""Features in one answer; `truncated` says that there are more."""


@officer(Right.SEE_INCIDENTS)
def incidents_geojson(request: OfficerRequest) -> JsonResponse:
    """Return the incidents that fit the filter of the address, the latest first."""
    zone = zone_of(request.node)
    wanted = filter_form(request.GET, request.actor, zone).wanted()
    rows = lists.on_map(request.actor, wanted).filter(lat__isnull=False)
    found = list(rows[: LIMIT + 1])
    body = {
        "type": "FeatureCollection",
        "features": [_feature(row) for row in found[:LIMIT]],
        "truncated": len(found) > LIMIT,
    }
    return JsonResponse(body, content_type="application/geo+json")


def _feature(row: Incident) -> dict[str, object]:
    """Return an incident as a feature; `radius` in metres is how exactly the place is known."""
    place = [micro / MICRO for micro in (row.lon, row.lat) if micro is not None]
    return {
        "type": "Feature",
        "id": f"{row.author}/{row.object}",
        "geometry": {"type": "Point", "coordinates": place},
        "properties": {
            "reference": row.reference,
            "author": row.author,
            "summary": row.summary,
            "kind": row.kind,
            "kindName": kind_word(row.kind),
            "severity": row.severity,
            "status": row.status,
            "standing": row.standing,
            "begins": row.begins.isoformat().replace("+00:00", "Z"),
            "radius": row.radius_m,
            "level": row.level,
        },
    }
