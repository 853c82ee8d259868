"""What is left of a call for those who look later: digests and counts, never an argument and never a result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from krate_gitops.digest import sha256_digest

DONE = "ok"


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call. ``tool`` is the dotted name that permissions use, ``outcome`` is ``ok`` or an error code.

    ``denied_scopes`` says of what sort the things were that the policy kept back (``kind``, ``path``), not which.
    ``denied_reference`` is the kind of thing of another organisation that was named; then the digest of the arguments
    is that of none, since a name could be guessed from it.
    """

    tool: str
    caller: str
    organization: str
    repository: str
    commit: str
    snapshot: str | None
    outcome: str
    is_allowed: bool
    denied_reference: str | None
    argument_digest: str
    result_digest: str
    counts: Mapping[str, int]
    denied_scopes: tuple[str, ...]
    bytes: int
    duration_ms: int


Audit = Callable[[ToolCall], None]
"""Keeps a call. Whatever it raises, the call is refused: nothing is read that nobody can account for."""


def digest_of(value: Any) -> str:
    """A digest of any value that came in or goes out as JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256_digest(text.encode("utf-8", "surrogatepass"))
