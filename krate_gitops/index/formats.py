"""Numbers of the index format, with their history. Old stores are rebuilt after a change, never misread."""

from __future__ import annotations

import sys
from importlib.metadata import version

from krate_gitops.index.analysis import VERSION as ANALYSIS

INDEX_FORMAT = 4
"""1: facts, links, postings and one segment a shard; Weibull cuts of mean 256.

2: which texts redaction leaves alone.

3: assigned secrets that seldom change case are found, so texts with one are no longer left alone.

4: secrets behind escapes, line breaks, several encodings, and beside the field of their name are found, likewise.
"""

INDEXER_VERSION = "2.0.0"
"""What digests call the indexer: cut table, analysis, and what of a file is a record. Not the release of the program.

It is not the format either. A store of another format is built anew and nobody notices; a snapshot whose digests name
another indexer can't be proven equal any more.
"""

ONTOLOGY_LOADER = 1
"""Changes whenever the same ontology files are read or judged differently."""

ENGINE = f"tantivy-{version('tantivy')}"
BYTE_ORDER = sys.byteorder


def fingerprint() -> list[str | int]:
    """Everything beside the documents that decides a shard's bytes; part of every shard key."""
    return [INDEX_FORMAT, ANALYSIS, ENGINE, BYTE_ORDER]
