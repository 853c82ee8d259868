"""``memory_ontology_validate``: what is wrong with the pinned commit, or would be with a change of it.

Findings are told of files that the policy lets the caller read, of the ontology, and of what the change itself brings.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.report.model import verdict
from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.index.proposed import validate_proposed
from krate_gitops.index.validate import Selection, Validation, validate
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.server.mcp.tools.findings import Finding, finding_lines, finding_of, may_change, may_tell
from krate_gitops.server.mcp.tools.tool import Answer, Names, Reading, Tool

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
        if may_tell(reading, diagnostic.path, changed) and (not asked.paths or wanted(diagnostic.path))
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
        diagnostics=tuple(finding_of(reading, diagnostic, changed, safe) for diagnostic in told),
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
        if not may_change(reading, change.path):
            raise DeniedError("POLICY_DENIED", "a change is to a file that is not admitted", hint="leave it out")
        contents[change.path] = None if change.action == "delete" else change.content.encode("utf-8", "replace")
    return validate_proposed(
        brain.builder,
        brain.target(reading.pin.commit),
        contents,
        root=reading.opened.manifest.root,
        home=brain.settings.home,
    )


def _lines(answer: ValidateAnswer) -> list[str]:
    counts = ", ".join(f"{count} {severity}" for severity, count in answer.counts.items())
    return [*finding_lines(answer.diagnostics), f"{answer.result}: {counts or 'no findings'}"]


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
