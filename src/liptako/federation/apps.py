"""Registers the kinds about records of others, and lets exchanges follow what is written."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    """Federation."""

    name = "liptako.federation"
    label = "federation"

    def ready(self) -> None:
        """Register, and let an exchange be asked for whenever something is written for partners."""
        from liptako.federation import jobs, projection
        from liptako.ledger import registry, store

        registry.register(projection.MODULE)
        store.on_append(jobs.ask_for_exchange)
