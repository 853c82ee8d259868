"""What a server is pinned to: one commit of one brain, under one policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from krate_gitops.git.refs import RefResolution
from krate_gitops.git.request import RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.recall import Kept
from krate_gitops.memory.request import Consumer

Result = TypeVar("Result")


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """``commit`` is what ``resolution`` came to, once. ``snapshot`` is the name of the snapshot it was taken from.

    ``run`` is the run that snapshot was taken for. ``consumer`` says what ranks first; what may be read was decided
    when ``policy`` was computed.
    """

    brain: Brain
    commit: str
    resolution: RefResolution
    policy: EffectivePolicy
    organization: str
    snapshot: str | None = None
    run: str | None = None
    consumer: Consumer = Consumer()
    acknowledges_known_bad: bool = False

    @property
    def repository(self) -> str:
        """Name of the memory repository, as people know it."""
        return self.brain.repository.name

    def read(self, action: Callable[[OpenIndex], Result]) -> Result:
        """What ``action`` makes of the pinned commit's index, which is built first where it is not there.

        Raises ``KrateError``: MEMORY_LAYOUT_INVALID, MEMORY_ONTOLOGY_INVALID, INDEX_STORE_DAMAGED.
        """
        return self.brain.read_resolved(self.resolution, self.policy, lambda opened, _: action(opened))


def pin_snapshot(kept: Kept, brain: Brain, policy: EffectivePolicy, consumer: Consumer) -> Pin:
    """The pin of a stored snapshot, in a brain that holds its commit.

    What may be read is what both the snapshot's policy and ``policy``, that of today, admit.
    """
    spec = kept.snapshot.spec
    return Pin(
        brain=brain,
        commit=spec.resolved_commit,
        resolution=spec.ref_resolution,
        policy=kept.material.policy.narrowed(policy),
        organization=spec.organization_ref,
        snapshot=kept.snapshot.metadata.name,
        run=spec.dispatch_run,
        consumer=consumer,
    )


def pin_ref(brain: Brain, ref: RefRequest, policy: EffectivePolicy, consumer: Consumer) -> Pin:
    """The pin of what a ref means now. Raises ``KrateError`` with a MEMORY_REF_* code."""
    resolution = brain.resolve(ref, current_only=policy.current_only)
    return Pin(
        brain=brain,
        commit=resolution.resolved_commit,
        resolution=resolution,
        policy=policy,
        organization=brain.settings.organization,
        consumer=consumer,
    )
