"""Which file and which document of it a finding is about."""

from __future__ import annotations

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Finding

Placed = tuple[str, Finding]
"""A path and a finding about it."""


def document_ordinals(file: ParsedFile) -> list[int]:
    """For each record of a file the ordinal of its document, which findings carry.

    The two differ where a document of a multi-document file gave no record: it has no id, or is no map.
    """
    without_record = {finding.record for finding in file.findings if _left_no_record(finding)}
    ordinals: list[int] = []
    ordinal = 0
    for _ in file.records:
        while ordinal in without_record:
            ordinal += 1
        ordinals.append(ordinal)
        ordinal += 1
    return ordinals


def _left_no_record(finding: Finding) -> bool:
    if finding.record < 0:
        return False
    return (finding.code == "KB020" and finding.field == "id") or (finding.code == "KB021" and not finding.field)


def pointer(form: str, name: str) -> str:
    """Pointer of a base field or attribute in a record of the form."""
    return f"attributes.{name}" if form == "graph" else name
