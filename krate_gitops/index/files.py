"""Files of a commit, and of an ontology kept outside it, as diagnostics need them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import FileClass
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.columns import Columns

_MAX_BYTES = 64 << 20
"""No larger file is parsed under any limit a brain may set in earnest; places in it are not worth its memory."""


class CommitFiles:
    """Files of an indexed commit."""

    def __init__(self, columns: Columns, reader: ObjectReader) -> None:
        self._columns = columns
        self._reader = reader

    def parsed(self, path: str) -> ParsedFile | None:
        number = self._columns.file_number.get(path)
        return None if number is None else self._columns.file(number)

    def contents(self, paths: Sequence[str]) -> Iterator[bytes]:
        files = [self._columns.file(self._columns.file_number[path]) for path in paths]
        stream = self._reader.stream(
            [file.blob for file in files], max_bytes=_MAX_BYTES, sizes=[file.size for file in files]
        )
        return (data or b"" for _, _, _, data in stream)


class OutsideFiles:
    """Files of an ontology folder, under the names they would have in a brain."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def parsed(self, path: str) -> ParsedFile | None:
        file = self._file(path)
        if not path.startswith("ontology/") or not file.is_file():
            return None
        return ParsedFile(path, "", FileClass.ONTOLOGY, file.stat().st_size, "")

    def contents(self, paths: Sequence[str]) -> Iterator[bytes]:
        return (self._file(path).read_bytes() for path in paths)

    def _file(self, path: str) -> Path:
        return self._folder / path.removeprefix("ontology/")
