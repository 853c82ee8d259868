"""From a source to files that may be proposed: collecting, cleaning, writing, and the reasons why that can't be.

Nothing here knows Git or the record store.
"""

from __future__ import annotations

import msgspec

from krate_gitops.brain.model import ValidationRules
from krate_gitops.errors import KrateError
from krate_gitops.memory.redact import RedactionConfig
from krate_gitops.updates.imports.collect import Collected, collect
from krate_gitops.updates.imports.limits import STANDARD, Limits
from krate_gitops.updates.imports.locate import Places
from krate_gitops.updates.imports.model import ImportSpec
from krate_gitops.updates.imports.normalise import Normalised, Surroundings, normalise
from krate_gitops.updates.imports.run_facts import check_is_over
from krate_gitops.updates.imports.scrub import Scrub
from krate_gitops.updates.imports.verify import unsafe

REDACTION_BLOCKED = "MEMORY_IMPORT_REDACTION_BLOCKED"
INJECTION_BLOCKED = "MEMORY_IMPORT_INJECTION_BLOCKED"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What was collected and what was made of it."""

    collected: Collected
    normalised: Normalised


def scrub_for(rules: ValidationRules, places: Places) -> Scrub:
    """How the texts of a source are cleaned for a brain with these rules."""
    return Scrub(
        redaction=RedactionConfig(secret_scan=rules.secret_scan), injection=rules.prompt_injection, roots=places.roots
    )


def prepare(
    spec: ImportSpec,
    places: Places,
    rules: ValidationRules,
    around: Surroundings,
    *,
    limits: Limits = STANDARD,
    partial_allowed: bool = False,
) -> Prepared:
    """The files of an import, clean and complete.

    Raises what ``collect`` does, ``KrateError(MEMORY_IMPORT_SOURCE_ACTIVE)`` for a run that isn't over, and as
    ``check`` does.
    """
    scrub = scrub_for(rules, places)
    collected = collect(places, spec, scrub, limits=limits)
    check_is_over(collected, spec, declared=around.outcome, partial_allowed=partial_allowed)
    normalised = normalise(spec, collected, scrub, around)
    check(normalised, rules, around)
    return Prepared(collected=collected, normalised=normalised)


def check(normalised: Normalised, rules: ValidationRules, around: Surroundings) -> None:
    """Says whether the files may be proposed at all.

    Raises ``KrateError(MEMORY_IMPORT_INJECTION_BLOCKED)`` when a passage in ``MEMORY.md`` or a retrospective must not
    reach any agent, and ``KrateError(MEMORY_IMPORT_REDACTION_BLOCKED)`` when too much of a file is gone or something
    unsafe is left.
    """
    if normalised.blocked:
        raise KrateError(
            INJECTION_BLOCKED,
            "a passage that no agent may read stands in the source of a file that is read first",
            hint="correct the source, or leave that part out of the import",
            location=normalised.blocked[0],
        )
    if normalised.too_broad:
        raise KrateError(
            REDACTION_BLOCKED,
            f"RedactionTooBroad: cleaning leaves too little of {_files(len(normalised.too_broad))}",
            hint="leave that part out, or import a lower tier",
            location=normalised.too_broad[0],
        )
    found = unsafe(normalised.files, rules, baseline=around.current or around.baseline)
    if found:
        path, finding = found[0]
        raise KrateError(
            REDACTION_BLOCKED,
            f"RedactorFailed: {finding.code} is still found in {_files(len({path for path, _ in found}))}",
            hint="leave that part out, or import a lower tier",
            location=path,
        )


def _files(count: int) -> str:
    return "a generated file" if count == 1 else f"{count:,} generated files"
