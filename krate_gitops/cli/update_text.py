"""An update as lines for people: what it is, what it waits for, and what it changes, records first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.output import fields_table
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.updates.detail import Detail, FileDetail
    from krate_gitops.updates.merge.places import PlaceChange
    from krate_gitops.updates.model import AgentMemoryUpdate, Condition
    from krate_gitops.updates.report import UpdateReport
    from krate_gitops.updates.requirements import Requirement

MOST_DIAGNOSTICS = 5
"""Shown of each code."""
_LONGEST_VALUE = 160
_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_ACTIONS = {"create": "+", "delete": "-", "rename": ">", "update": "~", "upsert": "~"}
_SUBJECTS = {
    "approval": "an approval",
    "owner": "an owner of",
    "memory-owner": "a memory owner",
    "extra-reviewer": "one more reviewer",
    "objection": "a word of who asked for changes:",
}
_ENDS = ("Approved", "Merged", "Ready", "ReviewReady")


def painted(text: str, colour: str, wanted: bool) -> str:
    """A text in a colour, or bold, where colours are wanted."""
    if not wanted or not colour:
        return text
    return click.style(text, bold=True) if colour == "bold" else click.style(text, fg=colour)


def identity_table(update: AgentMemoryUpdate) -> str:
    """Name, phase, place and origin of an update, a line each."""
    spec, status, labels = update.spec, update.status, update.metadata.labels
    return fields_table(
        {
            "update": update.name,
            "phase": update.phase.value,
            "kind": spec.update_kind.value,
            "revision": status.revision if status.revision > 1 else None,
            "proposer": f"{spec.proposer.kind} {spec.proposer.name}",
            "run": spec.source_run,
            "started by": labels.get("krate.a5c.ai/initiator"),
            "repository": spec.memory_repository,
            "target": spec.target_branch,
            "branch": spec.branch_name if status.head_commit else None,
            "base": spec.base_commit[:12],
            "observed": (spec.observed_commit or spec.base_commit)[:12],
            "head": status.head_commit,
            "merged": status.merge_commit,
            "pull request": status.pull_request_ref,
            "superseded by": status.superseded_by,
            "error": status.error,
        }
    )


def waits_for(missing: Sequence[Requirement]) -> str:
    """The reviews that are missing, in words."""
    return "; ".join(_wait(one) for one in missing)


def _wait(one: Requirement) -> str:
    text = f"{one.count} approvals" if one.kind == "approval" and one.count > 1 else _SUBJECTS[one.kind]
    people = f" ({', '.join(one.people)})" if one.people else ""
    return printable(f"{text}{f' {one.subject}' if one.subject else ''}{people}")


def condition_lines(conditions: Sequence[Condition], colour: bool) -> Iterator[str]:
    """Every condition that doesn't hold and needs somebody; those of the end say no more than the phase."""
    for one in conditions:
        if one.status == "False" and one.type not in _ENDS:
            text = printable(f"{one.type}: {one.reason}" + (f": {one.message}" if one.message else ""))
            yield painted(f"✗ {text}", "red", colour)


def detail_text(detail: Detail, colour: bool, *, with_diff: bool = True) -> str:
    """The whole, as ``update show`` prints it."""
    parts = [identity_table(detail.update)]
    parts += [_paragraph(lines) for lines in _blocks(detail, colour)]
    parts += [_file(one, colour, with_diff) for one in detail.files]
    return "\n".join(part for part in parts if part)


