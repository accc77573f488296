"""What the tables of all modules have in common; it has no table of its own."""

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class DrawnJson(models.JSONField):
    """JSON that the projector alone writes: the database need not read it again to check it."""

    def db_check(self, connection: BaseDatabaseWrapper) -> None:
        """Return no constraint."""


class Projected(models.Model):
    """What every table drawn from records has: its own key, and the thread that it came from."""

    key = models.CharField(primary_key=True, max_length=72)
    thread = models.CharField(max_length=48)  # found by its object: few threads share one
    author = models.CharField(max_length=12)
    object = models.CharField(max_length=13, db_index=True)
    audience = models.CharField(max_length=16)

    class Meta:
        """A base for the tables of modules."""

        abstract = True

    def __str__(self) -> str:
        """Return the key."""
        return self.key
