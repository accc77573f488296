"""Registers the kinds of this app and the audit trail of sign-ins."""

from django.apps import AppConfig

from liptako.ledger import registry


class MembersConfig(AppConfig):
    """Members."""

    name = "liptako.members"
    label = "members"

    def ready(self) -> None:
        """Register once Django has loaded all apps."""
        from liptako.members import accounts, projection

        registry.register(projection.MODULE)
        accounts.listen()
