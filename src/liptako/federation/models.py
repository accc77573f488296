"""What this node knows of its partners, and what was taken back, destroyed, or sent as a test."""

from django.db import models

from liptako.ledger.projected import Projected


class Peer(models.Model):
    """A partner's node.

    `heard_by` is by which door (`peers.Door`); `fault_of_try` if the fault is not one of a bundle
    but that an exchange failed. `alive` is when it last said by its clock (ms UTC) that nothing was
    new, `rate` how many bytes a second went to and fro at the last exchange. No more than
    `cap_kbit` kbit/s are used (0: no cap), and what is not urgent goes between two times of the day
    only, if there are any, by this State's clock. `differs_since` is when it was seen to judge the
    same records differently, `spooled` tells for which state a file was last put into the outgoing
    folder. `wants` are the files that it last said it lacks (audience, hash, how far it has it),
    `told` stands for those that it knows we lack.
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
    alive = models.BigIntegerField(default=0)
    rate = models.PositiveIntegerField(default=0)
    cap_kbit = models.PositiveIntegerField(default=0)
    bulk_from = models.TimeField(null=True)
    bulk_until = models.TimeField(null=True)
    differs_since = models.DateTimeField(null=True)
    spooled = models.CharField(max_length=64, blank=True)
    spooled_at = models.DateTimeField(null=True)
    wants = models.JSONField(default=list)
    told = models.CharField(max_length=16, blank=True)

    def __str__(self) -> str:
        """Return the member."""
        return self.member


class Parcel(models.Model):
    """A sealed bundle on its way through a third member, who cannot read it.

    `carrier` is empty if this node carries it. `sealed` is empty once it is where it was to go to
    next; `mark` stands for what is in it, if this node wrote it.
    """

    sender = models.CharField(max_length=12)
    recipient = models.CharField(max_length=12)
    carrier = models.CharField(max_length=12, blank=True)
    digest = models.BinaryField()
    sealed = models.BinaryField()
    mark = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField()

    class Meta:
        """The latest one of a pair on each way."""

        constraints = (
            models.UniqueConstraint(fields=["sender", "recipient", "carrier"], name="parcel_once"),
        )

    def __str__(self) -> str:
        """Return the way."""
        return f"{self.sender} → {self.recipient}"


class Recall(Projected):
    """Records that their author took back: how many, why, when by its clock."""

    at = models.DateTimeField()
    office = models.CharField(max_length=64)
    reason = models.TextField()
    count = models.PositiveIntegerField()

    class Meta(Projected.Meta):
        """The latest first."""

        abstract = False
        ordering = ("-at", "key")


class Destroyed(Projected):
    """What a member (`author`) says it holds no longer of a log: the payload at one place."""

    at = models.DateTimeField()
    why = models.CharField(max_length=16)
    origin = models.CharField(max_length=64)
    seq = models.BigIntegerField()

    class Meta(Projected.Meta):
        """Found by what was destroyed."""

        abstract = False
        indexes = (models.Index(fields=["origin", "seq"], name="destroyed_what"),)


class FilesHeld(Projected):
    """What a member (`author`) says of the record at one place of a log: it holds all its files."""

    at = models.DateTimeField()
    origin = models.CharField(max_length=64)
    seq = models.BigIntegerField()

    class Meta(Projected.Meta):
        """Found by the record that names the files."""

        abstract = False
        indexes = (models.Index(fields=["origin", "seq"], name="files_held_of"),)


class Probe(Projected):
    """A message that tries the way to a partner and back, and where it stands in its log."""

    at = models.DateTimeField()
    text = models.TextField()
    origin = models.CharField(max_length=64)
    seq = models.BigIntegerField()

    class Meta(Projected.Meta):
        """The latest first."""

        abstract = False
        ordering = ("-at", "key")
