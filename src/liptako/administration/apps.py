"""Names the app to Django; its records are those of `members`."""

from django.apps import AppConfig


class AdministrationConfig(AppConfig):
    """Administration."""

    name = "liptako.administration"
    label = "administration"
