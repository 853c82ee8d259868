"""Work that no index of these blobs can do without: reading them, parsing their YAML, indexing their words.

``python -m tests.bench.floors GIT_DIR COMMIT [ONTOLOGY]`` measures the floors in a process of its own. None of them
validates, redacts, builds a graph or checks anything.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import tantivy
import yaml

from tests.bench.blobs import is_document, list_entries, read_blobs, yaml_text
from tests.bench.measure import timed

_SAMPLE = 300
"""Texts on which the parsers compete; the fastest then parses them all."""

_HEAP_BYTES = 128_000_000
_THREADS = 2
Parse = Callable[[str], Any]


class Floors(msgspec.Struct, frozen=True):
    """Seconds by floor, and what they were spent on. ``parsers`` holds seconds on a sample of the texts."""

    read: float
    yaml: float
    words: float
    words_commit: float
    """``words`` without waiting for merges."""
    words_basic: float
    """``words`` with neither frequencies nor positions."""
    parser: str
    parsers: dict[str, float]
    texts: int
    documents: int
    bytes: int

    @property
    def total(self) -> float:
        return self.read + self.yaml + self.words


def main(arguments: Sequence[str]) -> None:
    git_dir, commit, ontology = Path(arguments[0]), arguments[1], Path(arguments[2]) if arguments[2:] else None
    sys.stdout.write(msgspec.json.encode(measure(git_dir, commit, ontology)).decode() + "\n")


def measure(git_dir: Path, commit: str, ontology: Path | None) -> Floors:
    """All floors of a commit, one after the other."""
    entries = list_entries(git_dir, commit, ontology)
    read, blobs = timed(lambda: read_blobs(git_dir, [entry.blob for entry in entries]))
    documents = [
        (entry.path, blob.decode(errors="replace"))
        for entry, blob in zip(entries, blobs, strict=True)
        if is_document(entry)
    ]
    texts = [text for path, body in documents if (text := yaml_text(path, body)) is not None]
    parsers = find_parsers()
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    competition = {name: parse_all(parse, sample) for name, parse in parsers.items()}
    fastest = min(competition, key=lambda name: competition[name])
    with_merges, to_commit = index_words(documents)
    basic, _ = index_words(documents, stored=False, index_option="basic")
    return Floors(
        read=read,
        yaml=parse_all(parsers[fastest], texts),
        words=with_merges,
        words_commit=to_commit,
        words_basic=basic,
        parser=fastest,
        parsers=competition,
        texts=len(texts),
        documents=len(documents),
        bytes=sum(map(len, blobs)),
    )


def find_parsers() -> dict[str, Parse]:
    """Every YAML parser that is installed here and makes Python values (or at least a tree) of a text."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Parse] = {"PyYAML CSafeLoader": lambda text: list(yaml.load_all(text, Loader=loader))}
    for name, module, one, several in (
        ("ryaml", "ryaml", "loads", "loads_all"),
        ("yaml-rs", "yaml_rs", "loads", "loads_all"),
        ("libfyaml", "libfyaml", "loads", "loads_all"),
        ("rapidyaml (tree only)", "ryml", "parse_in_arena", "parse_in_arena"),
    ):
        parse = _installed(module, one, several)
        if parse is not None:
            found[name] = parse
    return found


def _installed(module: str, one: str, several: str) -> Parse | None:
    """A parser that is asked for several documents only where there may be some: that way costs it more."""
    try:
        imported = importlib.import_module(module)
    except ImportError:
        return None
    parse_one: Parse | None = getattr(imported, one, None)
    parse_several: Parse | None = getattr(imported, several, parse_one)
    if parse_one is None or parse_several is None:
        return None
    return lambda text: parse_several(text) if "\n---" in text else parse_one(text)


def parse_all(parse: Parse, texts: Sequence[str]) -> float:
    """Seconds to parse every text; planted defects make some of them fail, each parser in its own way."""
    started = time.perf_counter()
    for text in texts:
        try:
            parse(text)
        except Exception:
            continue
    return time.perf_counter() - started


def index_words(documents: Sequence[tuple[str, str]], **field: Any) -> tuple[float, float]:
    """Seconds until all documents are in one index and merges are done, and seconds until they are committed.

    A field of bodies as the engine's documentation makes it, unless told otherwise, with one writer of two threads.
    """
    folder = tempfile.mkdtemp(prefix="krate-bench-words-")
    try:
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("path", stored=True, tokenizer_name="raw")
        builder.add_text_field("body", **field)
        index = tantivy.Index(builder.build(), path=folder)
        started = time.perf_counter()
        writer = index.writer(heap_size=_HEAP_BYTES, num_threads=_THREADS)
        for path, body in documents:
            document = tantivy.Document()
            document.add_text("path", path)
            document.add_text("body", body)
            writer.add_document(document)
        writer.commit()
        committed = time.perf_counter() - started
        writer.wait_merging_threads()
        return time.perf_counter() - started, committed
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
