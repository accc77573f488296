"""What this node knows of its partners: where they are, what they said they hold, how it goes."""

from django.db import models


class Peer(models.Model):
    """A partner's node.

    `heard_by` is by which door (`peers.Door`); `fault_of_try` if the fault is not one of a bundle
    but that an exchange failed.
    """

    member = models.CharField(primary_key=True, max_length=12)
    url = models.CharField(max_length=200, blank=True)
    heads = models.BinaryField(default=bytes)
    heard_at = models.DateTimeField(null=True)
    heard_by = models.CharField(max_length=8, blank=True)
    tried_at = models.DateTimeField(null=True)
    fault_template = models.TextField(blank=True)
    fault_params = models.JSONField(default=dict)
    fault_of_try = models.BooleanField(default=False)

    def __str__(self) -> str:
        """Return the member."""
        return self.member
