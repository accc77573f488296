"""The tables of the ledger: evidence (append-only), and what a rebuild draws again.

Drawn again: Waiting, Rejected, Unknown, Tally, by `projector` and `tally` alone. All else, and what
`file_models` has, is evidence: only `store`, `receipts`, `histories`, `attachments`, `files`, and
`compacts` for deeds, write it, and `doubts` deletes some.
"""

from django.db import models

from liptako.ledger.fields import PositionField
from liptako.ledger.file_models import Attached, Chunk, Incoming, StoredFile

FILES = (Chunk, Incoming, Attached, StoredFile)
"""The tables of files, which stand in a file of their own; in the order to empty them."""


class Counter(models.Model):
    """One row that every writer locks.

    The last place in this node's order, the last place that was drawn, and the epoch of our own
    logs: a restored node begins new logs, so that it never writes one twice. `timeline` is the one
    of the PostgreSQL server on which that was last so (`fence`); 0 on SQLite.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    position = models.BigIntegerField(default=0)
    projected = models.BigIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=1)
    timeline = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        """Return the last place."""
        return str(self.position)


class Deed(models.Model):
    """A version of the compact, or a delegation of a member, in its signed envelope; for ever.

    `chain` is the SHA-256 of the one of the row before and the hash of this document: the last one
    tells all that is held. A `rival` is kept only as the proof that somebody has signed two.
    """

    position = models.PositiveIntegerField(primary_key=True)
    member = models.CharField(max_length=12, blank=True)  # empty: the compact
    number = models.BigIntegerField()
    envelope = models.BinaryField()
    chain = models.BinaryField()
    rival = models.BooleanField(default=False)
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return of what it is one, and its number."""
        return f"{self.member or 'compact'} {self.number}"


class OwnSignature(models.Model):
    """A deed that a root key has signed at this node: one of each number, two would be a fraud."""

    keyid = models.CharField(max_length=32)
    type = models.CharField(max_length=64)
    member = models.CharField(max_length=12, blank=True)  # empty: the compact
    number = models.BigIntegerField()
    digest = models.BinaryField()
    signed_at = models.DateTimeField()

    class Meta:
        """Each number once for each key."""

        constraints = (
            models.UniqueConstraint(
                fields=["keyid", "type", "member", "number"], name="signed_once"
            ),
        )

    def __str__(self) -> str:
        """Return who signed what."""
        return f"{self.keyid}: {self.member or 'compact'} {self.number}"


class Audience(models.Model):
    """A roster of members under the id that is computed from it.

    `lamport` is the last one among its records: counted apart for each audience, so that nobody
    can count from it what was written for others.
    """

    id = models.CharField(primary_key=True, max_length=16)
    members = models.JSONField()
    lamport = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        """Return the roster."""
        return "+".join(self.members)


class Channel(models.Model):
    """A log of one author for one audience in one lane, up to where this node holds it.

    `size` entries are held in one run from the first; a few beyond may be held that were shown
    ahead. Of a log of which nothing else has come yet, `size` is 0.
    """

    origin = models.CharField(primary_key=True, max_length=64)
    author = models.CharField(max_length=12)
    audience = models.ForeignKey(Audience, on_delete=models.PROTECT)
    lane = models.CharField(max_length=8)
    epoch = models.PositiveIntegerField()
    size = models.BigIntegerField(default=0)
    frontier = models.BinaryField(default=bytes)
    checkpoint = models.BinaryField(default=bytes)
    ahead = models.PositiveIntegerField(default=0)  # entries held beyond `size`, shown ahead
    doubted = models.BooleanField(default=False)  # rests on a key that was taken back (`doubts`)
    regained = models.BigIntegerField(null=True)  # of our own: from here on it came from partners

    class Meta:
        """Found by what it is for. A partner may have begun two logs of one epoch."""

        indexes = (
            models.Index(fields=["author", "audience", "lane", "epoch"], name="channel_for"),
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

    position = PositionField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, db_index=False)  # see Meta
    seq = models.BigIntegerField()
    leaf = models.BinaryField()
    header = models.BinaryField()
    kind = models.CharField(max_length=64)
    object = models.CharField(max_length=13, db_index=True)
    lamport = models.BigIntegerField()
    retain = models.BigIntegerField(null=True)  # ms UTC: when its payload is to be deleted
    flash = models.BooleanField(default=False)  # of the highest precedence: it may overtake
    taken_at = models.DateTimeField()

    class Meta:
        """Each place of a log once; found by when its payload expires, and if it overtakes."""

        constraints = (models.UniqueConstraint(fields=["channel", "seq"], name="entry_once"),)
        indexes = (
            models.Index(
                fields=["retain"], name="entry_expires", condition=models.Q(retain__isnull=False)
            ),
            models.Index(
                fields=["channel", "seq"], name="entry_flash", condition=models.Q(flash=True)
            ),
        )

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


class Recalled(models.Model):
    """A record that its author has taken back, by the entry of the recall that names it.

    Kept though the record itself may still be on its way: its payload is then not stored at all.
    """

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT)
    origin = models.CharField(max_length=64)
    seq = models.BigIntegerField()

    class Meta:
        """Each once for each recall; found by what is recalled."""

        constraints = (
            models.UniqueConstraint(fields=["origin", "seq", "entry"], name="recalled_once"),
        )

    def __str__(self) -> str:
        """Return what is recalled."""
        return f"{self.origin}@{self.seq}"


class Receipt(models.Model):
    """What a member signed that it stored of a log: the latest, with `time` by its clock (s).

    `key` is the id of the key that signed it.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT)
    member = models.CharField(max_length=12)
    size = models.BigIntegerField()
    time = models.BigIntegerField()
    key = models.BinaryField()
    note = models.BinaryField()

    class Meta:
        """One of each member for each log."""

        constraints = (models.UniqueConstraint(fields=["channel", "member"], name="receipt_once"),)

    def __str__(self) -> str:
        """Return who signed for how much of which log."""
        return f"{self.member} {self.channel_id}@{self.size}"


class DoubleHistory(models.Model):
    """The proof that an author has signed two histories of a log: nothing more of it is taken."""

    channel = models.OneToOneField(Channel, primary_key=True, on_delete=models.PROTECT)
    size = models.BigIntegerField()
    proof = models.BinaryField()
    found_at = models.DateTimeField()
    void = models.BooleanField(default=False)  # it rests on a key that was taken back at less

    def __str__(self) -> str:
        """Return the log."""
        return self.channel_id


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


class Unknown(models.Model):
    """An entry of a kind that this version of the program does not know: kept, and not folded."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT)

    def __str__(self) -> str:
        """Return the entry."""
        return str(self.entry_id)


class Tally(models.Model):
    """The sums over the first `size` records of a log that partners compare (spec: Digest)."""

    channel = models.OneToOneField(Channel, primary_key=True, on_delete=models.CASCADE)
    size = models.BigIntegerField(default=0)
    basis = models.BinaryField()
    state = models.BinaryField()

    def __str__(self) -> str:
        """Return the log."""
        return self.channel_id
