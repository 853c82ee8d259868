"""``ontology-report.json``: the diagnostics of a commit, and lists of records that want attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from krate_gitops.brain.base_fields import SENSITIVITIES
from krate_gitops.brain.links import OWNER
from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report import assemble, report_body
from krate_gitops.brain.rules.table import REPOSITORY
from krate_gitops.digest import json_digest
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.export.lines import Rows, encode
from krate_gitops.index.judged import Judged

_SHOWN_LEVELS = SENSITIVITIES[SENSITIVITIES.index("internal") + 1 :]
_UNCOVERED = ("generatedAt", "sourceCommit")


def report_members(judged: Judged, reader: ObjectReader) -> Mapping[str, Any]:
    """Members of the document beside its header."""
    manifest = judged.manifest
    report = assemble(
        judged.diagnostics(list(judged.judge.findings()), reader),
        repository=manifest.repository,
        commit=manifest.commit,
        profile=REPOSITORY,
        files=manifest.documents,
        records=manifest.records,
        duration_ms=0,
        fail_on=judged.ontology.rules.fail_on,
    )
    body = report_body(report)
    return {
        **{name: body[name] for name in ("result", "profile", "counts", "countsByCode")},
        "diagnostics": Rows(map(encode, body["diagnostics"])),
        "reports": {
            "unowned": _unowned(judged),
            "stale": _records_with("KB053", report.diagnostics),
            "danglingEdges": _records_with("KB038", report.diagnostics),
            "sensitive": _sensitive(judged),
            "deprecatedKinds": _records_with("KB055", report.diagnostics),
        },
    }


def report_digest(document: Mapping[str, Any]) -> str:
    """Digest of a decoded ontology report; when and of which commit it was made does not take part."""
    return json_digest({name: value for name, value in document.items() if name not in _UNCOVERED})


def _records_with(code: str, diagnostics: Iterable[Diagnostic]) -> list[str]:
    return sorted({found.record_id for found in diagnostics if found.code == code and found.record_id})


def _unowned(judged: Judged) -> list[str]:
    links, found = judged.columns.links, judged.columns.resolution
    owned = np.zeros(links.records, dtype=bool)
    owned[links.ref_record[links.ref_role == OWNER]] = True
    rows = np.flatnonzero(~owned & found.defines & found.served)
    return sorted(judged.columns.record(row).id for row in rows.tolist())


def _sensitive(judged: Judged) -> dict[str, list[str]]:
    """Records above the ordinary level, by level; only kinds and levels that may be above it are looked at."""
    index, columns = judged.ontology_index(), judged.columns
    links, found = columns.links, columns.resolution
    combinations = links.record_kind.astype(np.int64) * 8 + links.record_sensitivity
    levels: dict[str, list[str]] = {level: [] for level in _SHOWN_LEVELS}
    for combination in np.unique(combinations).tolist():
        declared = combination % 8
        stated = SENSITIVITIES[declared] if declared < len(SENSITIVITIES) else None
        level = index.sensitivity(links.names[combination // 8], stated)
        if level in levels:
            rows = np.flatnonzero((combinations == combination) & found.defines & found.served)
            levels[level] += (columns.record(row).id for row in rows.tolist())
    return {level: sorted(ids) for level, ids in levels.items()}
