"""Names the app to Django; it draws no table from records."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    """Federation."""

    name = "liptako.federation"
    label = "federation"

    def ready(self) -> None:
        """Let an exchange be asked for whenever something is written for partners."""
        from liptako.federation import jobs
        from liptako.ledger import store

        store.on_append(jobs.ask_for_exchange)
