"""The conditions of an import, and what each failure says about them."""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.errors import KrateError
from krate_gitops.updates.imports.model import CONDITION_TYPES
from krate_gitops.updates.model import Condition

_FAILURES = {
    "MEMORY_IMPORT_SOURCE_NOT_FOUND": ("SourceResolved", "SourceNotFound"),
    "MEMORY_IMPORT_SOURCE_ACTIVE": ("SourceResolved", "SourceRunActive"),
    "MEMORY_LIMIT_EXCEEDED": ("SourceResolved", "SourceUnreadable"),
    "CROSS_ORG_REF_DENIED": ("OrgScopeVerified", "CrossOrgSource"),
    "MEMORY_REDACTION_FAILED": ("SecretsRedacted", "RedactorFailed"),
    "MEMORY_IMPORT_REDACTION_BLOCKED": ("SecretsRedacted", "RedactionTooBroad"),
    "MEMORY_IMPORT_INJECTION_BLOCKED": ("PromptInjectionScanned", "InjectionBlocked"),
    "MEMORY_IMPORT_VALIDATION_FAILED": ("OntologyValid", "OntologyInvalid"),
    "INVALID_RESOURCE": ("SourceResolved", "SourceUnreadable"),
}
_ORDER = {name: at for at, name in enumerate(CONDITION_TYPES)}
_BEFORE = {
    "SourceResolved": (),
    "OrgScopeVerified": (),
    "SecretsRedacted": ("SourceResolved", "OrgScopeVerified"),
    "PromptInjectionScanned": ("SourceResolved", "OrgScopeVerified", "SecretsRedacted"),
    "OntologyValid": ("SourceResolved", "OrgScopeVerified", "SecretsRedacted", "PromptInjectionScanned"),
}
_GOOD = {
    "SourceResolved": "SourceFound",
    "OrgScopeVerified": "SameOrganization",
    "SecretsRedacted": "NoSecretsDetected",
    "PromptInjectionScanned": "Scanned",
}


def true(type: str, reason: str, message: str = "") -> Condition:
    """A condition that holds."""
    return Condition(type, "True", reason, message)


def false(type: str, reason: str, message: str = "") -> Condition:
    """A condition that doesn't."""
    return Condition(type, "False", reason, message)


def with_conditions(known: Sequence[Condition], *new: Condition) -> tuple[Condition, ...]:
    """The conditions with new ones in place of those of the same type, in the order people read them in."""
    found = {one.type: one for one in (*known, *new)}
    return tuple(sorted(found.values(), key=lambda one: _ORDER.get(one.type, len(_ORDER))))


def is_of_source(error: KrateError) -> bool:
    """Whether an error says something about the source, so that another try would say the same."""
    return error.code in _FAILURES


def of_failure(error: KrateError) -> tuple[Condition, ...]:
    """What a failure says. The message names a place and never quotes the source."""
    type, reason = _FAILURES.get(error.code, ("SourceResolved", "SourceUnreadable"))
    if error.message.startswith("RedactorFailed"):
        reason = "RedactorFailed"
    held = [true(one, _GOOD[one]) for one in _BEFORE[type]]
    return (*held, false(type, reason, error.location), false("Ready", reason))
