"""JSON with the place of every value, as ``yaml_exact`` gives it for YAML.

A YAML parser almost reads JSON: it stumbles over tabs, surrogate pairs in escapes and long keys. And JSON parsers
forget places and repeated keys.
"""

from __future__ import annotations

import re
import unicodedata
from json import JSONDecodeError, decoder
from typing import Any, NoReturn

from krate_gitops.brain.model import Finding
from krate_gitops.brain.text import LineIndex
from krate_gitops.brain.yaml_exact import MAX_DEPTH, Document, YamlRefused

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_scan_string: Any = getattr(decoder, "scanstring")  # noqa: B009 - the stubs leave it out
_WORDS = {"true": True, "false": False, "null": None}
_LONGEST_INTEGER = 18
_Marks = dict[str, tuple[int, int]]


def parse_json(text: str) -> list[Document]:
    """The document of a text, or nothing for an empty one. Raises ``YamlRefused`` with KB001, KB004, KB007 or KB008."""
    start = _skip(text, 0)
    if start == len(text):
        return []
    reader = _Reader(text)
    value, end = reader.value(start, start, "", 1)
    if (rest := _skip(text, end)) < len(text):
        _refuse("KB001", "text behind the end of the JSON value", rest)
    return [Document(value, start, reader.marks)]


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _refuse(code: str, message: str, offset: int) -> NoReturn:
    raise YamlRefused(Finding(code, message, offset=offset))


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.marks: _Marks = {}

    def value(self, at: int, key_at: int, pointer: str, depth: int) -> tuple[Any, int]:
        """The value that begins at an offset, and where it ends."""
        self.marks[pointer] = (key_at, at)
        if depth > MAX_DEPTH:
            _refuse("KB008", f"nested deeper than {MAX_DEPTH} levels", at)
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at, pointer, depth)
        if first == "[":
            return self._array(at, pointer, depth)
        if first == '"':
            return self._string(at)
        for word, value in _WORDS.items():
            if self._text.startswith(word, at):
                return value, at + len(word)
        if number := _NUMBER.match(self._text, at):
            return _number(number), number.end()
        _refuse("KB001", "expected a JSON value", at)

    def _object(self, at: int, pointer: str, depth: int) -> tuple[dict[str, Any], int]:
        result: dict[str, Any] = {}
        seen: set[str] = set()
        opened, at = at, _skip(self._text, at + 1)
        while self._text[at : at + 1] != "}":
            if result:
                at = self._expect(",", at, opened)
            if self._text[at : at + 1] != '"':
                _refuse("KB001", "expected a key in double quotes", at)
            key_at = at
            key, at = self._string(at)
            same = unicodedata.normalize("NFC", key)
            if same in seen:
                line = LineIndex(self._text).position(key_at)[0]
                _refuse("KB007", f'key "{key}" repeated at line {line}', key_at)
            seen.add(same)
            at = self._expect(":", _skip(self._text, at), opened)
            value, at = self.value(at, key_at, f"{pointer}.{key}" if pointer else key, depth + 1)
            result[key] = value
            at = _skip(self._text, at)
        return result, at + 1

    def _array(self, at: int, pointer: str, depth: int) -> tuple[list[Any], int]:
        result: list[Any] = []
        opened, at = at, _skip(self._text, at + 1)
        while self._text[at : at + 1] != "]":
            if result:
                at = self._expect(",", at, opened)
            value, at = self.value(at, at, f"{pointer}[{len(result)}]", depth + 1)
            result.append(value)
            at = _skip(self._text, at)
        return result, at + 1

    def _expect(self, sign: str, at: int, opened: int) -> int:
        """Offset of what follows a sign."""
        if self._text[at : at + 1] != sign:
            if at >= len(self._text):
                _refuse("KB001", "opened here and never closed", opened)
            _refuse("KB001", f"expected {sign!r}", at)
        return _skip(self._text, at + 1)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            value, end = _scan_string(self._text, at + 1, True)
        except JSONDecodeError as error:
            _refuse("KB001", error.msg, error.pos)
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            _refuse("KB004", "an escape that yields NUL or a lone surrogate", at)
        return value, end


def _number(match: re.Match[str]) -> int | float:
    text = match.group()
    if match[1] or match[2] or len(text) > _LONGEST_INTEGER:
        return float(text)  # Python refuses to convert integers of thousands of digits
    return int(text)
