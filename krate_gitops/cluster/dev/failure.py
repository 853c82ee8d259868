"""How the development API server says no: the ``Status`` object that every Kubernetes client understands."""

from __future__ import annotations

from typing import Any

import msgspec


class Cause(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason of a failure, and the field it is about."""

    reason: str = ""
    message: str = ""
    field: str = ""


class ApiFailure(Exception):
    """A request that is refused.

    ``details`` are the members of ``Status.details`` beside ``causes`` (``None``: no details, where there are no
    causes), ``metadata`` those of ``Status.metadata``; ``headers`` go with the answer.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        causes: tuple[Cause, ...] = (),
        details: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes
        self.details = details
        self.metadata = metadata or {}
        self.headers = headers

    def status(self) -> dict[str, Any]:
        """The body of the answer."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None or self.causes:
            body["details"] = dict(self.details or {})
        if self.causes:
            body["details"]["causes"] = msgspec.to_builtins(self.causes)
        return {**body, "code": self.code}
