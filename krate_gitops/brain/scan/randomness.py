"""Telling random characters from words.

Shannon entropy alone calls every long identifier a secret, so the judgement is about shape: words are long runs of one
case, random text changes between lower case, upper case and digits every other character.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from itertools import pairwise

_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_SEGMENT = re.compile(r"[A-Za-z0-9]+")
_PLAIN = re.compile(r"[A-Z]?[a-z]{2,15}|[A-Z]{2,15}|[A-Za-z]|\d+|[A-Za-z]{2,12}\d{1,4}")
_DIGEST = re.compile(r"(?:[0-9a-f]+|[0-9A-F]+)\Z")
_DIGEST_LENGTHS = frozenset((32, 40, 56, 64, 96, 128))
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_CONSONANTS = re.compile(r"[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ]{7}")

_CLUSTER = re.compile(r"[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ]{4}|[qQ][^u]|^[A-Z][b-df-hj-np-tv-xz]{3}")

_MASKED = re.compile(r"\.\.\.|…|\*\*|([xX*._-])\1{3}|0{7}")
_OPENS_PLACEHOLDER = ("<", "[", "{", "$", "%", "(", "*", "env:", "ENV:", "vault:", "secret:", "file:", "ref:", "op://")
_PLACEHOLDER_WORDS = re.compile(
    r"your|example|placeholder|redacted|change.?me|change.?it|replace|dummy|fake|sample|insert|todo|here\b|mock|demo|"
    r"passw(?:or)?d|secret|token|api.?key|credential|(?-i:xxx|XXX)|foobar|abc123|abcdef|qwerty|test",
    re.IGNORECASE,
)
UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LEET = str.maketrans({"0": "o", "4": "a", "@": "a", "3": "e", "1": "l", "5": "s", "$": "s", "7": "t"})


def pieces(segment: str) -> list[str]:
    """Camel-case words, acronyms and numbers of an alphanumeric run."""
    return _PIECE.findall(segment)


def is_mixed(text: str) -> bool:
    """Whether a run shows letters with digits, or cases in an order that words don't have."""
    parts = pieces(text)
    letters = any(part.isalpha() for part in parts)
    digits = any(part.isdigit() for part in parts)
    return (letters and digits) or (len(parts) >= 3 and len(text) / len(parts) < 3.5)


def goes_on(run: str) -> bool:
    """Whether a run on the next line may be the rest of a token: it is mixed, or hardly a word of it can be read."""
    if is_mixed(run):
        return True
    parts = pieces(run)
    if len(run) >= 8 and len(parts) >= 3:
        return _words_cover(parts) < 0.5 * len(run)
    if len(run) >= 6 and len(parts) == 2 and any(_CLUSTER.search(part) for part in parts if not part.isupper()):
        return True
    return len(run) >= 6 and run.isalpha() and not run.isupper() and _VOWEL.search(run) is None


def is_digest(segment: str) -> bool:
    """Hex of a length that hash functions give: a commit, a checksum, a fingerprint."""
    return len(segment) in _DIGEST_LENGTHS and _DIGEST.match(segment) is not None


def is_random_segment(segment: str) -> bool:
    """Whether an alphanumeric run is no word, no number, no camel-case name and no digest."""
    if len(segment) < 6 or segment.isdigit() or is_digest(segment):
        return False
    parts = pieces(segment)
    if len(parts) <= 3:
        return segment.isalpha() and len(segment) >= 12 and _is_unpronounceable(segment)
    # Short words are found in random characters too, but hardly with so many other pieces between them.
    if _words_cover(parts) >= 0.5 * len(segment) >= 1.2 * len(parts) and not segment.islower():
        return False
    has_digit = any(part.isdigit() for part in parts)
    return len(segment) / len(parts) < (4.2 if has_digit else 3.5) or irregularities(segment) >= 5


def _words_cover(parts: list[str]) -> int:
    """Characters in pieces that could be words of a camel-case name."""
    words = (part for part in parts if len(part) >= 3 and part.isalpha() and not part.isupper())
    return sum(len(word) for word in words if _VOWEL.search(word) and not _CLUSTER.search(word))


def irregularities(segment: str) -> int:
    """Pieces that words rarely have: one or two letters, an acronym inside, a number between letters.

    For a place where a secret is expected anyway (after a prefix, after ``Bearer``) two or three of them are enough.
    """
    parts = pieces(segment)
    return sum(
        len(part) <= 2 if part.isalpha() and not part.isupper() else part.isupper() or 0 < at < len(parts) - 1
        for at, part in enumerate(parts)
        if len(parts) > 1
    )


