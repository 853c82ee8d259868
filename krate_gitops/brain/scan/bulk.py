"""The first look at many texts at once, and the findings of a text that needs a second.

Nearly all texts of a brain are clean, so what counts is the price of seeing that: all texts are joined into one buffer
and a few automata run over it. They match wherever a detailed scan could find something; only the texts they stop
in are decoded and looked at.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import msgspec
import re2

from krate_gitops.brain.model import Finding, PromptInjection, SecretScan, Severity
from krate_gitops.brain.scan.encoded import ENCODED
from krate_gitops.brain.scan.entropy import entropy_trigger, find_high_entropy
from krate_gitops.brain.scan.injection import DISGUISED, Verdict, phrase_trigger, scan_injection
from krate_gitops.brain.scan.linear import compile_policy, compile_trigger
from krate_gitops.brain.scan.patterns import SECRET_TRIGGER, SecretKind, loosened
from krate_gitops.brain.scan.private import PRIVATE, find_private_data
from krate_gitops.brain.scan.ranges import Ranges
from krate_gitops.brain.scan.secrets import SecretHit, find_secrets
from krate_gitops.brain.scan.views import VIEWED, Seen, views
from krate_gitops.brain.text import LineIndex

_SEPARATOR = b"\n\0\n"
_BUFFER_BYTES = 32 << 20
MOST_FINDINGS = 50
"""Of one code in one text."""


class Reason(enum.Flag):
    """Detailed scans that a text needs."""

    SECRET = enum.auto()
    ENTROPY = enum.auto()
    INJECTION = enum.auto()
    PRIVATE = enum.auto()


EVERY_REASON = Reason.SECRET | Reason.ENTROPY | Reason.INJECTION | Reason.PRIVATE
"""For a few texts, where making the automata costs more than they save."""


class _Pass(msgspec.Struct, frozen=True):
    """One automaton over the buffer, and the reasons that a text it stops in may have (``None``: certainly)."""

    trigger: re2._Regexp
    reasons: tuple[tuple[Reason, re2._Regexp | None], ...]


class Scanner:
    """The scans of KB060, KB061, KB062 and KB066 under one brain's settings.

    Raises ``KrateError(KB081)`` if one of the brain's own patterns is invalid.
    """

    def __init__(self, secret: SecretScan, injection: PromptInjection) -> None:
        self._secret = secret
        self._injection = injection
        self._extra = [compile_policy(pattern) for pattern in secret.extra_patterns]
        self._known: dict[Reason, tuple[_Pass, ...]] = {}

    def _passes(self, wanted: Reason) -> tuple[_Pass, ...]:
        known = self._known.get(wanted)
        if known is None:
            made = self._together() if wanted == EVERY_REASON else tuple(self._alone(wanted))
            known = self._known[wanted] = made
        return known

    def _together(self) -> tuple[_Pass, ...]:
        entropy = entropy_trigger(self._secret.entropy_min_length)
        # What is cheap alone goes into one automaton; the texts it stops in are asked again which of them it was.
        cheap = (
            (Reason.ENTROPY, entropy),
            (Reason.PRIVATE, PRIVATE),
            (Reason.INJECTION, DISGUISED),
            (Reason.SECRET | Reason.ENTROPY, VIEWED),
        )
        together = "|".join(pattern for _, pattern in cheap)
        return (
            _Pass(
                compile_trigger(SECRET_TRIGGER),
                ((Reason.SECRET, None), (Reason.INJECTION, compile_trigger(loosened(ENCODED)))),
            ),
            _Pass(phrase_trigger(self._injection.extra_phrases), ((Reason.INJECTION, None),)),
            _Pass(
                compile_trigger(together, characters=True),
                tuple((reason, compile_trigger(pattern, characters=True)) for reason, pattern in cheap),
            ),
        )

    def _alone(self, wanted: Reason) -> Iterator[_Pass]:
        """Passes that look for nothing else than what is wanted."""
        if Reason.SECRET in wanted:
            yield _Pass(compile_trigger(SECRET_TRIGGER), ((Reason.SECRET, None),))
        if Reason.ENTROPY in wanted:
            trigger = compile_trigger(entropy_trigger(self._secret.entropy_min_length), characters=True)
            yield _Pass(trigger, ((Reason.ENTROPY, None),))
        if viewed := wanted & (Reason.SECRET | Reason.ENTROPY):
            yield _Pass(compile_trigger(VIEWED, characters=True), ((viewed, None),))
        if Reason.INJECTION in wanted:
            yield _Pass(compile_trigger(loosened(ENCODED)), ((Reason.INJECTION, None),))
            yield _Pass(phrase_trigger(self._injection.extra_phrases), ((Reason.INJECTION, None),))
            yield _Pass(compile_trigger(DISGUISED, characters=True), ((Reason.INJECTION, None),))
        if Reason.PRIVATE in wanted:
            yield _Pass(compile_trigger(PRIVATE, characters=True), ((Reason.PRIVATE, None),))

    def suspects(self, texts: Sequence[bytes], wanted: Reason = EVERY_REASON) -> list[tuple[int, Reason]]:
        """Positions of the texts that need detailed scans, ascending, each with the scans it needs.

        A superset: whatever a detailed scan finds in a text (decoded as UTF-8), its reason is here.
        """
        found: list[tuple[int, Reason]] = []
        first = 0
        while first < len(texts):
            last, size = first, 0
            while last < len(texts) and (last == first or size + len(texts[last]) <= _BUFFER_BYTES):
                size += len(texts[last])
                last += 1
            found.extend((first + at, reason) for at, reason in self._in_buffer(texts[first:last], wanted))
            first = last
        return found

    def _in_buffer(self, texts: Sequence[bytes], wanted: Reason) -> list[tuple[int, Reason]]:
        starts, offset = [], 0
        for text in texts:
            starts.append(offset)
            offset += len(text) + len(_SEPARATOR)
        buffer = _SEPARATOR.join(texts)
        reasons: dict[int, Reason] = {}
        for one in self._passes(wanted):
            for at in _texts_with(one.trigger, buffer, starts):
                for reason, trigger in one.reasons:
                    if trigger is None or trigger.search(texts[at]) is not None:
                        reasons[at] = reasons.get(at, reason) | reason
        for extra in self._extra if Reason.SECRET in wanted else ():
            for at, text in enumerate(texts):
                if extra.search(text) is not None:
                    reasons[at] = reasons.get(at, Reason.SECRET) | Reason.SECRET
        return sorted(reasons.items())

    def scan(self, text: str, reasons: Reason) -> list[Finding]:
        """Findings with the character offset in ``text``, sorted by it. Messages hold kind and place, no value."""
        lines = LineIndex(text)
        seen = views(text) if reasons & (Reason.SECRET | Reason.ENTROPY) else ()
        secrets = find_secrets(text, self._secret, seen) if seen else []
        found: list[Finding] = []
        if reasons & Reason.SECRET:
            found.extend(_limited([_secret_finding(hit, lines) for hit in secrets]))
        if reasons & Reason.ENTROPY:
            found.extend(_limited(self._entropy(text, seen, secrets, lines)))
        if reasons & Reason.INJECTION:
            found.extend(_limited(self._injections(text)))
        if reasons & Reason.PRIVATE:
            found.extend(_limited(_private(text, lines)))
        return sorted(found, key=lambda finding: (finding.offset, finding.code))

    def _entropy(self, text: str, seen: Sequence[Seen], secrets: list[SecretHit], lines: LineIndex) -> list[Finding]:
        found = []
        known = Ranges((secret.start, secret.end) for secret in secrets)
        for hit in find_high_entropy(text, self._secret, seen):
            if known.meets(hit.start, hit.end):
                continue
            line, column = lines.position(hit.start)
            message = f"{hit.length}-char high-entropy token at {line}:{column}"
            found.append(Finding("KB061", message, offset=hit.start, hint=_ENTROPY_HINT))
        return found

    def _injections(self, text: str) -> list[Finding]:
        return [
            Finding(
                "KB062",
                f"text addresses future agents: {hit.category}",
                offset=hit.start,
                severity=Severity.ERROR if hit.verdict is Verdict.BLOCKED else Severity.WARNING,
                hint="state it as a fact or a procedure; memory never instructs the agent that reads it",
            )
            for hit in scan_injection(text, self._injection.extra_phrases)
        ]


_ENTROPY_HINT = "remove the value and revoke it; for a false alarm add its sha256 to secretScan.allowFingerprints"


def _secret_finding(hit: SecretHit, lines: LineIndex) -> Finding:
    line, column = lines.position(hit.start)
    example = hit.kind == SecretKind.EXAMPLE
    return Finding(
        "KB060",
        f"{hit.kind} at line {line}, column {column}",
        offset=hit.start,
        severity=Severity.INFO if example else None,
        hint="" if example else "remove the value, revoke it at its issuer, and name the secret by its grant instead",
    )


def _private(text: str, lines: LineIndex) -> list[Finding]:
    found = []
    for hit in find_private_data(text):
        line, column = lines.position(hit.start)
        what = f"published test number, a {hit.kind}," if hit.example else str(hit.kind)
        severity = Severity.INFO if hit.example else None
        found.append(Finding("KB066", f"{what} at {line}:{column}", offset=hit.start, severity=severity))
    return found


def _limited(found: list[Finding]) -> list[Finding]:
    """The first findings of a code; a text made of nothing else needs no million diagnostics."""
    return found[:MOST_FINDINGS]


def _texts_with(pattern: re2._Regexp, buffer: bytes, starts: list[int]) -> list[int]:
    """Positions of the texts in which a match begins; goes on with the next text after each.

    The last character of a separator belongs to the text behind it: patterns may begin with "no letter before".
    """
    found = []
    at = 0
    while (match := pattern.search(buffer, at)) is not None:
        index = bisect_right(starts, match.start() + 1) - 1
        found.append(index)
        if index + 1 == len(starts):
            break
        at = starts[index + 1] - 1
    return found
