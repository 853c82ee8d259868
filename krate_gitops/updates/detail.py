"""An update as reviewers look at it: what it changes, what is wrong with it, who said what, and what can be done now.

Contents are shown after redaction, whoever looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.brain.model import SecretScan
from krate_gitops.encoding import plain
from krate_gitops.errors import KrateError
from krate_gitops.git.objects import ObjectReader
from krate_gitops.updates.approvals import approvers, is_binding, outstanding_of
from krate_gitops.updates.carry import Carried, Versions, carry, reader_of
from krate_gitops.updates.desk import MERGE, PROPOSE, Desk
from krate_gitops.updates.examine import without_secrets
from krate_gitops.updates.ledger import Held, Ledger
from krate_gitops.updates.merge.places import PlaceChange, changed_places
from krate_gitops.updates.model import TERMINAL, AgentMemoryUpdate, ChangeItem, Phase, UpdateKind, Verdict
from krate_gitops.updates.report import UpdateReport
from krate_gitops.updates.requirements import Requirement, outstanding
from krate_gitops.updates.review import check_phase, check_reviewer
from krate_gitops.updates.staleness import banner_of
from krate_gitops.updates.text_diff import unified
from krate_gitops.updates.validation import Checked, check_kept


class FileDetail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One path. ``places`` are its fields, edges and lines that change; ``diff`` is the same as text."""

    path: str
    action: str
    new_path: str | None = None
    id: str | None = None
    kind: str | None = None
    transition: str = ""
    reason: str = ""
    places: tuple[PlaceChange, ...] = ()
    diff: str = ""


