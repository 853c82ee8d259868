"""Drafts an ontology from the records a brain really holds.

The draft says what is there, with counts as comments, and loads without errors as an ontology kept outside. It is a
start for a person: everything that occurs is declared, so what should not occur has to be taken out by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from krate_gitops.brain.infer.draft import draft_files
from krate_gitops.brain.infer.observe import Observation

__all__ = ["infer_ontology"]


def infer_ontology(documents: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, bytes]:
    """The four ontology files for the documents of a brain: ``(path, mapping)``, one for each YAML document of a file
    and for the frontmatter of each Markdown file, in any order.

    The result depends on the set of documents only, so the same commit gives the same bytes.
    """
    observation = Observation()
    for path, document in documents:
        observation.add(path, document)
    return draft_files(observation)
