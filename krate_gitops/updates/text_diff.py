"""Two versions of a text as a unified diff, found in bounded time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krate_gitops.updates.merge.line_hunks import Hunk, hunks

_CONTEXT = 3
_NO_END = "\\ No newline at end of file"


def unified(old_path: str | None, new_path: str | None, old: str | None, new: str | None) -> str:
    """The diff, with a line feed at its end; empty where texts and paths are the same. None is an absent file."""
    if old == new and old_path == new_path:
        return ""
    before, after = _lines(old), _lines(new)
    names = [
        f"--- {'/dev/null' if old is None else f'a/{old_path}'}",
        f"+++ {'/dev/null' if new is None else f'b/{new_path}'}",
    ]
    body = [line for group in _groups(hunks(before, after)) for line in _group(before, after, group)]
    return "".join(f"{line}\n" for line in (*names, *body))


def _lines(text: str | None) -> list[str]:
    if not text:
        return []
    # A line without an end isn't the same line as one with it.
    return text.removesuffix("\n").split("\n") if text.endswith("\n") else [*text.split("\n")[:-1], _open_end(text)]


def _open_end(text: str) -> str:
    return text.rpartition("\n")[2] + f"\n{_NO_END}"


def _groups(found: Sequence[Hunk]) -> Iterator[list[Hunk]]:
    """Hunks whose context would touch, together."""
    group: list[Hunk] = []
    for hunk in found:
        if group and hunk.start - group[-1].end > 2 * _CONTEXT:
            yield group
            group = []
        group.append(hunk)
    if group:
        yield group


def _group(before: Sequence[str], after: Sequence[str], group: Sequence[Hunk]) -> Iterator[str]:
    start, first = (max(0, at - _CONTEXT) for at in (group[0].start, group[0].first))
    # Both sides have the same lines before the first hunk and after the last.
    lead = min(group[0].start - start, group[0].first - first)
    start, first = group[0].start - lead, group[0].first - lead
    end = min(len(before), group[-1].end + _CONTEXT)
    tail = end - group[-1].end
    last = group[-1].last + tail
    yield f"@@ -{_range(start, end)} +{_range(first, last)} @@"
    at = start
    for hunk in group:
        yield from _marked(" ", before[at : hunk.start])
        yield from _marked("-", before[hunk.start : hunk.end])
        yield from _marked("+", after[hunk.first : hunk.last])
        at = hunk.end
    yield from _marked(" ", before[at:end])


def _marked(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield sign + line


def _range(start: int, end: int) -> str:
    count = end - start
    begin = start + 1 if count else start
    return str(begin) if count == 1 else f"{begin},{count}"
