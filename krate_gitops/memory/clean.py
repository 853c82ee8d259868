"""Making texts fit to leave: redacted, and judged for instructions they may hide.

Nearly all texts are clean. One pass of the scanner over all texts of an answer says which are not, and only those are
looked at closely.
"""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.brain.model import PromptInjection, SecretScan
from krate_gitops.brain.scan.bulk import Reason, Scanner
from krate_gitops.brain.scan.clean import MARKER, widest_scan
from krate_gitops.brain.scan.injection import Verdict, scan_injection, worst
from krate_gitops.memory.redact import Redacted, RedactionConfig, redact


class Cleaner:
    """Cleans texts under one brain's settings; fails closed with ``UnavailableError(MEMORY_REDACTION_FAILED)``."""

    def __init__(self, secrets: SecretScan, injection: PromptInjection) -> None:
        self._config = RedactionConfig(secrets)
        self._injection = injection
        self._scanner = Scanner(widest_scan(secrets), injection)

    def redact(self, texts: Sequence[str]) -> list[Redacted]:
        """Each text without secrets."""
        doubtful = self._suspects(texts, Reason.SECRET | Reason.ENTROPY)
        return [
            redact(text, config=self._config) if at in doubtful or MARKER in text else Redacted(text, {}, 0.0)
            for at, text in enumerate(texts)
        ]

    def verdicts(self, texts: Sequence[str]) -> list[Verdict]:
        """What the injection scan says of each text."""
        verdicts = [Verdict.CLEAN] * len(texts)
        for at in self._suspects(texts, Reason.INJECTION):
            verdicts[at] = worst(scan_injection(texts[at], self._injection.extra_phrases))
        return verdicts

    def _suspects(self, texts: Sequence[str], wanted: Reason) -> set[int]:
        """Positions of the texts that need one of the detailed scans."""
        if not texts:
            return set()
        return {at for at, _ in self._scanner.suspects([text.encode("utf-8", "replace") for text in texts], wanted)}
