"""Names the app to Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Web."""

    name = "liptako.web"
    label = "web"
