"""The root of all our errors and the few kinds below it, cut by what the caller can do.

Every error carries an English template and its parameters, so that the edge can translate it for
people (`reasons.in_words`) while `str(error)` stays English for the log.
The catalogue tool reads the templates from the calls of these classes (see `makemessages`).
"""

_UNSHOWN = {
    **dict.fromkeys((*range(32), *range(127, 160), *range(0xD800, 0xE000)), "�"),
    # Ends of lines and paragraphs, and marks that turn the direction of a text: Unicode's own.
    **dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)), "�"),
    **dict.fromkeys(map(ord, "\t\n"), " "),
}


class LiptakoError(Exception):
    """Something that can be told to a person: what was expected and what came."""

    def __init__(self, template: str, /, **params: object) -> None:
        """Keep the template apart from its parameters: one is translated, the other is not.

        What came from others may hold characters that no terminal, log or database takes, or with
        which it would forge a line of its own or turn ours round: they are replaced by U+FFFD, the
        ends of lines and tabulators by a space.
        """
        self.template = template
        self.params = {
            name: value.translate(_UNSHOWN) if isinstance(value, str) else value
            for name, value in params.items()
        }
        super().__init__(template % self.params if params else template)


class MalformedError(LiptakoError):
    """The bytes or the text cannot be read: the sender must mend them."""


class VerificationError(LiptakoError):
    """The bytes can be read but do not prove what they claim: keep nothing of them."""


class PinError(VerificationError):
    """Whoever answers does not hold the key that is pinned: tell it nothing; ask for newer keys."""


class CutError(MalformedError):
    """The end of the bytes is missing; what came before it is good: ask for the rest."""


class GapError(VerificationError):
    """What goes before was not taken in yet: take that, then this once more."""


class RefusedError(LiptakoError):
    """A rule forbids it: the person must ask for something else."""


class UnderWayError(RefusedError):
    """Another process is at it already: nothing is wrong, do it later."""


class NotAllowedError(LiptakoError):
    """The person or the peer who asks may not do it: somebody else must."""


class NetworkError(LiptakoError):
    """The other side could not be reached or did not answer: try again later."""


class StorageError(LiptakoError):
    """The disk or the database would not take it: free it, then do the same again."""


class SettingError(LiptakoError):
    """A setting is missing or wrong: the start stops and names it."""
