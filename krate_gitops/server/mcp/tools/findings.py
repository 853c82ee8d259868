"""What validation found, as far as a caller may be told: of files it may read, the ontology, and what it changes."""

from __future__ import annotations

import msgspec

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.rules.table import RULES
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.server.mcp.tools.tool import Reading, one_line

_ONTOLOGY = "ontology/"


class Finding(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A diagnostic. Lines and columns are 1-based."""

    code: str
    name: str
    severity: str
    path: str
    line: int
    column: int
    record_id: str
    field: str
    message: str
    hint: str


def may_change(reading: Reading, path: str) -> bool:
    """Whether a file may be read or, where there is none yet, could be."""
    policy, number = reading.pin.policy, reading.opened.columns.file_number.get(path)
    if number is not None:
        return path.startswith(_ONTOLOGY) or bool(reading.opened.admission(policy).files[number])
    return could_be_read(policy, path)


def could_be_read(policy: EffectivePolicy, path: str) -> bool:
    """Whether a policy admits a path, whatever there will be."""
    if compile_globs(policy.exclude_paths)(path) or (policy.within and not could_be_read(policy.within, path)):
        return False
    return any(grant.everything or compile_globs(grant.include.paths)(path) for grant in policy.grants)


def may_tell(reading: Reading, path: str, changed: set[str]) -> bool:
    """Whether a caller that changes the files ``changed`` may hear of a path."""
    if path in changed or path.startswith(_ONTOLOGY):
        return True
    number = reading.opened.columns.file_number.get(path)
    return number is not None and bool(reading.opened.admission(reading.pin.policy).files[number])


def finding_of(reading: Reading, found: Diagnostic, changed: set[str], safe: SafeStrings) -> Finding:
    """A diagnostic as it may leave; where it is about a file that may not be told of too, in the rule's own words."""
    open_to_all = all(may_tell(reading, related.path, changed) for related in found.related)
    return Finding(
        code=found.code,
        name=found.name,
        severity=found.severity,
        path=safe(found.path),
        line=found.line,
        column=found.column,
        record_id=safe(found.record_id),
        field=safe(found.field),
        message=safe(found.message) if open_to_all else RULES[found.code].checks,
        hint=safe(found.hint) if open_to_all else RULES[found.code].hint,
    )


def finding_lines(found: tuple[Finding, ...]) -> list[str]:
    """A line for each."""
    return [
        f"{one_line(one.path)}:{one.line}:{one.column}: {one.severity} {one.code} {one_line(one.message)}"
        + (f" ({one_line(one.hint)})" if one.hint else "")
        for one in found
    ]
