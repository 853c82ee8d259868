"""Counting findings: by code and by severity, as one brain's settings judge them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from krate_gitops.brain.model import Finding, Severity
from krate_gitops.brain.rules.severity import Severities, result


class Tally:
    """Findings by (code, severity); what the brain has disabled is not counted."""

    def __init__(self, severities: Severities) -> None:
        self._severities = severities
        self._counts: Counter[tuple[str, Severity]] = Counter()

    def add(self, path: str, finding: Finding, times: int = 1) -> None:
        """Counts a finding in the file at ``path``; a negative ``times`` takes it back."""
        severity = self._severities.of(finding, path)
        if severity is not None:
            self._counts[finding.code, severity] += times

    def add_rows(self, rows: Mapping[str, Mapping[str, int]]) -> None:
        """Adds what ``rows`` returned for another commit."""
        for code, by_severity in rows.items():
            for label, count in by_severity.items():
                self._counts[code, Severity[label.upper()]] += count

    def rows(self) -> dict[str, dict[str, int]]:
        """Counts by code and severity."""
        rows: dict[str, dict[str, int]] = {}
        for (code, severity), count in sorted(self._counts.items()):
            if count:
                rows.setdefault(code, {})[severity.label] = count
        return rows

    def by_code(self) -> dict[str, int]:
        return {code: sum(by_severity.values()) for code, by_severity in self.rows().items()}

    def by_severity(self) -> dict[str, int]:
        counts = dict.fromkeys((severity.label for severity in Severity), 0)
        for (_, severity), count in self._counts.items():
            counts[severity.label] += count
        return counts

    def result(self, fail_on: str) -> str:
        """``valid``, ``degraded`` or ``invalid``."""
        counts: Counter[Severity] = Counter()
        for (_, severity), count in self._counts.items():
            counts[severity] += count
        return result(counts, fail_on)
