"""How serious a finding is in one brain, and what the findings add up to."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.brain.globs import Matcher, compile_globs
from krate_gitops.brain.model import Finding, Severity, ValidationRules
from krate_gitops.brain.rules.table import LOCKED, RULES

_LEVELS = {level.label: level for level in Severity}

VALID, DEGRADED, INVALID = "valid", "degraded", "invalid"


class Severities:
    """Effective severities under the settings of one brain.

    A brain's word on a code goes before the severity a finding states for itself, because it was said by people who
    know the brain. Locked codes hear neither of its settings.
    """

    def __init__(self, rules: ValidationRules) -> None:
        free = RULES.keys() - LOCKED
        self._disabled = free & set(rules.disabled)
        self._paths: dict[str, Matcher] = {
            code: compile_globs(globs) for code, globs in rules.disabled_paths.items() if code in free and globs
        }
        self._overrides = {code: _LEVELS[level] for code, level in rules.severity.items() if code in free}

    def of(self, finding: Finding, path: str) -> Severity | None:
        """Severity of a finding in the file at ``path``; None when the brain does not want to hear of it."""
        code = finding.code
        if code in self._disabled:
            return None
        matches = self._paths.get(code)
        if matches is not None and matches(path):
            return None
        override = self._overrides.get(code)
        if override is not None:
            return override
        return RULES[code].severity if finding.severity is None else finding.severity


def result(counts: Mapping[Severity, int], fail_on: str) -> str:
    """``invalid``, ``degraded`` or ``valid`` from the number of findings of each severity."""
    limit = _LEVELS[fail_on]
    if any(count and level >= limit for level, count in counts.items()):
        return INVALID
    return DEGRADED if counts.get(Severity.WARNING) else VALID
