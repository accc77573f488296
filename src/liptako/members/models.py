"""Tables of people (this node's own, with names), and of offices and what they do, from records."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

from liptako.ledger.projected import DrawnJson, Projected


class PersonManager(BaseUserManager["Person"]):
    """Finds people by the name of their account."""


class Person(AbstractBaseUser):
    """Somebody who signs in here. The name lives only in this table and can be erased."""

    username = models.CharField(_("account"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    code = models.CharField(max_length=13, unique=True)
    language = models.CharField(_("language"), max_length=5, blank=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    must_change_password = models.BooleanField(default=False)

    objects = PersonManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Assignment(models.Model):
    """A person holds an office, from then on or until then."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="assignments")
    office = models.CharField(_("office"), max_length=32)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        """An office is held once at a time by one person."""

        constraints = (
            models.UniqueConstraint(
                fields=["person", "office"],
                condition=models.Q(until=None),
                name="assignment_once",
            ),
        )

    def __str__(self) -> str:
        """Return the office."""
        return self.office


class Office(Projected):
    """An office, drawn from `members.office` records."""

    code = models.CharField(max_length=32, db_index=True)
    titles = models.JSONField()
    roles = models.JSONField()
    closed = models.BooleanField()


class Mandate(Projected):
    """A mandate, drawn from `members.mandate` records."""

    office = models.CharField(max_length=32)
    subjects = models.JSONField()
    begins = models.DateTimeField()
    ends = models.DateTimeField(null=True)
    ended_because = models.TextField(blank=True)


class Watch(Projected):
    """A watch of an office, drawn from `members.watch` records. Of an office one is kept at a time.

    `items` are what was open at the last hand-over, `more` how many more. Of an `erased` one only
    office and times are left.
    """

    office = models.CharField(max_length=64)
    person = models.CharField(max_length=13)
    begins = models.DateTimeField()
    due = models.DateTimeField()
    after = models.CharField(max_length=13)
    remarks = models.TextField()
    reason = models.TextField()
    proof = models.CharField(max_length=32)
    handed_at = models.DateTimeField(null=True)
    handed_proof = models.CharField(max_length=32)
    text = models.TextField()
    items = DrawnJson()
    more = models.PositiveIntegerField()
    ended_at = models.DateTimeField(null=True)
    relieved_by = models.CharField(max_length=13)
    end_reason = models.TextField()
    erased = models.BooleanField(default=False)

    class Meta:
        """The last one of an office is asked for with every page, and the one that is kept."""

        indexes = (
            models.Index(fields=["author", "office", "-begins"], name="watch_of_office"),
            models.Index(
                fields=["author", "office"],
                name="watch_kept",
                condition=models.Q(ended_at__isnull=True),
            ),
        )


class Duty(Projected):
    """A turn of the roster, drawn from `members.duty` records."""

    office = models.CharField(max_length=64)
    person = models.CharField(max_length=13)
    begins = models.DateTimeField()
    ends = models.DateTimeField()
    note = models.TextField()
    cancelled = models.BooleanField()

    class Meta:
        """Found by office and time."""

        indexes = (models.Index(fields=["author", "office", "ends"], name="duty_of_office"),)


class Subscription(models.Model):
    """The secret by which a calendar reads the roster of an office, for a person. Local.

    Only its SHA-256 is kept. A person has one for each office; a new one ends the one before.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="subscriptions")
    office = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()

    class Meta:
        """One for each person and office."""

        constraints = (
            models.UniqueConstraint(fields=["person", "office"], name="subscription_once"),
        )

    def __str__(self) -> str:
        """Return the office."""
        return self.office


class AuditEvent(Projected):
    """What somebody did, drawn from `members.audit` records."""

    at = models.DateTimeField(db_index=True)
    event = models.CharField(max_length=64)
    office = models.CharField(max_length=64)
    person = models.CharField(max_length=13)
    subject = models.CharField(max_length=200)
    detail = models.TextField()
