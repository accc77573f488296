"""The tables of files that go with records: who names which, what is here, what is on its way."""

from django.db import models


class Attached(models.Model):
    """A file that an entry names, as long as its payload is held: `number` is its place there.

    `held` if the bytes are here and were given for this audience, or are our own.
    """

    entry = models.ForeignKey("ledger.Entry", on_delete=models.PROTECT)
    number = models.PositiveIntegerField()
    audience = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    held = models.BooleanField()

    class Meta:
        """Found by file, and by what is lacking."""

        indexes = (
            models.Index(fields=["digest", "audience"], name="attached_file"),
            models.Index(
                fields=["audience"], name="attached_lacking", condition=models.Q(held=False)
            ),
        )

    def __str__(self) -> str:
        """Return the file and who names it."""
        return f"{self.digest[:16]} {self.entry_id}"


class StoredFile(models.Model):
    """A file whose bytes lie in the storage, whole. Without a name in any record it is swept away.

    `kept_at` is when it was brought; of one that is named no longer, long ago.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    named = models.BooleanField(default=False)
    kept_at = models.DateTimeField()

    class Meta:
        """Found by what is to be swept away."""

        indexes = (
            models.Index(fields=["kept_at"], name="file_unnamed", condition=models.Q(named=False)),
        )

    def __str__(self) -> str:
        """Return the hash."""
        return self.digest


class Incoming(models.Model):
    """A file on its way for an audience, from one member: how many bytes are here, in `Chunk`s.

    Apart for each member, so that wrong bytes of one spoil nothing but what it has sent itself:
    `spoiled_at` is when that was last found out.
    """

    audience = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    member = models.CharField(max_length=12)
    held = models.BigIntegerField(default=0)
    spoiled_at = models.DateTimeField(null=True)

    class Meta:
        """Each once from each member."""

        constraints = (
            models.UniqueConstraint(
                fields=["digest", "audience", "member", "size"], name="incoming_once"
            ),
        )

    def __str__(self) -> str:
        """Return the file and how far it is."""
        return f"{self.digest[:16]} {self.member} {self.held}/{self.size}"


class Chunk(models.Model):
    """Some bytes of a file on its way."""

    incoming = models.ForeignKey(Incoming, on_delete=models.CASCADE)
    offset = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        """Each place once."""

        constraints = (models.UniqueConstraint(fields=["incoming", "offset"], name="chunk_once"),)

    def __str__(self) -> str:
        """Return the file and the place."""
        return f"{self.incoming_id}@{self.offset}"
