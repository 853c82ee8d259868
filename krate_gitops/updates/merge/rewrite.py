"""A YAML text given another value in place: everything else in it stays as it stands.

Editing of files of configuration does the work. It takes numbers for numbers and quotes whatever another YAML might
read as a date, so scalars whose text counts are put in under a name that stands for them, and written last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from krate_gitops.brain.scalars import resolve_plain
from krate_gitops.brain.yaml_exact import Scalar
from krate_gitops.errors import KrateError
from krate_gitops.resources.edit.document import edit_document
from krate_gitops.resources.edit.values import same
from krate_gitops.resources.parse import settle
from krate_gitops.updates.merge.plain import Written, fingerprint, is_scalar, read_map

_BARE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9:]+))?\Z"  # dates and times, which are text in a brain
    r"|[A-Za-z][\w-]*(?::[\w.@/-]*[\w])+\Z",  # ids, which other writers quote within brackets
    re.ASCII,
)
"""Texts that stand without quotes."""
_PATH = "record.yaml"


def rewritten(text: str, wanted: dict[str, Any]) -> str | None:
    """The text, which holds one map and has LF line ends, with another map in it; None where that can't be."""
    present = read_map(text)
    if present is None:
        return None
    if fingerprint(present) == fingerprint(wanted):
        return text
    # Lines at the end are taken out as those before them are, where a line end follows them too.
    is_open = not text.endswith("\n") and same(read_map(text + "\n"), present)
    names = _Names(text, present, wanted)
    data = (text + "\n" * is_open).encode()
    try:
        edited = edit_document(_PATH, data, 0, names.standing_in(wanted), only_in_place=True).decode()
    except (KrateError, ValueError, RecursionError):
        return None
    result = names.written(edited.removesuffix("\n") if is_open else edited)
    found = read_map(result)
    return result if found is not None and fingerprint(found) == fingerprint(wanted) else None


class _Names:
    """Names for scalars that can't be handed over as they are."""

    def __init__(self, text: str, present: Any, wanted: Any) -> None:
        self._stem = "standsfor"
        while self._stem in text:
            self._stem += "x"
        self._sources: list[tuple[str, bool]] = []
        present_scalars = {fingerprint(one) for one in _scalars(present)}
        forms: dict[str, set[str]] = {}
        for one in (*_scalars(present), *_scalars(wanted)):
            forms.setdefault(fingerprint(_read_by_editor(one)), set()).add(fingerprint(one))
        self._safe = {next(iter(form)) for form in forms.values() if len(form) == 1} & present_scalars

    def standing_in(self, value: Any) -> Any:
        """The value as the editor of files takes it."""
        if isinstance(value, dict):
            return {key: self.standing_in(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.standing_in(item) for item in value]
        is_bare = isinstance(value, str) and _BARE.match(value) is not None
        if not (is_bare or isinstance(value, Written)):
            return value
        if fingerprint(value) in self._safe:
            return _read_by_editor(value)
        self._sources.append((value if isinstance(value, str) else value.source, is_bare))
        return f"{self._stem}{len(self._sources) - 1}q"

    def written(self, text: str) -> str:
        """The text with what the names stand for; quotes around a text stay, those around a number don't."""

        def put(match: re.Match[str]) -> str:
            source, is_bare = self._sources[int(match[2])]
            return f"{match[1]}{source}{match[1]}" if is_bare else source

        return re.sub(rf"(['\"]?){self._stem}([0-9]+)q\1", put, text) if self._sources else text


def _scalars(value: Any) -> Iterator[Any]:
    if is_scalar(value):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _scalars(item)


def _read_by_editor(value: Any) -> Any:
    """What the editor of files reads a scalar as."""
    return settle(Scalar(resolve_plain(value.source), value.source)) if isinstance(value, Written) else value
