"""Derived files of a commit: graph index, search manifest, ontology report. Same commit, same bytes."""

from krate_gitops.index.export.documents import EXPORTS, Export, Stamp, export, stamp_of
from krate_gitops.index.export.ontology_report import report_digest

__all__ = ["EXPORTS", "Export", "Stamp", "export", "report_digest", "stamp_of"]
