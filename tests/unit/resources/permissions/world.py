"""An organization in which one stack has everything it needs, and edits that take something away."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from krate_gitops.resources.permissions.access import Answers
from krate_gitops.resources.permissions.natives import NativeObject, Natives
from krate_gitops.resources.permissions.policy import ReviewPolicy
from krate_gitops.resources.permissions.request import Actor, ReviewRequest
from krate_gitops.resources.permissions.result import Review
from krate_gitops.resources.permissions.review import required_access, review
from krate_gitops.resources.permissions.state import ReviewState

NOW = 1_780_000_000
NAMESPACE = "krate-org-acme"
Object = dict[str, Any]
Identity = tuple[str, str]


def make(kind: str, name: str, **spec: Any) -> Object:
    """An object at generation 1 without a status."""
    return {
        "apiVersion": "krate.a5c.ai/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1},
        "spec": {"organizationRef": "acme", **spec},
    }


def grant(name: str = "log-token", subject: Mapping[str, Any] | None = None, **spec: Any) -> Object:
    """A grant of the key that the log server needs, to the server unless somebody else is named."""
    defaults = {
        "subject": dict(subject or {"kind": "mcp-server", "name": "logs"}),
        "secretRef": {"name": "log-login", "keys": ["token"]},
        "purpose": "mcp-server",
        "allowedRepositories": ["payments"],
    }
    return make("AgentSecretGrant", name, **{**defaults, **spec})


def config_grant(name: str = "log-settings", **spec: Any) -> Object:
    """A grant of the settings that the log server needs."""
    defaults = {
        "subject": {"kind": "mcp-server", "name": "logs"},
        "configMapRef": {"name": "log-settings", "keys": ["url"]},
        "purpose": "mcp-config",
        "allowedRepositories": ["payments"],
    }
    return make("AgentConfigGrant", name, **{**defaults, **spec})


def good_objects() -> dict[Identity, Object]:
    """Stack ``triage`` with a server that needs a Secret and a ConfigMap, and everything else it takes in."""
    stack = make(
        "AgentStack", "triage", baseAgent="codex", adapter="codex", runtimeIdentity={"serviceAccountRef": "agent"},
        toolProfileRef="readonly", mcpServerRefs=["logs"], skillRefs=["reading"], subagentRefs=["helper"],
        contextLabelRefs=["money"], memoryRepositoryRefs=["brain"], workspacePolicyRef="look-only",
        runnerPool="untrusted-linux",
    )  # fmt: skip
    found = [
        stack,
        make(
            "AgentToolProfile", "readonly", filesystemPolicy="read-only", approvalPolicyByTool={"git": "allow"},
            nativeTools={"git": True, "codeSearch": True}, requiredRoles=["krate-agent-readonly"],
        ),
        make(
            "AgentMcpServer", "logs", transport="stdio", command="logs", scope="org", lazy=True,
            secretRefs=[{"name": "log-login", "keys": ["token"]}],
            configMapRefs=[{"name": "log-settings", "keys": ["url"]}],
        ),
        make("AgentSkill", "reading", format="inline", sourceRef={"kind": "inline"}, promptFragment="Read."),
        make("AgentSubagent", "helper", rolePrompt="Help.", taskKinds=["triage"], mcpServerRefs=["logs"]),
        make(
            "AgentContextLabel", "money", promptFragment="Cents.", allowedSources=["manual"], reviewedBy=["dana"]
        ),
        make(
            "AgentMemoryRepository", "brain", repositoryRef="acme/brain", defaultBranch="main",
            layoutProfile="atlas-md-yaml-v1",
        ),
        make(
            "AgentMemorySource", "all", repositoryRef="brain", appliesTo={"stacks": ["triage"]},
            include={"paths": ["**"]},
        ),
        make("AgentWorkspacePolicy", "look-only", mode="read-only", retentionPolicy={}, maxConcurrentSessions=4),
        make(
            "AgentServiceAccount", "agent", namespace=NAMESPACE, serviceAccountName="agent",
            allowedRepositories=["payments"], allowedRunnerPools=["untrusted-linux"],
        ),
        make(
            "AgentServiceAccount", "runner", namespace=NAMESPACE, serviceAccountName="runner",
            owner={"kind": "RunnerPool", "name": "untrusted-linux"},
        ),
        make(
            "AgentRoleBinding", "reader", subject={"kind": "service-account", "name": "agent"},
            roleRef={"kind": "RoleTemplate", "name": "krate-agent-readonly"},
            scope={"kind": "repository", "name": "payments"},
        ),
        grant(),
        config_grant(),
    ]  # fmt: skip
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def good_natives() -> dict[Identity, NativeObject]:
    """Native objects that the good objects need."""
    found = [
        NativeObject(kind="ServiceAccount", name="agent", version="11"),
        NativeObject(kind="ServiceAccount", name="runner", version="12"),
        NativeObject(kind="Secret", name="log-login", version="21", keys=("token",)),
        NativeObject(kind="ConfigMap", name="log-settings", version="22", keys=("url",)),
    ]
    return {(one.kind, one.name): one for one in found}


class World:
    """Objects, native objects, policy and request of one test; edit them, then ``review``."""

    def __init__(self) -> None:
        self.objects = good_objects()
        self.natives = good_natives()
        self.policy = ReviewPolicy()
        self.request = ReviewRequest(
            organization_ref="acme", agent_stack="triage", repository="payments", ref="refs/heads/main",
            actor=Actor(user="dana", groups=("maintainers",)),
        )  # fmt: skip
        self.answer: bool | None = True
        self.refused: Callable[[Any], bool] = lambda question: False

    def spec(self, kind: str, name: str) -> Object:
        """The spec of an object, to be edited."""
        spec: Object = self.objects[kind, name]["spec"]
        return spec

    def put(self, *objects: Object) -> None:
        """Adds objects, or puts them in place of those of their names."""
        for one in objects:
            self.objects[one["kind"], one["metadata"]["name"]] = one

    def status(self, kind: str, name: str, *conditions: tuple[str, str], stale: bool = False, **status: Any) -> None:
        """Gives an object a status, about its present generation unless it is stale."""
        one = self.objects[kind, name]
        if stale:
            one["metadata"]["generation"] = 2
        told = [{"type": kind, "status": value, "observedGeneration": 1} for kind, value in conditions]
        one["status"] = {"observedGeneration": 1, "conditions": told, **status}

    def native(self, kind: str, name: str, **fields: Any) -> None:
        """Changes what is known of a native object, or adds one."""
        known = self.natives.get((kind, name), NativeObject(kind=kind, name=name))
        self.natives[kind, name] = msgspec.structs.replace(known, **fields)

    def ask(self, **fields: Any) -> None:
        """Changes the request."""
        self.request = msgspec.structs.replace(self.request, **fields)

    def settle(self, **fields: Any) -> None:
        """Changes the policy."""
        self.policy = msgspec.structs.replace(self.policy, **fields)

    def state(self, *, access: Answers | None = None, converged: bool = False) -> ReviewState:
        """The state as it is now."""
        return ReviewState.build(
            copy.deepcopy(list(self.objects.values())), Natives(self.natives.values()), access,
            organization="acme", now=NOW, policy=self.policy, converged=converged,
        )  # fmt: skip

    def answered(self, *, converged: bool = False) -> ReviewState:
        """The state with everything answered that a review asks."""
        state = self.state(converged=converged)
        return state.with_access(self.answers(required_access(self.request, state)))

    def answers(self, questions: Any) -> Answers:
        """The answers of this world to questions."""
        return {one: False if self.refused(one) else self.answer for one in questions}

    def review(self, *, converged: bool = False) -> Review:
        """The review of the request."""
        return review(self.request, self.answered(converged=converged))


def codes(found: Review, *, blocking: bool = True) -> list[str]:
    """Codes of the blocking reasons, or of the others."""
    return [reason.code for reason in found.reasons if reason.blocking == blocking]
