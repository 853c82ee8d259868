"""A text as its readers will have it: escapes resolved, what takes no place dropped, tokens joined over line breaks.

A credential is worth as much with one letter written ``&#115;`` or with a zero-width character in its middle: YAML,
JSON, HTML and URL parsers undo the first, and what is shown to a model has no second. So the scans look at the text as
it is and at these views of it, and every hit is brought back to the characters of the original.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator

import msgspec
import re2

from krate_gitops.brain.scan.folds import FOLD
from krate_gitops.brain.scan.linear import compile_trigger
from krate_gitops.brain.scan.normal import INVISIBLE
from krate_gitops.brain.scan.randomness import goes_on

_SEQUENCE = r"\[[0-?]*[ -/]*[@-~]"
_ANSI = rf"\x1b(?:{_SEQUENCE})?"
_DROPPED = rf"(?:{_ANSI}|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f{INVISIBLE}]|\r)"
_CODES = (
    rf"\\+(?:u001|x1)[bB](?:{_SEQUENCE})?|"
    r"\\+(?:u[0-9A-Fa-f]{4}|U000[0-9A-Fa-f]{5}|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]{1,6}\})|"
    r"&(?:amp;)*(?:#[xX][0-9A-Fa-f]{1,6}|#[0-9]{1,7});|%(?:25)*(?:[2-7][0-9A-Fa-f]|0[9AD])"
)
_MILD = r"\\+[\"'`/n]|&(?:amp;)*(?:quot|apos|amp|lt|gt|equals|colon|lowbar|sol|commat);"

ESCAPED = rf"{_CODES}|[!-~]{_DROPPED}+[!-~]|[A-Za-z0-9+/_=-]\\+[bf][A-Za-z0-9+/_=-]"
"""RE2 pattern over characters that matches every text with an ``unescaped`` view."""

_TOKEN = "[A-Za-z0-9+/_=.~-]"  # noqa: S105 - a character class
_NUMBERED = "(?:[0-9][A-Za-z]|[A-Za-z][0-9])"
_MIXED = "(?:[0-9][A-Za-z]|[A-Za-z][0-9]|[a-z][A-Z])"
_NO_KEY = rf"{_TOKEN}*(?:[^:A-Za-z0-9+/_=.~-]|\z)"
SEAM = (
    rf"{_MIXED}{_TOKEN}*{FOLD}{_TOKEN}*{_MIXED}{_NO_KEY}|{_TOKEN}{FOLD}{_TOKEN}*{_NUMBERED}{_TOKEN}{{6}}{_NO_KEY}|"
    rf"{_TOKEN}(?:\\\r?\n|\\\\\\n)[ \t]*\\{{0,2}}{_TOKEN}"
)
"""RE2 pattern that matches every text with a ``joined`` view: lines between which there is a token that is no word."""

VIEWED = rf"{ESCAPED}|{SEAM}"
"""RE2 pattern over characters that matches every text with more than one view."""

_ANY = compile_trigger(VIEWED, characters=True)
_ANY_ESCAPE = re2.compile(ESCAPED)
_ANY_SEAM = re2.compile(SEAM)
_ESCAPE = re.compile(rf"{_CODES}|{_MILD}|\\+[bf]|{_DROPPED}")
_GOES_ON = rf"(?={_TOKEN}++(?!:))(?={_TOKEN}*?{_MIXED})"
_BREAK = re.compile(
    rf"\n(?<=\\\n)[ \t]*+\\{{0,2}}(?={_TOKEN})|\n(?<=\\\r\n)[ \t]*+\\{{0,2}}(?={_TOKEN})|"
    rf"\n[ \t>#]*+\\{{0,2}}{_GOES_ON}|"
    rf"\\\\\\n[ \t]*+\\{{0,2}}(?={_TOKEN})|\\\\{{0,3}}n[ \t>#]*+\\{{0,2}}{_GOES_ON}"
)
"""A break and what follows it, up to a token that may go on: not to a key, and to no plain word unless continued."""

_RUN = re.compile(rf"{_TOKEN}+")
_NAMED = {"equals": "=", "colon": ":", "lowbar": "_", "sol": "/", "commat": "@", "quot": '"', "apos": "'"}
_CONTINUED = "\\\\\\n"
"""A backslash and a line break in a JSON string."""

_LONG = 16
_ROOM = 1024
_BLOCKS = ("-----BEGIN", "data:")
_LOOK_AROUND = 256


class View(msgspec.Struct, frozen=True):
    """A text made of another one by replacing parts.

    ``at`` and ``source`` are offsets of the same places in the view and in the original, where parts begin and end.
    """

    text: str
    at: list[int]
    source: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original whose characters the range of the view stands for, whole parts of it."""
        first = self._place(start, after=False)
        return first, self._place(end - 1, after=True) if end > start else first

    def _place(self, offset: int, *, after: bool) -> int:
        index = bisect_right(self.at, offset) - 1
        place = self.source[index] + offset - self.at[index] + after
        return min(place, self.source[index + 1]) if index % 2 == 0 else self.source[index + after]


