"""JSON values out of a file that may be larger than memory: an array, values in a row, or one a line.

The standard library decodes from text that is all there, and no kept library reads a stream at its speed. So its
scanner is called on a window: for each value once, and once more where the window ends within a value. What can't be
read is passed over, with the number of the value, and reading goes on behind it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

Broken = Callable[[int, str], object]
"""Told the number of a value, from 1, that can't be used, and why."""

_SCAN: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]
_BETWEEN = re.compile(r"[\s,]*")
_INSIDE = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'["\[\]{},]')
_NEXT_LINE = re.compile(r"\n\s*(?=[{\[])")
_LIST_OF_EVENTS = re.compile(r'\s*\{\s*"(?:events|journal|entries)"\s*:\s*\[')
_HALF_READ = re.compile("[\udc80-\udcff]")
_NEAR_THE_END = 64
"""Characters: where a value is cut off, the scanner complains this close to the end of what it was given."""

CUT_OFF = "the file ends within it"
TOO_LARGE = "it is too large"
TOO_DEEP = "it is nested too deeply"
NO_JSON = "it is no JSON"


class Value(NamedTuple):
    """A value, its number from 1, and where its text stands in a window that is good until the next is asked for."""

    number: int
    value: Any
    window: str
    start: int
    end: int

    @property
    def source(self) -> bytes:
        """The text of the value as it stands in the file."""
        return self.window[self.start : self.end].encode(errors="surrogateescape")


def decode_one(data: bytes) -> Any:
    """The one value of a small file. Raises ``ValueError`` or ``RecursionError``."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Rare things that many programs write: NaN, control characters in strings, half a surrogate pair, a byte order
        # mark, bytes that are no UTF-8.
        text = data.decode(errors="replace").removeprefix("\ufeff").strip("\0\r\n\t ")
        return json.loads(text, strict=False)


def reason_of(error: Exception) -> str:
    """Why a value can't be read, in words that hold nothing of it."""
    return TOO_DEEP if isinstance(error, RecursionError) else NO_JSON


def lines(chunks: Iterator[bytes], *, most: int, broken: Broken) -> Iterator[Value]:
    """The value of each line that isn't empty; numbers are those of lines."""
    number, rest, skipping = 0, b"", False
    for chunk in _and_end(chunks):
        whole = (rest + chunk) if chunk else rest + b"\n"
        *complete, rest = whole.split(b"\n")
        for line in complete:
            number += 1
            if skipping:
                skipping = False
                broken(number, TOO_LARGE)
            elif line and not line.isspace():
                yield from _line(number, line, most, broken)
        if len(rest) > most:
            rest, skipping = b"", True


def _line(number: int, line: bytes, most: int, broken: Broken) -> Iterator[Value]:
    if len(line) > most:
        broken(number, TOO_LARGE)
        return
    try:
        value = decode_one(line)
    except (ValueError, RecursionError) as error:
        broken(number, reason_of(error))
        return
    text = line.decode(errors="surrogateescape")
    yield Value(number, value, text, 0, len(text))


def _and_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from chunks
    yield b""


def values(chunks: Iterator[bytes], *, most: int, broken: Broken) -> Iterator[Value]:
    """The items of the file's array, or the values in a row where it has none.

    ``most`` is the largest size of a value, in characters.
    """
    return _Reader(chunks, most, broken).values()


