"""``validation-rules.yaml``: what a brain may tune, and that it may not tune what protects its readers."""

from __future__ import annotations

import re

import re2

from krate_gitops.brain.model import Limits, PromptInjection, SecretPattern, SecretScan, Severity, ValidationRules
from krate_gitops.brain.ontology.foreign import read_foreign
from krate_gitops.brain.ontology.reader import Section
from krate_gitops.brain.rules.table import LOCKED, RULES

_LEVELS = tuple(level.label for level in Severity)
_FINGERPRINT = re.compile(r"(?:sha256:)?[0-9a-f]{64}\Z")
_PATTERN_KIND = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_MAX_LIMIT = 64 * 1024 * 1024
"""A repository cannot talk its readers into loading files of any size."""


def read_rules(root: Section, *, outside: bool) -> ValidationRules:
    """Settings. ``outside`` says that the ontology is not part of the brain, so it may hold ``foreign``."""
    foreign = root.section("foreign")
    if foreign is not None and not outside:
        hint = "keep it in an ontology outside the repository"
        root.report.add(
            "KB081", "foreign is not allowed in a brain's own ontology", root.at("foreign"), at_key=True, hint=hint
        )
        foreign = None
    return ValidationRules(
        fail_on=root.choice("failOn", ("error", "warning"), "error"),
        stale_after_days=root.integer("staleAfterDays", 365, 1),
        severity=_severity(root),
        disabled=_disabled(root),
        disabled_paths=_disabled_paths(root),
        limits=_limits(root),
        secret_scan=_secret_scan(root),
        prompt_injection=_prompt_injection(root),
        foreign=read_foreign(foreign) if foreign is not None else None,
    )


def _usable(section: Section, code: str, field: str, act: str, *, at_key: bool = False) -> bool:
    if code not in RULES:
        section.report.add("KB081", f'"{code[:20]}" is not a rule', field, at_key=at_key)
    elif code in LOCKED:
        section.report.add("KB081", f"{code} cannot be {act}", field, at_key=at_key)
    else:
        return True
    return False


def _unchanged(code: str, level: str) -> bool:
    return code in LOCKED and level == "error"


def _severity(root: Section) -> dict[str, str]:
    section = root.section("severity")
    if section is None:
        return {}
    levels: dict[str, str] = {}
    for code in section.names():
        level = section.choice(code, _LEVELS, "")
        if level and (_unchanged(code, level) or _usable(section, code, section.at(code), "lowered")):
            levels[code] = level
    return levels


def _disabled(root: Section) -> tuple[str, ...]:
    codes = root.texts("disabled", expected="a rule code")
    listed = root.get("disabled")
    return tuple(
        code for code in codes if _usable(root, code, f"{root.at('disabled')}[{listed.index(code)}]", "disabled")
    )


def _disabled_paths(root: Section) -> dict[str, tuple[str, ...]]:
    section = root.section("disabledPaths")
    if section is None:
        return {}
    paths: dict[str, tuple[str, ...]] = {}
    for code in section.names():
        patterns = section.texts(code, expected="a path pattern")
        if _usable(section, code, section.at(code), "disabled", at_key=True):
            paths[code] = patterns
    return paths


def _limits(root: Section) -> Limits:
    section = root.section("limits")
    if section is None:
        return Limits()
    default = Limits()
    limits = Limits(
        record_bytes=section.integer("recordBytes", default.record_bytes, 1, _MAX_LIMIT),
        note_bytes=section.integer("noteBytes", default.note_bytes, 1, _MAX_LIMIT),
    )
    section.close()
    return limits


def _secret_scan(root: Section) -> SecretScan:
    section = root.section("secretScan")
    if section is None:
        return SecretScan()
    default = SecretScan()
    fingerprints = section.texts("allowFingerprints", accept=_is_fingerprint, expected="a sha256 digest")
    scan = SecretScan(
        entropy_min_length=section.integer("entropyMinLength", default.entropy_min_length, 16, 1024),
        entropy_threshold_percent=section.integer("entropyThresholdPercent", default.entropy_threshold_percent, 1, 100),
        extra_patterns=tuple(_patterns(section)),
        allow_fingerprints=tuple("sha256:" + text.removeprefix("sha256:") for text in fingerprints),
    )
    section.close()
    return scan


def _is_fingerprint(text: str) -> bool:
    return _FINGERPRINT.match(text) is not None


def _patterns(section: Section) -> list[SecretPattern]:
    patterns: list[SecretPattern] = []
    for part in section.sections("extraPatterns"):
        kind = part.text(
            "kind", "", required=True, pattern=_PATTERN_KIND, expected="lower case words joined by hyphens"
        )
        regex = part.text("regex", "", required=True, expected="a regular expression")
        part.close()
        problem = regex and _regex_problem(regex)
        if problem:
            part.report.add("KB081", f"regex does not compile: {problem}", part.at("regex"), hint="RE2 syntax")
        elif kind and regex:
            patterns.append(SecretPattern(kind, regex))
    return patterns


def _regex_problem(regex: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(regex, options)
    except re2.error as error:
        return _text(error)
    # A pattern that finds the empty text would mark every place of every file.
    return "it matches the empty text" if compiled.search("") else ""


def _text(error: Exception) -> str:
    detail = error.args[0] if error.args else "bad syntax"
    return detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)


def _prompt_injection(root: Section) -> PromptInjection:
    section = root.section("promptInjection")
    if section is None:
        return PromptInjection()
    settings = PromptInjection(extra_phrases=section.texts("extraPhrases", expected="a phrase"))
    section.close()
    return settings
