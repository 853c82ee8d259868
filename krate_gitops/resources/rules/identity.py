"""Rules about accounts and roles: who an agent is, and that no binding gives more than it may."""

from __future__ import annotations

from collections.abc import Iterator

from krate_gitops.resources.kinds.common import GROUP
from krate_gitops.resources.kinds.identity import (
    ROLE_TEMPLATES,
    AgentRoleBindingSpec,
    AgentServiceAccountSpec,
    BindingSubject,
    ResourceRule,
)
from krate_gitops.resources.kinds.stack import AgentStackSpec
from krate_gitops.resources.manifest import Issue, issue_of, site_of
from krate_gitops.resources.permissions.admission import admits_pool, admits_repository
from krate_gitops.resources.rules.references import MISSING_HINT
from krate_gitops.resources.world import Resource, World, repository_of

_ESCALATING = ("bind", "escalate", "impersonate")
_READING = ("get", "list", "watch")
_EXEC = ("pods/exec", "pods/attach")


def unbound_stack(world: World) -> Iterator[Issue]:
    """KR306: a role binding names the stack or its account."""
    for stack in world.of(AgentStackSpec):
        account = stack.spec.runtime_identity.service_account_ref
        bound = any(
            binding.organization == stack.organization and _names(binding.spec.subject, stack.manifest.name, account)
            for binding in world.known(AgentRoleBindingSpec)
        )
        if not bound:
            message = f"no AgentRoleBinding of these files names AgentStack {stack.manifest.name} or its account"
            field = "spec.runtimeIdentity.serviceAccountRef"
            yield issue_of(stack.manifest, "KR306", message, field, hint=MISSING_HINT)


def _names(subject: BindingSubject, stack: str, account: str) -> bool:
    if subject.kind == "agent-stack" and subject.name == stack:
        return True
    return subject.service_account_ref == account or (subject.kind == "service-account" and subject.name == account)


def cluster_scope(world: World) -> Iterator[Issue]:
    """KR314: bindings hold within namespaces."""
    for one in world.of(AgentRoleBindingSpec):
        if one.spec.scope.kind == "cluster" and not world.context.policy.allow_cluster_role_bindings:
            message = "cluster scope is off unless the installation allows cluster role bindings"
            yield issue_of(one.manifest, "KR314", message, "spec.scope.kind")


def broad_rules(world: World) -> Iterator[Issue]:
    """KR315: rules name their verbs and resources, and give nobody secrets, shells or other people's rights."""
    for one in world.of(AgentRoleBindingSpec):
        for at, rule in enumerate(one.spec.resource_rules):
            for field, message in _too_much(rule):
                yield issue_of(one.manifest, "KR315", message, f"spec.resourceRules[{at}].{field}")


def _too_much(rule: ResourceRule) -> Iterator[tuple[str, str]]:
    for field, values in (
        ("verbs", rule.verbs),
        ("resources", rule.resources),
        ("apiGroups", rule.api_groups),
        ("nonResourceURLs", rule.non_resource_urls),
    ):
        for at, value in enumerate(values):
            if "*" in value:
                yield f"{field}[{at}]", "a rule has no wildcards"
    for at, verb in enumerate(rule.verbs):
        if verb.lower() in _ESCALATING:
            yield f"verbs[{at}]", f"{verb.lower()} gives rights of others"
    for at, resource in enumerate(rule.resources):
        if resource.lower() in _EXEC:
            yield f"resources[{at}]", f"{resource.lower()} opens a shell"
        elif resource.lower().partition("/")[0] == "secrets" and any(verb.lower() in _READING for verb in rule.verbs):
            yield f"resources[{at}]", "no rule reads Secrets"


def account_namespace(world: World) -> Iterator[Issue]:
    """KR316: an account lies in the org namespace."""
    for one in world.of(AgentServiceAccountSpec):
        expected = world.namespace_of(one.organization)
        if one.spec.namespace != expected:
            yield issue_of(one.manifest, "KR316", f"the namespace must be {expected}", "spec.namespace")


def mounted_token(world: World) -> Iterator[Issue]:
    """KR317: tokens aren't mounted unasked."""
    for one in world.of(AgentServiceAccountSpec):
        if one.spec.automount_service_account_token:
            message = "every pod of this account gets its token"
            yield issue_of(one.manifest, "KR317", message, "spec.automountServiceAccountToken")


def unknown_template(world: World) -> Iterator[Issue]:
    """KR318: a role template is one of this program's."""
    for one in world.of(AgentRoleBindingSpec):
        if one.spec.role_ref.kind == "RoleTemplate" and one.spec.role_ref.name not in ROLE_TEMPLATES:
            yield issue_of(one.manifest, "KR318", "unknown role template", "spec.roleRef.name")


def pool_not_allowed(world: World) -> Iterator[Issue]:
    """KR319: an account may use the runner pool of its stack, and be used for its repository."""
    for stack in world.of(AgentStackSpec):
        name = stack.spec.runtime_identity.service_account_ref
        account: Resource[AgentServiceAccountSpec] | None = world.find(stack.organization, "AgentServiceAccount", name)
        if account is None:
            continue
        pool, repository = stack.spec.runner_pool, repository_of(stack.manifest)
        if pool is not None and not admits_pool(account.spec, pool, stack.manifest.name):
            related = ((site_of(account.manifest, "spec.allowedRunnerPools"), "the pools it may use"),)
            message = f"AgentServiceAccount {name} may not use this runner pool"
            yield issue_of(stack.manifest, "KR319", message, "spec.runnerPool", related=related)
        if repository and not admits_repository(account.spec, repository, stack.manifest.name):
            related = ((site_of(account.manifest, "spec.allowedRepositories"), "the repositories it is for"),)
            message = f"AgentServiceAccount {name} may not be used for this repository"
            field = f"metadata.labels.{GROUP}/repository"
            yield issue_of(stack.manifest, "KR319", message, field, related=related)
