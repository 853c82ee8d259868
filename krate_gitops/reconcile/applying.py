"""Carrying a plan out: wave by wave, the inventory first, deletes last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import ApiError
from krate_gitops.cluster.client.parallel import in_parallel
from krate_gitops.cluster.inventory import Inventory, Item, united
from krate_gitops.reconcile.keeping import Keeper
from krate_gitops.reconcile.ownership import uid_of
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.planning import Draft
from krate_gitops.reconcile.prune import prune_one
from krate_gitops.reconcile.source import Source
from krate_gitops.reconcile.tools import Tools, identity_of
from krate_gitops.reconcile.write import Failure, try_out, write
from krate_gitops.resources.object_id import ObjectId


class Work(msgspec.Struct, kw_only=True):
    """What was done. ``interrupted`` says why it ended early; empty where it didn't."""

    inventory: Inventory
    created: int = 0
    updated: int = 0
    pruned: int = 0
    written: list[Step] = msgspec.field(default_factory=list)
    failures: list[Failure] = msgspec.field(default_factory=list)
    stuck: dict[ObjectId, str] = msgspec.field(default_factory=dict)
    """Deletes that aren't over, and why."""
    objects: dict[ObjectId, dict[str, Any]] = msgspec.field(default_factory=dict)
    """Objects as they are after they were written."""
    fights: list[Step] = msgspec.field(default_factory=list)
    """Objects that were corrected once too often."""
    interrupted: str = ""


class Applier:
    """The writes of a pass. Nothing is written before the inventory knows of it, and nothing leaves it too early."""

    def __init__(self, tools: Tools, source: Source, draft: Draft, keeper: Keeper, inventory: Inventory) -> None:
        self._tools, self._source, self._draft, self._keeper = tools, source, draft, keeper
        self._api: Api = tools.api.impersonating(identity_of(source))
        self._revision = draft.plan.resolved_revision
        self.work = Work(inventory=dict(inventory))

    async def apply(self) -> Work:
        """Creates and updates. A wave with a failure is the last one."""
        self._settle_unchanged()
        steps = sorted((one for one in self._draft.steps if one.is_write), key=lambda one: (one.wave, one.id))
        if steps:
            # Without uid: until it is applied, nothing but the marks we put on it makes an object ours.
            self.work.inventory = united(self.work.inventory, [self._item(step, "") for step in steps])
            await self._keeper.inventory(self.work.inventory)
        done = 0
        for _, wave in groupby(steps, key=lambda one: one.wave):
            if not await self._tools.may_continue():
                self.work.interrupted = "the reconciler was asked to stop"
                break
            members = list(wave)
            await self._wave(members)
            done += len(members)
            self._tools.progress("apply", done, len(steps))
            await self._keeper.inventory(self.work.inventory)
            if self.work.failures:
                break
        return self.work

    async def prune(self) -> Work:
        """Deletes what the plan prunes, in reverse order."""
        for identity in self._draft.left.gone:
            self.work.inventory.pop(identity, None)
        going = [step for step in self._draft.left.steps if step.op is Op.PRUNE]
        by_wave: dict[int, list[Step]] = defaultdict(list)
        for step in going:
            by_wave[step.wave].append(step)
        for wave in sorted(by_wave, reverse=True):
            if not await self._tools.may_continue():
                self.work.interrupted = "the reconciler was asked to stop"
                break
            await in_parallel(by_wave[wave], self._delete)
            self._tools.progress("prune", self.work.pruned, len(going))
        return self.work

    def _settle_unchanged(self) -> None:
        """What needs no write is in the inventory as of this commit, too; what is held keeps what is known of it."""
        for step in self._draft.steps:
            if step.op is Op.UNCHANGED and step.live is not None:
                self._record(step, step.live)

    async def _wave(self, steps: Sequence[Step]) -> None:
        deferred = [step for step in steps if step.deferred]
        tried = await in_parallel(deferred, self._try)
        self.work.failures += [one for one in tried if isinstance(one, Failure)]
        if not self.work.failures:
            await in_parallel([step for step in steps if step.is_write], self._write)

    async def _try(self, step: Step) -> Failure | None:
        try:
            return await try_out(self._api, step, self._source)
        except ApiError as error:
            return Failure(step, error.code, error.message, error)

    async def _write(self, step: Step) -> None:
        is_new = step.op is Op.CREATE
        try:
            result, failure = await write(self._api, step, self._source)
        except ApiError as error:
            result, failure = None, Failure(step, error.code, error.message, error)
        if failure is not None:
            self.work.failures.append(failure)
        elif result is not None:
            self.work.created += is_new
            self.work.updated += not is_new
            self.work.written.append(step)
            self.work.objects[step.id] = result
            self._record(step, result)
            if step.is_drift and self._tools.fights.corrected(step.id, now=self._tools.now()):
                self.work.fights.append(step)

    async def _delete(self, step: Step) -> None:
        try:
            done = await prune_one(self._api, step, self._source)
        except ApiError as error:
            self.work.stuck[step.id] = error.message
            return
        if done.gone:
            self.work.inventory.pop(step.id, None)
            self.work.pruned += not done.message
        if done.message:
            self.work.stuck[step.id] = done.message

    def _record(self, step: Step, live: dict[str, Any] | Any) -> None:
        known = self.work.inventory.get(step.id)
        item = self._item(step, uid_of(live))
        if known is not None and known.uid == item.uid and known.content_digest == item.content_digest:
            # The commit it was last written from stays, so that a commit which changes one object changes one entry.
            item = known
        self.work.inventory[step.id] = item

    def _item(self, step: Step, uid: str) -> Item:
        return Item(
            identity=str(step.id),
            content_digest=step.wanted.digest,
            revision=self._revision,
            wave=step.wave,
            uid=uid,
        )
