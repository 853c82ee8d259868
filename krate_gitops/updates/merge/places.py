"""What differs between two versions of a file, place by place: fields and edges first, then lines of the body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.resources.edit.values import same
from krate_gitops.updates.merge.edges import EDGE_FIELDS, EdgeKey, read_edges, shared_targets
from krate_gitops.updates.merge.files import MARKDOWN, MAX_MERGED_BYTES, YAML
from krate_gitops.updates.merge.line_hunks import hunks
from krate_gitops.updates.merge.markdown_files import read_page
from krate_gitops.updates.merge.outcome import line_range
from krate_gitops.updates.merge.plain import MISSING, cut, fingerprint, is_scalar, shown
from krate_gitops.updates.merge.streams import Stream, matched, read_stream
from krate_gitops.updates.merge.values import name_of

MAX_PLACES = 500
"""Places that are told of one file."""
_OPENED = ("attributes",)
"""Maps that are shown field by field also where the whole of it came or went."""


class PlaceChange(msgspec.Struct, frozen=True):
    """One difference. ``change`` is ``added``, ``removed`` or ``changed``; the texts are cut to a readable length, None
    on the side where there is nothing.

    ``place`` is a field (``attributes.title``), an item of a list of scalars (``attributes.tags[ledger]``), an edge
    (``edges.depends_on[service:x]``), lines by their numbers in the later version (``body:12-18``; in the earlier one
    where they were removed), or empty for the whole file. ``id#`` stands before it where a file has several records.
    ``lines:3-4`` are lines that changed in no way that means something: comments, quotes, order.
    """

    place: str
    change: str
    old: str | None = None
    new: str | None = None


def changed_places(path: str, before: bytes | None, after: bytes | None) -> tuple[PlaceChange, ...]:
    """The differences between two versions, None for an absent one; at most ``MAX_PLACES``, in order of the file.

    Empty where nothing differs but line ends, or the byte order mark. Raises nothing.
    """
    if before == after:
        return ()
    try:
        if max(len(data) for data in (before or b"", after or b"")) > MAX_MERGED_BYTES:
            raise EncodingProblem("too large", 0)
        old, new = (None if data is None else decode(data) for data in (before, after))
    except EncodingProblem:
        return (
            _change("", before, after, *(None if data is None else f"{len(data)} bytes" for data in (before, after))),
        )
    found = list(_whole(old, new))
    for one in _records(path, old or "", new or ""):
        if len(found) == MAX_PLACES:
            break
        found.append(one)
    return tuple(found)


def _whole(old: str | None, new: str | None) -> Iterator[PlaceChange]:
    if old is None or new is None:
        yield PlaceChange("", "removed" if new is None else "added")


def _records(path: str, old: str, new: str) -> Iterator[PlaceChange]:
    if path.endswith(YAML):
        streams = read_stream(old), read_stream(new)
        if streams[0] is not None and streams[1] is not None:
            yield from _of_streams(old, new, streams[0], streams[1])
            return
    if path.endswith(MARKDOWN):
        pages = read_page(old) if old else None, read_page(new) if new else None
        if any(pages) and (pages[0] or not old) and (pages[1] or not new):
            first, second = (page.value if page else {} for page in pages)
            matters = [page.matter if page else "" for page in pages]
            yield from _of_record("", first, second, matters[0], matters[1], 2)
            bodies = [page.body if page else "" for page in pages]
            starts = [page.body_line if page else 1 for page in pages]
            yield from _of_lines("body", bodies[0], bodies[1], starts[0], starts[1])
            return
    yield from _of_lines("body" if path.endswith(MARKDOWN) else "lines", old, new, 1, 1)


def _of_streams(old_text: str, new_text: str, old: Stream, new: Stream) -> Iterator[PlaceChange]:
    has_several = max(len(old.parts), len(new.parts)) > 1
    versions = matched(old, new)
    count = 0
    for part, at in zip(new.parts, versions, strict=True):
        prefix = f"{part.name}#" if has_several else ""
        before = old.parts[at].value if at is not None else {}
        for one in _of_values(before, part.value, prefix):
            count += 1
            yield one
    for at, part in enumerate(old.parts):
        if at not in versions:
            for one in _of_values(part.value, {}, f"{part.name}#" if has_several else ""):
                count += 1
                yield one
    if not count:
        yield from _of_lines("lines", old_text, new_text, 1, 1)


def _of_record(prefix: str, old: Any, new: Any, old_text: str, new_text: str, line: int) -> Iterator[PlaceChange]:
    found = list(_of_values(old, new, prefix))
    yield from found
    if not found:
        yield from _of_lines("lines", old_text, new_text, line, line)


def _of_values(old: dict[str, Any], new: dict[str, Any], prefix: str) -> Iterator[PlaceChange]:
    for key in dict.fromkeys((*new, *old)):
        before, after = old.get(key, MISSING), new.get(key, MISSING)
        if key in EDGE_FIELDS:
            shared = shared_targets(before, after)
            edges = read_edges(before, shared), read_edges(after, shared)
            if edges[0] is not None and edges[1] is not None:
                yield from _of_edges(edges[0].items, edges[1].items, prefix + key)
                continue
        if key in _OPENED and (before is MISSING or after is MISSING):
            before, after = ({} if side is MISSING else side for side in (before, after))
        yield from _of_one(before, after, prefix + key)


def _of_edges(old: dict[EdgeKey, Any], new: dict[EdgeKey, Any], field: str) -> Iterator[PlaceChange]:
    for key in dict.fromkeys((*new, *old)):
        before, after = old.get(key), new.get(key)
        if before is not None and after is not None:
            yield from _of_one(before, after, field + key.place)
        else:
            texts = (None if item is None else shown(item if len(item) > 1 else key.target) for item in (before, after))
            yield _change(field + key.place, before, after, *texts)


def _of_one(old: Any, new: Any, place: str) -> Iterator[PlaceChange]:
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*new, *old)):
            yield from _of_one(old.get(key, MISSING), new.get(key, MISSING), f"{place}.{key}")
        return
    if isinstance(old, list) and isinstance(new, list) and all(map(is_scalar, (*old, *new))):
        items = {fingerprint(item): item for item in old}, {fingerprint(item): item for item in new}
        if items[0].keys() != items[1].keys() and (len(items[0]), len(items[1])) == (len(old), len(new)):
            gone = [shown(item) for key, item in items[0].items() if key not in items[1]]
            come = [shown(item) for key, item in items[1].items() if key not in items[0]]
            yield from (PlaceChange(cut(f"{place}[{text}]"), "removed", old=text) for text in gone)
            yield from (PlaceChange(cut(f"{place}[{text}]"), "added", new=text) for text in come)
            return
    elif isinstance(old, list) and isinstance(new, list) and (name := name_of(old, new)):
        named = {item[name]: item for item in old}, {item[name]: item for item in new}
        for key in dict.fromkeys((*named[1], *named[0])):
            yield from _of_one(named[0].get(key, MISSING), named[1].get(key, MISSING), f"{place}[{key}]")
        return
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        before, after = old.split("\n"), new.split("\n")
        for hunk in hunks(before, after):
            went, came = (before[hunk.start : hunk.end], after[hunk.first : hunk.last])
            yield PlaceChange(cut(place), "changed", cut("\n".join(went)), cut("\n".join(came)))
        return
    yield _change(place, old, new, shown(old), shown(new))


def _change(place: str, old: Any, new: Any, old_text: str | None, new_text: str | None) -> PlaceChange:
    is_added, is_removed = old is MISSING or old is None, new is MISSING or new is None
    return PlaceChange(cut(place), "added" if is_added else "removed" if is_removed else "changed", old_text, new_text)


def _of_lines(name: str, old: str, new: str, old_first: int, new_first: int) -> Iterator[PlaceChange]:
    before, after = old.split("\n"), new.split("\n")
    for hunk in hunks(before, after):
        came, went = after[hunk.first : hunk.last], before[hunk.start : hunk.end]
        if came:
            place = f"{name}:{line_range(hunk.first + new_first, len(came))}"
        else:
            place = f"{name}:{line_range(hunk.start + old_first, len(went))}"
        yield _change(
            place,
            went or MISSING,
            came or MISSING,
            cut("\n".join(went)) if went else None,
            cut("\n".join(came)) if came else None,
        )