class Needed(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A review that is needed, see ``Requirement``, and whether it was given."""

    kind: str
    subject: str
    people: tuple[str, ...]
    count: int
    met: bool


class Detail(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What is shown. ``changed`` are the contents that the files below the memory root ``root`` get on top of ``tip``:
    for who measures more, and never shown themselves.
    """

    update: AgentMemoryUpdate
    report: UpdateReport | None
    files: tuple[FileDetail, ...]
    required: tuple[Needed, ...]
    outstanding: tuple[Requirement, ...]
    actions: tuple[str, ...]
    banner: str
    tip: str
    root: str
    changed: Mapping[str, bytes | None]


def detail_of(desk: Desk, held: Held) -> Detail:
    """The update as it was judged last; one that nobody has judged yet, on its target as that is now.

    Raises ``UnavailableError`` where the repository or a store can't be read, or a text can't be redacted.
    """
    ledger, update = Ledger(desk), held.update
    contents = ledger.contents(update)
    report = ledger.report(update)
    tip = update.status.validated_commit or desk.tip(update.spec.target_branch) or update.spec.base_commit
    if update.phase in TERMINAL:
        carried, root = carried_onto(desk, update, contents, tip)
        return _detail(desk, update, report, carried, tip=tip, root=root)
    checked = check_kept(desk, update, contents, tip)
    return detail_of_checked(desk, update, checked, report=report)


def detail_of_checked(
    desk: Desk, update: AgentMemoryUpdate, checked: Checked, *, report: UpdateReport | None = None
) -> Detail:
    """The same for an update that was judged just now."""
    missing = outstanding_of(desk, update, checked)
    given = approvers(update)
    required = tuple(_needed(one, met=not outstanding([one], given)) for one in checked.requirements)
    now = desk.tip(update.spec.target_branch) or checked.tip
    return _detail(
        desk,
        update,
        report or checked.report,
        checked.merged,
        tip=checked.tip,
        root=checked.root,
        required=required,
        missing=missing,
        banner=banner_of(desk, update, msgspec.structs.replace(checked, tip=now)),
    )


def _detail(
    desk: Desk,
    update: AgentMemoryUpdate,
    report: UpdateReport | None,
    carried: Carried,
    *,
    tip: str,
    root: str,
    required: tuple[Needed, ...] = (),
    missing: tuple[Requirement, ...] = (),
    banner: str = "",
) -> Detail:
    scan = desk.secret_scan()
    return Detail(
        update=update,
        report=report,
        files=tuple(_file(item, at, carried, report, scan) for at, item in enumerate(update.spec.changes)),
        required=required,
        outstanding=missing,
        actions=actions_of(desk, update, report),
        banner=banner,
        tip=tip,
        root=root,
        changed=carried.changed,
    )


def carried_onto(desk: Desk, update: AgentMemoryUpdate, contents: Mapping[str, bytes], tip: str) -> tuple[Carried, str]:
    """What an update makes of a commit's files, and the memory root, without judging it."""
    spec = update.spec
    root = desk.brain.read(spec.base_commit, lambda opened: opened.manifest.root)
    versions = Versions(observed=spec.observed_commit or spec.base_commit, base=spec.base_commit, onto=tip)
    with ObjectReader(desk.brain.repository) as reader:
        return carry(reader_of(reader, root), spec.changes, contents, versions), root


def _needed(one: Requirement, *, met: bool) -> Needed:
    return Needed(kind=one.kind, subject=one.subject, people=one.people, count=one.count, met=met)


def _file(item: ChangeItem, at: int, carried: Carried, report: UpdateReport | None, scan: SecretScan) -> FileDetail:
    told = report.files[at] if report is not None and at < len(report.files) else None
    old, new = carried.before.get(item.path), carried.after.get(item.target, carried.before.get(item.target))
    texts = (None if data is None else data.decode("utf-8", "replace") for data in (old, new))
    before, after = (None if text is None else without_secrets(text, scan) for text in texts)
    sides = (None if text is None else text.encode() for text in (before, after))
    return FileDetail(
        path=item.path,
        action=item.action.value,
        new_path=item.new_path,
        id=told.record_id if told else None,
        kind=told.kind if told else None,
        transition=told.transition if told else "",
        reason=item.reason,
        places=changed_places(item.target, *sides),
        diff=unified(item.path, item.target, before, after),
    )


def actions_of(desk: Desk, update: AgentMemoryUpdate, report: UpdateReport | None) -> tuple[str, ...]:
    """What the desk's caller may do with an update now, in the words of the command line and the interface."""
    found = [verdict.value for verdict in Verdict if _may_say(desk, update, verdict, report)]
    phase, spec, caller = update.phase, update.spec, desk.caller
    is_open = phase not in TERMINAL and phase is not Phase.MERGING
    may_propose = PROPOSE in caller.permissions
    if is_open and may_propose:
        found.append("revalidate")
        if (caller.kind, caller.name) == (spec.proposer.kind, spec.proposer.name):
            found.append("revise")
        if spec.update_kind is UpdateKind.PATCH_ARTIFACT and phase in (
            Phase.AWAITING_APPROVAL,
            Phase.CHANGES_REQUESTED,
        ):
            found.append("convert")
    if phase in (Phase.APPROVED, Phase.MERGING) and MERGE in caller.permissions and caller.kind != "Agent":
        found.append("merge")
    if phase is Phase.MERGED and may_propose:
        found.append("revert")
    return tuple(found)


def _may_say(desk: Desk, update: AgentMemoryUpdate, verdict: Verdict, report: UpdateReport | None) -> bool:
    if verdict is Verdict.APPROVE and report is not None and report.injection.verdict == "blocked":
        return False
    try:
        check_phase(update, verdict)
        check_reviewer(desk, update, verdict)
    except KrateError:
        return False
    return True


def detail_body(detail: Detail) -> dict[str, Any]:
    """The detail as the HTTP interface has it, and more of the review panel beside."""
    update, report = detail.update, detail.report
    status = plain(update.status)
    conditions = status.pop("conditions", [])
    decisions = status.pop("decisions", [])
    spec = plain(update.spec)
    return {
        "organization": update.spec.organization_ref,
        "update": {
            "name": update.name,
            "namespace": update.metadata.namespace,
            "labels": update.metadata.labels,
            "createdAt": update.metadata.creation_timestamp,
            "phase": update.phase.value,
            **spec,
            **status,
        },
        "conditions": conditions,
        "validation": None if report is None else _validation(update, report),
        "safety": None
        if report is None
        else {"redaction": plain(report.redaction), "injection": plain(report.injection)},
        "near": plain(update.status.near),
        "files": plain(detail.files),
        "reviews": {
            "required": plain(detail.required),
            "given": [
                {**given, "binding": is_binding(decision, update)}
                for given, decision in zip(decisions, update.status.decisions, strict=True)
            ],
            "outstanding": plain(detail.outstanding),
        },
        "actions": list(detail.actions),
        "banner": detail.banner,
    }


def _validation(update: AgentMemoryUpdate, report: UpdateReport) -> dict[str, Any]:
    return {
        "result": report.result,
        "counts": report.counts,
        "countsByCode": report.counts_by_code,
        "diagnostics": plain(report.diagnostics),
        "truncated": report.truncated,
        "forOwners": report.for_owners,
        "errors": list(report.errors),
        "digest": report.digest,
        "commit": update.status.validated_commit,
    }
