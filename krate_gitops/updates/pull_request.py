"""Title and body of an update's pull request, as its reviewers read it.

Everything in it is generated: names, places, digests, counts, and the one-line reasons and the rationale, which were
scanned before they were kept. Text of others is made harmless: it can neither end a table nor call anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from krate_gitops.printable import printable
from krate_gitops.updates.model import AgentMemoryUpdate, NearRecord
from krate_gitops.updates.report import UpdateReport
from krate_gitops.updates.requirements import Requirement

MOST_TITLE = 60
MOST_SHOWN = 20
_SPECIAL = str.maketrans({one: f"\\{one}" for one in "\\`*_{}[]<>()#+!|~&"})
_NOTHING = "<!-- -->"
"""What no reader sees, and no forge reads over: what it parts is no mention, no link and no reference any more."""
_QUIET = re.compile(r"(?i)@|#(?=[0-9])|:(?=//)|\bwww(?=\.)|\bGH(?=-[0-9])")


def title_of(update: AgentMemoryUpdate, report: UpdateReport) -> str:
    """``[memory] <first reason> (<record or count>)``."""
    reason = printable(" ".join(update.spec.changes[0].reason.split()))
    if len(reason) > MOST_TITLE:
        reason = reason[: MOST_TITLE - 1].rstrip() + "…"
    ids = {one.record_id for one in report.files if one.record_id}
    about = next(iter(ids)) if len(ids) == 1 else f"{len(update.spec.changes)} changes"
    return f"[memory] {reason} ({printable(about)})"


def body_of(
    update: AgentMemoryUpdate,
    report: UpdateReport,
    *,
    tip: str,
    requirements: Sequence[Requirement] = (),
    banner: str = "",
    near: Sequence[NearRecord] = (),
    impact: str = "",
    retention: str = "",
    source_digest: str | None = None,
) -> str:
    """The body, in the order of the contract; a forge ends it with the digest's trailer.

    ``impact`` is Markdown of its own; ``banner`` one line of text.
    """
    parts = [
        _identity(update),
        _commits(update, tip, banner),
        _changes(report),
        _rationale(update),
        _validation(report),
        _safety(report),
        *([f"### What agents will be told differently\n\n{impact.strip()}"] if impact else []),
        *([_near(near)] if near else []),
        _digests(update, report, retention, source_digest),
        _checklist(requirements),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def cell(text: str, longest: int = 200) -> str:
    """Text of others for one line or one cell of a table: no markup, no mention, no link."""
    plain = printable(" ".join(text.split()))
    if len(plain) > longest:
        plain = plain[: longest - 1].rstrip() + "…"
    return _QUIET.sub(lambda match: match[0] + _NOTHING, plain.translate(_SPECIAL))


def code(text: str, longest: int = 200) -> str:
    """A name or path in code style."""
    plain = printable(text).replace("`", "'").replace("|", "¦").replace("\n", " ")
    return f"`{plain[:longest]}`"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def _identity(update: AgentMemoryUpdate) -> str:
    spec, labels = update.spec, update.metadata.labels
    lines = [
        f"- Organization: {cell(spec.organization_ref)}",
        f"- Update: {code(update.name)} ({spec.update_kind.value}), revision {update.status.revision}",
        f"- Proposer: {cell(spec.proposer.kind)} {cell(spec.proposer.name)}",
    ]
    if spec.source_run:
        lines.append(f"- Source run: {code(spec.source_run)}")
    for key, word in (("session", "Session"), ("stack", "Agent stack"), ("initiator", "Started by")):
        if value := labels.get(f"krate.a5c.ai/{key}"):
            lines.append(f"- {word}: {cell(value)}")
    return "\n".join(lines)


def _commits(update: AgentMemoryUpdate, tip: str, banner: str) -> str:
    spec = update.spec
    lines = [
        f"- Base: {code(spec.base_commit)}",
        f"- Observed: {code(spec.observed_commit or spec.base_commit)}",
        f"- Target: {code(spec.target_branch)} at {code(tip)}",
    ]
    if banner:
        lines.insert(0, f"> **Pinned:** {cell(banner, 500)}\n")
    return "\n".join(lines)


def _changes(report: UpdateReport) -> str:
    rows = [
        [
            code(one.path),
            one.action,
            code(one.record_id) if one.record_id else "",
            cell(one.kind or ""),
            cell(one.transition),
            cell(one.reason),
        ]
        for one in report.files
    ]
    return "### Changes\n\n" + _table(["Path", "Action", "Record", "Kind", "Status", "Reason"], rows)


def _rationale(update: AgentMemoryUpdate) -> str:
    lines = ["### Why", "", cell(update.spec.rationale, 4000) or "No rationale was given."]
    if update.spec.evidence:
        lines += ["", "Evidence:", ""]
        lines += [
            f"- {cell(one.kind)}: {code(one.ref)}" + (f" {code(one.digest)}" if one.digest else "")
            for one in update.spec.evidence
        ]
    return "\n".join(lines)


def _validation(report: UpdateReport) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items())
    lines = ["### Validation", "", f"Result: **{report.result}** ({counts}); report {code(report.digest)}"]
    if report.counts_by_code:
        lines += ["", _table(["Code", "Count"], [[one, str(count)] for one, count in report.counts_by_code.items()])]
    for one in report.diagnostics[:MOST_SHOWN]:
        lines += [""] if one is report.diagnostics[0] else []
        place = f"{one['path']}:{one['line']}:{one['column']}"
        lines.append(f"- {one['severity']} {one['code']} {code(place)} {cell(one['message'], 300)}")
    rest = sum(report.counts.values()) - MOST_SHOWN
    if rest > 0:
        lines.append(f"- and {rest} more")
    if report.conflicts:
        lines += ["", f"**{report.conflicts} places can't be merged onto the target as it is now.**"]
    return "\n".join(lines)


def _safety(report: UpdateReport) -> str:
    kinds = ", ".join(f"{count} {cell(kind)}" for kind, count in report.redaction.by_kind.items()) or "none"
    categories = ", ".join(f"{count} {cell(one)}" for one, count in report.injection.by_category.items()) or "none"
    return (
        "### Safety\n\n"
        f"- Secrets: {report.redaction.total} ({kinds})\n"
        f"- Instructions to agents: {report.injection.verdict} ({categories})"
    )


def _near(near: Sequence[NearRecord]) -> str:
    rows = [
        [code(one.record_id), code(one.near_id), code(one.near_path), f"{one.percent} %", cell(", ".join(one.shared))]
        for one in near
    ]
    return "### Nearly the same\n\n" + _table(["Proposed", "Existing", "Path", "Alike", "Shared"], rows)


def _digests(update: AgentMemoryUpdate, report: UpdateReport, retention: str, source_digest: str | None) -> str:
    found = {
        "diffDigest": update.status.diff_digest,
        "validationReportDigest": report.digest,
        "redactionDigest": report.redaction_digest,
        "sourceDigest": source_digest,
    }
    lines = ["### Digests", "", *(f"- {name}: {code(value)}" for name, value in found.items() if value)]
    if retention:
        lines.append(f"- Retention: {cell(retention)}")
    return "\n".join(lines)


_SUBJECTS = {
    "approval": "an approval",
    "owner": "an owner of",
    "memory-owner": "a memory owner",
    "extra-reviewer": "one more reviewer",
}


def _checklist(requirements: Sequence[Requirement]) -> str:
    lines = ["### Before approving", ""]
    lines += [
        f"- [ ] {text}"
        for text in (
            "Owners are the right ones",
            "Sources are cited",
            "No data of customers",
            "The sensitivity is right",
        )
    ]
    for one in requirements:
        people = f" ({cell(', '.join(one.people))})" if one.people else ""
        subject = f" {code(one.subject)}" if one.subject else ""
        times = f"{one.count} approvals" if one.kind == "approval" and one.count > 1 else _SUBJECTS[one.kind]
        lines.append(f"- [ ] Needs {times}{subject}{people}")
    return "\n".join(lines)
