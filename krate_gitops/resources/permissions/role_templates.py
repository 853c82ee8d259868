"""The rules of the role templates: what each gives, as native RBAC rules. None reads Secrets or opens a shell."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.identity import ResourceRule

_READ = ("get", "list", "watch")
READING_VERBS = frozenset(_READ)
"""Verbs that change nothing."""
UNPRIVILEGED = ("krate-agent-readonly", "krate-agent-ci-diagnoser", "krate-runner-untrusted")
"""Templates that code of strangers may have."""


def _rule(verbs: tuple[str, ...], *resources: str, group: str = GROUP) -> ResourceRule:
    return ResourceRule(verbs=verbs, api_groups=(group,), resources=resources)


_RUNNER = (
    _rule((*_READ, "create", "delete"), "pods", group=""),
    _rule(("get",), "pods/log", group=""),
    _rule((*_READ, "create", "delete"), "jobs", group="batch"),
)

TEMPLATE_RULES: Mapping[str, tuple[ResourceRule, ...]] = {
    "krate-agent-readonly": (
        _rule(_READ, "agentcontextbundles", "issues", "jobs", "pipelines", "pullrequests", "repositories"),
    ),
    "krate-agent-ci-diagnoser": (_rule(_READ, "agentartifacts", "jobs", "jobs/log", "pipelines"),),
    "krate-agent-repository-repair": (
        _rule(_READ, "agentartifacts", "issues", "jobs", "pipelines", "pullrequests", "repositories"),
        _rule(("create",), "agentartifacts"),
        _rule(("patch",), "issues", "pullrequests"),
    ),
    "krate-agent-workspace-manager": (
        _rule((*_READ, "create", "update", "patch"), "agentworkspaces", "workitemworkspacelinks"),
    ),
    "krate-runner-untrusted": _RUNNER,
    "krate-runner-trusted": _RUNNER,
    "krate-secret-grant-admin": (
        _rule((*_READ, "create", "update", "patch", "delete"), "agentconfiggrants", "agentsecretgrants"),
    ),
    "krate-agent-approver": (
        _rule(_READ, "agentapprovals"),
        _rule(("update", "patch"), "agentapprovals/status"),
    ),
}
"""Rules by the name of a template."""
