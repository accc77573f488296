"""Addresses of people, offices, mandates and the audit trail."""

from django.urls import path

from liptako.administration import views

urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/<slug:code>/", views.person, name="person"),
    path("people/<slug:code>/password/", views.person_password, name="person_password"),
    path("people/<slug:code>/erase/", views.person_erase, name="person_erase"),
    path("people/<slug:code>/<slug:what>/", views.person_do, name="person_do"),
    path("offices/", views.offices, name="offices"),
    path("offices/<slug:code>/", views.offices, name="office"),
    path("mandates/", views.mandates, name="mandates"),
    path("mandates/<slug:name>/end/", views.mandate_end, name="mandate_end"),
    path("audit/", views.audit, name="audit"),
    path("act-as/", views.act_as, name="act_as"),
]
