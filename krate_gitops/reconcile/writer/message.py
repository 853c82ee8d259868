"""The message of a commit: what the actor said, and who did what for whom in trailers that programs read."""

from __future__ import annotations

from krate_gitops.reconcile.writer.request import WriteRequest


def commit_message(request: WriteRequest, change_digest: str) -> str:
    """The message with its trailers as the last paragraph."""
    trailers = {
        "Krate-Org": request.target.owner,
        "Krate-Actor": request.actor.name,
        "Krate-Correlation-Id": request.correlation_id,
        "Krate-Change-Digest": change_digest,
        "Krate-Source": request.target.name,
    }
    lines = "".join(f"{name}: {_line(value)}\n" for name, value in trailers.items())
    return f"{request.message.strip()}\n\n{lines}"


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
