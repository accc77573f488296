"""Tables of the desk, drawn from records; and the local table of running imports."""

from django.db import models
from django.utils import timezone

from liptako.ledger.projected import DrawnJson, Projected


class Incident(Projected):
    """An incident as one audience knows it. Of several that this node holds, one is `shown`."""

    object = models.CharField(max_length=13)  # no index, found by `rows.keys_about`
    reference = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    summary = models.CharField(max_length=200)
    text = models.TextField()
    severity = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=16)
    standing = models.CharField(max_length=16)
    begins = models.DateTimeField()
    ends = models.DateTimeField(null=True)
    period_precision = models.CharField(max_length=8)
    lat = models.IntegerField(null=True)
    lon = models.IntegerField(null=True)
    radius_m = models.PositiveIntegerField()
    level = models.CharField(max_length=16)
    area = models.CharField(max_length=64)
    words = models.TextField()
    affected = DrawnJson()
    harm = DrawnJson()
    needs = DrawnJson()
    reliability = models.CharField(max_length=1)
    credibility = models.PositiveSmallIntegerField()
    source = DrawnJson()
    source_id = models.CharField(max_length=64)
    handled_by = models.CharField(max_length=64)
    valid_until = models.DateTimeField(null=True)
    same_as = models.CharField(max_length=26, default="")
    office = models.CharField(max_length=64)
    precedence = models.CharField(max_length=16)
    marking = models.CharField(max_length=64)
    reported_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    versions = models.PositiveIntegerField()
    lamport = models.BigIntegerField()
    origin = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    leaf = models.BinaryField()
    shown = models.BooleanField(default=False)

    class Meta:
        """Listed by when it happened; numbered per author; published data is found by its id."""

        indexes = (
            models.Index(fields=["shown", "-begins"], name="incident_list"),
            models.Index(fields=["author", "reference"], name="incident_reference"),
            models.Index(fields=["source_id"], name="incident_source"),
            models.Index(
                fields=["same_as"], name="incident_same_as", condition=~models.Q(same_as="")
            ),
            models.Index(
                fields=["valid_until"],
                name="incident_valid_until",
                condition=models.Q(valid_until__isnull=False),
            ),
        )

    @property
    def is_outdated(self) -> bool:
        """Say whether it should have been looked at again by now."""
        return self.valid_until is not None and self.valid_until <= timezone.now()


class Release(Projected):
    """A release of an own incident to one audience; the latest one counts."""

    target = models.CharField(max_length=16)
    members = models.JSONField()
    transform = models.CharField(max_length=16)
    basis = models.TextField()
    until = models.DateTimeField(null=True)
    office = models.CharField(max_length=64)
    released_at = models.DateTimeField()
    versions = models.PositiveIntegerField()
    recalled_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    @property
    def has_ended(self) -> bool:
        """Say whether it was taken back or its time is over: it is deleted everywhere."""
        is_over = self.until is not None and self.until <= timezone.now()
        return is_over or self.recalled_at is not None


class JournalEntry(Projected):
    """A line of the journal; of an `erased` one only office and time of writing are left.

    `folded` is the text as it is searched: without accents (`core.wording`).
    """

    at = models.DateTimeField(db_index=True)
    written_at = models.DateTimeField()
    text = models.TextField()
    folded = models.TextField(default="")
    office = models.CharField(max_length=64)
    incident = models.CharField(max_length=13, db_index=True)
    corrects = models.CharField(max_length=13, db_index=True)
    erased = models.BooleanField(default=False)


class ImportRun(models.Model):
    """An import of published incidents: how far it is. Local, drawn from no record."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    faults = models.JSONField(default=list)  # errors, as `core.reasons.plain` gives them

    def __str__(self) -> str:
        """Return how far it is."""
        return f"{self.done}/{self.total}"
