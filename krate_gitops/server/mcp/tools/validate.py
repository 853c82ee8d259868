"""``memory_ontology_validate``: what is wrong with the pinned commit, or would be with a change of it.

Findings are told of files that the policy lets the caller read, of the ontology, and of what the change itself brings.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report.model import verdict
from krate_gitops.brain.rules.table import RULES
from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.index.proposed import validate_proposed
from krate_gitops.index.validate import Selection, Validation, validate
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.server.mcp.tools.tool import Answer, Names, Reading, Tool, one_line

_ONTOLOGY = "ontology/"
_LONGEST_FILE = 2_000_000


class ProposedChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    path: Annotated[str, Meta(description="Path below the memory root.", min_length=1, max_length=1000)]
    action: Annotated[Literal["write", "delete"], Meta(description="write adds a file or replaces it.")] = "write"
    content: Annotated[str, Meta(description="The whole new file; only with write.", max_length=_LONGEST_FILE)] = ""


class ValidateArguments(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    paths: Annotated[Names, Meta(description="Only findings in these files (globs).")] = ()
    changes: Annotated[
        tuple[ProposedChange, ...],
        Meta(description="Check these changes instead of the commit as it is.", max_length=50),
    ] = ()


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


class ValidateAnswer(Answer, frozen=True, kw_only=True):
    """``profile`` is R for the commit as it stands, U for proposed changes; counts and verdict are of what is told."""

    profile: str
    result: str
    counts: dict[str, int]
    diagnostics: tuple[Finding, ...] = ()


def check(reading: Reading, asked: ValidateArguments) -> ValidateAnswer:
    """The findings.

    Raises ``UsageError(INVALID_REQUEST)`` for changes that can't be made, ``DeniedError(POLICY_DENIED)`` for one to a
    file that may not be read.
    """
    pin = reading.pin
    found = _proposed(reading, asked.changes) if asked.changes else _as_it_is(reading)
    changed = {change.path for change in asked.changes}
    wanted = compile_globs(asked.paths)
    told = [
        diagnostic
        for diagnostic in found.report.diagnostics
        if _may_tell(reading, diagnostic.path, changed) and (not asked.paths or wanted(diagnostic.path))
    ]
    counts = Counter(diagnostic.severity for diagnostic in told)
    safe = SafeStrings(reading.opened.cleaner)
    return ValidateAnswer(
        repository=pin.repository,
        commit=pin.commit,
        warnings=reading.warnings,
        profile=found.report.profile,
        result=verdict(counts, found.fail_on),
        counts=dict(sorted(counts.items())),
        diagnostics=tuple(_finding(reading, diagnostic, changed, safe) for diagnostic in told),
    )


def _as_it_is(reading: Reading) -> Validation:
    brain = reading.pin.brain
    return validate(brain.builder, brain.target(reading.pin.commit), selection=Selection(), committed_indexes=False)


def _proposed(reading: Reading, changes: tuple[ProposedChange, ...]) -> Validation:
    brain = reading.pin.brain
    contents: dict[str, bytes | None] = {}
    for change in changes:
        if change.path in contents:
            raise UsageError("INVALID_REQUEST", "a path is changed twice", hint="give each path once")
        if change.action == "delete" and change.content:
            raise UsageError("INVALID_REQUEST", "a file that is deleted has no content", hint="leave content out")
        if not _may_change(reading, change.path):
            raise DeniedError("POLICY_DENIED", "a change is to a file that is not admitted", hint="leave it out")
        contents[change.path] = None if change.action == "delete" else change.content.encode("utf-8", "replace")
    return validate_proposed(
        brain.builder,
        brain.target(reading.pin.commit),
        contents,
        root=reading.opened.manifest.root,
        home=brain.settings.home,
    )


def _may_change(reading: Reading, path: str) -> bool:
    """Whether a file may be read or, where there is none yet, could be."""
    policy, number = reading.pin.policy, reading.opened.columns.file_number.get(path)
    if number is not None:
        return path.startswith(_ONTOLOGY) or bool(reading.opened.admission(policy).files[number])
    return _could_be_read(policy, path)


def _could_be_read(policy: EffectivePolicy, path: str) -> bool:
    """Whether a policy admits a path, whatever there will be."""
    if compile_globs(policy.exclude_paths)(path) or (policy.within and not _could_be_read(policy.within, path)):
        return False
    return any(grant.everything or compile_globs(grant.include.paths)(path) for grant in policy.grants)


def _may_tell(reading: Reading, path: str, changed: set[str]) -> bool:
    if path in changed or path.startswith(_ONTOLOGY):
        return True
    number = reading.opened.columns.file_number.get(path)
    return number is not None and bool(reading.opened.admission(reading.pin.policy).files[number])


def _finding(reading: Reading, found: Diagnostic, changed: set[str], safe: SafeStrings) -> Finding:
    """A diagnostic as it may leave; where it is about a file that may not be told of too, in the rule's own words."""
    open_to_all = all(_may_tell(reading, related.path, changed) for related in found.related)
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


def _lines(answer: ValidateAnswer) -> list[str]:
    lines = [
        f"{one_line(found.path)}:{found.line}:{found.column}: {found.severity} {found.code} {one_line(found.message)}"
        + (f" ({one_line(found.hint)})" if found.hint else "")
        for found in answer.diagnostics
    ]
    counts = ", ".join(f"{count} {severity}" for severity, count in answer.counts.items())
    return [*lines, f"{answer.result}: {counts or 'no findings'}"]


VALIDATE = Tool(
    name="memory_ontology_validate",
    title="Validate memory",
    description=(
        "Checks memory files against the ontology: those of the pinned commit, or changes you mean to propose, which "
        "are written nowhere. Returns findings with code, place and what to do. Check a change here before proposing "
        "it."
    ),
    arguments=ValidateArguments,
    answer=ValidateAnswer,
    run=check,
    lines=_lines,
    items="diagnostics",
    aliases={},
)
