"""From bytes to text: encoding, line ends, and the way from an offset to a line and column."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate

_BOM = "\ufeff"
_LINE_END = re.compile(rb"\r\n|\r|\n")


class EncodingProblem(ValueError):
    """The bytes are not UTF-8 text; ``offset`` is the byte where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def decode(data: bytes) -> str:
    """Text with LF line ends and without the byte order mark.

    Replacing each line end by one LF keeps every line number and column, so positions may be taken from this text.
    Raises ``EncodingProblem``.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise EncodingProblem(f"invalid byte 0x{data[error.start]:02x} at offset {error.start}", error.start) from None
    if "\0" in text:
        at = data.index(0)
        raise EncodingProblem(f"NUL byte at offset {at}", at)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text[1:] if text.startswith(_BOM) else text


class LineIndex:
    """Lines and columns of one text, both 1-based, columns in characters. Only LF ends a line."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [0], self._text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = self._text.find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset; offsets past the end are the end."""
        offset = max(0, min(offset, len(self._text)))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Offset of a 0-based line and column, as parsers count them."""
        if line >= len(self._starts):
            return len(self._text)
        return min(self._starts[line] + column, len(self._text))


def byte_offsets(text: str, data: bytes) -> Callable[[int], int]:
    """From character offsets of the decoded text to byte offsets of the file, for increasing offsets."""
    if len(text) == len(data):
        return lambda offset: offset
    # Line ends of two bytes are one character of the text; ``longer[n]`` are those among the first n.
    longer = [0]
    if b"\r\n" in data:
        longer += accumulate(len(match[0]) - 1 for match in _LINE_END.finditer(data))
    at, lines, byte = 0, 0, 3 if data.startswith(b"\xef\xbb\xbf") else 0

    def to_byte(offset: int) -> int:
        nonlocal at, lines, byte
        byte += len(text[at:offset].encode())
        lines += text.count("\n", at, offset)
        at = offset
        return byte + longer[min(lines, len(longer) - 1)]

    return to_byte
