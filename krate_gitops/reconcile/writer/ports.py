"""What the writer asks of others: may the actor do this, what would it lead to, and where are proposals looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from krate_gitops.reconcile.writer.objects import ObjectChange
from krate_gitops.reconcile.writer.request import WriteRequest
from krate_gitops.records.config_changes import ConfigChange, Status
from krate_gitops.resources.load import Loaded
from krate_gitops.resources.validate import Diagnostic


class AccessReview(Protocol):
    """Whether the actor may make the changes: verbs and kinds, and no right that the actor lacks."""

    def review(self, request: WriteRequest, changes: Sequence[ObjectChange]) -> None:
        """Raises ``DeniedError(POLICY_DENIED)``."""


class OwnerAccess:
    """Whoever may write to the repository may write to it: the rule for a source without a cluster."""

    def review(self, request: WriteRequest, changes: Sequence[ObjectChange]) -> None:
        """Allows everything."""


class Preview(Protocol):
    """What a change would lead to, beyond what the files alone say."""

    def preview(self, request: WriteRequest, base: Loaded, result: Loaded) -> PreviewResult:
        """The plan and the permission review of a result that validates. Raises ``KrateError`` to refuse it."""


class PreviewResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``plan`` is a summary of counts, ``readiness`` says for each stack whether it would be ready and why not."""

    plan: dict[str, Any] | None = None
    plan_digest: str | None = None
    readiness: tuple[dict[str, Any], ...] = ()


class FilesOnly:
    """The preview without a cluster: nothing beyond validation."""

    def preview(self, request: WriteRequest, base: Loaded, result: Loaded) -> PreviewResult:
        """Empty."""
        return PreviewResult()


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
        lines += [
            f"- {_cell(str(one.get('stack', '')))}: {_cell(str(one.get('state', '')))}" for one in preview.readiness
        ]
    return "\n".join(lines).strip() + "\n"


def _cell(text: str) -> str:
    return "".join(c if c.isprintable() and c not in "|`<>" else " " for c in text)
