"""Opening the brain that a command's arguments name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from krate_gitops.cli.invocation import Invocation
    from krate_gitops.cli.options import RefSelection
    from krate_gitops.git.request import RefRequest
    from krate_gitops.memory.brain import Brain
    from krate_gitops.memory.policy import EffectivePolicy
    from krate_gitops.memory.request import Consumer
    from krate_gitops.progress import Progress


def open_brain(
    invocation: Invocation, repo: str, *, root: str | None, ontology: Path | None, progress: Progress
) -> Brain:
    """The brain of a REPO argument."""
    from krate_gitops.memory.brain import Brain

    return Brain(
        invocation.locate(repo), settings=invocation.settings, root=root, ontology_dir=ontology, progress=progress
    )


def any_commit(selection: RefSelection) -> RefRequest:
    """The request of REF options where approval is beside the point: a named ref may be any commit."""
    from krate_gitops.git.request import RefMode, RefRequest

    if selection.ref is None or selection.at is not None or selection.snapshot_tag is not None:
        return selection.request()
    return RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=selection.ref, require_approved_commit=False)


def policy_for(invocation: Invocation, path: Path | None, consumer: Consumer) -> EffectivePolicy:
    """The policy of a ``--policy`` file for a consumer; the owner's without one.

    Raises ``DeniedError(CROSS_ORG_REF_DENIED)`` for a source of another organisation.
    """
    from krate_gitops.memory.policy import effective_policy, owner_policy
    from krate_gitops.memory.policy_file import load_sources
    from krate_gitops.memory.reference import ForeignReferenceError, check_organization

    if path is None:
        return owner_policy()
    sources = load_sources(path)
    try:
        for source in sources:
            check_organization(source.spec.organization_ref, invocation.settings.organization, "AgentMemorySource")
    except ForeignReferenceError as error:
        from krate_gitops.cli.snapshot_options import denials_on_record

        with denials_on_record(invocation):
            raise error
    return effective_policy(sources, consumer)
