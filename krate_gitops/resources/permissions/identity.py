"""Step 6: who the agent is in the cluster, and whose runner it gets."""

from __future__ import annotations

import msgspec

from krate_gitops.resources.kinds.identity import AgentServiceAccountSpec
from krate_gitops.resources.permissions.access import AccessQuestion
from krate_gitops.resources.permissions.admission import admits_pool, admits_repository
from krate_gitops.resources.permissions.expand import Expanded
from krate_gitops.resources.permissions.ledger import Denial, Drifted, Ledger, shown
from krate_gitops.resources.permissions.reasons import Owner
from krate_gitops.resources.permissions.roles import is_privileged, judge_account
from krate_gitops.resources.permissions.state import Held

_FIELD = "spec.runtimeIdentity.serviceAccountRef"


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """An account: the object, and the native one; empty texts where it isn't there."""

    service_account_ref: str = ""
    namespace: str = ""
    service_account_name: str = ""
    synced: bool = False


def judge_runtime(ledger: Ledger, expanded: Expanded) -> Identity:
    """The runtime account: there, synced, as it was written, and allowed here."""
    stack = expanded.stack
    name = expanded.account
    account: Held[AgentServiceAccountSpec] | None = ledger.find("AgentServiceAccount", name)
    if account is None:
        ledger.say("MissingServiceAccount", stack.owner, f"{_what(name)} is not there", _FIELD)
        return Identity(name)
    identity = _native(ledger, account, "MissingServiceAccount", _FIELD)
    for what, wanted, admitted in (
        ("runner pool", expanded.names.runner_pool, admits_pool(account.spec, expanded.names.runner_pool, stack.name)),
        (
            "repository",
            ledger.repository,
            admits_repository(account.spec, ledger.repository, stack.name),
        ),
    ):
        if wanted and not admitted:
            message = f"AgentServiceAccount {account.name} may not use {what} {shown(wanted)}"
            ledger.say("ServiceAccountCannotUseRunner", account.owner, message, _field_of(what))
    _project_token(ledger, account)
    if ledger.untrusted:
        _no_privileges(ledger, stack.name, account)
    return identity


def judge_overrides(ledger: Ledger, expanded: Expanded) -> None:
    """Accounts of subagents' own: there, synced, and bound to roles that hold."""
    for subagent in expanded.subagents:
        if subagent.spec.runtime_identity_override is None:
            continue
        field = "spec.runtimeIdentityOverride"
        name = ledger.state.own_name(subagent.spec.runtime_identity_override)
        account: Held[AgentServiceAccountSpec] | None = ledger.find("AgentServiceAccount", name)
        if account is None:
            ledger.say("MissingServiceAccount", subagent.owner, f"{_what(name)} is not there", field)
            continue
        _native(ledger, account, "MissingServiceAccount", field)
        judge_account(ledger, account.name, subagent.owner, field)
        if ledger.untrusted:
            _no_privileges(ledger, "", account)


def judge_runner(ledger: Ledger, expanded: Expanded) -> Identity:
    """The account of the runner pool; none is needed where an external gateway executes."""
    pool = expanded.names.runner_pool
    state = ledger.state
    if ledger.untrusted and not state.policy.is_untrusted_pool(pool):
        message = f"runner pool {shown(pool)} is not for untrusted code"
        ledger.say("UntrustedRunnerRequired", expanded.stack.owner, message, "spec.runnerPool")
    account = state.runner_account(pool)
    if account is None:
        message = f"runner pool {shown(pool)} has no AgentServiceAccount"
        is_needed = not state.policy.external_gateway
        ledger.say("MissingRunnerServiceAccount", Owner("RunnerPool", pool), message, blocking=is_needed)
        return Identity()
    ledger.use(account)
    return _native(ledger, account, "MissingRunnerServiceAccount", "spec.serviceAccountName")


def _what(name: str) -> str:
    return f"AgentServiceAccount {shown(name)}" if name else "an AgentServiceAccount of this organization"


def _field_of(what: str) -> str:
    return "spec.allowedRunnerPools" if what == "runner pool" else "spec.allowedRepositories"


def _native(ledger: Ledger, account: Held[AgentServiceAccountSpec], missing: str, field: str) -> Identity:
    state, spec = ledger.state, account.spec
    identity = Identity(account.name, spec.namespace, spec.service_account_name)
    if spec.namespace != state.namespace:
        ledger.denials.add(Denial("ServiceAccount", "spec.namespace"))
        ledger.say("CrossOrgDenied", account.owner, "the account is outside of the organization", "spec.namespace")
        return identity
    if not state.natives.known:
        return identity
    native = ledger.target("ServiceAccount", spec.service_account_name)
    if native is None and not state.converged:
        message = f"native ServiceAccount {shown(spec.service_account_name)} is not there"
        ledger.say(missing, account.owner, message, field)
        return identity
    if (native is not None and native.drifted) or account.condition("ServiceAccountDrifted")[0] == "True":
        ledger.drifted.add(Drifted(account.kind, account.name))
        ledger.say("ServiceAccountDrifted", account.owner, "the native account is not as it was written", field)
    return msgspec.structs.replace(identity, synced=True)


def _project_token(ledger: Ledger, account: Held[AgentServiceAccountSpec]) -> None:
    state = ledger.state
    if not state.natives.known:
        return
    native = account.spec.service_account_name
    question = AccessQuestion("", "create", "", "serviceaccounts", "token", state.namespace, native)
    answer = ledger.ask(question)
    if answer is None:
        ledger.say("AccessReviewUnavailable", account.owner, "the access review gave no answer about tokens")
    elif not answer or account.condition("TokenProjectionAllowed")[0] == "False":
        ledger.say("TokenProjectionForbidden", account.owner, "tokens of the account can not be projected")


def _no_privileges(ledger: Ledger, stack: str, account: Held[AgentServiceAccountSpec]) -> None:
    """Step 9, for accounts: untrusted code runs as nobody who may change something."""
    for binding in ledger.state.bindings_of(stack, account.name):
        ledger.use(binding)
        if is_privileged(ledger.state, binding.spec):
            message = f"AgentRoleBinding {binding.name} gives more than reading, and the code is untrusted"
            ledger.say("UntrustedRefDenied", account.owner, message)
