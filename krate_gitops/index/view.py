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

import tantivy

from krate_gitops.index.columns import Columns
from krate_gitops.index.segment import EXTENSIONS, FIELD, TOKENIZER, analyser
from krate_gitops.index.store import Store

_PIECE = re.compile(r"[^\W_]+")


class WordView:
    """Which files hold which words, over a whole commit."""

    def __init__(self, store: Store, columns: Columns, name: str) -> None:
        self._store = store
        self._columns = columns
        self._name = name
        self._analyser = analyser()

    def pieces(self, text: str) -> list[str]:
        """Words of a text as the segments hold them."""
        return list(self._analyser.analyze(text))

    @cached_property
    def _searcher(self) -> tuple[tantivy.Index, tantivy.Searcher] | None:
        shards = [(at, shard) for at, shard in enumerate(self._columns.shards) if "segment.idx" in shard.summary.files]
        if not shards:
            return None
        folder = self._store.root / "views" / f"{os.getpid()}-{self._name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            segments = []
            for _, shard in shards:
                shard.verify_segment()
                identity = shard.summary.key[:32]
                for extension in EXTENSIONS:
                    os.link(shard.folder / f"segment.{extension}", folder / f"{identity}.{extension}")
                segments.append({"segment_id": _uuid(identity), "max_doc": shard.summary.documents, "deletes": None})
            (folder / "meta.json").write_text(_meta(segments))
            index = tantivy.Index.open(str(folder))
            index.register_tokenizer(TOKENIZER, analyser())
            index.reload()
            return index, index.searcher()
        finally:
            # Everything is mapped; the links are not needed any more, and nobody else uses this folder.
            shutil.rmtree(folder, ignore_errors=True)

    @cached_property
    def _lexicon(self) -> str:
        """All words of the commit, each on a line of its own."""
        if self._searcher is None:
            return "\n"
        return "\n" + "\n".join(sorted(word for word, _ in self._searcher[1].terms_with_prefix(FIELD, ""))) + "\n"
