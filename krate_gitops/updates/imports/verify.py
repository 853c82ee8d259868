"""The last look at what an import would write: the scans of every proposed change, and the rules of profile I that need
nothing but the files.

What cleaning should have found and didn't stops the import. A false alarm costs a run's memory; a miss costs a secret.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from krate_gitops.brain.layout import classify
from krate_gitops.brain.model import Finding, Severity, ValidationRules
from krate_gitops.brain.rules.generated import check_generated_blocks
from krate_gitops.brain.rules.layout import check_path
from krate_gitops.brain.scan.bulk import EVERY_REASON, Scanner
from krate_gitops.git.trees import FILE_MODE
from krate_gitops.updates.imports.entrypoint import PATH as MEMORY_MD

SAFETY = frozenset(("KB060", "KB061", "KB062", "KB063", "KB064", "KB066", "KB093", "KB094"))
"""What the files themselves must be clean of, whatever a brain makes of their records."""

_FEW = 8


def unsafe(files: Mapping[str, bytes], rules: ValidationRules, *, baseline: bytes | None) -> list[tuple[str, Finding]]:
    """Findings that stop an import, with their paths.

    What stands in the ``baseline`` of ``MEMORY.md`` already is no matter of this import. Raises ``KrateError(KB081)``
    for an invalid pattern of the brain.
    """
    scanner = Scanner(rules.secret_scan, rules.prompt_injection)
    paths = list(files)
    contents = [files[path] for path in paths]
    if len(paths) <= _FEW:
        suspects = dict.fromkeys(range(len(paths)), EVERY_REASON)
    else:
        suspects = dict(scanner.suspects(contents))
    found: list[tuple[str, Finding]] = []
    for at, path in enumerate(paths):
        here = list(_of_path(path))
        if at in suspects:
            here += scanner.scan(contents[at].decode(), suspects[at])
        if path == MEMORY_MD:
            here += check_generated_blocks(contents[at].decode())
            here = _news(here, scanner, baseline)
        found += ((path, finding) for finding in here if stops(finding))
    return found


def stops(finding: Finding) -> bool:
    """Whether a finding keeps generated files from being proposed: suspicious passages are for a reviewer to judge."""
    if finding.code not in SAFETY:
        return False
    if finding.code == "KB062":
        return finding.severity is Severity.ERROR
    return finding.severity is not Severity.INFO


def _of_path(path: str) -> Iterator[Finding]:
    yield from check_path(path, FILE_MODE, classify(path))


def _news(found: list[Finding], scanner: Scanner, baseline: bytes | None) -> list[Finding]:
    """Findings beyond those that the baseline has already, by code."""
    if baseline is None:
        return found
    before = baseline.decode(errors="replace")
    known = Counter(one.code for one in (*scanner.scan(before, EVERY_REASON), *check_generated_blocks(before)))
    news = []
    for one in found:
        if known[one.code]:
            known[one.code] -= 1
        else:
            news.append(one)
    return news
