"""One text of a source, cleaned before anything is made of it.

The order matters. Blobs go before the search for secrets, which would call them one. Secrets are looked for twice: in
the text as it stands, where the search sees through what hides, and in what is left when that is gone. Secrets go
before paths, which may hold one, and only what is left is asked whether it speaks to agents.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from krate_gitops.brain.model import PromptInjection, SecretScan
from krate_gitops.brain.scan.hidden import hidden_characters
from krate_gitops.brain.scan.injection import InjectionHit, Verdict, scan_injection
from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.phrases import Category
from krate_gitops.brain.scan.private import find_private_data
from krate_gitops.brain.scan.randomness import alphabet_bits, is_mixed, shannon_bits
from krate_gitops.brain.scan.ranges import Ranges
from krate_gitops.brain.scan.secrets import find_secrets
from krate_gitops.digest import sha256_digest
from krate_gitops.memory.redact import RedactionConfig, make_inert, redact
from krate_gitops.updates.imports.account import Account

PATH = "[PATH]"
PRIVATE = "private-data"
_MOST_ROUNDS = 8
_CACHED_LENGTH = 256
_LONGEST_LINE = 1_000
_LEAST_DIGESTED = 512
_SHORTEST_BLOB = 64
_RANDOM_PERCENT = 75

_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?)?")
"""An escape sequence of a terminal, and no more than that: what follows it is text."""
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\u00([2-7][0-9A-Fa-f])")
_LARGE_BLOB = re.compile(
    r"data:[a-z0-9.+/-]{0,80};base64,[A-Za-z0-9+/=_\s-]{64,}|(?<![A-Za-z0-9+/=_-])(?:[A-Za-z0-9+/_-]{60,}\s?){5,}={0,2}"
)
_SMALL_BLOB = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{96,}={0,2}")
_DATA_URI = re.compile(r"data:[^,]*,")
_MARKER = re.compile(r"\[(?:REDACTED|REMOVED|DROPPED):[^\[\]\n]{1,120}\]|\[PATH\]")

_VERB = r"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"
_PART = r"[\w.@+%~=:-]+"
_ROOTS = "home|Users|root|tmp|var|etc|opt|usr|mnt|srv|private|Volumes|Library|Applications|workspaces?|builds|runner"
_PATHS = re.compile(
    r"file://[^\s\"'<>`|)\]}]+"
    rf"|(?<![\w.:/~\\\])}}-])/(?:(?:{_ROOTS})(?=[/\s\"'`,;)\]}}]|\Z)|{_PART}/)(?:{_PART}|/)*"
    rf"|(?<![\w/.])~[a-z_][\w-]*/(?:{_PART}|/)+|(?<![\w/.~])~/(?:{_PART}|/)+"
    r"|(?<![A-Za-z0-9])[A-Za-z]:\\{1,2}(?:[^\s\\/:*?\"'`<>|()\[\]{},;]+\\{0,2})+"
    r"|(?<![\w\\])\\\\{1,3}[\w.-]+\\{1,2}[\w.$-]+(?:\\{1,2}[\w.$-]+)*"
)
_ROUTE = re.compile(rf"\b{_VERB}\s+[\"'`]?\Z")


class Scrub(msgspec.Struct, frozen=True):
    """How texts are cleaned. ``roots`` are absolute folders of the run: paths below them become relative ones."""

    redaction: RedactionConfig = RedactionConfig()
    injection: PromptInjection = PromptInjection()
    roots: tuple[str, ...] = ()

    @property
    def secret_scan(self) -> SecretScan:
        """The brain's settings for secrets."""
        return self.redaction.secret_scan

    def text(self, text: str, account: Account) -> str:
        """The cleaned text, of one line or more. ``account`` learns what was taken out.

        Raises ``UnavailableError(MEMORY_REDACTION_FAILED)`` when that can't be done; nothing may then be kept.
        """
        done = _short(self, text) if len(text) <= _CACHED_LENGTH else _clean(self, text)
        account.read += len(text)
        account.removed += done.removed
        account.redacted.update(done.redacted)
        account.injected.update(done.injected)
        return done.text

    def line(self, text: str, account: Account, *, most: int) -> str:
        """The same on one line of at most so many characters."""
        return shorten(" ".join(self.text(text, account).split()), most)


class _Done(msgspec.Struct, frozen=True):
    text: str
    removed: int
    redacted: dict[str, int]
    injected: dict[str, int]