def _is_unpronounceable(word: str) -> bool:
    return _CONSONANTS.search(word) is not None and len(_VOWEL.findall(word)) < len(word) * 0.3


def random_part(token: str) -> tuple[int, int]:
    """Range of the random-looking characters within a token; ``(0, 0)`` if there are none.

    Plain words and numbers at either end are cut off. What remains counts as a whole if much of it is random and
    little of it words, else only the longest random segment does.
    """
    segments = deque(match.span() for match in _SEGMENT.finditer(token))
    # In order, so that of two of one length the first is taken.
    random = dict.fromkeys(span for span in segments if is_random_segment(token[span[0] : span[1]]))
    if not random:
        return 0, 0
    while segments[0] not in random and _PLAIN.fullmatch(token, *segments[0]):
        segments.popleft()
    while segments[-1] not in random and _PLAIN.fullmatch(token, *segments[-1]):
        segments.pop()
    start, end = segments[0][0], segments[-1][1]
    plain = (span for span in segments if span not in random and _PLAIN.fullmatch(token, *span))
    words = sum(high - low for low, high in plain if high - low >= 4)
    if sum(high - low for low, high in random) >= 0.4 * (end - start) and words <= 0.2 * (end - start):
        return start, end
    return max(random, key=lambda span: span[1] - span[0])


def looks_random(token: str, least: int) -> bool:
    """Whether at least ``least`` characters of a token are random-looking and no placeholder."""
    start, end = random_part(token)
    return end - start >= least and not is_masked(token)


def is_masked(value: str) -> bool:
    """Dots, crosses, counting or a handful of characters where a value would be."""
    if _MASKED.search(value) or len(set(value)) < min(6, len(value) // 2 + 1):
        return True
    steps = sum(abs(ord(left) - ord(right)) <= 1 for left, right in pairwise(value.lower()))
    return steps * 2 > len(value)


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for a secret: a template, a mask, a reference or words such as ``your-key-here``."""
    if value.startswith(_OPENS_PLACEHOLDER) or is_masked(value):
        return True
    if _PLACEHOLDER_WORDS.search(value) is None and "password" not in value.lower().translate(_LEET):
        return False
    start, end = random_part(value)
    return end - start < 16


def is_secret_value(value: str) -> bool:
    """Whether what is assigned to a password-like name is a value rather than a word, a type, a path or code.

    Takes letters *and* digits (or a strange order of cases), in an order no identifier has.
    """
    if len(value) < 8 or value.startswith(("/", "~", "./", "../")) or "://" in value or is_placeholder(value):
        return False
    has_letter = any(char.isalpha() for char in value)
    has_digit = any(char.isdigit() for char in value)
    if any(char in "!@#$%^&*?" for char in value) and has_letter and has_digit:
        return True
    if has_letter and has_digit and UUID.fullmatch(value):
        return True
    return has_letter and any(_is_odd(segment) for segment in _SEGMENT.findall(value))


def _is_odd(segment: str) -> bool:
    parts = pieces(segment)
    if len(segment) >= 6 and len(parts) >= 4 and len(segment) / len(parts) < 4.2:
        return True
    return is_hex_key(segment) or _is_wordless(segment, parts)


def _is_wordless(segment: str, parts: list[str]) -> bool:
    """A long run of both cases with hardly a word in it. Random letters now and then change case seldom."""
    mixed = not segment.islower() and any(part[-1].islower() for part in parts) and len(parts) > 1
    return mixed and len(segment) >= 16 and _words_cover(parts) < 0.3 * len(segment)


def is_hex_key(segment: str) -> bool:
    """Hex of at least 16 digits with letters and digits in it."""
    return len(segment) >= 16 and _DIGEST.match(segment) is not None and not segment.isalpha() and not segment.isdigit()


def shannon_bits(token: str) -> float:
    """Bits of entropy a character, from the frequencies within the token."""
    total = len(token)
    return -sum(count / total * math.log2(count / total) for count in Counter(token).values())


def alphabet_bits(token: str) -> float:
    """Most bits a character can carry: by the token's alphabet, and no more than its length can show."""
    if _DIGEST.match(token):
        size = 16
    else:
        classes = (str.islower, str.isupper, str.isdigit)
        size = sum(
            width for test, width in zip(classes, (26, 26, 10), strict=True) if any(test(char) for char in token)
        )
        size += 2 * any(not char.isalnum() for char in token)
    return math.log2(max(2, min(size, len(token))))
