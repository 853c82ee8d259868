"""One pass over one source: resolve, render, plan, review, try, apply, prune, look, report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import ApiError, TransientError
from krate_gitops.cluster.health import health_of
from krate_gitops.cluster.inventory import Inventory, read_inventory
from krate_gitops.errors import KrateError
from krate_gitops.git.credentials import Credentials
from krate_gitops.git.local import Repository
from krate_gitops.git.signatures import is_signed
from krate_gitops.reconcile.applying import Applier, Work
from krate_gitops.reconcile.audit import Ledger, timestamp
from krate_gitops.reconcile.classify import PRIVILEGED
from krate_gitops.reconcile.conditions import Verdict
from krate_gitops.reconcile.fetching import read_credentials, read_keys, unsigned
from krate_gitops.reconcile.keeping import Keeper
from krate_gitops.reconcile.live import live_manifests
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.plan import Op
from krate_gitops.reconcile.planning import Draft, draft_plan
from krate_gitops.reconcile.prediction import predicted_readiness
from krate_gitops.reconcile.render import Invalid, Rendered, check, load, missing
from krate_gitops.reconcile.revision import Revision, is_ancestor, open_source_repository, resolve_revision
from krate_gitops.reconcile.source import APPROVE_PLAN, Source
from krate_gitops.reconcile.status import conclude, fights, status_of
from krate_gitops.reconcile.stop import Stop
from krate_gitops.reconcile.tools import Tools, identity_of
from krate_gitops.reconcile.verdicts import (
    applied_verdict,
    drift_verdict,
    healthy_verdict,
    pruned_verdict,
    resolved_verdict,
    reviewed_verdict,
)
from krate_gitops.records.audit_record import Entry, Stage
from krate_gitops.records.correlation import new_correlation_id
from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.manifest import Manifest


class Pass:
    """The stages share what they found through ``outcome``; each can end the pass with a ``Stop``."""

    def __init__(self, tools: Tools, source: Source, *, dry_run: bool, prune_only: bool = False) -> None:
        self._tools, self._source = tools, source
        self._dry_run = dry_run or source.spec.dry_run or not source.uid
        self._prune_only = prune_only
        self._inventory: Inventory = {}
        self._repository: Repository | None = None
        now = tools.now()
        self._who = identity_of(source).user
        self._ledger = Ledger(source, correlation_id=new_correlation_id(now=now), who=self._who)
        self.outcome = Outcome(source=str(source), dry_run=self._dry_run)

    async def run(self) -> Outcome:
        """The pass. What the cluster or Git said no to is in the outcome; raises what nobody foresaw."""
        discovery = await self._tools.api.discovery()
        keeper = Keeper(self._tools.api, self._source, discovery.find(GROUP, "GitOpsSource"))
        if self._source.spec.suspend:
            self.outcome.phase = "Suspended"
            await self._report(keeper, suspended=True)
            return self.outcome
        try:
            await self._stages(keeper)
        except Stop as stop:
            self.outcome.stop = stop
            self.outcome.diagnostics = stop.diagnostics if isinstance(stop, Invalid) else self.outcome.diagnostics
        await self._report(keeper)
        return self.outcome

    async def _stages(self, keeper: Keeper) -> None:
        self._inventory = read_inventory(self._source.status)
        api = self._tools.api.impersonating(identity_of(self._source))
        async with self._in_time("SourceResolved", "Unreachable"):
            credentials = None if self._tools.repository else await read_credentials(api, self._source)
            repository, revision = await asyncio.to_thread(self._resolve, credentials)
            await self._verify(api, repository, revision)
        self._repository = repository
        self.outcome.revision = revision
        self.outcome.verdicts.append(resolved_verdict(revision))
        async with self._in_time("Rendered", "LimitExceeded"):
            rendered = await self._render(repository, revision)
        async with self._in_time("Applied", "ApplyFailed"):
            draft = await draft_plan(self._tools, self._source, repository, revision.commit, rendered, self._inventory)
        self.outcome.draft = draft
        self.outcome.verdicts.append(reviewed_verdict(draft))
        await self._audit([self._ledger.denied(step, revision.commit) for step in draft.denied])
        async with self._in_time("PermissionsReviewed", "ReviewUnavailable"):
            await self._predict(draft)
        self._check_approval(draft)
        if self._dry_run:
            self._look(draft, Work(inventory=self._inventory))
            return
        with _as_stop("Applied", "ApplyFailed"):
            await self._carry_out(keeper, repository, draft)

    @asynccontextmanager
    async def _in_time(self, condition: str, reason: str) -> AsyncIterator[None]:
        """A stage that ends the pass when it takes too long, or when the server says no.

        Stages before the first write only: a wave that has begun is finished.
        """
        limit = self._source.timeout.total_seconds()
        with _as_stop(condition, reason):
            try:
                async with asyncio.timeout(limit):
                    yield
            except TimeoutError as late:
                raise TransientError(
                    "STAGE_TIMEOUT",
                    f"a stage took longer than {self._source.spec.timeout}",
                    hint="give the source a longer spec.timeout, or fewer objects",
                    location=str(self._source),
                ) from late

    async def _verify(self, api: Api, repository: Repository, revision: Revision) -> None:
        """Checks the signature of the commit, in every pass: nothing new is no reason to trust what was trusted."""
        if self._source.spec.verify.mode == "none":
            return
        keys = await read_keys(api, self._source)
        if not await asyncio.to_thread(is_signed, repository, revision.commit, keys):
            raise unsigned(f"commit {revision.commit} has no signature that counts", location=revision.requested)

    def _resolve(self, credentials: Credentials | None) -> tuple[Repository, Revision]:
        tools, source = self._tools, self._source
        repository, problem = open_source_repository(
            source, override=tools.repository, settings=tools.settings, credentials=credentials
        )
        return repository, resolve_revision(repository, source, now=tools.now(), problem=problem)

    async def _render(self, repository: Repository, revision: Revision) -> Rendered:
        source, now = self._source, self._tools.now()
        loaded = await asyncio.to_thread(load, repository, revision.commit, source)
        live: list[Manifest] = []
        if elsewhere := await asyncio.to_thread(missing, loaded, source, now=now):
            with _as_stop("Validated", "ValidationFailed"):
                live = await live_manifests(self._tools.api.impersonating(identity_of(source)), elsewhere)
        rendered = await asyncio.to_thread(check, loaded, source, now=now, live=live)
        self.outcome.rendered, self.outcome.diagnostics = rendered, rendered.diagnostics
        self.outcome.verdicts.append(Verdict("Rendered", True, "Rendered", f"{len(rendered.objects)} objects"))
        self.outcome.verdicts.append(Verdict("Validated", True, "Valid", "no rule refuses the revision"))
        return rendered

    async def _predict(self, draft: Draft) -> None:
        """Whether the stacks that the plan bears on will be ready; where the source wants it, all of them must be."""
        with _as_stop("PermissionsReviewed", "ReviewUnavailable"):
            self.outcome.predicted = await predicted_readiness(self._tools, self._source, draft)
        waiting = [name for name, one in self.outcome.predicted.items() if not one.ready]
        if waiting and self._source.spec.validation.require_ready_stacks:
            told = self.outcome.predicted[waiting[0]].conditions[-1]
            raise Stop(
                "PermissionsReviewed",
                "StacksNotReady",
                "STACK_NOT_READY",
                f"AgentStack {waiting[0]} would not be ready: {told.message or told.reason}",
                hint="grant what is missing, or set spec.validation.requireReadyStacks to false",
                location=str(self._source),
            )

    def _check_approval(self, draft: Draft) -> None:
        """Plans that need an approval wait for one that names their digest."""
        self.outcome.is_approved = self._source.annotations.get(APPROVE_PLAN) == draft.plan.plan_digest
        needs = []
        required = self._source.spec.approval.require_for
        if "privilege-increase" in required and draft.increases:
            needs.append(f"{len(draft.increases)} objects give more rights, {draft.increases[0].id.short} first")
        pruned = [step for step in draft.steps if step.op is Op.PRUNE]
        if "prune" in required and pruned:
            needs.append(f"{len(pruned)} objects would be pruned")
        if needs and not self.outcome.is_approved:
            raise Stop(
                "PermissionsReviewed",
                "ApprovalRequired",
                "KR726",
                f"the plan waits for an approval: {'; '.join(needs)}",
                hint=f"review the plan; then annotate the source with {APPROVE_PLAN}={draft.plan.plan_digest}",
                location=str(self._source),
            )

    async def _carry_out(self, keeper: Keeper, repository: Repository, draft: Draft) -> None:
        applier = Applier(self._tools, self._source, draft, keeper, self._inventory)
        self.outcome.work = applier.work
        is_write = draft.plan.has_changes
        await self._audit(self._before(repository, draft))
        if not self._prune_only:
            await applier.apply()
        may_prune = not applier.work.failures and not applier.work.interrupted
        if may_prune and (not draft.guard or self.outcome.is_approved):
            await applier.prune()
        self._look(draft, applier.work)
        if is_write:
            await self._audit(self._after(draft, applier.work))
        await keeper.inventory(applier.work.inventory)

    def _before(self, repository: Repository, draft: Draft) -> list[Entry]:
        """What must be on record before anything is written."""
        plan, source = draft.plan, self._source
        entries = []
        before = source.last_applied
        if before and before != plan.resolved_revision and not is_ancestor(repository, before, plan.resolved_revision):
            entries.append(self._ledger.rewind_accepted(plan.resolved_revision))
        for step in draft.steps:
            if step.is_drift and step.id.kind in PRIVILEGED and not self._knows(step.before):
                entries.append(self._ledger.drifted(step, plan.resolved_revision, healed=step.is_write))
        if plan.has_changes:
            entries.append(self._ledger.applied(plan, plan.counts, Stage.INTENT))
        return entries

    def _knows(self, digest: str | None) -> bool:
        """Whether the last pass told of this very deviation already."""
        known = self._source.status.get("conditions") or ()
        drift: dict[str, Any] = next((one for one in known if one.get("type") == "DriftFree"), {})
        return drift.get("status") == "False" and (digest or "") in str(drift.get("message"))

    def _after(self, draft: Draft, work: Work) -> list[Entry]:
        counts = self.outcome.counts
        entries = [entry for step in work.written if (entry := self._ledger.changed(step, draft.plan)) is not None]
        reason = "PartialApply" if work.failures else "Applied"
        entries.append(self._ledger.applied(draft.plan, counts, Stage.OUTCOME, reason=reason))
        if work.pruned:
            entries.append(self._ledger.pruned(draft.plan, counts, Stage.OUTCOME))
        return entries

    def _look(self, draft: Draft, work: Work) -> None:
        """Health of everything that is owned or should be there, and the verdicts of the last stages."""
        now, timeout = self._tools.now(), self._source.health_timeout
        live: dict[Any, Any] = {**draft.live, **work.objects}
        gone = {identity for identity in live if identity not in work.inventory}
        for identity in work.inventory:
            self.outcome.health[identity] = health_of(live.get(identity), now=now, timeout=timeout)
        for identity in gone:
            self.outcome.health.pop(identity, None)
        if self._dry_run:
            return
        is_off = not self._source.spec.sync_policy.automated.prune
        self.outcome.verdicts += [
            applied_verdict(draft, work),
            pruned_verdict(draft, work, is_approved=self.outcome.is_approved, is_off=is_off),
            drift_verdict(draft),
            healthy_verdict(self.outcome.health),
        ]

    async def _report(self, keeper: Keeper, *, suspended: bool = False) -> None:
        """Writes the status, where it says something new, and an event for each condition that changed."""
        source, outcome, now = self._source, self.outcome, timestamp(self._tools.now())
        applied = conclude(outcome, source, dry_run=self._dry_run, suspended=suspended, now=now)
        if self._repository is not None and applied and applied != source.last_applied:
            await asyncio.to_thread(self._tools.applied, source, self._repository, applied)
        due = self._tools.next_attempt(outcome)
        status = status_of(outcome, source, applied, dry_run=self._dry_run, now=now)
        await keeper.write(status if due is None else {**status, "nextAttemptAt": timestamp(due)})
        await keeper.events([*outcome.transitions, *fights(outcome)], now=now)

    async def _audit(self, entries: list[Entry]) -> None:
        if entries and not (self._dry_run and self.outcome.work is None):
            await asyncio.to_thread(self._tools.audit, entries)


async def run_pass(tools: Tools, source: Source, *, dry_run: bool = False, prune_only: bool = False) -> Outcome:
    """One pass over a source. A source that isn't in the cluster, or says so itself, is only ever looked at.

    What is wrong with the revision or the objects is in the outcome. Raises ``ApiError`` when the status can't be
    written, and ``KrateError`` when the audit log can't.
    """
    return await Pass(tools, source, dry_run=dry_run, prune_only=prune_only).run()


@contextmanager
def _as_stop(condition: str, reason: str) -> Iterator[None]:
    """What the server says no to, as the end of a stage."""
    try:
        yield
    except Stop:
        raise
    except (ApiError, KrateError) as error:
        raise Stop(condition, reason, error.code, error.message, hint=error.hint, location=error.location) from error
