"""Watches: a stream of what changes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.http.encode import encode, to_json
from krate_gitops.cluster.dev.http.negotiation import JSON
from krate_gitops.cluster.dev.http.options import ListOptions, list_options
from krate_gitops.cluster.dev.http.request import Stream
from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.store.collection import ADDED, DELETED, MODIFIED, Change, Entry, TooOldError
from krate_gitops.cluster.dev.verbs import table
from krate_gitops.cluster.dev.verbs.call import Call
from krate_gitops.cluster.dev.verbs.field_selectors import parse_fields
from krate_gitops.cluster.dev.verbs.labels import parse_labels
from krate_gitops.cluster.dev.verbs.read import is_version, unreadable_version
from krate_gitops.cluster.dev.verbs.update import shown

_SHORTEST, _LONGEST = 1800, 3600
_BEFORE_END = 2.0
_BETWEEN_BOOKMARKS = 60.0
_LARGEST_BACKLOG = 50_000

BOOKMARK, ERROR = "BOOKMARK", "ERROR"
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


def watch(call: Call, *, name: str = "") -> Stream:
    """Answers a watch of a collection, or by an old path of one object. Raises ``ApiFailure``."""
    options = list_options(call.request.query, watch=True)
    if options.version and not is_version(options.version):
        raise unreadable_version(options.version)
    watcher = _Watcher(call, options, name)
    return Stream(watcher.stream(), call.request.media.type)


class _Watcher:
    """One watch: what waits to be told, and the version up to which bookmarks have told everything."""

    def __init__(self, call: Call, options: ListOptions, name: str) -> None:
        self._call = call
        self._options = options
        self._name = name
        self._labels = parse_labels(options.labels)
        self._fields = parse_fields(options.fields, call.kind)
        self._collection = call.cluster.store.collection(*call.kind.storage)
        self._waiting: deque[Change] = deque()
        self._news = asyncio.Event()
        self._ending = False
        self._marked = call.cluster.store.version
        self._heads = True
        self._error: ApiFailure | None = None
        # The state and the start of what is listened to belong together, so both are taken before any waiting.
        self._first = list(self._begin())
        self._collection.listeners.add(self._hear)
        call.cluster.watchers.add(self.end, call.kind)

    def _begin(self) -> Iterator[tuple[str, Any]]:
        version = int(self._options.version or 0)
        initial = self._options.initial_events
        if initial or (initial is None and not version):
            entries = self._collection.entries(self._call.namespace or None)
            for entry in entries:
                if self._matches(entry):
                    yield ADDED, self._view(entry)
            if self._options.bookmarks:
                yield BOOKMARK, self._bookmark(_INITIAL_EVENTS_END)
            return
        if not version:
            return
        self._marked = version
        try:
            changes = list(self._collection.changes_after(version))
        except TooOldError as error:
            message = f"too old resource version: {version} ({error.oldest})"
            self._error = ApiFailure(410, "Expired", message)
            return
        for change in changes:
            yield from self._event(change)

    def _hear(self, change: Change) -> None:
        if len(self._waiting) >= _LARGEST_BACKLOG:
            self.end()  # whoever reads so slowly has to start anew
            return
        self._waiting.append(change)
        self._news.set()

    def end(self) -> None:
        """Ends the watch when what waits has been told."""
        self._collection.listeners.discard(self._hear)
        self._ending = True
        self._news.set()

    async def stream(self) -> AsyncIterator[bytes]:
        """The events as they are sent."""
        try:
            if self._error is not None:
                yield self._line(ERROR, self._error.status())
                return
            if self._first:
                yield b"".join(self._line(type_, shown_object) for type_, shown_object in self._first)
                self._first = []
            async for part in self._live():
                yield part
        finally:
            self._collection.listeners.discard(self._hear)
            self._call.cluster.watchers.remove(self.end)

    async def _live(self) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        seconds = self._options.timeout or random.randint(_SHORTEST, _LONGEST)  # noqa: S311 - spreads reconnections
        end = clock() + seconds
        marks = self._marks(clock(), end)
        mark = next(marks)
        while (now := clock()) < end:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(mark, end) - now)
            self._news.clear()
            if lines := self._waiting_lines():
                yield lines
            if self._ending and not self._waiting:
                return
            if clock() >= mark:
                mark = next(marks)
                if self._collection.newest > self._marked:
                    self._marked = self._collection.newest
                    yield self._line(BOOKMARK, self._bookmark({}))

    def _marks(self, now: float, end: float) -> Iterator[float]:
        """When to send bookmarks: every minute, and shortly before the end."""
        if self._options.bookmarks:
            last = end - _BEFORE_END
            mark = now + _BETWEEN_BOOKMARKS
            while mark < last:
                yield mark
                mark += _BETWEEN_BOOKMARKS
            if last > now:
                yield last
        while True:
            yield end

    def _waiting_lines(self) -> bytes:
        lines: list[bytes] = []
        while self._waiting:
            lines += (self._line(type_, shown_object) for type_, shown_object in self._event(self._waiting.popleft()))
        return b"".join(lines)

    def _event(self, change: Change) -> Iterator[tuple[str, Any]]:
        """What a change means to this watch: coming into the selection is an addition, leaving it a deletion."""
        entry, previous = change.entry, change.previous
        before = previous is not None and self._matches(previous)
        after = change.type != DELETED and self._matches(entry)
        if after:
            yield (MODIFIED if before else ADDED), self._view(entry)
        elif before and previous is not None:
            last = shown(self._call, entry if change.type == DELETED else previous)
            metadata = {**last["metadata"], "resourceVersion": str(entry.version)}
            yield DELETED, self._formed({**last, "metadata": metadata})

    def _matches(self, entry: Entry) -> bool:
        metadata = entry.value["metadata"]
        if self._call.namespace and metadata.get("namespace", "") != self._call.namespace:
            return False
        if self._name and metadata["name"] != self._name:
            return False
        if not self._labels.matches(metadata.get("labels") or {}):
            return False
        return not self._fields.terms or self._fields.matches(shown(self._call, entry))

    def _view(self, entry: Entry) -> Any:
        return self._formed(shown(self._call, entry))

    def _formed(self, value: Object) -> Any:
        form = self._call.request.media.form
        if form is None:
            return value
        name, _, version = form
        if name == "Table":
            heads, self._heads = self._heads, False
            include = self._call.request.query.get("includeObject")
            metadata = {"resourceVersion": value["metadata"].get("resourceVersion", "")}
            return table.table(self._call.kind, [value], version, include, metadata, heads=heads)
        return table.metadata_only(value, version)

    def _bookmark(self, annotations: dict[str, str]) -> Any:
        kind = self._call.kind
        metadata: dict[str, Any] = {"resourceVersion": str(self._marked)}
        if annotations:
            metadata["annotations"] = annotations
        value = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
        form = self._call.request.media.form
        if form is not None and form[0] == "Table":
            return table.table(kind, [], form[2], "None", metadata, heads=False)
        return self._formed(value)

    def _line(self, type_: str, shown_object: Any) -> bytes:
        media = self._call.request.media
        if media.type == JSON:
            return to_json({"type": type_, "object": shown_object}) + b"\n"
        return b"---\n" + encode({"type": type_, "object": shown_object}, media)
