"""The report as SARIF 2.1.0, for code scanning and editors."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import quote

from krate_gitops import __version__
from krate_gitops.brain.model import Diagnostic, Related
from krate_gitops.brain.report.model import Report
from krate_gitops.brain.report.presentation import Presentation, RuleText
from krate_gitops.digest import json_digest
from krate_gitops.encoding import json_text
from krate_gitops.printable import printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "krateFinding/v1"

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_ROOT = "SRCROOT"
# Numbers that stand alone are places, sizes and ages; those inside an id or a path belong to it.
_NUMBER = re.compile(r"(?<![\w:/.-])\d+(?:[.:]\d+)*")


def write_sarif(report: Report, presentation: Presentation) -> str:
    """One run with every rule of the table and every diagnostic as a result."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, presentation)]}
    return json_text(log)


def fingerprints(diagnostics: list[Diagnostic]) -> list[str]:
    """For each diagnostic a digest that stays the same while lines above it come and go.

    Neither line nor column takes part, nor do the numbers of the message. Findings that differ in nothing else are
    told apart by their order.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    result = []
    for found in diagnostics:
        message = _NUMBER.sub("#", found.message)
        key = tuple(printable(part) for part in (found.code, found.path, found.record_id, found.field, message))
        result.append(json_digest([*key, seen[key]]).removeprefix("sha256:")[:32])
        seen[key] += 1
    return result


def _run(report: Report, presentation: Presentation) -> dict[str, Any]:
    codes = sorted(set(presentation.rules) | set(report.counts_by_code))
    index = {code: position for position, code in enumerate(codes)}
    results = [
        _result(found, index[found.code], fingerprint, presentation)
        for found, fingerprint in zip(report.diagnostics, fingerprints(report.diagnostics), strict=True)
    ]
    return {
        "tool": {
            "driver": {
                "name": "krate-gitops",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(code, presentation.rules.get(code)) for code in codes],
            }
        },
        "automationDetails": {"id": f"krate-gitops/{presentation.subject}-validate/{printable(report.profile)}/"},
        "invocations": [{"executionSuccessful": True}],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "repository": printable(report.repository),
            "commit": report.commit,
            "profile": report.profile,
            "result": report.result,
        },
    }


def _rule(code: str, rule: RuleText | None) -> dict[str, Any]:
    if rule is None:
        return {"id": code}
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": rule.checks},
        "help": {"text": rule.hint or rule.checks},
        "defaultConfiguration": {"level": _LEVELS[rule.severity.label]},
    }


def _result(found: Diagnostic, rule_index: int, fingerprint: str, presentation: Presentation) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": found.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[found.severity],
        "message": {"text": _text(found.message)},
        "locations": [_location(presentation.path(found.path), found.line, found.column)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
    }
    if found.related:
        result["relatedLocations"] = [
            {"id": number, **_related(related, presentation)} for number, related in enumerate(found.related, 1)
        ]
    properties = {"recordId": found.record_id, "field": found.field, "hint": found.hint}
    if shown := {name: printable(value) for name, value in properties.items() if value}:
        result["properties"] = shown
    return result


def _location(path: str, line: int, column: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(path), "uriBaseId": _ROOT}}
    if line:
        # A start without an end is the whole rest of the line; an empty region would be shown by nobody.
        physical["region"] = {"startLine": line, "startColumn": column or 1}
    return {"physicalLocation": physical}


def _related(related: Related, presentation: Presentation) -> dict[str, Any]:
    location = _location(presentation.path(related.path), related.line, related.column)
    if text := " ".join(_text(part) for part in (related.record_id, related.message) if part):
        location["message"] = {"text": text}
    return location


def _text(text: str) -> str:
    """Message text. Viewers turn ``[words](target)`` into links; a brain's content may not make any."""
    safe = printable(text)
    return safe.replace("[", "\\[") if "](" in safe else safe


_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _uri(path: str) -> str:
    """A relative reference. Bytes that are not UTF-8 stay those bytes; what stands for no byte is replaced."""
    return quote(_NO_BYTE.sub("\ufffd", path).encode(errors="surrogateescape"))
