"""Texts of a commit's files: read from Git, redacted, and the latest ones kept in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cached_property

from krate_gitops.brain.documents import split_documents
from krate_gitops.brain.rules.place import document_ordinals
from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.columns import Columns
from krate_gitops.memory.clean import Cleaner
from krate_gitops.memory.grep import lowered

MOST_BYTES = 64 << 20
"""Room of the texts that are kept."""

_FIRST_READ = 16
_LARGEST_READ = 512
"""Texts of one piece are in memory at once, whatever the room."""


class RecordLines:
    """Where the records of a file stand: first and last line of each (1-based, inclusive) and its place in the file."""

    def __init__(self) -> None:
        self.firsts: list[int] = []
        self.lasts: list[int] = []
        self.places: list[int] = []


class Text:
    """A file's text as it is and as it may leave; one object where that is the same.

    Whole texts are redacted before anything is cut out of them, or half a secret would be left standing. Redaction
    keeps every line where it was.
    """

    def __init__(self, columns: Columns, file: int, raw: str, safe: str) -> None:
        self._columns = columns
        self.file = file
        self.raw = raw
        self.safe = safe
        # Taken once: a text grows later, when somebody encodes it, and what is given back must be what was taken.
        forms = 2 if safe.isascii() else 4
        self.size = forms * sys.getsizeof(safe) + (safe is not raw) * sys.getsizeof(raw)
        """Bytes of memory that count for the text: itself, its lower case and, where that is another one, its UTF-8."""

    @property
    def changed(self) -> bool:
        """Whether redaction took something."""
        return self.safe is not self.raw

    @cached_property
    def lowered(self) -> str:
        """The safe text in lower case, character by character."""
        return lowered(self.safe)

    @cached_property
    def record_lines(self) -> RecordLines:
        """Lines of the records of a file of several, in order."""
        place_of = {ordinal: place for place, ordinal in enumerate(document_ordinals(self._columns.file(self.file)))}
        found = RecordLines()
        counted = begun = 0
        for ordinal, span in enumerate(split_documents(self.raw)):
            edges = []
            for edge in (span.start, span.end):
                # Lines that begin before the edge.
                begun += self.raw.count("\n", counted, max(edge - 1, counted))
                counted = max(edge - 1, counted)
                edges.append(begun + (edge > 0))
            if ordinal in place_of:
                found.firsts.append(edges[0] + 1)
                found.lasts.append(edges[1])
                found.places.append(place_of[ordinal])
        return found


class Texts:
    """Reads texts through one Git child; what is larger than ``largest`` bytes was too large to parse and to read."""

    def __init__(self, columns: Columns, reader: ObjectReader, cleaner: Cleaner, largest: int) -> None:
        self._columns = columns
        self._reader = reader
        self._cleaner = cleaner
        self._largest = largest
        self._kept: dict[int, Text] = {}
        self._room = MOST_BYTES

    def read(self, files: Sequence[int]) -> Iterator[Text]:
        """Texts of files in the order given; files that are no text are passed over.

        They are read in growing pieces: a caller who stops early has read little in vain.
        """
        start, size = 0, _FIRST_READ
        while start < len(files):
            yield from self._piece(files[start : start + size])
            start, size = start + size, min(size * 2, _LARGEST_READ)

    def _piece(self, files: Sequence[int]) -> list[Text]:
        new = [file for file in files if file not in self._kept]
        fresh = self._fresh(new) if new else {}
        found = [text for file in files if (text := self._kept.get(file) or fresh.get(file)) is not None]
        for text in found:
            self._keep(text)
        return found

    def _keep(self, text: Text) -> None:
        """Keeps a text as the latest one and lets go of the oldest ones where the room is not enough."""
        if self._kept.pop(text.file, None) is None:
            self._room -= text.size
        self._kept[text.file] = text
        while self._room < 0:
            self._room += self._kept.pop(next(iter(self._kept))).size

    def _fresh(self, files: Sequence[int]) -> dict[int, Text]:
        raw = self._raw(files)
        clean = self._columns.file_clean
        doubtful = [file for file in raw if not clean[file]]
        redacted = dict(zip(doubtful, self._cleaner.redact([raw[file] for file in doubtful]), strict=True))
        return {
            file: Text(
                self._columns, file, text, redacted[file].text if file in redacted and redacted[file].counts else text
            )
            for file, text in raw.items()
        }

    def _raw(self, files: Sequence[int]) -> dict[int, str]:
        # Links and submodules have no size and are not followed.
        sizes = {file: int(self._columns.file_bytes[file]) for file in files}
        stored = [file for file in files if 0 < sizes[file] <= self._largest]
        found = {file: "" for file in files if not sizes[file]}
        for file, (_, _, _, data) in zip(
            stored, self._reader.stream([self._columns.blobs[file] for file in stored]), strict=True
        ):
            try:
                found[file] = decode(data or b"")
            except EncodingProblem:
                continue
        return found
