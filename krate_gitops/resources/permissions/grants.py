"""Step 8 and 9: for each key that is needed the grant that counts, by precedence, or why there is none.

A deny counts before everything: a Secret that the stack filters out, a revoked grant, a ref that a grant excludes. Then
a missing target, then grants from the narrowest subject to the broadest. The narrowest one that fits decides, also
whether a person must approve.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from krate_gitops.resources.kinds.grants import GrantSubject
from krate_gitops.resources.permissions.expand import Expanded
from krate_gitops.resources.permissions.grant_health import GRANT_KIND, GrantSpec, stale_because, target_of, warn
from krate_gitops.resources.permissions.ledger import Ledger, shown
from krate_gitops.resources.permissions.natives import NativeObject
from krate_gitops.resources.permissions.needs import Need
from krate_gitops.resources.permissions.reasons import Owner
from krate_gitops.resources.permissions.state import Held
from krate_gitops.resources.permissions.trust import admits, excludes, names_untrusted

Result = Literal[
    "allowed", "requires-approval", "missing-grant", "missing-target", "missing-key", "stale-grant", "denied"
]
_EXACT, _STACK, _CAPABILITY, _TEAM, _ORGANIZATION = range(3, 8)
"""Ranks of subjects, as the order of precedence counts them."""


class Granted(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False):
    """Keys of a target and what became of them; ``grant`` is empty where none counts."""

    name: str
    keys: tuple[str, ...]
    purpose: str
    owner: Owner
    result: Result
    grant: str = ""
    mount_policy: str = ""
    metadata_version: str = ""


class MissingGrant(msgspec.Struct, frozen=True, rename="camel", order=True):
    """A grant that would have to be there."""

    kind: str
    name: str
    keys: tuple[str, ...]
    purpose: str
    owner: Owner


class Finding(NamedTuple):
    """What became of one key. ``code`` and ``message`` are empty where it is allowed."""

    result: Result
    grant: Held[Any] | None = None
    code: str = ""
    message: str = ""


def judge(
    ledger: Ledger, expanded: Expanded, needs: list[Need]
) -> tuple[list[tuple[Need, Granted]], list[MissingGrant]]:
    """What became of every need, in their order, and the grants that are missing."""
    found: list[tuple[Need, Granted]] = []
    missing: list[MissingGrant] = []
    used: set[tuple[str, str]] = set()
    for need in needs:
        native = ledger.target(need.kind, need.name)
        grants = ledger.state.grants_for(GRANT_KIND[need.kind], need.name)
        ranked = [(rank, grant) for grant in grants if (rank := rank_of(grant.spec.subject, need, expanded, ledger))]
        groups: dict[tuple[str, str], tuple[Finding, list[str]]] = {}
        for key in need.keys or ("",):
            finding = _judge_key(ledger, expanded, need, key, native, ranked)
            of = finding.result, "" if finding.grant is None else finding.grant.name
            groups.setdefault(of, (finding, []))[1].append(key)
        for finding, named in groups.values():
            keys = tuple(key for key in named if key)
            _tell(ledger, need, finding, keys)
            if finding.grant is not None:
                used.add((finding.grant.kind, finding.grant.name))
            if finding.result == "missing-grant":
                missing.append(MissingGrant(GRANT_KIND[need.kind], need.name, keys, need.purpose, need.owner))
            found.append((need, _granted(need, finding, keys, native)))
    _stale_others(ledger, expanded, used)
    return found, sorted(missing)


def rank_of(subject: GrantSubject, need: Need, expanded: Expanded, ledger: Ledger) -> int:
    """How narrow a subject is, 3 the narrowest; 0 where it is somebody else."""
    stack, account = expanded.stack.name, expanded.account
    if subject.stack_ref not in (None, stack) or subject.service_account_ref not in (None, account):
        return 0
    actor = ledger.request.actor
    if subject.kind == "service-account":
        return _EXACT if account and subject.name == account else 0
    if subject.kind == "user":
        return _EXACT if actor.user and subject.name == actor.user else 0
    if subject.kind == "agent-stack":
        return _STACK if subject.name == stack else 0
    if subject.kind == "team":
        return _TEAM if subject.name in actor.groups else 0
    if subject.kind == "runner-pool":
        return _ORGANIZATION if subject.name == expanded.names.runner_pool else 0
    if subject.kind != need.subject or subject.name != need.owner.name:
        return 0
    # A capability's own grant, for this stack alone where it says so.
    return _EXACT if subject.stack_ref or subject.service_account_ref else _CAPABILITY


def _judge_key(
    ledger: Ledger,
    expanded: Expanded,
    need: Need,
    key: str,
    native: NativeObject | None,
    ranked: list[tuple[int, Held[Any]]],
) -> Finding:
    fitting = sorted(
        ((rank, grant) for rank, grant in ranked if _fits(ledger, grant.spec, need, key)),
        key=lambda pair: (pair[0], pair[1].name),
    )
    for _, grant in fitting:
        ledger.use(grant)
    denied = _denied(ledger, expanded, need, [grant for _, grant in fitting])
    if denied is not None:
        return denied
    if ledger.state.natives.known and native is None:
        return Finding("missing-target", None, f"{need.kind}Missing", f"{need.kind} {shown(need.name)} is not there")
    stale: Held[Any] | None = None
    distrusted: Held[Any] | None = None
    for _, grant in fitting:
        if not _admits_ref(ledger, expanded, need, grant.spec):
            distrusted = distrusted or (grant if ledger.untrusted else None)
        elif stale_because(ledger, grant, native):
            stale = stale or grant
        else:
            return _with_key(ledger, need, key, native, grant)
    if ledger.untrusted and (distrusted is not None or need.kind == "Secret"):
        message = (
            f"{need.owner.kind} {shown(need.owner.name)} gets no {need.kind} {shown(need.name)} for untrusted code"
        )
        return Finding("denied", distrusted, "UntrustedRefDenied", message)
    if stale is not None:
        return Finding("stale-grant", stale, "GrantStale", stale_because(ledger, stale, native))
    return _missing(need)


def _fits(ledger: Ledger, spec: GrantSpec, need: Need, key: str) -> bool:
    """Whether a grant is for the key, purpose, repository and trigger source; its refs aside."""
    request = ledger.request
    return (
        (not key or key in target_of(spec).keys)
        and spec.purpose == need.purpose
        and _is_among(ledger.repository, spec.allowed_repositories)
        and _is_among(request.trigger_source, spec.allowed_trigger_sources)
    )


def _is_among(one: str, allowed: tuple[str, ...]) -> bool:
    return not one or not allowed or one in allowed


def _denied(ledger: Ledger, expanded: Expanded, need: Need, grants: list[Held[Any]]) -> Finding | None:
    """An explicit deny, which no grant overrides."""
    code = f"{'Secret' if need.kind == 'Secret' else 'Config'}Denied"
    listed = expanded.stack.spec.secret_policy.allowed_secret_refs
    if need.kind == "Secret" and listed and need.name not in listed:
        return Finding("denied", None, code, f"secretPolicy of the stack does not list Secret {shown(need.name)}")
    for grant in grants:
        if grant.phase == "Revoked" or grant.condition("Ready") == ("False", "Revoked"):
            return Finding("denied", grant, code, f"{grant.kind} {grant.name} was revoked")
        if excludes(grant.spec.allowed_refs, ledger.request.ref):
            return Finding("denied", grant, code, f"{grant.kind} {grant.name} excludes this ref")
    return None


def _admits_ref(ledger: Ledger, expanded: Expanded, need: Need, spec: GrantSpec) -> bool:
    ref = ledger.request.ref
    if not ledger.untrusted:
        return admits(spec.allowed_refs, ref)
    on_forks = need.kind != "Secret" or expanded.stack.spec.secret_policy.allow_on_forks
    return on_forks and names_untrusted(spec.allowed_refs, ref)


def _with_key(ledger: Ledger, need: Need, key: str, native: NativeObject | None, grant: Held[Any]) -> Finding:
    wanted = (key,) if key else target_of(grant.spec).keys
    if native is not None and native.keys is None and not ledger.state.policy.metadata_blind:
        return Finding(
            "missing-key", grant, f"{_short(need)}KeyMissing", f"keys of {need.kind} {shown(need.name)} can not be read"
        )
    if native is not None and native.keys is not None:
        lacking = [one for one in wanted if one not in native.keys]
        if lacking:
            message = f"{need.kind} {shown(need.name)} lacks {', '.join(map(shown, lacking[:5]))}"
            return Finding("missing-key", grant, f"{_short(need)}KeyMissing", message)
    # Untrusted code got here by a named exception only, and then a person always decides.
    by_exception = ledger.untrusted and need.kind == "Secret"
    asked = grant.spec.required_approval
    if by_exception or asked == "always" or (asked == "on-untrusted-ref" and ledger.untrusted):
        return Finding("requires-approval", grant)
    return Finding("allowed", grant)


def _missing(need: Need) -> Finding:
    which = f" {', '.join(map(shown, need.keys[:5]))}" if need.keys else ""
    message = (
        f"{need.owner.kind} {shown(need.owner.name)} needs{which} of {need.kind} {shown(need.name)}; no grant fits"
    )
    if need.kind == "ConfigMap":
        return Finding("missing-grant", None, "MissingConfigGrant", message)
    code = "ToolSecretNotGranted" if need.subject == "tool" else "MissingSecretGrant"
    return Finding("missing-grant", None, code, message)


def _short(need: Need) -> str:
    return "Secret" if need.kind == "Secret" else "Config"


def _granted(need: Need, finding: Finding, keys: tuple[str, ...], native: NativeObject | None) -> Granted:
    grant = finding.grant
    is_used = grant is not None and finding.result in ("allowed", "requires-approval")
    return Granted(
        name=need.name,
        keys=keys,
        purpose=need.purpose,
        owner=need.owner,
        result=finding.result,
        grant="" if grant is None else grant.name,
        mount_policy=grant.spec.mount_policy if grant is not None and is_used else "",
        metadata_version="" if native is None else native.version,
    )


def _tell(ledger: Ledger, need: Need, finding: Finding, keys: tuple[str, ...]) -> None:
    grant = finding.grant
    if finding.code:
        owner = grant.owner if grant is not None and finding.code == "GrantStale" else need.owner
        ledger.say(finding.code, owner, finding.message, need.field)
    if grant is None:
        return
    if finding.result == "requires-approval":
        by_exception = ledger.untrusted and need.kind == "Secret"
        rule = "untrusted-exception" if by_exception else f"required-approval-{grant.spec.required_approval}"
        ledger.approve("secret-access", rule, grant.owner, f"{grant.kind} {grant.name} asks for an approval")
    warn(ledger, grant)


def _stale_others(ledger: Ledger, expanded: Expanded, used: set[tuple[str, str]]) -> None:
    """Grants to the stack that nothing needs now: being stale, they are worth a warning."""
    for kind, native_kind in (("AgentSecretGrant", "Secret"), ("AgentConfigGrant", "ConfigMap")):
        for grant in ledger.state.grants_to(kind, "agent-stack", expanded.stack.name):
            if (kind, grant.name) in used:
                continue
            native = ledger.target(native_kind, target_of(grant.spec).name)
            ledger.use(grant)
            if because := stale_because(ledger, grant, native):
                ledger.say("GrantStale", grant.owner, because, blocking=False)
