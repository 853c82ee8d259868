"""One segment a shard, whatever its size, and the engine's own limits."""

from __future__ import annotations

from pathlib import Path

import pytest
import tantivy

from krate_gitops.index import segment
from krate_gitops.index.segment import EXTENSIONS, FIELD, TOKENIZER, analyser, schema, segment_files


def _files(texts: list[str]) -> set[str]:
    return set(segment_files(texts))


@pytest.mark.parametrize(
    "texts", [["one"], [""], ["a", "", "b"], ["word " * 200_000] * 3], ids=["one", "empty", "some", "large"]
)
def test_any_texts_make_one_segment(texts: list[str]) -> None:
    assert _files(texts) == {f"segment.{extension}" for extension in EXTENSIONS}


def test_no_texts_make_none() -> None:
    assert _files([]) == set()


def test_a_heap_that_is_too_small_is_followed_by_a_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    heaps: list[int] = []
    write = segment._write

    def watched(work: Path, texts: list[str], heap: int) -> bool:
        heaps.append(heap)
        return write(work, texts, heap)

    monkeypatch.setattr(segment, "_write", watched)
    texts = [" ".join(f"word{number}x{at}" for number in range(9_000)) for at in range(40)]
    assert len(_files(texts)) == len(EXTENSIONS)
    assert heaps[0] < heaps[-1]


def test_documents_are_numbered_by_position(tmp_path: Path) -> None:
    """What a view relies on: the n-th text is document n of the segment."""
    index = tantivy.Index(schema(), path=str(tmp_path))
    index.register_tokenizer(TOKENIZER, analyser())
    writer = index.writer(heap_size=20_000_000, num_threads=1)
    for number in range(300):
        document = tantivy.Document()
        document.add_text(FIELD, f"common own{number}")
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    assert searcher.num_segments == 1
    for number in (0, 1, 150, 299):
        found = searcher.search(tantivy.Query.term_query(schema(), FIELD, f"own{number}"), limit=5)
        assert [(address.segment_ord, address.doc) for _, address in found.hits] == [(0, number)]


def test_words_are_runs_of_letters_and_digits_in_lower_case() -> None:
    words = analyser().analyze("Hello, WORLD foo_bar a-b é É\u0301 ÇA 日本 x1.5 \U0001f600")
    assert words == ["hello", "world", "foo", "bar", "a", "b", "é", "é", "ça", "日本", "x1", "5"]


def test_words_of_any_length_are_kept() -> None:
    assert analyser().analyze("x" * 60_000) == ["x" * 60_000]
