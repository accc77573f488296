"""Addresses of the desk."""

from django.urls import path

from liptako.situation import (
    api,
    attachment_views,
    backfill_views,
    handling_views,
    import_views,
    journal_views,
    release_views,
    roster_views,
    views,
    watch_views,
)

urlpatterns = [
    path("incidents/", views.incidents, name="incidents"),
    path("incidents.geojson", api.incidents_geojson, name="incidents_geojson"),
    path("incidents/report/", views.report, name="report"),
    path("incidents/<slug:author>/<slug:name>/", views.incident, name="incident"),
    path("incidents/<slug:name>/change", views.change, name="change"),
    path("incidents/<slug:name>/handle", handling_views.handle, name="handle"),
    path("incidents/<slug:name>/release", release_views.release, name="release"),
    path("incidents/<slug:name>/recall/<slug:audience>", release_views.recall, name="recall"),
    path("backfill/", backfill_views.backfill, name="backfill"),
    path("erase/<slug:name>/", release_views.erase, name="erase"),
    path("incidents/<slug:name>/attach", attachment_views.attach, name="attach"),
    path(
        "incidents/<slug:name>/destroy/<slug:digest>",
        attachment_views.destroy,
        name="destroy_file",
    ),
    path(
        "incidents/<slug:author>/<slug:name>/files/<slug:digest>",
        attachment_views.open_file,
        name="open_file",
    ),
    path("map/", views.incident_map, name="map"),
    path("watch/", watch_views.watch, name="watch"),
    path("watch/roster/", roster_views.roster, name="roster"),
    path("watch/roster/<slug:secret>.ics", roster_views.feed, name="roster_feed"),
    path("watch/<slug:name>.pdf", watch_views.sheet_pdf, name="watch_pdf"),
    path("watch/<slug:name>/", watch_views.sheet, name="watch_sheet"),
    path("journal/", journal_views.journal, name="journal"),
    path("published/", import_views.published, name="published"),
    path("published/start/", import_views.start_import, name="start_import"),
]
