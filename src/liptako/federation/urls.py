"""Addresses of partners, and the one that their nodes call."""

from django.urls import path

from liptako.federation import client, compact_views, stick_views, views

urlpatterns = [
    path("compact/", compact_views.compact, name="compact"),
    path("compact/file", compact_views.dossier, name="dossier"),
    path("stick/", stick_views.stick, name="stick"),
    path("stick/write/", stick_views.write, name="stick_write"),
    path("stick/read/", stick_views.read, name="stick_read"),
    path("stick/<str:name>", stick_views.file, name="stick_file"),
    path("partners/", views.partners, name="partners"),
    path("partners/set-aside/<slug:what>/", views.set_aside, name="set_aside"),
    path("partners/recalled/", views.recalled, name="recalled"),
    path("partners/proof/<path:origin>", views.proof, name="proof"),
    path("partners/<str:member>/test/", views.send_test, name="send_test"),
    path("partners/<str:member>/outbox/", views.waiting_for, name="outbox"),
    path("partners/<str:member>/exchange/", views.exchange_now, name="exchange_now"),
    path("partners/<str:member>/address/", views.address, name="address"),
    path(client.PATH.removeprefix("/"), views.receive, name="receive"),
    path(f"{client.DEEDS_PATH.removeprefix('/')}/<str:member>", views.deeds, name="deeds"),
]
