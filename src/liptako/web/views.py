"""Pages and bytes that belong to no module: the base map's tiles, the sources of public data."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from liptako.ledger.node import this_node
from liptako.web import basemap
from liptako.web.sources import read_sources

_MAX_ZOOM = 22


def tile(_request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """Return a tile of the base map; an empty answer where there is nothing."""
    if z > _MAX_ZOOM or max(x, y) >= 1 << z:
        return HttpResponse(status=404)
    data = basemap.tile(this_node().home, z, x, y)
    if data is None:
        return HttpResponse(status=204)
    headers = {"Content-Encoding": "gzip", "Cache-Control": "private, max-age=86400"}
    return HttpResponse(data, content_type="application/vnd.mapbox-vector-tile", headers=headers)


@login_not_required
def sources(request: HttpRequest) -> HttpResponse:
    """Credit every source of public data, and say which of them this node runs on."""
    home = this_node().home
    context = {"found": read_sources(home), "built": basemap.is_built(home)}
    return render(request, "web/sources.html", context)