def encodable(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON may spell and no file can hold."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def is_empty(text: str) -> bool:
    """Whether nothing is left of a text but the marks of what was taken out."""
    return not _MARKER.sub("", text).strip()


def shorten(text: str, most: int) -> str:
    """A text of at most so many characters, cut between words and never within a mark."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    for mark in _MARKER.finditer(text):
        if mark.start() < len(cut) < mark.end():
            cut = text[: mark.start()]
    word = cut.rfind(" ")
    return (cut[:word] if word > most // 2 else cut).rstrip() + "…"


@lru_cache(maxsize=16_384)
def _short(scrub: Scrub, text: str) -> _Done:
    return _clean(scrub, text)


def _clean(scrub: Scrub, text: str) -> _Done:
    redacted: Counter[str] = Counter()
    injected: Counter[str] = Counter()
    original = len(text)
    text = _LINE_ENDS.sub("\n", encodable(text))
    text = _without_blobs(text, _LARGE_BLOB, scrub, redacted)
    done = redact(text, config=scrub.redaction)
    redacted.update(done.counts)
    bare = _ODD.sub("", _without_hidden(done.text, injected))
    bare = _without_blobs(_unescaped(bare, scrub.secret_scan), _SMALL_BLOB, scrub, redacted)
    if bare != done.text:
        done = redact(bare, config=scrub.redaction)
        redacted.update(done.counts)
    text = _without_private_data(done.text, redacted)
    text = _without_paths(text, scrub.roots, redacted)
    text = _without_injections(text, scrub.injection.extra_phrases, injected)
    removed = max(0, original - len(_MARKER.sub("", text)))
    return _Done(text, removed, dict(redacted), dict(injected))


def _without_hidden(text: str, injected: Counter[str]) -> str:
    if "\x1b" in text:
        text, count = _TERMINAL.subn("", text)
        injected[Category.HIDDEN.value] += count
    if text.isascii():
        return text
    ranges = list(hidden_characters(text))
    if ranges:
        injected[Category.HIDDEN.value] += len(ranges)
        text = _without(text, ((start, end, "") for start, end in ranges))
    return text.removeprefix("\ufeff")


def _unescaped(text: str, config: SecretScan) -> str:
    """A text within a text, as JSON in a JSON string is, may spell a secret by escapes."""
    if "\\u00" not in text:
        return text
    spelled = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    return spelled if len(find_secrets(spelled, config)) > len(find_secrets(text, config)) else text


def _without_blobs(text: str, pattern: re.Pattern[str], scrub: Scrub, redacted: Counter[str]) -> str:
    if len(text) < _SHORTEST_BLOB or pattern.search(text) is None:
        return text
    # A blob may be a piece of a secret that is spelled in several; then it is for redaction to take out whole.
    hits = find_secrets(text, scrub.secret_scan)
    secrets = Ranges((hit.start, hit.end) for hit in hits if hit.kind != SecretKind.EXAMPLE)

    def dropped(match: re.Match[str]) -> str:
        blob = match.group()
        content = _decoded(_DATA_URI.sub("", blob, count=1))
        if content is None or secrets.meets(match.start(), match.end()):
            return blob
        redacted["blob"] += 1
        end = blob[len(blob.rstrip()) :]
        # Of something short a digest could be guessed from.
        digest = f" {sha256_digest(content)}" if len(content) >= _LEAST_DIGESTED else ""
        return f"[DROPPED:base64 {len(content)} bytes{digest}]{end}"

    return pattern.sub(dropped, text)


def _decoded(blob: str) -> bytes | None:
    plain = "".join(blob.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    if len(plain) % 4 == 1 or not is_mixed(plain) or re.fullmatch(r"[0-9a-fA-F]+|[A-Za-z]+", plain):
        return None
    if shannon_bits(plain) * 100 < alphabet_bits(plain) * _RANDOM_PERCENT:
        return None  # a long path, or a name
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return None


def _without_private_data(text: str, redacted: Counter[str]) -> str:
    hits = [hit for hit in find_private_data(text) if not hit.example]
    redacted.update({PRIVATE: len(hits)} if hits else {})
    return _without(text, ((hit.start, hit.end, f"[REDACTED:{PRIVATE}]") for hit in hits))


def _without_paths(text: str, roots: Iterable[str], redacted: Counter[str]) -> str:
    if "/" not in text and "\\" not in text:
        return text
    for root in roots:
        if len(root) > 1:
            text = text.replace(root + "/", "")

    def replaced(match: re.Match[str]) -> str:
        if match.group().startswith("/") and _ROUTE.search(text, max(0, match.start() - 12), match.start()):
            return match.group()
        redacted["path"] += 1
        found = match.group()
        return PATH + found[len(found.rstrip(".,:;")) :]

    return _PATHS.sub(replaced, text)


def _without_injections(text: str, extra: tuple[str, ...] | list[str], injected: Counter[str]) -> str:
    for _ in range(_MOST_ROUNDS):
        hits = scan_injection(text, tuple(extra))
        spans = [span for hit in hits if (span := _taken_out(text, hit)) is not None]
        # What is only noted is noted once, when nothing more is going to be taken out.
        counted = hits if not spans else [hit for hit in hits if _taken_out(text, hit) is not None]
        injected.update(hit.category.value for hit in counted)
        if not spans:
            return text
        text = _without(text, _disjoint(spans))
    return "[REMOVED:injection:encoded-payload]"


def _taken_out(text: str, hit: InjectionHit) -> tuple[int, int, str] | None:
    """What to replace a passage by; None where it may stay."""
    passage = text[hit.start : hit.end]
    if hit.verdict is Verdict.BLOCKED or hit.category is Category.HIDDEN:
        start, end = _whole_line(text, hit.start, hit.end) if hit.verdict is Verdict.BLOCKED else (hit.start, hit.end)
        return start, end, f"[REMOVED:injection:{hit.category.value}]"
    if hit.category is Category.FENCE and (inert := make_inert(passage)) != passage:
        return hit.start, hit.end, inert
    return None


def _whole_line(text: str, start: int, end: int) -> tuple[int, int]:
    """The line or lines a passage stands in: the rest of the sentence says where things are to be sent."""
    while start < end and text[start].isspace():
        start += 1
    low = text.rfind("\n", max(0, start - _LONGEST_LINE), start) + 1
    low = low if low else (0 if start <= _LONGEST_LINE else start)
    high = text.find("\n", end, end + _LONGEST_LINE)
    high = high if high >= 0 else (len(text) if len(text) - end <= _LONGEST_LINE else end)
    return low, high


def _disjoint(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for start, end, by in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]), found[-1][2])
        else:
            found.append((start, end, by))
    return found


def _without(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end, by in spans:
        parts += (text[done:start], by)
        done = end
    return "".join((*parts, text[done:])) if parts else text
