"""Judges an update as it would be merged onto a commit: paths, merge, form, ontology, secrets, instructions, index.

Later steps run after an earlier one has failed, so that one report shows everything. A content with a secret is
judged with the secret taken out: the original reaches no object, no index and no record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.layout import Classifier
from krate_gitops.brain.model import Diagnostic, SecretScan, Severity
from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.proposed import trial
from krate_gitops.index.validate import Validation, validate
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.updates.carry import Carried, Read, Versions, carry, reader_of
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.examine import Examined, examine, holds_secret
from krate_gitops.updates.merge.outcome import OVERLAP, SINCE
from krate_gitops.updates.model import (
    AgentMemoryUpdate,
    Condition,
    NearRecord,
    UpdateSpec,
    WithheldSecret,
)
from krate_gitops.updates.nearness import NearRepeat, near_repeats
from krate_gitops.updates.report import UpdateReport
from krate_gitops.updates.reporting import of_secrets, report_of
from krate_gitops.updates.request import path_fault
from krate_gitops.updates.requirements import Requirement, required_reviews
from krate_gitops.updates.rights import Classify, right_to
from krate_gitops.updates.touched import RecordState, members_of, records_in

_FORM = frozenset(("KB001", "KB002", "KB003", "KB004", "KB005", "KB006"))
_SECRETS = frozenset(("KB060", "KB061", "KB063", "KB064"))
_INJECTION = "KB062"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Everything validation found out. ``head`` is what the update's branch holds on top of its base, ``merged`` what
    would be merged onto ``tip``; ``head`` is None where there is nothing to push. ``root`` is the memory root;
    ``diagnostics`` are all of them, with what they are related to; ``near`` are existing records that it nearly
    repeats; ``tip_result`` and ``merged_result`` are the verdicts on the whole brain before and after.
    """

    tip: str
    root: str
    conditions: tuple[Condition, ...]
    report: UpdateReport
    merged: Carried
    head: Mapping[str, bytes | None] | None
    requirements: tuple[Requirement, ...]
    before: Mapping[str, RecordState]
    after: Mapping[str, RecordState]
    diagnostics: tuple[Diagnostic, ...] = ()
    near: tuple[NearRecord, ...] = ()
    tip_result: str = "valid"
    merged_result: str = "valid"

    @property
    def may_push(self) -> bool:
        """Whether nothing forbids to show the update to a forge."""
        failed = {one.type for one in self.conditions if one.status == "False"}
        return self.head is not None and not failed & {"PathsAllowed", "SecretsClean", "PromptInjectionScanned"}

    @property
    def is_blocked(self) -> bool:
        """Whether it needs another revision before anybody may approve it."""
        return any(one.status == "False" for one in self.conditions)


class _Tip(msgspec.Struct, frozen=True):
    """What is asked of the index of a commit that is there already."""

    root: str
    records: Mapping[str, RecordState]
    members: Mapping[str, tuple[str, ...]]
    classify: Classify


def check_update(
    desk: Desk,
    spec: UpdateSpec,
    contents: Mapping[str, bytes],
    tip: str,
    *,
    withheld: Sequence[WithheldSecret] = (),
    may_change_ontology: bool = False,
) -> Checked:
    """The verdict on an update on top of ``tip``. ``contents`` holds proposed contents by digest, ``withheld`` says
    where they held secrets that were taken out of them, ``may_change_ontology`` whether its proposer has that right.

    Raises ``UnavailableError`` when repository or index store can't be used, or a scan fails.
    """
    return _Check(desk, spec, contents, tip, withheld, may_change_ontology).run()


def check_kept(desk: Desk, update: AgentMemoryUpdate, contents: Mapping[str, bytes], tip: str) -> Checked:
    """The same of an update on record: whoever asks, it is judged by the rights of its proposer."""
    status = update.status
    return check_update(
        desk,
        update.spec,
        contents,
        tip,
        withheld=status.withheld,
        may_change_ontology=status.may_change_ontology,
    )


class _Tried(msgspec.Struct, frozen=True):
    """What the trial commit told."""

    validation: Validation | None = None
    records: Mapping[str, RecordState] = {}
    result: str = ""
    near: tuple[NearRecord, ...] = ()
    errors: tuple[str, ...] = ()


