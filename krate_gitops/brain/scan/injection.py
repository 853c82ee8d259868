"""Text that talks to the agent that will read it.

A brain about agents speaks of prompts, tools, roles and instructions all day. So a phrase counts only where it is said
*to* the reader: not after "to", "not" or "which", and not where the sentence quotes it as an example of an attack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import re2

from krate_gitops.brain.scan.encoded import ENCODED, decoded_runs
from krate_gitops.brain.scan.hidden import HIDDEN, hidden_characters, invisible_ranges
from krate_gitops.brain.scan.linear import compile_trigger
from krate_gitops.brain.scan.normal import DISGUISING, Normal, normalise
from krate_gitops.brain.scan.patterns import loosened
from krate_gitops.brain.scan.phrases import PHRASES, SCANNER_VERSION, VERDICTS, Category, Verdict, expand
from krate_gitops.brain.scan.ranges import Ranges

__all__ = [
    "DISGUISED",
    "SCANNER_VERSION",
    "Category",
    "InjectionHit",
    "Verdict",
    "phrase_trigger",
    "scan_injection",
    "worst",
]


class InjectionHit(msgspec.Struct, frozen=True, order=True):
    """A passage (range of characters) with its category; ``verdict`` follows from that."""

    start: int
    end: int
    category: Category
    verdict: Verdict


_COMPILED = tuple((phrase, re2.compile(expand(phrase.pattern))) for phrase in PHRASES)

DISGUISED = f"[{DISGUISING}]|{HIDDEN}"
"""RE2 pattern over characters: those that hide, and those that phrases are disguised with."""

_DISGUISED = compile_trigger(DISGUISED, characters=True)
_ENCODED = compile_trigger(loosened(ENCODED))
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s|\n\s*\n|\n\s*(?:[-*+>#]|\d+\.)\s|\|")
_NOT_IMPERATIVE = re.compile(
    r"\b(?:to|not|never|cannot|can't|don't|doesn't|can|could|would|may|might|who|that|which|they|it|he|she|we|does|did|"
    r"or|users?|attackers?|attempts?|models?|agents?|if|when|unless|until|whether|ensure|sure|once|where|what)[\s*_`\"']*\Z"
)
_TO_THE_READER = re.compile(
    r"\byou(?:'re)?\s+(?:must|should|need|have|are|will|shall|may|can)(?:\s+now)?(?:\s+to)?\s*\Z"
)
_REPORTED = re.compile(
    r"\b(?:such as|like|e\.g\.|i\.e\.|examples?|instance|phrases?|says?|saying|said|contains?|containing|detects?|"
    r"detection|matches|matching|patterns?|jailbreaks?|attacks?|attackers?|injections?|injected|attempts?|trying|tries|"
    r"tells?|telling|asks?|asking|instructs?|instructing|look for|flags?|blocks?|refuses?|rejects?|named|called|titled|"
    r"scanners?|suspicious|malicious|hostile|payloads?)\b"
)
_CONDITIONAL = re.compile(r"\b(?:if|when|unless|until|whether|ensure|make sure|check that|once|verify)\b[^.!?\n]*\Z")
_QUALIFIED_AFTER = re.compile(
    r"[\s*_`]*(?:that (?:appear|are found|come)|in(?:side)? (?:the|a|any|this)|within|from the|found|contained|"
    r"embedded)\b"
)
_QUOTES = "\"'`“”‘’«»("
_LOOK_BACK = 160
_SHORT = 8_192
"""Characters up to which a text is searched phrase by phrase at once. The automaton of all phrases, which is there to
leave out most of a brain, takes longer to build than the search of a commit's few texts."""


def scan_injection(text: str, extra_phrases: Sequence[str] = ()) -> list[InjectionHit]:
    """Passages of all categories, sorted, in characters of ``text``.

    ``extra_phrases`` are matched word by word whatever the white space and case; they count as
    ``override-instructions``, or as the category named before a colon (``exfiltration: post it here``).
    """
    if len(text) > _SHORT and not _may_hit(text.encode(), extra_phrases):
        return []
    normal = normalise(text)
    hits = list(_phrases(text, normal, extra_phrases))
    said = Ranges((hit.start, hit.end) for hit in hits)
    hits.extend(_hit(Category.HIDDEN, *place) for place in invisible_ranges(text) if said.meets(*place))
    hits.extend(_hit(Category.HIDDEN, start, end) for start, end in hidden_characters(text))
    for run in decoded_runs(text):
        if any(True for _ in _phrases(run.text, normalise(run.text), extra_phrases)):
            hits.append(_hit(Category.ENCODED, run.start, run.end))
    return sorted(set(hits))


