"""What the writer asks of others: may the actor do this, what would it lead to, and where are proposals looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from krate_gitops.reconcile.writer.objects import ObjectChange, differing
from krate_gitops.reconcile.writer.request import WriteRequest
from krate_gitops.records.config_changes import ConfigChange, Status
from krate_gitops.resources.load import Loaded
from krate_gitops.resources.permissions.offline import offline_state
from krate_gitops.resources.permissions.reach import stacks_reached
from krate_gitops.resources.permissions.readiness import Readiness, readiness
from krate_gitops.resources.validate import Diagnostic
from krate_gitops.resources.world import organization_of


class AccessReview(Protocol):
    """Whether the actor may make the changes: verbs and kinds, and no right that the actor lacks."""

    def review(self, request: WriteRequest, changes: Sequence[ObjectChange]) -> None:
        """Raises ``DeniedError(POLICY_DENIED)``."""


class OwnerAccess:
    """Whoever may write to the repository may write to it: the rule for a source without a cluster."""

    def review(self, request: WriteRequest, changes: Sequence[ObjectChange]) -> None:
        """Allows everything."""


class PredictedStack(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a stack would be ready after a change, and why not."""

    organization: str
    stack: str
    ready: bool
    reason: str = ""


class PreviewResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``plan`` is a summary of counts, ``readiness`` tells of the stacks that the change bears on."""

    plan: dict[str, Any] | None = None
    plan_digest: str | None = None
    readiness: tuple[PredictedStack, ...] = ()


class Preview(Protocol):
    """What a change would lead to, beyond what validation says."""

    def preview(self, request: WriteRequest, base: Loaded, result: Loaded, *, now: int) -> PreviewResult:
        """Of a result that validates; ``now`` in seconds. Raises ``KrateError`` to refuse it."""


class FilesOnly:
    """The preview without a cluster: native objects and objects of other sources are taken to be there."""

    def preview(self, request: WriteRequest, base: Loaded, result: Loaded, *, now: int) -> PreviewResult:
        """Readiness of each stack that a changed object has to do with."""
        changed: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for pair in differing(base.manifests, result.manifests):
            for one in pair:
                if one is not None:
                    changed[organization_of(one)].append(one.value)
        found: list[PredictedStack] = []
        for organization in sorted(changed.keys() - {""}):
            state = offline_state(result.manifests, organization, now=now)
            found += (
                _predicted(organization, readiness(one, state)) for one in stacks_reached(state, changed[organization])
            )
        return PreviewResult(readiness=tuple(found))


def _predicted(organization: str, one: Readiness) -> PredictedStack:
    failing = [f"{each.reason}: {each.message}" for each in one.conditions[:-1] if each.status != "True"]
    return PredictedStack(organization=organization, stack=one.stack, ready=one.ready, reason="; ".join(failing))


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request is made of. ``change.name`` names it for good: opening it again updates the same one."""

    change: ConfigChange
    title: str
    body: str
    reviewers: tuple[str, ...]


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request: its name at the forge, and an address where it has one."""

    name: str
    url: str | None = None


class Forge(Protocol):
    """Where proposals are reviewed and merged."""

    def propose(self, proposal: Proposal) -> PullRequest:
        """Opens a pull request for the branch of the proposal, or brings the one there is up to date."""

    def status(self, change: ConfigChange, pull_request: str | None) -> Status | None:
        """Merged or Rejected, where the forge knows it; None while it is open, and where only Git tells."""


class LocalForge:
    """No forge: the pushed branch is the proposal, and the record store keeps it."""

    def propose(self, proposal: Proposal) -> PullRequest:
        """The branch itself."""
        return PullRequest(name=proposal.change.branch)

    def status(self, change: ConfigChange, pull_request: str | None) -> Status | None:
        """Git tells."""
        return None


class Ports(NamedTuple):
    """Who else has a say."""

    access: AccessReview = OwnerAccess()
    preview: Preview = FilesOnly()
    forge: Forge = LocalForge()


def readiness_lines(preview: PreviewResult) -> list[str]:
    """A line for each stack, for people."""
    return [
        f"{one.stack} will be ready" if one.ready else f"{one.stack} will not be ready: {one.reason}"
        for one in preview.readiness
    ]


def proposal_body(change: ConfigChange, diagnostics: Sequence[Diagnostic], preview: PreviewResult) -> str:
    """Markdown of a pull request: objects, diagnostics and predicted readiness. Values stay out of it."""
    lines = [change.message.partition("\n")[2].strip(), "", "| Object | Change | Fields |", "|---|---|---|"]
    for one in change.objects:
        fields = ", ".join(f"`{_cell(field)}`" for field in one.fields[:10])
        lines.append(f"| {_cell(one.kind)} {_cell(one.name)} | {one.operation} | {fields} |")
    if diagnostics:
        lines += ["", "Diagnostics:", ""]
        lines += [f"- {one.code} {_cell(one.path)}:{one.line} {_cell(one.message)}" for one in diagnostics[:50]]
    if preview.readiness:
        lines += ["", "Predicted readiness:", ""]
        lines += [f"- {_cell(told)}" for told in readiness_lines(preview)]
    return "\n".join(lines).strip() + "\n"


def _cell(text: str) -> str:
    return "".join(c if c.isprintable() and c not in "|`<>" else " " for c in text)
