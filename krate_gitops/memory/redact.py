"""The last thing that happens to a text before it leaves the repository: redaction, which fails closed; then, for a
prompt, everything is taken out of it that could end or imitate the frame it is shown in.

Redact whole items before excerpts are cut: half a token at the end of an excerpt can no longer be recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.clean import widest_scan
from krate_gitops.brain.scan.entropy import find_high_entropy
from krate_gitops.brain.scan.linear import compile_linear
from krate_gitops.brain.scan.normal import INVISIBLE, normalise
from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.ranges import Ranges
from krate_gitops.brain.scan.secrets import find_secrets
from krate_gitops.brain.scan.views import views
from krate_gitops.errors import UnavailableError

REDACTION_VERSION = 1
"""Version of the kinds and of the order; part of every snapshot's digest."""

_DENIED = "policy:denied"
_USER = "user"
_PRIVATE = "private-data"
_MOST_PASSES = 8
TOO_BROAD = 0.5
"""Share of an item's bytes; when more than this is gone the item is dropped."""


class RedactionConfig(msgspec.Struct, frozen=True):
    """What to remove beside the built-in kinds.

    ``denied`` are literal texts that the permission review withholds (kind ``policy:denied``); ``user_patterns`` are
    regular expressions in RE2 syntax (kind ``user``). The brain's own patterns come with ``secret_scan``.
    """

    secret_scan: SecretScan = SecretScan()
    denied: tuple[str, ...] = ()
    user_patterns: tuple[str, ...] = ()


class Redacted(msgspec.Struct, frozen=True, gc=False):
    """A text that may leave. ``counts`` maps a kind to how often it was removed.

    ``removed_ratio`` is the share of the UTF-8 bytes that are gone.
    """

    text: str
    counts: dict[str, int]
    removed_ratio: float


class _Span(msgspec.Struct, frozen=True, order=True):
    start: int
    end: int
    rank: int
    kind: str


def redact(text: str, *, config: RedactionConfig) -> Redacted:
    """The text with every secret replaced by ``[REDACTED:<kind>]``; redacting the result again changes nothing.

    Raises ``UnavailableError(MEMORY_REDACTION_FAILED)`` on any failure, an invalid pattern included: then nothing may
    be shown.
    """
    try:
        return _redact(text, config)
    except Exception as error:  # whatever went wrong, an unredacted text must not go on
        location = getattr(error, "location", "") or type(error).__name__
        raise UnavailableError(
            "MEMORY_REDACTION_FAILED",
            "the text could not be redacted, so it is withheld",
            hint="check the patterns of the redaction policy",
            location=location,
        ) from None


def _redact(text: str, config: RedactionConfig) -> Redacted:
    counts: dict[str, int] = {}
    size, removed = len(text.encode()), 0
    marker = _marker(config)
    # What a marker is put beside may look different to a pattern, so the passes go on until one finds nothing.
    for _ in range(_MOST_PASSES):
        spans = _merged(_around_markers(text, _spans(text, config), marker))
        if not spans:
            return Redacted(text, dict(sorted(counts.items())), removed / size if size else 0.0)
        parts: list[str] = []
        done = 0
        for span in spans:
            # Line breaks stay, so that line numbers of an excerpt are those of the file.
            breaks = "\n" * text.count("\n", span.start, span.end)
            parts.extend((text[done : span.start], f"[REDACTED:{span.kind}]{breaks}"))
            removed += len(marker.sub("", text[span.start : span.end]).encode()) - len(breaks)
            counts[span.kind] = counts.get(span.kind, 0) + 1
            done = span.end
        text = "".join((*parts, text[done:]))
    raise ValueError("redaction does not come to an end")


def _spans(text: str, config: RedactionConfig) -> Iterator[_Span]:
    """Everything to remove, possibly overlapping; a lower rank names the kind where several overlap."""
    seen = views(text)
    for one in seen:
        for denied in config.denied:
            at = one.text.find(denied) if denied else -1
            while at >= 0:
                yield _Span(*one.original(at, at + len(denied)), 0, _DENIED)
                at = one.text.find(denied, at + len(denied))
    secrets = find_secrets(text, config.secret_scan, seen)
    for hit in secrets:
        if hit.kind != SecretKind.EXAMPLE:
            yield _Span(hit.start, hit.end, 1, str(hit.kind))
    known = Ranges((hit.start, hit.end) for hit in secrets)
    for token in find_high_entropy(text, widest_scan(config.secret_scan), seen):
        if not known.meets(token.start, token.end):
            yield _Span(token.start, token.end, 2, SecretKind.BASE64_CREDENTIAL.value)
    for number, pattern in enumerate(config.user_patterns):
        compiled = compile_linear(pattern, code="MEMORY_REDACTION_FAILED", where=f"pattern {number}")
        for one in seen:
            for match in compiled.finditer(one.text):
                # A view holds no sentences that anybody wrote, so only words count there.
                if not one.through or not any(char.isspace() for char in match.group()):
                    yield _Span(*one.original(match.start(), match.end()), 3, _USER)


