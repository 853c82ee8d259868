"""One tantivy segment a shard: the unstemmed words of its files, in path order, for grep.

Segments are never merged and never hold a deleted document, so a commit can be searched as one index by listing the
segments of its shards (``view``).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import tantivy

from krate_gitops.errors import KrateError, UnavailableError

FIELD = "text"
TOKENIZER = "krate-words"
EXTENSIONS = ("fast", "fieldnorm", "idx", "pos", "store", "term")
_LONGEST_RUN = 15_000
"""Characters; the engine takes words of up to 65,530 bytes in lower case."""
_OVERLAP = 1_100
"""More characters than a query may have."""
_RUN = re.compile(rf"(?<!\S)\S{{{_LONGEST_RUN},}}")
_HEAPS = (15_000_000, 128_000_000, 1_000_000_000)
"""Bytes. The engine's tables grow with it, and are cleared and read for every segment, so it starts with the least."""


@cache
def schema() -> tantivy.Schema:
    """One field: which files hold which word. No positions, no stored text: files are read from Git."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(FIELD, stored=False, tokenizer_name=TOKENIZER, index_option="basic")
    return builder.build()


def analyser() -> tantivy.TextAnalyzer:
    """Runs of letters and digits in lower case, of any length."""
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()


SegmentFiles = Callable[[], dict[str, bytes]]
"""Waits for the files of a segment, by name, or makes them now."""


class SegmentWriter:
    """Writes segments, ``aside`` from the other work on a shard: in a thread, as the engine holds no Python lock.

    Where every processor has its own process at work already, a thread more would only get in their way.
    """

    def __init__(self, *, aside: bool) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="segment") if aside else None

    def close(self) -> None:
        """Ends the thread."""
        if self._thread is not None:
            self._thread.shutdown()

    def begin(self, texts: Sequence[str]) -> SegmentFiles:
        """A segment of the texts; see ``segment_files``."""
        if self._thread is None:
            return partial(segment_files, texts)
        return self._thread.submit(segment_files, texts).result


def segment_files(texts: Sequence[str]) -> dict[str, bytes]:
    """Files ``segment.<extension>`` of one segment of the texts; document numbers are positions.

    No texts, no files. A small writer heap can flush twice; then a larger one is used.
    """
    if not texts:
        return {}
    # The engine knows one exception for everything; containers often have little memory to write to.
    with contextlib.suppress(OSError, ValueError):
        return _segment_in(_memory_folder(), texts)
    try:
        return _segment_in(None, texts)
    except (OSError, ValueError) as error:
        raise UnavailableError(
            "INDEX_STORE_UNAVAILABLE",
            f"the search engine cannot write its temporary files: {error}",
            hint="make room in the folder for temporary files, or name another one in TMPDIR",
        ) from error


def _segment_in(folder: str | None, texts: Sequence[str]) -> dict[str, bytes]:
    for heap in _HEAPS:
        with TemporaryDirectory(prefix="krate-segment-", dir=folder) as work:
            if _write(Path(work), texts, heap):
                found = sorted(Path(work).iterdir())
                return {f"segment{file.suffix}": file.read_bytes() for file in found if file.suffix[1:] in EXTENSIONS}
    raise KrateError(
        "INDEX_SEGMENT_SPLIT", "a shard does not fit into one segment", hint="report the size of its files"
    )


@cache
def _memory_folder() -> str | None:
    """A folder in memory where there is one. The engine flushes every file to disk, which nothing here needs: the store
    finds torn files by their digests."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108 - used through tempfile


def _without_long_runs(text: str) -> str:
    """The text with runs of characters that would make a word too long for the engine cut into overlapping pieces.

    The engine drops such words without a word. Whatever fits into the overlap still stands in one of the pieces.
    """
    return _RUN.sub(lambda run: " ".join(_pieces(run[0])), text)


def _pieces(run: str) -> Iterator[str]:
    for start in range(0, len(run), _LONGEST_RUN - _OVERLAP):
        yield run[start : start + _LONGEST_RUN]


def _write(work: Path, texts: Sequence[str], heap: int) -> bool:
    index = tantivy.Index(schema(), path=str(work))
    index.register_tokenizer(TOKENIZER, analyser())
    writer = index.writer(heap_size=heap, num_threads=1)
    for text in texts:
        document = tantivy.Document()
        document.add_text(FIELD, _without_long_runs(text) if len(text) > _LONGEST_RUN else text)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    return len(list(work.glob("*.idx"))) == 1
