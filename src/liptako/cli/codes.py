"""The one place where errors become exit codes (docs/reference/commands.md lists them)."""

from liptako.core.errors import (
    LiptakoError,
    MalformedError,
    NetworkError,
    NotAllowedError,
    RefusedError,
    SettingError,
    StorageError,
    VerificationError,
)

OK = 0
FAULT = 1
USAGE = 2
INTERRUPTED = 130

CODES: dict[type[LiptakoError], int] = {
    MalformedError: 3,
    VerificationError: 4,
    RefusedError: 5,
    NotAllowedError: 6,
    NetworkError: 7,
    StorageError: 8,
    SettingError: 9,
}


def code_of(error: LiptakoError) -> int:
    """Return the exit code for an error of ours."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), FAULT)