def _merged(spans: Iterator[_Span]) -> list[_Span]:
    """Disjoint spans in order."""
    merged: list[_Span] = []
    for span in sorted(spans):
        if merged and span.start < merged[-1].end:
            last = merged[-1]
            first = min(last, span, key=lambda one: one.rank)
            merged[-1] = _Span(last.start, max(last.end, span.end), first.rank, first.kind)
        else:
            merged.append(span)
    return merged


def _around_markers(text: str, spans: Iterator[_Span], marker: re.Pattern[str]) -> Iterator[_Span]:
    """A span that cuts a marker takes all of it; one that holds nothing else but line breaks is dropped."""
    markers = Ranges(match.span() for match in marker.finditer(text))
    for span in spans:
        start, end = markers.around(span.start, span.end)
        if marker.sub("", text[start:end]).strip("\n"):
            yield _Span(start, end, span.rank, span.kind)


@lru_cache(maxsize=32)
def _marker(config: RedactionConfig) -> re.Pattern[str]:
    """The markers this configuration writes. Only these: any other bracket is text like any other."""
    kinds = [*SecretKind, _DENIED, _USER, _PRIVATE]
    kinds.extend(f"policy:{pattern.kind}" for pattern in config.secret_scan.extra_patterns)
    return re.compile(rf"\[REDACTED:(?:{'|'.join(map(re.escape, kinds))})\]")


_COUNTED = re.compile(r"\[REDACTED:([a-z][a-z0-9:-]*)\]")


def markers(text: str) -> dict[str, int]:
    """How often each kind was removed from a redacted text."""
    counts: dict[str, int] = {}
    for match in _COUNTED.finditer(text):
        counts[match[1]] = counts.get(match[1], 0) + 1
    return counts


def unmarked(text: str) -> str:
    """A redacted text without its markers."""
    return _COUNTED.sub("", text)


# What remains readable is made unable to step out of the frame it is shown in.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?)?")
_REMOVED = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f{INVISIBLE}]")
_LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")
_FENCES = re.compile("[`\uff40\u02cb\u2035]{3,}|[~\uff5e\u223c]{3,}")
_HEADING = re.compile(r"^([ \t>]*)([#\uff03\ufe5f].*)$", re.MULTILINE)
_PROMPT_HEADING = re.compile(r"#{1,6}\s*(?:company\s+brain\s+memory|records|documents|excerpts)\b")
_TEMPLATE_TOKEN = re.compile(r"<\|([A-Za-z0-9_]+)\|>|\[(/?INST)\]|<<(/?SYS)>>|<((?:start|end)_of_turn)>")


def make_inert(text: str) -> str:
    """The text without control (but line feed and tab), zero-width and bidirectional characters, with fences broken.

    Runs of three or more backticks or tildes get spaces, so that neither a ``memory`` fence nor its end can stand in
    the text; headings of the memory section are escaped; tokens of chat templates are spaced out. Applying it again
    changes nothing.
    """
    text = _ESCAPE.sub("", text)
    text = _LINE_SEPARATORS.sub(" ", _REMOVED.sub("", text))
    text = _FENCES.sub(lambda fence: _spaced(fence.group()), text)
    text = _HEADING.sub(_escaped, text)
    return _TEMPLATE_TOKEN.sub(lambda token: _spaced_token(token.group()), text)


def _spaced(fence: str) -> str:
    return " ".join(fence[at : at + 2] for at in range(0, len(fence), 2))


def _escaped(heading: re.Match[str]) -> str:
    imitation = _PROMPT_HEADING.match(normalise(heading[2]).text)
    return f"{heading[1]}\\{heading[2]}" if imitation else heading[0]


def _spaced_token(token: str) -> str:
    return f"{token[0]} {token[1:-1]} {token[-1]}"
