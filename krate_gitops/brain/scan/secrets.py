"""Credentials in text: where they are and of which kind, never what they are.

Precision comes first, since a scanner that cries wolf gets switched off: a shape alone is not enough, the characters
must look random, and templates, masks, references, types and code are passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import re2

from krate_gitops.brain.model import SecretPattern, SecretScan
from krate_gitops.brain.scan import patterns
from krate_gitops.brain.scan.encoded import decoded_runs
from krate_gitops.brain.scan.examples import is_documented_example
from krate_gitops.brain.scan.finders import FINDERS, Candidate
from krate_gitops.brain.scan.linear import compile_policy, compile_trigger
from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.views import Seen, views


class SecretHit(msgspec.Struct, frozen=True, order=True):
    """A secret at a range of characters. ``kind`` is a ``SecretKind`` or ``policy:<kind>`` of the brain's own patterns.

    ``example-credential`` marks a credential that a vendor published in documentation; it needs no redaction.
    """

    start: int
    end: int
    kind: str


_TRIGGER = compile_trigger(patterns.SECRET_TRIGGER)
_DEPTH = 3
"""Encodings within encodings that are looked into."""


def find_secrets(text: str, config: SecretScan, seen: Sequence[Seen] = ()) -> list[SecretHit]:
    """Secrets of a text, sorted, without overlap, in characters of ``text``.

    Looks through line breaks inside tokens, through escapes and what takes no place (``views``), and some levels deep
    into base64, hex and percent encoding (the hit is then the whole encoded run). ``seen`` are the views of the text
    if the caller has them already. Raises ``KrateError`` if one of the
    brain's own patterns is invalid.
    """
    policies = [(f"policy:{extra.kind}", _policy(extra.kind, extra.regex)) for extra in config.extra_patterns]
    allowed = fingerprints(config)
    found = _candidates(seen or views(text), policies, _DEPTH)
    return _merged([one for one in found if not (allowed and fingerprint(one.value) in allowed)])


def _candidates(
    views_of_text: Sequence[Seen], policies: list[tuple[str, re2._Regexp]], depth: int
) -> Iterator[Candidate]:
    """What is found in a text, in its views, and in what is encoded in them, in characters of the text itself."""
    for seen in views_of_text:
        found: list[Candidate] = []
        if _TRIGGER.search(seen.text.encode()) is not None:
            found.extend(_plain(seen.text))
            if depth:
                found.extend(_encoded(seen.text, policies, depth - 1))
        found.extend(_own(seen.text, policies, whole=not seen.through))
        for one in found:
            start, end = seen.original(one.start, one.end)
            yield Candidate(one.kind, start, end, one.value)


def _own(text: str, policies: list[tuple[str, re2._Regexp]], *, whole: bool) -> Iterator[Candidate]:
    """What a brain's own patterns match. In a view only single words: it holds no sentences that nobody wrote."""
    for kind, pattern in policies:
        for match in pattern.finditer(text):
            if match.end() > match.start() and (whole or not any(char.isspace() for char in match.group())):
                yield Candidate(kind, match.start(), match.end(), match.group())


def fingerprint(value: str) -> str:
    """What ``allowFingerprints`` holds for an accepted false alarm: hex of sha256."""
    return hashlib.sha256(value.encode()).hexdigest()


def fingerprints(config: SecretScan) -> frozenset[str]:
    """Accepted fingerprints, with or without ``sha256:`` in front."""
    return frozenset(one.removeprefix("sha256:").lower() for one in config.allow_fingerprints)


@lru_cache(maxsize=128)
def _policy(kind: str, regex: str) -> re2._Regexp:
    return compile_policy(SecretPattern(kind=kind, regex=regex))


def _plain(text: str) -> Iterator[Candidate]:
    for finder in FINDERS:
        for one in finder(text):
            kind = SecretKind.EXAMPLE if is_documented_example(one.value) else one.kind
            yield Candidate(kind, one.start, one.end, one.value)


def _encoded(text: str, policies: list[tuple[str, re2._Regexp]], depth: int) -> Iterator[Candidate]:
    for run in decoded_runs(text):
        found = list(_candidates(views(run.text), policies, depth))
        # The run is taken as a whole: an example in it must not make an example of what else it holds.
        secrets = [one for one in found if one.kind != SecretKind.EXAMPLE]
        for one in secrets or found:
            yield Candidate(one.kind, run.start, run.end, text[run.start : run.end])


_RANK = {kind: rank for rank, kind in enumerate(SecretKind)}


def _holds(example: SecretHit | Candidate, *others: SecretHit | Candidate) -> bool:
    """Whether all there is belongs to the example: then what else was found is the example by another name."""
    return all(example.start <= one.start and one.end <= example.end for one in others)


def _merged(found: list[Candidate]) -> list[SecretHit]:
    """Overlapping candidates become one hit over all of them, named by the kind that comes first in the table."""
    hits: list[SecretHit] = []
    for one in sorted(found, key=lambda c: (c.start, c.end, c.kind)):
        if hits and one.start < hits[-1].end:
            last = hits[-1]
            kind = min(last.kind, one.kind, key=lambda k: _RANK.get(SecretKind(k), 99) if k in _RANK else 99)
            if kind == SecretKind.EXAMPLE and not _holds(last if last.kind == kind else one, last, one):
                kind = max(last.kind, one.kind, key=lambda k: k != SecretKind.EXAMPLE)
            hits[-1] = SecretHit(last.start, max(last.end, one.end), kind)
        else:
            hits.append(SecretHit(one.start, one.end, one.kind))
    return hits
