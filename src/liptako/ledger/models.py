"""The tables of the ledger: evidence (append-only), and what a rebuild draws again.

Evidence: Audience, Channel, Package, Entry, Payload, CompactVersion. Drawn again: Waiting,
Rejected. Only `store` writes evidence, only `projector` the rest.
"""

from django.db import models


class Counter(models.Model):
    """One row that every writer locks.

    The last place in this node's order, the last lamport, the last place that was drawn, and the
    epoch of our own logs: a restored node begins new logs, so that it never writes one twice.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    position = models.BigIntegerField(default=0)
    lamport = models.BigIntegerField(default=0)
    projected = models.BigIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        """Return both numbers."""
        return f"{self.position}/{self.lamport}"


class CompactVersion(models.Model):
    """A compact that this node has adopted, as the bytes that were compared aloud."""

    version = models.PositiveIntegerField(primary_key=True)
    document = models.BinaryField()
    adopted_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the version."""
        return f"v{self.version}"


class Audience(models.Model):
    """A roster of members under the id that is computed from it."""

    id = models.CharField(primary_key=True, max_length=16)
    members = models.JSONField()

    def __str__(self) -> str:
        """Return the roster."""
        return "+".join(self.members)


class Channel(models.Model):
    """A log of one author for one audience in one lane, up to where this node holds it."""

    origin = models.CharField(primary_key=True, max_length=64)
    author = models.CharField(max_length=12)
    audience = models.ForeignKey(Audience, on_delete=models.PROTECT)
    lane = models.CharField(max_length=8)
    epoch = models.PositiveIntegerField()
    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=bytes)
    checkpoint = models.BinaryField(default=bytes)

    class Meta:
        """One log per author, audience, lane and epoch."""

        constraints = (
            models.UniqueConstraint(
                fields=["author", "audience", "lane", "epoch"], name="channel_once"
            ),
        )

    def __str__(self) -> str:
        """Return the origin."""
        return self.origin


class Package(models.Model):
    """256 entries of a log: the seed of their salts (our own logs), their root once complete."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    number = models.BigIntegerField()
    seed = models.BinaryField(default=bytes)
    root = models.BinaryField(default=bytes)

    class Meta:
        """Each package once."""

        constraints = (models.UniqueConstraint(fields=["channel", "number"], name="package_once"),)

    def __str__(self) -> str:
        """Return the log and the number."""
        return f"{self.channel_id}#{self.number}"


class Entry(models.Model):
    """A header as its author wrote it. `position` is the order in which this node took it."""

    position = models.BigIntegerField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    seq = models.BigIntegerField()
    leaf = models.BinaryField()
    header = models.BinaryField()
    kind = models.CharField(max_length=64)
    object = models.CharField(max_length=13, db_index=True)
    lamport = models.BigIntegerField()
    taken_at = models.DateTimeField()

    class Meta:
        """Each place of a log once."""

        constraints = (models.UniqueConstraint(fields=["channel", "seq"], name="entry_once"),)

    def __str__(self) -> str:
        """Return the log and the place."""
        return f"{self.channel_id}@{self.seq}"


class Payload(models.Model):
    """The payload of an entry and its salt, which can be deleted alone."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT)
    salt = models.BinaryField()
    body = models.BinaryField()

    def __str__(self) -> str:
        """Return the entry."""
        return str(self.entry_id)


class Waiting(models.Model):
    """An entry that names a record which is not here yet."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT)
    origin = models.CharField(max_length=64)
    seq = models.BigIntegerField()

    class Meta:
        """Found by what is waited for."""

        indexes = (models.Index(fields=["origin", "seq"], name="waiting_for"),)

    def __str__(self) -> str:
        """Return what is waited for."""
        return f"{self.origin}@{self.seq}"


class Rejected(models.Model):
    """An entry that breaks a rule: kept as evidence, shown with the reason, drawn nowhere else."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT)
    template = models.TextField()
    params = models.JSONField()

    def __str__(self) -> str:
        """Return the reason in English."""
        return self.template % self.params if self.params else self.template


class Projected(models.Model):
    """What every table drawn from records has: its own key, and the thread that it came from."""

    key = models.CharField(primary_key=True, max_length=72)
    thread = models.CharField(max_length=48, db_index=True)
    author = models.CharField(max_length=12)
    object = models.CharField(max_length=13, db_index=True)
    audience = models.CharField(max_length=16)

    class Meta:
        """A base for the tables of modules."""

        abstract = True

    def __str__(self) -> str:
        """Return the key."""
        return self.key
