"""Numbers of the index format, with their history. Any change here makes old stores be rebuilt, never misread."""

from __future__ import annotations

import sys
from importlib.metadata import version

from krate_gitops.index.analysis import VERSION as ANALYSIS

INDEX_FORMAT = 3
"""1: facts, links, postings and one segment a shard; Weibull cuts of mean 256.

2: which texts redaction leaves alone.

3: assigned secrets that seldom change case are found, so texts with one are no longer left alone.
"""

INDEXER_VERSION = f"{INDEX_FORMAT}.0.0"
"""What digests call the indexer: format, cut table, analysis. Not the release of the program."""

ONTOLOGY_LOADER = 1
"""Changes whenever the same ontology files are read or judged differently."""

ENGINE = f"tantivy-{version('tantivy')}"
BYTE_ORDER = sys.byteorder


def fingerprint() -> list[str | int]:
    """Everything beside the documents that decides a shard's bytes; part of every shard key."""
    return [INDEX_FORMAT, ANALYSIS, ENGINE, BYTE_ORDER]