def _paragraph(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _blocks(detail: Detail, colour: bool) -> Iterator[list[str]]:
    update, report = detail.update, detail.report
    if detail.banner:
        yield [painted(printable(detail.banner), "yellow", colour)]
    told = list(condition_lines(update.status.conditions, colour))
    if detail.outstanding:
        told.append(f"waits for {waits_for(detail.outstanding)}")
    if told:
        yield told
    if update.spec.rationale:
        yield [printable(line) for line in update.spec.rationale.strip().splitlines()]
    if update.spec.evidence:
        yield [
            "evidence:",
            *(printable(f"  {one.kind} {one.ref} {one.digest or ''}".rstrip()) for one in update.spec.evidence),
        ]
    if update.status.conflicts:
        yield list(_conflicts(detail, colour))
    if report is not None:
        yield list(report_lines(report, colour))
    if update.status.near:
        yield [
            printable(f"nearly the same: {one.record_id} and {one.near_id} ({one.near_path}), {one.percent} % alike")
            for one in update.status.near
        ]
    if update.status.decisions:
        yield list(_decisions(detail))
    if detail.actions:
        yield [f"you may: {', '.join(detail.actions)}"]


def report_lines(report: UpdateReport, colour: bool) -> Iterator[str]:
    """Result, diagnostics grouped by code, and what the scans found."""
    counts = ", ".join(f"{count} {name}" for name, count in report.counts.items() if count) or "nothing to say"
    paint = {"valid": "green", "degraded": "yellow"}.get(report.result, "red")
    yield f"validation: {painted(report.result, paint, colour)} ({counts})"
    for code, count in report.counts_by_code.items():
        found = [one for one in report.diagnostics if one["code"] == code]
        yield f"  {code} {found[0]['name'] if found else ''}  {count}×"
        for one in found[:MOST_DIAGNOSTICS]:
            yield printable(f"    {one['path']}:{one['line']}:{one['column']}: {one['message']}")
        if count > MOST_DIAGNOSTICS:
            yield f"    and {count - MOST_DIAGNOSTICS} more"
    for error in report.errors:
        yield printable(f"  {error}")
    if report.for_owners:
        yield f"  {report.for_owners} of these a memory owner may allow"
    if report.redaction.total:
        kinds = ", ".join(f"{count} {kind}" for kind, count in report.redaction.by_kind.items())
        yield painted(f"secrets: {report.redaction.total} taken out ({printable(kinds)})", "red", colour)
    if report.injection.verdict != "clean":
        kinds = ", ".join(f"{count} {kind}" for kind, count in report.injection.by_category.items())
        places = ", ".join(report.injection.places[:MOST_DIAGNOSTICS])
        yield painted(
            printable(f"instructions to agents: {report.injection.verdict} ({kinds}) at {places}"), "red", colour
        )


def _conflicts(detail: Detail, colour: bool) -> Iterator[str]:
    for one in detail.update.status.conflicts:
        yield painted(printable(f"conflict: {one.path} {one.place}: {one.reason}"), "red", colour)
        for name, text in (("was", one.observed), ("is", one.current), ("proposed", one.proposed)):
            if text is not None:
                yield f"  {name:<9}{_short(text)}"


def _decisions(detail: Detail) -> Iterator[str]:
    from krate_gitops.updates.approvals import is_binding

    for one in detail.update.status.decisions:
        old = "" if is_binding(one, detail.update) else " (about another state)"
        comment = f": {one.comment}" if one.comment else ""
        yield printable(f"{one.at}  {one.decision.value} by {one.actor}{old}{comment}")


def _file(one: FileDetail, colour: bool, with_diff: bool) -> str:
    path = f"{one.path} → {one.new_path}" if one.new_path else one.path
    record = f"  {one.id} ({one.kind})" if one.id else ""
    transition = f"  {one.transition}" if one.transition else ""
    lines = [painted(printable(f"{_ACTIONS[one.action]} {path}{record}{transition}"), "bold", colour)]
    if one.reason:
        lines.append(f"  {printable(one.reason)}")
    lines += [line for place in one.places for line in _place(place, colour)]
    if with_diff and one.diff:
        lines += [
            "",
            *(painted(_diff_line(line), _paint(line), colour) for line in one.diff.removesuffix("\n").split("\n")),
        ]
    return _paragraph(lines)


def _place(change: PlaceChange, colour: bool) -> Iterator[str]:
    sign, paint = _SIGNS[change.change]
    place = printable(change.place) or "the file"
    values = [_short(text) for text in (change.old, change.new) if text is not None]
    text = f": {' → '.join(values)}" if values and not change.place.startswith(("body:", "lines:")) else ""
    yield painted(f"  {sign} {place}{text}", paint, colour)


def _short(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 1] + "…"


def _diff_line(line: str) -> str:
    return printable(line.removesuffix("\r")).replace("\\t", "\t")


def _paint(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def links(update: AgentMemoryUpdate) -> dict[str, Any]:
    """Where the HTTP interface has the update."""
    place = f"/orgs/{update.spec.organization_ref}/agents/memory/updates/{update.name}"
    return {"detail": place}
