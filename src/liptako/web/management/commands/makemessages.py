"""Django's makemessages, which also reads the templates of our own errors.

An error is raised as `MalformedError("… expected %(limit)d …", limit=3)`: the text stands where it
is known, so the catalogue tool is told the names of these classes.
"""

from django.core.management.commands import makemessages

from liptako.core import errors

ERRORS = [name for name, value in vars(errors).items() if isinstance(value, type)]


class Command(makemessages.Command):
    """Collect the texts for translators."""

    xgettext_options = [  # noqa: RUF012 (as Django's own class has it)
        *makemessages.Command.xgettext_options,
        *[f"--keyword={name}:1" for name in ERRORS],
    ]