class _Reader:
    def __init__(self, chunks: Iterator[bytes], most: int, broken: Broken) -> None:
        self._chunks = chunks
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape").decode
        self._most = most
        self._broken = broken
        self._text = ""
        self._at = 0
        self._ended = False
        self._replaced = False
        self._number = 0

    def values(self) -> Iterator[Value]:
        in_array = self._begin()
        while self._between():
            if in_array and self._text[self._at] == "]":
                return
            value = self._next(in_array)
            if value is None:
                continue
            yield value
            yield from self._whole()
        if in_array:
            self._broken(self._number + 1, CUT_OFF)

    def _whole(self) -> Iterator[Value]:
        """The values that follow as long as they are sound and lie within the window with room to spare: nearly all."""
        text, at, most = self._text, self._at, self._most
        safe = len(text) - _NEAR_THE_END
        while True:
            match = _BETWEEN.match(text, at)
            start = match.end() if match is not None else at
            if start >= safe or text[start] != "{":
                break
            try:
                value, end = _SCAN(text, start)
            except (StopIteration, ValueError, RecursionError):
                break
            if end >= safe or end - start > most:
                break
            at = self._at = end
            self._number += 1
            yield Value(self._number, value, text, start, end)

    def _begin(self) -> bool:
        """Goes to the first value; whether the values are the items of an array."""
        self._fill(1)
        self._text = self._text.removeprefix("\ufeff")
        if match := _LIST_OF_EVENTS.match(self._text):
            self._at = match.end()
            return True
        if self._between() and self._text[self._at] == "[":
            self._at += 1
            return True
        return False

    def _fill(self, least: int) -> bool:
        """Adds at least so many characters to the window; False at the end of the file."""
        parts, got = [self._text[self._at :]], 0
        while got < least and not self._ended:
            chunk = next(self._chunks, b"")
            self._ended = not chunk
            text = self._decode(chunk, not chunk)
            if not text.isascii() and _HALF_READ.search(text):
                text = _HALF_READ.sub("\ufffd", text)
                if not self._replaced:
                    self._replaced = True
                    self._broken(self._number + 1, "bytes in or behind it are no UTF-8 and were replaced")
            parts.append(text)
            got += len(text)
        self._text, self._at = "".join(parts), 0
        return got > 0

    def _between(self) -> bool:
        """Goes to the next value; False at the end of the file."""
        while True:
            match = _BETWEEN.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return True
            if not self._fill(1):
                return False

    def _next(self, in_array: bool) -> Value | None:
        self._number += 1
        while True:
            problem = NO_JSON
            try:
                value, end = _SCAN(self._text, self._at)
            except StopIteration as stop:
                at, is_cut = stop.value, stop.value >= len(self._text) - _NEAR_THE_END
            except json.JSONDecodeError as error:
                at = len(self._text) if error.msg.startswith("Unterminated string") else error.pos
                is_cut = at >= len(self._text) - _NEAR_THE_END
            except RecursionError:
                at, problem, is_cut = 0, TOO_DEEP, False
            except ValueError:  # a number of thousands of digits
                at, is_cut = 0, False
            else:
                if end >= len(self._text) - 2 and not isinstance(value, (dict, list, str)):  # half of 1.5e+3, perhaps
                    end -= self._at
                    if self._fill(1):
                        continue
                if end - self._at > self._most:
                    self._at = end
                    self._broken(self._number, TOO_LARGE)
                    return None
                start, self._at = self._at, end
                return Value(self._number, value, self._text, start, end)
            held = len(self._text) - self._at
            if is_cut and held <= self._most and self._fill(max(held, 1)):
                continue
            if is_cut and held > self._most:
                problem = TOO_LARGE
            elif is_cut and at >= len(self._text):
                problem = CUT_OFF
            self._broken(self._number, problem)
            self._skip(in_array)
            return None

    def _skip(self, in_array: bool) -> None:
        """Goes behind a value that can't be read: to the comma or bracket, or else to the line, that ends it."""
        if not in_array:
            while (match := _NEXT_LINE.search(self._text, self._at + 1)) is None:
                self._at = len(self._text)
                if not self._fill(1):
                    return
            self._at = match.end()
            return
        depth, in_string = 0, False
        at = self._at
        while True:
            match = (_INSIDE if in_string else _OUTSIDE).search(self._text, at)
            if match is None:
                self._at = len(self._text)
                if not self._fill(1):
                    return
                at = 0
                continue
            at = match.end()
            sign = match.group()
            if in_string:
                if sign == '"':
                    in_string = False
                elif at == len(self._text):
                    self._at = at
                    if not self._fill(1):
                        return
                    at = 1
                else:
                    at += 1
            elif sign == '"':
                in_string = True
            elif sign in "[{":
                depth += 1
            elif sign in "]}":
                if depth == 0 and sign == "]":
                    self._at = at - 1
                    return
                depth = max(0, depth - 1)  # a brace that closes nothing is part of what can't be read
            elif depth == 0:
                self._at = at
                return
