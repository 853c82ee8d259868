"""Making texts fit to leave: redacted, and judged for instructions they may hide.

Nearly all texts are clean. One pass of the scanner over all texts of an answer says which are not, and only those are
looked at closely.
"""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.brain.model import PromptInjection, SecretScan
from krate_gitops.brain.scan.bulk import Reason, Scanner
from krate_gitops.brain.scan.injection import Verdict, scan_injection, worst
from krate_gitops.memory.redact import MARKER, Redacted, RedactionConfig, redact, widest_scan


class Cleaner:
    """Cleans texts under one brain's settings; fails closed with ``UnavailableError(MEMORY_REDACTION_FAILED)``."""

    def __init__(self, secrets: SecretScan, injection: PromptInjection) -> None:
        self._config = RedactionConfig(secrets)
        self._injection = injection
        self._scanner = Scanner(widest_scan(secrets), injection)

    def redact(self, texts: Sequence[str]) -> list[Redacted]:
        """Each text without secrets."""
        reasons = self._reasons(texts)
        return [
            redact(text, config=self._config)
            if reasons.get(at, Reason(0)) & (Reason.SECRET | Reason.ENTROPY) or MARKER in text
            else Redacted(text, {}, 0.0)
            for at, text in enumerate(texts)
        ]

    def verdicts(self, texts: Sequence[str]) -> list[Verdict]:
        """What the injection scan says of each text."""
        reasons = self._reasons(texts)
        return [
            worst(scan_injection(text, self._injection.extra_phrases))
            if reasons.get(at, Reason(0)) & Reason.INJECTION
            else Verdict.CLEAN
            for at, text in enumerate(texts)
        ]

    def _reasons(self, texts: Sequence[str]) -> dict[int, Reason]:
        return dict(self._scanner.suspects([text.encode("utf-8", "replace") for text in texts]))
