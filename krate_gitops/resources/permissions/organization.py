"""Step 2: nothing of another organization, unless both sides admit it."""

from __future__ import annotations

from typing import Any

from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.permissions.expand import Expanded
from krate_gitops.resources.permissions.ledger import Denial, Ledger
from krate_gitops.resources.permissions.state import Held
from krate_gitops.resources.shapes import shape_of
from krate_gitops.resources.structure import references

_OUTSIDE = "something outside of the organization is referenced"


def check_request(ledger: Ledger, stack: Held[Any]) -> None:
    """The repository and the organization of the request."""
    own = ledger.state.organization
    if ledger.request.organization_ref != own:
        _deny(ledger, stack, "Organization", "organizationRef")
    owner, slash, _ = ledger.request.repository.rpartition("/")
    if slash and owner.removeprefix("krate-org-") != own:
        _deny(ledger, stack, "Repository", "repository")


def check_references(ledger: Ledger, expanded: Expanded) -> None:
    """Every reference of the stack and of what it takes in, and the targets of grants."""
    held = [
        expanded.stack, expanded.profile, *expanded.servers, *expanded.skills, *expanded.subagents, *expanded.labels,
        expanded.workspace, expanded.provider, expanded.adapter,
    ]  # fmt: skip
    for one in held:
        if one is not None:
            _check(ledger, one)


def _check(ledger: Ledger, held: Held[Any]) -> None:
    model = MODELS[held.kind].spec
    value = ledger.state.raw(held.kind, held.name)
    if model is None or value is None:
        return
    own = ledger.state.organization
    for field, kind, text in references(value.get("spec"), shape_of(model), "spec"):
        stated, slash, name = text.rpartition("/")
        organization = stated.removeprefix("krate-org-")
        if slash and organization != own and not ledger.state.shares(organization, kind, name):
            _deny(ledger, held, kind, field)


def _deny(ledger: Ledger, held: Held[Any], kind: str, field: str) -> None:
    ledger.denials.add(Denial(kind, field))
    ledger.say("CrossOrgDenied", held.owner, f"{_OUTSIDE}: {kind}", field)
