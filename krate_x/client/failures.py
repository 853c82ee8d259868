"""How the API server says no, sorted by what a caller can do about it.

A class is a way of going on: wait and try again, read the object again, mend the manifest, ask for a permission. The
code is stable and finer. Texts of the server are masked before they come here.
"""

from __future__ import annotations

from typing import NamedTuple

from krate_gitops.errors import DeniedError, KrateError, UnavailableError

__all__ = [
    "AlreadyExistsError",
    "ApiError",
    "AuthError",
    "Cause",
    "ConflictError",
    "DeniedError",
    "FieldConflict",
    "FieldConflictError",
    "ForbiddenError",
    "GoneError",
    "ImmutableError",
    "InvalidError",
    "NotFoundError",
    "NotServedError",
    "QuotaError",
    "Relist",
    "ReplacedError",
    "TerminatingError",
    "TooLargeError",
    "TransientError",
]


class Cause(NamedTuple):
    """One reason of a refusal: the server's word for it, the field it is about, and its text."""

    reason: str
    field: str
    message: str


class FieldConflict(NamedTuple):
    """A field that another manager owns, as ``.spec.size``."""

    field: str
    manager: str


class ApiError(KrateError):
    """A request that failed. ``status`` is 0 where no answer came; ``retry_after`` is in seconds, 0 where not told."""

    status: int = 0
    reason: str = ""
    causes: tuple[Cause, ...] = ()
    retry_after: float = 0.0


class TransientError(UnavailableError, ApiError):
    """The server is busy, restarting or out of reach; the same request may succeed later."""

    sent: bool = True
    """False where the request provably was not processed: it never left, or was turned away at the door."""
    passing: bool = True
    """Whether it may be over in a moment; False for a failure of the server that looks like one of its own making."""


class AuthError(UnavailableError, ApiError):
    """The credentials are not accepted, even after they were read again."""


class ForbiddenError(DeniedError, ApiError):
    """The identity lacks the permission."""


class QuotaError(ApiError):
    """A quota of the namespace is used up."""


class TerminatingError(ApiError):
    """The namespace is being deleted; nothing can be made in it until it is gone."""


class NotFoundError(ApiError):
    """The object, or its namespace, isn't there."""


class NotServedError(NotFoundError):
    """The server has no such kind: not installed, not served yet, or no longer."""


class ConflictError(ApiError):
    """The object is no longer what the request assumed. Read it again before deciding."""


class AlreadyExistsError(ConflictError):
    """An object of that name is there already, and it isn't the one that this request made."""


class ReplacedError(ConflictError):
    """The object with that UID is gone; there is none, or another of its name."""


class FieldConflictError(ApiError):
    """Server-side apply would change fields that other managers own. Trying again changes nothing."""

    conflicts: tuple[FieldConflict, ...] = ()


class InvalidError(ApiError):
    """The object is not acceptable; ``causes`` names the fields."""


class ImmutableError(InvalidError):
    """Nothing but fields that can't be changed once an object exists stands in the way."""


class GoneError(ApiError):
    """The server no longer has that version."""


class Relist(GoneError):
    """A watch can't go on where it stopped; list again and watch from there."""


class TooLargeError(ApiError):
    """The request or the object is larger than the server takes."""
