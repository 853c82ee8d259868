"""Text analysis ``krate-text-1``: from text to words, and from a word to the terms it is found by.

A *word* is a run of ASCII letters and digits and of any other characters; words joined by one of ``- _ . / :`` form a
compound. Each word yields its folded self, its English stem and the parts of camelCase, all at one position; a compound
also yields its folded whole. Splitting needs no Unicode table: code points above ASCII are all word characters here,
and a word that holds one is handed to the engine, which splits, lower-cases and folds it with its own tables. So the
result hangs on the pinned engine, never on the Python that runs it.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

VERSION = "krate-text-1"
_DIGEST_MARK = 1 << 63

MAX_TOKEN_BYTES = 1024
"""Longer tokens are skipped and counted."""

_WORD = r"[0-9A-Za-z\x80-\U0010ffff]+"
_TOKEN = re.compile(rf"{_WORD}(?:[-_./:]{_WORD})*")
JOINERS = re.compile(r"[-_./:]")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MARKS = re.compile(r"[\u0300-\u036f]")


def _build(tokenizer: Tokenizer, *filters: Filter) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(tokenizer)
    for item in filters:
        builder = builder.filter(item)
    return builder.build()


_STEM = _build(Tokenizer.raw(), Filter.stemmer("english"))
_FOLD = _build(Tokenizer.regex(r"[\p{L}\p{M}\p{N}]+"), Filter.lowercase(), Filter.ascii_fold())


class Word:
    """A word of a text: its folded self, its stem, and its camelCase parts (empty for most)."""

    __slots__ = ("folded", "parts", "stem")

    def __init__(self, folded: str, parts: tuple[Word, ...] = ()) -> None:
        self.folded = folded
        self.stem = stem(folded)
        self.parts = parts

    def terms(self) -> set[str]:
        """Every term this word is found by, at its one position."""
        found = {self.folded, self.stem}
        for part in self.parts:
            found |= part.terms()
        return found


_stems: dict[str, str] = {}


def stem(word: str) -> str:
    """English stem of a folded word; the word itself where it has none."""
    known = _stems.get(word)
    if known is None:
        found = _STEM.analyze(word) if word.isalpha() else ()
        known = found[0] if found else word
        if len(_stems) < 500_000:
            _stems[word] = known
    return known


def fold(text: str) -> list[str]:
    """Folded words of a text beyond ASCII, split by the engine."""
    folded = _FOLD.analyze(unicodedata.normalize("NFC", text))
    return [word for word in (_MARKS.sub("", item) for item in folded) if word]


def words_of(token: str) -> list[Word]:
    """Words of one token, a word or a compound."""
    words: list[Word] = []
    for piece in JOINERS.split(token):
        if piece.isascii():
            words.append(Word(piece.lower(), _camel(piece)))
        else:
            words.extend(Word(folded) for folded in fold(piece))
    return words


def is_camel(piece: str) -> bool:
    """Whether a word in ASCII may have parts: capitals stand within it, and not only capitals."""
    return not (piece.islower() or piece.isdigit() or piece.isupper() or piece[1:].islower())


def _camel(piece: str) -> tuple[Word, ...]:
    if not is_camel(piece):
        return ()
    parts = _CAMEL.findall(piece)
    return tuple(Word(part.lower()) for part in parts) if len(parts) > 1 else ()


def terms_of(token: str) -> tuple[list[str], int]:
    """Terms of a token, repeated once for each position they stand at, and the number of positions."""
    words = words_of(token)
    terms = [term for word in words for term in word.terms()]
    if len(words) > 1 and JOINERS.search(token):
        whole = whole_of(token)
        if whole not in terms:
            terms.append(whole)
    return terms, len(words)


_FOLD_WHOLE = _build(Tokenizer.raw(), Filter.lowercase(), Filter.ascii_fold())


def fold_text(text: str) -> str:
    """A whole text in lower case without accents, white space as single spaces: for substring comparison."""
    text = " ".join(text.split())
    if text.isascii():
        return text.lower()
    folded = _FOLD_WHOLE.analyze(unicodedata.normalize("NFC", text))
    return _MARKS.sub("", folded[0]) if folded else ""


def whole_of(token: str) -> str:
    """Folded whole of a compound, joiners kept."""
    if token.isascii():
        return token.lower()
    pieces = JOINERS.split(token)
    joiners = [*JOINERS.findall(token), ""]
    return "".join("".join(fold(piece)) + joiner for piece, joiner in zip(pieces, joiners, strict=True))


def tokens_of(text: str) -> list[str]:
    """Tokens of a text, compounds in one piece; those over ``MAX_TOKEN_BYTES`` are left out."""
    return [token for token in _TOKEN.findall(text) if _fits(token)]


def _fits(token: str) -> bool:
    return len(token) * 4 <= MAX_TOKEN_BYTES or len(token.encode("utf-8", "surrogatepass")) <= MAX_TOKEN_BYTES


def term_key(term: str) -> int:
    """64-bit key of a term in the postings: its own bytes where they fit, else a digest.

    Bytes of ASCII never set the highest bit, which marks the digests.
    """
    data = term.encode()
    if len(data) <= 8 and term.isascii():
        return int.from_bytes(data, "little")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") | _DIGEST_MARK
