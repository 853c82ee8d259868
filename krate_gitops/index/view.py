"""A commit searched as one: the segments of all its shards, linked into one folder.

Statistics and document numbers of a search engine belong to one index, so the shards' segments are listed in one
hand-written ``meta.json`` instead of being searched apart. The engine's version is pinned and part of every shard key.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import numpy as np
import tantivy

from krate_gitops.brain.links import Array
from krate_gitops.index.columns import Columns
from krate_gitops.index.segment import EXTENSIONS, FIELD, TOKENIZER, analyser, schema
from krate_gitops.index.store import Store

_FEW = 32
"""Words that the engine finds sooner one by one than through an automaton of all, which it runs in every segment."""


class WordView:
    """Which files hold which words, over a whole commit."""

    def __init__(self, store: Store, columns: Columns, name: str) -> None:
        self._store = store
        self._columns = columns
        self._name = name
        self._analyser = analyser()
        self._known: dict[tuple[str, str, str], Array] = {}

    @cached_property
    def _opened(self) -> _Opened | None:
        shards = [(at, shard) for at, shard in enumerate(self._columns.shards) if "segment.idx" in shard.summary.files]
        if not shards:
            return None
        folder = self._new_folder()
        try:
            segments = []
            for _, shard in shards:
                for extension in EXTENSIONS:
                    shard.read(f"segment.{extension}")  # the engine would not notice a flipped bit
                identity = shard.summary.key[:32]
                for extension in EXTENSIONS:
                    _link(shard.folder / f"segment.{extension}", folder / f"{identity}.{extension}")
                segments.append({"segment_id": _uuid(identity), "max_doc": shard.summary.documents, "deletes": None})
            (folder / "meta.json").write_text(_meta(segments))
            index = tantivy.Index.open(str(folder))
            index.config_reader(reload_policy="Manual")
            index.register_tokenizer(TOKENIZER, analyser())
            index.reload()
            searcher = index.searcher()
            bases = self._columns.shard_files()
            return _Opened(index, searcher, [bases[at] for at, _ in shards])
        finally:
            # Everything is mapped; the links are not needed any more, and nobody else uses this folder.
            shutil.rmtree(folder, ignore_errors=True)

    def _new_folder(self) -> Path:
        views = self._store.root / "views"
        prefix = f"{os.getpid()}-{self._name}-"
        try:
            views.mkdir(parents=True, exist_ok=True)
            return Path(mkdtemp(prefix=prefix, dir=views))
        except OSError:  # a store that may only be read still serves
            return Path(mkdtemp(prefix=f"krate-view-{prefix}"))

    @cached_property
    def _lexicon(self) -> str:
        """All words of the commit, each on a line of its own."""
        if self._opened is None:
            return "\n"
        return "\n" + "\n".join(word for word, _ in self._opened.searcher.terms_with_prefix(FIELD, "")) + "\n"

    def files_with(self, text: str, among: Array | None = None) -> Array:
        """Files that may hold the text, whatever its case: every file that does is among them.

        ``among`` is a mask of those that matter to the caller, which may save work.

        The first word of the text may be the end of a word of the file, the last one the start of one.
        """
        pieces = list(self._analyser.analyze(text))
        files = np.ones(len(self._columns.paths), dtype=bool)
        for at, piece in enumerate(pieces):
            before = r"[^\n]*" if at == 0 else ""
            after = r"[^\n]*" if at == len(pieces) - 1 else ""
            files &= self._holding(before, piece, after)
        return files

    def _holding(self, before: str, piece: str, after: str) -> Array:
        """Files with a word of the lexicon that has the piece at the place the surroundings allow."""
        key = (before, piece, after)
        known = self._known.get(key)
        if known is None:
            if before and after:
                words = self._containing(piece)
            else:
                words = re.findall(f"\n({before}{re.escape(piece)}{after})(?=\n)", self._lexicon)
            if len(self._known) >= 256:
                self._known.clear()
            known = self._known[key] = self._files(words)
        return known

    def _containing(self, piece: str) -> list[str]:
        """Words that contain the piece; ``find`` is much faster here than a pattern that starts anywhere."""
        words, text, at = [], self._lexicon, 0
        while (at := text.find(piece, at)) >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            words.append(text[start:end])
            at = end
        return words

    def _files(self, words: list[str]) -> Array:
        files = np.zeros(len(self._columns.paths), dtype=bool)
        if not words or self._opened is None:
            return files
        found = self._opened.searcher.search(_any_of(words), limit=len(files), count=False)
        bases = self._opened.bases
        numbers = [bases[address.segment_ord] + address.doc for _, address in found.hits]
        files[numbers] = True
        return files


def _any_of(words: list[str]) -> tantivy.Query:
    if len(words) > _FEW:
        return tantivy.Query.term_set_query(schema(), FIELD, words)
    terms = (tantivy.Query.term_query(schema(), FIELD, word, "basic") for word in words)
    alike = ((tantivy.Occur.Should, tantivy.Query.const_score_query(term, 1.0)) for term in terms)
    return tantivy.Query.boolean_query(list(alike))


class _Opened(NamedTuple):
    """The stitched index; ``bases`` is the first file of each segment. The index is kept so that its maps stay."""

    engine: tantivy.Index
    searcher: tantivy.Searcher
    bases: list[int]


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        os.symlink(source.absolute(), target)


def _uuid(identity: str) -> str:
    return "-".join((identity[:8], identity[8:12], identity[12:16], identity[16:20], identity[20:]))


def _meta(segments: list[dict[str, object]]) -> str:
    """The engine's list of segments, as its pinned version writes it."""
    field = {
        "name": FIELD,
        "type": "text",
        "options": {
            "indexing": {"record": "basic", "fieldnorms": True, "tokenizer": TOKENIZER},
            "stored": False,
            "fast": False,
        },
    }
    settings = {"docstore_compression": "lz4", "docstore_blocksize": 16384}
    return json.dumps({"index_settings": settings, "segments": segments, "schema": [field], "opstamp": 0})
