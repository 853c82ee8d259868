"""Private-key blocks: whole ones, ones that lost their first or last line at a cut, and ones folded into one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from krate_gitops.brain.scan.folds import folded, unfold
from krate_gitops.brain.scan.randomness import is_masked, is_mixed

_MARK = re2.compile(folded("PRIVATE KEY"))
_BEGIN = re.compile(r"-{4,5}\s*BEGIN[A-Z0-9 \t\r\n\\>#]{0,48}\Z")
_END = re.compile(r"-{4,5}\s*END[A-Z0-9 \t\r\n\\>#]{0,48}\Z")
_REST_OF_MARK = re.compile(r"[ \t]*(?:BLOCK)?[ \t]*-{4,5}")
_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s>#]|\\[nrt]?)+")
_BODY_REVERSED = re.compile(r"[A-Za-z0-9+/=\s\\]*")
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/=]+")
_LOOK_BACK = 80
_LONGEST = 32_768
_LONGEST_LOOK_BACK = 4096
_LEAST_KEY_CHARACTERS = 32


def private_key_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of the blocks. A bare ``BEGIN PRIVATE KEY`` line with nothing or a mask after it is documentation."""
    open_from = body_from = -1
    for match in _MARK.finditer(text):
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        rest = _REST_OF_MARK.match(text, match.end())
        end = rest.end() if rest else match.end()
        if begin := _BEGIN.search(before):
            if open_from >= 0:
                yield from _unclosed(text, open_from, body_from)
            open_from, body_from = match.start() - len(before) + begin.start(), end
        elif closing := _END.search(before):
            at = match.start() - len(before) + closing.start()
            if open_from >= 0 and at - body_from <= _LONGEST:
                if _is_key_material(text[body_from:at]):
                    yield open_from, end
            else:
                yield from _unopened(text, at, end)
            open_from = -1
    if open_from >= 0:
        yield from _unclosed(text, open_from, body_from)


def _unclosed(text: str, start: int, body_from: int) -> Iterator[tuple[int, int]]:
    body = _BODY.match(text, body_from, body_from + _LONGEST)
    if body is not None and _is_key_material(body.group()):
        yield start, body_from + len(body.group().rstrip())


def _unopened(text: str, at: int, end: int) -> Iterator[tuple[int, int]]:
    reversed_body = _BODY_REVERSED.match(text[max(0, at - _LONGEST_LOOK_BACK) : at][::-1])
    body = reversed_body.group()[::-1] if reversed_body else ""
    runs = [run for run in _BASE64_RUN.finditer(body) if len(run.group()) >= 16 and is_mixed(run.group())]
    if runs and _is_key_material(body[runs[0].start() :]):
        yield at - len(body) + runs[0].start(), end


def _is_key_material(body: str) -> bool:
    """Whether at least half of the body is base64 that looks like a key; prose between two mentions is not."""
    plain = unfold(body)
    runs = [run for run in _BASE64_RUN.findall(plain) if len(run) >= 16 and is_mixed(run)]
    size = sum(map(len, runs))
    if size < _LEAST_KEY_CHARACTERS or all(is_masked(run) for run in runs):
        return False
    return size * 2 >= len("".join(plain.split()))
