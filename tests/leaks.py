"""Looks for texts in everything below a folder: files, Git objects, databases, whatever is compressed in them."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import re2
import zstandard

_ZSTD = b"\x28\xb5\x2f\xfd"
_MOST_BYTES = 256 << 20


class Leak(NamedTuple):
    """A place and the needle that was found there."""

    place: str
    needle: str


class Needles:
    """Texts to look for, all at once."""

    def __init__(self, needles: Iterable[str]) -> None:
        options = re2.Options()
        options.max_mem = 1 << 30
        options.encoding = re2.Options.Encoding.LATIN1
        wanted = sorted({one.encode() for one in needles if one}, key=lambda one: (-len(one), one))
        self._pattern = re2.compile(b"|".join(re2.escape(one) for one in wanted), options) if wanted else None

    def within(self, data: bytes) -> list[str]:
        """Those that stand in the bytes, each once."""
        if self._pattern is None:
            return []
        return sorted({match.group().decode() for match in self._pattern.finditer(data)})


def leaks(root: Path, needles: Iterable[str]) -> list[Leak]:
    """Every needle found below ``root``: in names of files, in their bytes, in rows, and in objects of repositories."""
    wanted = Needles(needles)
    found: list[Leak] = []
    for place, data in contents(root):
        found.extend(Leak(place, needle) for needle in wanted.within(data))
    return found


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that can be read below a folder, each with its place."""
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        yield f"{place} (name)", place.encode("utf-8", "surrogateescape")
        if path.is_dir():
            if (path / "objects").is_dir() and (path / "HEAD").is_file():
                yield from _objects(path, place)
        elif path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            yield place, data
            yield from _within(data, place)
            if data.startswith(b"SQLite format 3\0"):
                yield from _rows(path, place)


def _within(data: bytes, place: str) -> Iterator[tuple[str, bytes]]:
    if data.startswith(_ZSTD):
        try:
            yield f"{place} (zstd)", zstandard.ZstdDecompressor().decompress(data, max_output_size=_MOST_BYTES)
        except zstandard.ZstdError:
            return


def _objects(repository: Path, place: str) -> Iterator[tuple[str, bytes]]:
    command = ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--unordered", "--batch"]
    output = subprocess.run(command, check=True, capture_output=True).stdout
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        name, kind, size = output[at:end].decode().split()
        at = end + 2 + int(size)
        yield f"{place} {kind} {name}", output[end + 1 : at - 1]


def _rows(path: Path, place: str) -> Iterator[tuple[str, bytes]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        database.text_factory = bytes
        tables = [name.decode() for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for number, row in enumerate(database.execute(f'select * from "{table}"')):
                for value in row:
                    if isinstance(value, bytes):
                        yield f"{place} {table} row {number}", value
                        yield from _within(value, f"{place} {table} row {number}")
