"""Names the app to Django; it draws no table of its own from records."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The ledger."""

    name = "liptako.ledger"
    label = "ledger"
