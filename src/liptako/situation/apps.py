"""Registers the kinds of this module."""

from django.apps import AppConfig

from liptako.ledger import registry


class SituationConfig(AppConfig):
    """Situation."""

    name = "liptako.situation"
    label = "situation"

    def ready(self) -> None:
        """Register once Django has loaded all apps."""
        from liptako.situation import projection

        registry.register(projection.MODULE)
