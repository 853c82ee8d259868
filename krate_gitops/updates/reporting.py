"""What was found out about an update, as the report that approvals are bound to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from krate_gitops.brain.model import Diagnostic, Severity
from krate_gitops.brain.report.model import verdict
from krate_gitops.brain.rules.table import RULES
from krate_gitops.digest import sha256_digest
from krate_gitops.encoding import plain
from krate_gitops.updates.carry import Carried
from krate_gitops.updates.examine import Examined
from krate_gitops.updates.model import Action, ChangeItem, WithheldSecret
from krate_gitops.updates.report import MOST_DIAGNOSTICS, FileReport, UpdateReport
from krate_gitops.updates.touched import RecordState, transition

_OF_TIME = frozenset(("KB053", "KB059"))


def report_of(
    changes: Sequence[ChangeItem],
    merged: Carried,
    examined: Examined,
    *,
    diagnostics: Sequence[Diagnostic],
    for_owners: int,
    before: Mapping[str, RecordState],
    after: Mapping[str, RecordState],
    errors: tuple[str, ...],
) -> UpdateReport:
    """The report. ``for_owners`` counts the diagnostics a memory owner may waive; records are by id on both sides."""
    by_severity = Counter(one.severity for one in diagnostics)
    shown = [_plain(one) for one in diagnostics[:MOST_DIAGNOSTICS]]
    records = _Records(before, after)
    return UpdateReport(
        result=str(verdict(by_severity, "error")),
        counts={severity.label: by_severity[severity.label] for severity in Severity},
        counts_by_code=dict(sorted(Counter(one.code for one in diagnostics).items())),
        diagnostics=tuple(shown),
        truncated=len(diagnostics) > MOST_DIAGNOSTICS,
        for_owners=for_owners,
        files=tuple(_file_report(item, merged, records) for item in changes),
        conflicts=len(merged.conflicts),
        redaction=examined.redaction,
        injection=examined.injection,
        errors=errors,
    )


def of_secrets(found: Sequence[WithheldSecret]) -> list[Diagnostic]:
    """Secrets as errors at their places."""
    names = {code: RULES[code].name for code in ("KB004", "KB060", "KB061")}
    label = Severity.ERROR.label
    return [
        Diagnostic(one.code, names[one.code], label, one.path, one.line, one.column, "", "", one.message, one.hint)
        for one in found
    ]


def _plain(one: Diagnostic) -> dict[str, Any]:
    shown: dict[str, Any] = plain(one)
    shown.pop("related", None)
    if one.code in _OF_TIME:
        # How many days it is would make another report of the same update every morning.
        shown["message"] = RULES[one.code].checks
    return shown


class _Records:
    """The records of both sides by id, and the first of each file by its path."""

    def __init__(self, before: Mapping[str, RecordState], after: Mapping[str, RecordState]) -> None:
        self.before, self.after = before, after
        self.old = {one.path: one for one in reversed(tuple(before.values()))}
        self.new = {one.path: one for one in reversed(tuple(after.values()))}


def _file_report(item: ChangeItem, merged: Carried, records: _Records) -> FileReport:
    old, new = records.old.get(item.path), records.new.get(item.target)
    ids = sorted({one.id for one in (old, new) if one is not None})
    moved = [(records.before.get(id), records.after.get(id)) for id in ids]
    states = [text for a, b in moved if (a or b) in (old, new) and (text := transition(a, b))]
    content = merged.after.get(item.target)
    replaced = merged.before.get(item.path)
    known = new or old
    return FileReport(
        path=item.path if item.new_path is None else f"{item.path} -> {item.new_path}",
        action=item.action.value,
        record_id=known.id if known else None,
        kind=known.kind if known else None,
        transition=", ".join(dict.fromkeys(states)),
        before=None if replaced is None else sha256_digest(replaced),
        digest=None if content is None or item.action is Action.DELETE else sha256_digest(content),
        reason=item.reason,
    )
