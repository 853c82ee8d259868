"""Whether a text may leave as it is: known when its file is scanned, so that a reader need not look again."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence

import msgspec

from krate_gitops.brain.model import Finding, SecretScan, Severity
from krate_gitops.brain.scan.bulk import MOST_FINDINGS

MARKER = "[REDACTED:"
"""How every replacement of a redaction begins."""

_BASE64_LENGTH = 40
_BASE64_THRESHOLD_PERCENT = 75


def widest_scan(scan: SecretScan) -> SecretScan:
    """The entropy scan's settings, but never weaker than redaction promises."""
    return msgspec.structs.replace(
        scan,
        entropy_min_length=min(scan.entropy_min_length, _BASE64_LENGTH),
        entropy_threshold_percent=min(scan.entropy_threshold_percent, _BASE64_THRESHOLD_PERCENT),
    )


def is_clean(text: str, data: bytes, found: Sequence[Finding], scan: SecretScan) -> bool:
    """Whether redaction certainly leaves a text alone: by what a scan of it under ``scan`` found.

    ``data`` is what the text was read from. In doubt the answer is no, and the text is redacted whenever it is shown:
    where the scan is weaker than redaction, where it may have left out findings, where it saw other bytes than the text
    has, and where a marker of redaction stands in the text already.
    """
    if b"\r" in data or data.startswith(BOM_UTF8) or MARKER in text or widest_scan(scan) != scan:
        return False
    secrets = [finding for finding in found if finding.code in ("KB060", "KB061")]
    examples = all(finding.code == "KB060" and finding.severity is Severity.INFO for finding in secrets)
    return examples and len(secrets) < MOST_FINDINGS
