"""The report of an update's validation: stored, bound to approvals by its digest, and shown to reviewers.

It says what would be merged and what is wrong with it, and names neither the commit it would be merged onto nor the
time: so it stays the same while the target moves in places the update has nothing to do with.
"""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.brain.scan.phrases import SCANNER_VERSION
from krate_gitops.digest import canonical_json, sha256_digest
from krate_gitops.encoding import plain
from krate_gitops.memory.redact import REDACTION_VERSION

MOST_DIAGNOSTICS = 500


class FileReport(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One path. ``digest`` is that of the merged content; ``before`` that of what it replaces."""

    path: str
    action: str
    record_id: str | None = None
    kind: str | None = None
    transition: str = ""
    before: str | None = None
    digest: str | None = None
    reason: str = ""


class Redactions(msgspec.Struct, frozen=True, rename="camel"):
    """Secrets that were found, by kind: counts, never values."""

    total: int = 0
    by_kind: dict[str, int] = {}


class Injections(msgspec.Struct, frozen=True, rename="camel"):
    """Passages that talk to the agent who will read them. ``verdict`` is ``clean``, ``suspicious`` or ``blocked``."""

    verdict: str = "clean"
    by_category: dict[str, int] = {}
    places: tuple[str, ...] = ()


class UpdateReport(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """``diagnostics`` are the first 500, as plain values; ``for_owners`` counts what a memory owner may waive."""

    schema_version: int = 1
    profile: str = "U"
    result: str = "valid"
    counts: dict[str, int] = {}
    counts_by_code: dict[str, int] = {}
    diagnostics: tuple[dict[str, Any], ...] = ()
    truncated: bool = False
    for_owners: int = 0
    files: tuple[FileReport, ...] = ()
    conflicts: int = 0
    redaction: Redactions = Redactions()
    injection: Injections = Injections()
    errors: tuple[str, ...] = ()
    redaction_version: int = REDACTION_VERSION
    scanner_version: int = SCANNER_VERSION

    def encoded(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(plain(self))

    @property
    def digest(self) -> str:
        """Digest of the canonical JSON."""
        return sha256_digest(self.encoded())

    @property
    def redaction_digest(self) -> str:
        """Digest of what was found of secrets and instructions."""
        return sha256_digest(canonical_json(plain([self.redaction, self.injection])))


def decode_report(body: bytes) -> UpdateReport:
    """A stored report."""
    return msgspec.json.decode(body, type=UpdateReport)
