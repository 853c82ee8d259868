"""The state of a review from the files of a config repository alone: nothing is asked of a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.resources.context import Context
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.permissions.policy import ReviewPolicy
from krate_gitops.resources.permissions.state import ReviewState
from krate_gitops.resources.world import World, organization_of


def offline_state(
    manifests: Sequence[Manifest], organization: str, *, now: int, policy: ReviewPolicy | None = None
) -> ReviewState:
    """The state of an organization as its files will make it, once controllers have done their work."""
    world = World(manifests, Context(organization=None, now=now))
    return ReviewState.build(
        [one.value for one, _ in world.modelled],
        organization=organization,
        namespace=world.namespace_of(organization),
        now=now,
        policy=policy,
        converged=True,
    )


def organization_with(manifests: Sequence[Manifest], stack: str) -> str:
    """The one organization that has a stack of a name.

    Raises ``UnavailableError(NOT_FOUND)`` where none has, ``UsageError(INVALID_REQUEST)`` where several have.
    """
    found = sorted({organization_of(one) for one in manifests if (one.kind, one.name) == ("AgentStack", stack)})
    if not found:
        raise UnavailableError(
            "NOT_FOUND", f"no AgentStack {stack[:63]!r} is among these files", hint="correct --stack, or the commit"
        )
    if len(found) > 1:
        raise UsageError(
            "INVALID_REQUEST", "several organizations have an AgentStack of this name", hint="name one by --org"
        )
    return found[0]
