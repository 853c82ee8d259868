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
    """A request that is refused. ``details`` are the members of ``Status.details`` beside ``causes``."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        causes: tuple[Cause, ...] = (),
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes
        self.details = details or {}

    def status(self) -> dict[str, Any]:
        """The body of the answer."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        details = dict(self.details)
        if self.causes:
            details["causes"] = msgspec.to_builtins(self.causes)
        if details:
            body["details"] = details
        return {**body, "code": self.code}
