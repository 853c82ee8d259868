"""Derived files of a commit: graph index, search manifest, ontology report. Same commit, same bytes."""

from krate_gitops.index.export.documents import EXPORTS, Export, export

__all__ = ["EXPORTS", "Export", "export"]