def _may_hit(encoded: bytes, extra_phrases: Sequence[str]) -> bool:
    triggers = (phrase_trigger(tuple(extra_phrases)), _DISGUISED, _ENCODED)
    return any(trigger.search(encoded) is not None for trigger in triggers)


def worst(hits: Sequence[InjectionHit]) -> Verdict:
    """The verdict of a text: the worst of its hits."""
    return max((hit.verdict for hit in hits), default=Verdict.CLEAN)


@lru_cache(maxsize=32)
def phrase_trigger(extra_phrases: tuple[str, ...]) -> re2._Regexp:
    """Pattern over bytes; this, ``DISGUISED`` or ``ENCODED`` matches every text in which a hit is possible."""
    parts = [loosened(expand(phrase.pattern, loose=True)) for phrase in PHRASES]
    for phrase in extra_phrases:
        _, words = _category_of(phrase)
        parts.append(_words_pattern(words) if words.isascii() else r"[^\x00-\x7f]")
    return compile_trigger(f"(?i:{'|'.join(parts)})")


def _hit(category: Category, start: int, end: int) -> InjectionHit:
    return InjectionHit(start, end, category, VERDICTS[category])


def _phrases(text: str, normal: Normal, extra_phrases: Sequence[str]) -> Iterator[InjectionHit]:
    if len(normal.text) > _SHORT and phrase_trigger(tuple(extra_phrases)).search(normal.text.encode()) is None:
        return
    for phrase, pattern in _COMPILED:
        for match in pattern.finditer(normal.text):
            start, end = _trimmed(normal.text, match.start(), match.end())
            if phrase.spoken and not _is_spoken(normal.text, start, end):
                continue
            low, high = normal.original(start), normal.original(end)
            if phrase.category is Category.ROLE and not _is_turn(text, low, high):
                continue
            yield _hit(phrase.category, low, high)
    for extra in extra_phrases:
        category, words = _category_of(extra)
        for match in _extra(words).finditer(normal.text):
            yield _hit(category, normal.original(match.start()), normal.original(match.end()))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _is_spoken(text: str, start: int, end: int) -> bool:
    """Whether the match is a sentence to the reader rather than one about such sentences."""
    if start > 0 and text[start - 1].isalnum():
        return False
    before_sentence = _SENTENCE_END.split(text[max(0, start - _LOOK_BACK) : start])[-1]
    if _TO_THE_READER.search(before_sentence):
        return True
    if _NOT_IMPERATIVE.search(before_sentence) or _CONDITIONAL.search(before_sentence):
        return False
    quoted = before_sentence.rstrip(" *_")[-1:] in tuple(_QUOTES)
    if _REPORTED.search(before_sentence if quoted else before_sentence[-48:]):
        return False
    return not _QUALIFIED_AFTER.match(text, end)


def _is_turn(text: str, start: int, end: int) -> bool:
    """Whether a chat-template token is used rather than shown as ``code``; ``[INST]`` counts in capitals only."""
    token = text[start:end]
    if "inst]" in token.lower() and not token.isupper():
        return False
    return not (
        text[start - 1 : start] in ("`", '"', "'") and text[end : end + 1] == text[start - 1 : start] and start > 0
    )


def _category_of(phrase: str) -> tuple[Category, str]:
    name, colon, rest = phrase.partition(":")
    if colon and name.strip() in set(Category):
        return Category(name.strip()), rest.strip()
    return Category.OVERRIDE, phrase.strip()


@lru_cache(maxsize=128)
def _extra(words: str) -> re2._Regexp:
    return re2.compile(_words_pattern(normalise(words).text))


def _words_pattern(words: str) -> str:
    return r"[\s*_>#]+".join(re2.escape(word) for word in words.split()) or r"[^\s\S]"
