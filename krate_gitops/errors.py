"""The one error tree. Every failure a person or program meets carries a stable code, a place and advice."""

from __future__ import annotations


class KrateError(Exception):
    """A failure with a stable code.

    ``exit_code`` follows the command line contract: 1 the answer is "no", 2 usage, 3 unavailable, 4 denied.
    ``location`` names the place: ``path:line:column``, a ref, a resource.
    """

    exit_code = 1

    def __init__(self, code: str, message: str, *, hint: str = "", location: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.location = location

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes hand their errors on; by itself an exception is made again from ``args`` alone.
        return _without_init, (type(self), self.args), self.__dict__


def _without_init(kind: type[KrateError], arguments: tuple[object, ...]) -> KrateError:
    error = kind.__new__(kind)
    error.args = arguments
    return error


class UsageError(KrateError):
    """The request itself is malformed."""

    exit_code = 2


class UnavailableError(KrateError):
    """Something needed is unreachable, missing or too slow; trying again may help."""

    exit_code = 3


class DeniedError(KrateError):
    """Policy, permissions or the organisation boundary say no."""

    exit_code = 4