class _Check:
    def __init__(
        self,
        desk: Desk,
        spec: UpdateSpec,
        contents: Mapping[str, bytes],
        tip: str,
        withheld: Sequence[WithheldSecret],
        may_change_ontology: bool,
    ) -> None:
        self._withheld = withheld
        self._may_change_ontology = may_change_ontology
        self._desk = desk
        self._spec = spec
        self._contents = contents
        self._tip = tip
        self._conditions: dict[str, Condition] = {}

    def run(self) -> Checked:
        desk, spec, brain = self._desk, self._spec, self._desk.brain
        paths = [path for item in spec.changes for path in filter(None, (item.path, item.new_path))]
        before = brain.read(spec.base_commit, lambda opened: self._look(opened, paths))
        self._check_paths(before.classify)
        rules, tip_result = brain.read(
            self._tip, lambda opened: (opened.source.ontology.rules, str(opened.manifest.result))
        )
        with ObjectReader(brain.repository) as reader:
            read = reader_of(reader, before.root)
            observed = spec.observed_commit or spec.base_commit
            base = spec.base_commit

            def onto(commit: str) -> Carried:
                versions = Versions(observed=observed, base=base, onto=commit)
                return carry(read, spec.changes, self._contents, versions)

            merged = self._with_safe_conflicts(read, onto(self._tip), observed, rules.secret_scan)
            head = merged if base == self._tip else onto(base)
        # What doesn't fit on its own base has no commit that anybody could look at.
        worse = head if merged.changed and not merged.conflicts else merged
        applies = bool(worse.changed) and not worse.conflicts
        self._condition("PatchApplies", applies, "" if applies else _reason_of(worse), _told(worse))
        proposed = {**head.changed, **merged.changed}
        examined = examine(proposed, secret=rules.secret_scan, injection=rules.prompt_injection)
        tried = self._try(merged, examined, before.root)
        found, after, errors = tried.validation, tried.records, tried.errors
        diagnostics = [*of_secrets((*self._withheld, *examined.secrets)), *(found.report.diagnostics if found else ())]
        diagnostics = sorted(set(diagnostics), key=lambda one: (one.path, one.line, one.code, one.column, one.message))
        waived = set(found.for_owners) if found else set()
        self._judge(diagnostics, waived, examined, errors)
        report = report_of(
            spec.changes,
            merged,
            examined,
            diagnostics=diagnostics,
            for_owners=len(waived),
            before=before.records,
            after=after,
            errors=errors,
        )
        requirements = required_reviews(
            spec,
            desk.policy,
            before=before.records,
            after=after,
            members=before.members,
            has_waivers=bool(waived),
            extra_reviewers=spec.extra_approvals,
        )
        changed = None if head.conflicts or not head.changed else head.changed
        return Checked(
            tip=self._tip,
            root=before.root,
            conditions=tuple(self._conditions.values()),
            report=report,
            merged=merged,
            head=changed,
            requirements=requirements,
            before=before.records,
            after=after,
            tip_result=tip_result,
            diagnostics=tuple(diagnostics),
            near=tried.near,
            merged_result=tried.result or tip_result,
        )

    def _with_safe_conflicts(self, read: Read, merged: Carried, observed: str, scan: SecretScan) -> Carried:
        """The texts of conflicts are cut from whole files: of a file with a secret in any version none is kept."""
        paths = {one.path for one in merged.conflicts}
        spoilt = {path for path in paths if self._holds_secret(read, path, observed, scan)}
        conflicts = tuple(
            msgspec.structs.replace(one, observed=None, current=None, proposed=None) if one.path in spoilt else one
            for one in merged.conflicts
        )
        return msgspec.structs.replace(merged, conflicts=conflicts)

    def _holds_secret(self, read: Read, path: str, observed: str, scan: SecretScan) -> bool:
        versions = [read(observed, path), read(self._tip, path)]
        proposed = [self._contents.get(item.content_digest or "") for item in self._spec.changes if item.path == path]
        texts = [data.decode("utf-8", "replace") for data in (*versions, *proposed) if data is not None]
        return any(holds_secret(text, scan) for text in texts)

    def _look(self, opened: OpenIndex, paths: Sequence[str]) -> _Tip:
        records = records_in(opened, paths)
        owners = {owner for one in records.values() for owner in one.owners}
        owners |= set(self._desk.policy.memory_owners or ())
        classify = Classifier(opened.source.profile.foreign, compile_globs)
        return _Tip(opened.manifest.root, records, members_of(opened, owners), classify)

    def _condition(self, type: str, holds: bool, reason: str = "", message: str = "") -> None:
        status = "True" if holds else "False"
        self._conditions[type] = Condition(type, status, reason or ("Passed" if holds else "Failed"), message)

    def _check_paths(self, classify: Classify) -> None:
        spec, policy = self._spec, self._desk.policy.updates
        told = []
        for item in spec.changes:
            for path in filter(None, (item.path, item.new_path)):
                fault = path_fault(path)
                right = right_to(
                    path,
                    item.action,
                    proposer=spec.proposer,
                    kind=spec.update_kind,
                    is_import=is_import(spec),
                    trusted=policy.trusted_maintenance,
                    may_change_ontology=self._may_change_ontology,
                    classify=classify,
                )
                if fault or not right.allowed:
                    told.append(f"{path}: {fault or right.reason}")
        self._condition("PathsAllowed", not told, "PathNotAllowed" if told else "", "; ".join(told)[:1000])

    def _try(self, merged: Carried, examined: Examined, root: str) -> _Tried:
        """Validates the merged tree, with secrets taken out, in a repository of its own."""
        desk = self._desk
        files = {path: examined.clean.get(path, content) for path, content in merged.changed.items()}
        files = {path: content for path, content in files.items() if not path_fault(path)}
        if not files:
            return _Tried()
        target = desk.brain.target(self._tip)
        home = desk.brain.settings.home
        try:
            with trial(desk.brain.builder, target, files, root=root, home=home, now=desk.now) as tried:
                found = validate(desk.brain.builder, tried.head, base=tried.base, committed_indexes=False)
                inside = desk.brain.within(tried.head.repository)

                def look(opened: OpenIndex) -> _Tried:
                    near = inside.read(tried.base.commit, lambda base: near_repeats(base, opened, desk.reader))
                    return _Tried(found, records_in(opened, files), str(opened.manifest.result), _near(near))

                return inside.read(tried.head.commit, look)
        except UnavailableError:
            raise
        except KrateError as error:
            return _Tried(errors=(f"{error.code}: {error.message}",))

    def _judge(
        self, diagnostics: Sequence[Diagnostic], waived: set[Diagnostic], examined: Examined, errors: Sequence[str]
    ) -> None:
        spec = self._spec
        policy = spec.validation_policy
        wrong = [one for one in diagnostics if one.severity == Severity.ERROR.label and one not in waived]
        is_agent = spec.proposer.kind == "Agent"
        form = [one for one in wrong if one.code in _FORM]
        unread = {(one.path, one.code) for one in (*self._withheld, *examined.secrets)}
        secrets = [one for one in wrong if one.code in _SECRETS or (one.path, one.code) in unread]
        other = [one for one in wrong if one.code not in _FORM | _SECRETS | {_INJECTION}]
        # An agent can't open a gate; a person may leave that of form or ontology to the reviewers.
        needs_form = policy.require_frontmatter_valid or is_agent
        needs_ontology = policy.require_ontology_valid or is_agent
        self._condition("FrontmatterValid", not (form and needs_form), _codes(form), _first(form))
        self._condition(
            "OntologyValid",
            not ((other and needs_ontology) or errors),
            _codes(other) if not errors else "TrialIndexFailed",
            _first(other) or "; ".join(errors),
        )
        self._condition("SecretsClean", not secrets, _codes(secrets), _first(secrets))
        verdict_ = examined.injection.verdict
        self._condition(
            "PromptInjectionScanned", verdict_ != "blocked", "InjectionBlocked" if verdict_ == "blocked" else verdict_
        )


def is_import(spec: UpdateSpec) -> bool:
    """Whether an update carries a run import."""
    return spec.proposer.kind == "Controller" and (spec.source_run or "").startswith("import-")


def _near(found: Sequence[NearRepeat]) -> tuple[NearRecord, ...]:
    return tuple(
        NearRecord(one.id, near.id, near.path, round(near.measure * 100), near.shared[:5])
        for one in found
        for near in one.near
    )


def _reason_of(merged: Carried) -> str:
    if not merged.conflicts:
        return "NothingToChange"
    reason = merged.conflicts[0].reason
    return OVERLAP if reason in SINCE else reason


def _told(merged: Carried) -> str:
    return "; ".join(f"{one.path} {one.place}".rstrip() for one in merged.conflicts)[:1000]


def _codes(found: Sequence[Diagnostic]) -> str:
    return ",".join(sorted({one.code for one in found}))


def _first(found: Sequence[Diagnostic]) -> str:
    return f"{found[0].path}:{found[0].line}:{found[0].column}: {found[0].message}" if found else ""