class Seen(msgspec.Struct, frozen=True):
    """A text that is looked at, and the views that lead from it back to the original."""

    text: str
    through: tuple[View, ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The range of the original for a range of this text."""
        for view in self.through:
            start, end = view.original(start, end)
        return start, end


def views(text: str) -> tuple[Seen, ...]:
    """The text itself, then its views that differ from it."""
    if _ANY.search(text.encode()) is None:
        return (Seen(text),)
    seen = [Seen(text)]
    plain = unescaped(text)
    through = (plain,) if plain is not None else ()
    if plain is not None:
        seen.append(Seen(plain.text, through))
    whole = joined(plain.text if plain is not None else text)
    if whole is not None:
        seen.append(Seen(whole.text, (whole, *through)))
    return tuple(seen)


def unescaped(text: str) -> View | None:
    """The text with escapes, entities and percent codes resolved and without characters that take no place.

    ``None`` if there are none between other characters.
    """
    if _ANY_ESCAPE.search(text) is None:
        return None
    return _replaced(text, ((match.start(), match.end(), _meaning(match.group())) for match in _ESCAPE.finditer(text)))


def plainly(text: str) -> str:
    """A short text with its escapes resolved."""
    return _ESCAPE.sub(lambda match: _meaning(match.group()), text)


def joined(text: str) -> View | None:
    """The text with tokens joined that continue on the next line; ``None`` if none does.

    A backslash at the end of a line joins whatever it is. Elsewhere both parts must look like no words, and two tokens
    of one length that stand alone on their lines are two entries of a list.
    """
    if _ANY_SEAM.search(text) is None:
        return None
    seams = [seam for match in _BREAK.finditer(text) if (seam := _seam(text, match)) is not None]
    return _replaced(text, _around(text, seams)) if seams else None


def _around(text: str, seams: list[tuple[int, int]]) -> Iterator[tuple[int, int, str]]:
    """What to replace, so that the seams go, and with them all lines but those around them.

    What is far from every seam was looked at already. Blocks that are known by their first line are kept whole.
    """
    room = len(text) if any(mark in text for mark in _BLOCKS) else _ROOM
    high = 0
    for start, end in seams:
        if start - room > high:
            low = text.rfind("\n", high, start - room) + 1
            if low > high:
                yield high, low, "\n\n"
        yield start, end, ""
        if end + room > high:
            high = text.find("\n", end + room)
            high = len(text) if high < 0 else high
    if high < len(text):
        yield high, len(text), "\n\n"


def _seam(text: str, match: re.Match[str]) -> tuple[int, int] | None:
    """The range of a line break and what belongs to it, if a token goes on over it."""
    start, signs = match.start(), match.group()
    if signs.startswith("\n"):
        start -= text.endswith("\r", 0, start)
        continued = text.endswith("\\", 0, start)
        start -= continued
    else:
        continued = signs.startswith(_CONTINUED)
    if not continued:
        start -= len(text[max(0, start - 2) : start]) - len(text[max(0, start - 2) : start].rstrip(" \t"))
    low = max(0, start - _LOOK_AROUND)
    left = _RUN.match(text[low:start][::-1])
    right = _RUN.match(text, match.end(), match.end() + _LOOK_AROUND)
    if left is None or right is None:
        return None
    alone = len(left.group()) == len(right.group()) and _is_alone(text, start - left.end(), right.end())
    joins = continued or (_belong_together(left.group()[::-1], right.group()) and not alone)
    return (start, match.end()) if joins else None


def _belong_together(left: str, right: str) -> bool:
    return goes_on(right) and (goes_on(left) or (len(right) >= _LONG and any(char.isdigit() for char in right)))


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether nothing but white space stands before the first token and after the second."""
    before = text[text.rfind("\n", max(0, start - _LOOK_AROUND), start) + 1 : start]
    after = text[end : end + 1]
    return not before.strip(" \t>#|") and after in ("", "\n", "\r", " ", "\\")


def _meaning(code: str) -> str:
    """What a reader of the format gets for a code; nothing for characters that take no place."""
    if code[0] == "%":
        return chr(int(code[-2:], 16))
    if code[0] == "&":
        name = code.rpartition("&")[2].rpartition("amp;")[2].rstrip(";") or "amp"
        char = html.unescape(f"&{name};") if name.startswith("#") or name not in _NAMED else _NAMED[name]
    elif code[0] == "\\":
        char = _unescaped_char(code.lstrip("\\"))
    else:
        return ""
    return char if (char.isprintable() and not _IS_DROPPED.match(char)) or char in "\n\t" else ""


def _unescaped_char(rest: str) -> str:
    if _IS_SEQUENCE.match(rest):
        return ""
    if rest[0] in "uUx" and len(rest) > 1:
        number = int(rest[1:].strip("{}"), 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""
    return _MEANINGS.get(rest, rest)


_MEANINGS = {"n": "\n", "b": "", "f": ""}
_IS_SEQUENCE = re.compile(r"(?:u001|x1)[bB](?:\[|\Z)")
_IS_DROPPED = re.compile(_DROPPED)


def _replaced(text: str, parts: Iterator[tuple[int, int, str]]) -> View:
    pieces: list[str] = []
    at, source = [0], [0]
    length = done = 0
    for start, end, new in parts:
        pieces.extend((text[done:start], new))
        length += start - done
        # Kept and replaced parts take turns: an even index begins a kept one, an odd index a replaced one.
        at.extend((length, length + len(new)))
        source.extend((start, end))
        length += len(new)
        done = end
    pieces.append(text[done:])
    at.append(length + len(text) - done)
    source.append(len(text))
    return View("".join(pieces), at, source)
