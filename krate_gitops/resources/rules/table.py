"""Every rule that files alone decide: its code, name, effect, what must hold, what to do, and its checks.

Codes are stable and never used again. Those that need a cluster, a record or a package are in ``elsewhere``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping

import msgspec

from krate_gitops.brain.model import Severity
from krate_gitops.resources.manifest import Issue
from krate_gitops.resources.rules import (
    capabilities,
    cycles,
    document,
    grants,
    identity,
    limits,
    places,
    references,
    secrets,
    tenancy,
    triggers,
)
from krate_gitops.resources.rules.shape import of_shape
from krate_gitops.resources.world import World

Check = Callable[[World], Iterator[Issue]]


class Effect(enum.StrEnum):
    """What a breach leads to."""

    REJECT = "reject"
    """The revision is refused as a whole."""
    STOP = "stop"
    """The pass ends: what was to be read can't be trusted to be all there is."""
    BLOCK = "block"
    """The object is applied, but it isn't ready and nothing is dispatched with it."""
    HOLD = "hold"
    """The object isn't applied; others are."""
    WARN = "warn"
    """It is reported."""
    REFUSE = "refuse"
    """A change to Git isn't made."""

    @property
    def severity(self) -> Severity:
        """How reports rank it."""
        return Severity.ERROR if self in (Effect.REJECT, Effect.STOP, Effect.REFUSE) else Severity.WARNING


class Rule(msgspec.Struct, frozen=True):
    """One rule. Without ``checks`` it is found while files are read."""

    code: str
    name: str
    effect: Effect
    checks: str
    hint: str
    run: tuple[Check, ...] = ()

    @property
    def severity(self) -> Severity:
        """How reports rank it."""
        return self.effect.severity


_R, _S, _B, _W = Effect.REJECT, Effect.STOP, Effect.BLOCK, Effect.WARN


def _rule(number: int, name: str, effect: Effect, checks: str, hint: str, *run: Check) -> Rule:
    return Rule(f"KR{number:03}", name, effect, checks, hint, run)


def _shape(number: int, name: str, checks: str, hint: str, *more: Check) -> Rule:
    """A rule that the models decide, and perhaps further checks."""
    return _rule(number, name, _R, checks, hint, of_shape(f"KR{number:03}"), *more)


_GRANT = "grant the keys, or make sure that a grant is in the cluster already"

_RULES = (
    # Documents
    _rule(1, "not-parseable", _R, "a file is UTF-8 text, and each document of plain YAML or JSON is a map",
          "correct the syntax at this place"),
    _rule(2, "duplicate-key", _R, "no map has the same key twice", "keep one of the two"),
    _rule(3, "unknown-api-version", _R, "apiVersion is krate.a5c.ai/v1alpha1 or an admitted native version",
          "write apiVersion: krate.a5c.ai/v1alpha1", document.unknown_version),
    _rule(4, "unknown-kind", _R, "the kind is one of the inventory", "correct the kind; the reference lists all",
          document.unknown_kind),
    _rule(5, "missing-name", _R, "metadata.name is a text", "name the object", document.missing_name),
    _rule(6, "invalid-name", _R, "names are DNS-1123 labels and never generated",
          "use lower case letters, digits and -, at most 63", document.bad_name),
    _rule(7, "missing-spec", _R, "spec is a map", "add the spec of the kind", document.missing_spec),
    _shape(8, "missing-field", "required fields are there and not empty", "add the field"),
    _shape(9, "wrong-type", "a value has the type and form of its field", "write the value in the form of its field",
           document.wrong_metadata),
    _shape(10, "unknown-choice", "a value is one of those its field admits", "use one of them",
           places.unlisted_kinds),
    _shape(11, "out-of-range", "numbers and durations are within the bounds of their field",
           "use a value within the bounds", places.short_interval),
    _shape(12, "unknown-field", "every field is known", "correct its name, or remove it", document.unknown_fields),
    _rule(13, "status-in-git", _W, "Git says nothing about observed state", "remove it", document.status_in_git),
    _rule(14, "server-metadata", _R, "Git holds nothing that the API server writes", "remove it",
          document.server_metadata),
    _rule(15, "defined-twice", _R, "no two documents are the same object", "keep one, or rename the other",
          document.twice),
    _rule(16, "not-for-git", _R, "records and projections are written by controllers only", "remove the document",
          document.never_in_git),
    _rule(17, "kind-not-admitted", _R, "native kinds come only where a source admits them", "remove the document",
          document.not_admitted),
    _shape(18, "too-large", "texts and objects keep within their limits", "shorten it"),
    _rule(19, "invalid-label", _R, "labels and annotations are well formed and claim no ownership or consent",
          "correct or remove it", document.bad_labels),
    _shape(20, "superseded-field", "fields of earlier designs are not used", "use the field of today"),
    _shape(21, "condition-broken", "fields that hang together agree", "correct one of the fields",
           tenancy.global_server),
    # Organizations
    _shape(101, "organization-missing", "organizationRef says whose an object is", "add spec.organizationRef"),
    _rule(102, "other-organization", _R, "objects belong to the organization of their source",
          "move it to a source of its organization", tenancy.other_organization),
    _rule(103, "other-namespace", _R, "objects lie in the namespace of their organization",
          "correct it, or leave it out", tenancy.other_namespace),
    _rule(104, "contradicting-label", _R, "labels of organization and namespace agree with the object",
          "correct it, or leave it out", tenancy.contradicting_labels),
    _shape(105, "invalid-slug", "slugs are in normal form: a-z, 0-9 and -, at most 53", "normalise the slug",
           tenancy.long_slug),
    _rule(106, "binding-not-unique", _B, "an organization has exactly one namespace binding",
          "add the binding, or keep one; it may be in another source", tenancy.bindings),
    _rule(107, "namespace-taken", _R, "a namespace is bound to one organization", "choose another namespace",
          tenancy.bound_twice),
    _rule(108, "cross-organization", _R, "references stay in the organization, unless a sharing policy admits them",
          "use an own object, or have the sharing admitted by both sides", references.across_organizations),
    _rule(109, "sharing-expired", _B, "sharing policies have not expired", "renew it with its owner, or remove it",
          tenancy.expired_sharing),
    _rule(110, "platform-kind", _R, "platform kinds come from platform sources only",
          "move it to a platform source", tenancy.platform_kind),
    _rule(111, "foreign-target", _R, "Secrets and ConfigMaps are those of the org namespace",
          "leave the namespace out", tenancy.foreign_targets),
    _rule(112, "reserved-namespace", _R, "organizations get no namespace of Kubernetes or the platform",
          "choose another namespace", tenancy.reserved_namespace),
    # Capabilities
    _rule(201, "unresolved-reference", _B, "what is referenced exists", references.MISSING_HINT,
          references.unresolved("KR201")),
    _rule(202, "stack-not-listed", _B, "servers and skills admit the stacks that use them",
          "list the stack in allowedAgentStacks", capabilities.not_admitted_here),
    _rule(203, "dependency-cycle", _R, "skills, MCP servers and subagents do not need each other in a circle",
          "take one of the references out", cycles.dependency_cycle),
    _rule(204, "wider-subagent", _B, "a subagent has nothing that its stack lacks",
          "take it off, or give it to the stack",
          capabilities.wider_subagent, capabilities.wider_workspace),
    _rule(205, "too-parallel", _B, "subagents run no more at once than adapter and workspace admit",
          "lower maxParallelTasks", limits.parallel_subagent),
    _rule(206, "label-not-allowed", _B, "context labels admit the stack, repository and source they are used for",
          "list it in the label, or use another label", capabilities.label_not_allowed, capabilities.unlike_source,
          capabilities.foreign_repository),
    _rule(207, "forbidden-fragment", _R, "texts of labels and skills hide nothing and grant nothing",
          "say it in the fields of the stack", capabilities.forbidden_fragment),
    _rule(208, "invalid-pattern", _R, "patterns and matchers compile", "correct the pattern",
          capabilities.bad_patterns),
    _rule(209, "allowed-and-denied", _W, "no command is both allowed and denied", "remove one of the two",
          capabilities.allowed_and_denied),
    _rule(210, "too-broad", _B, "files and network are no wider than repository and runner pool permit",
          "narrow the tool profile, or use a trusted pool", limits.broad_profile),
    _rule(211, "unfit-adapter", _B, "the adapter has what a stack wants of it", "use what it has, or another adapter",
          limits.unfit_adapter),
    _rule(212, "approval-mode", _B, "the organization allows the approval mode", "use a mode that is allowed",
          limits.forbidden_mode),
    _rule(213, "memory-unresolved", _B, "memory repositories exist", references.MISSING_HINT,
          references.unresolved("KR213")),
    # Secrets, identities, grants
    _rule(301, "value-field", _R, "no field is named as if it held a secret value",
          "name the Secret and its keys, and grant them", secrets.value_fields),
    _rule(302, "secret-literal", _R, "nothing in a file looks like a credential",
          "take it out, revoke it, and refer to a Secret by name"),
    _rule(303, "secret-manifest", _R, "Secrets are never kept in Git", "create it in the cluster, and grant its keys",
          secrets.secret_manifests),
    _shape(304, "keys-not-named", "keys of grants are named one by one", "name the keys", secrets.wild_keys),
    _rule(305, "account-missing", _B, "service accounts exist", references.MISSING_HINT,
          references.unresolved("KR305")),
    _rule(306, "role-binding-missing", _B, "a role binding names the stack or its account", references.MISSING_HINT,
          references.unresolved("KR306"), identity.unbound_stack),
    _rule(307, "secret-not-granted", _B, "a grant covers each Secret key that a stack needs", _GRANT,
          references.unresolved("KR307"), grants.ungranted_secrets),
    _rule(308, "config-not-granted", _B, "a grant covers each ConfigMap key that a stack needs", _GRANT,
          references.unresolved("KR308"), grants.ungranted_configs),
    _rule(311, "grant-for-all-repositories", _W, "a grant names its repositories", "list allowedRepositories",
          grants.every_repository),
    _rule(312, "grant-for-untrusted-refs", _W, "a grant takes in no refs of pull requests", "name trusted refs",
          grants.untrusted_refs),
    _rule(314, "cluster-scope", _R, "role bindings hold within namespaces", "use a narrower scope",
          identity.cluster_scope),
    _rule(315, "broad-rule", _R, "role rules have no wildcards, secrets, shells or rights of others",
          "name verbs and resources one by one", identity.broad_rules),
    _rule(316, "account-namespace", _R, "service accounts lie in the org namespace", "correct the namespace",
          identity.account_namespace),
    _rule(317, "token-mounted", _W, "tokens are not mounted unasked", "leave automountServiceAccountToken out",
          identity.mounted_token),
    _rule(318, "unknown-template", _B, "role templates are those of this program",
          "use one of the templates, or a Role", identity.unknown_template),
    _rule(319, "pool-not-allowed", _B, "service accounts may use runner pool and repository of their stack",
          "list it in the account, or have an owner that has it", identity.pool_not_allowed),
    # Triggers and workspaces
    _rule(401, "invalid-cron", _R, "schedules are cron expressions of five fields",
          "write minute hour day month weekday",
          triggers.bad_cron),
    _rule(402, "target-missing", _B, "stack or definition of a trigger rule exists", references.MISSING_HINT,
          references.unresolved("KR402")),
    _shape(403, "no-target", "a trigger rule names agentStack or agentDefinition", "add one of them"),
    _rule(404, "unbounded-key", _B, "dedupe keys name a source object or commit",
          "add {{pullRequest}}, {{sha}} or the like", triggers.unbounded_key),
    _rule(405, "unknown-placeholder", _B, "templates name what an event has", "use a placeholder of the reference",
          triggers.unknown_placeholder),
    _rule(406, "gate-closed", _W, "rules are active only where the installation has trigger rules on",
          "leave it a draft, or have the gate opened", limits.closed_gate),
    _rule(407, "webhook-unsigned", _B, "a grant names the secret that signs webhooks",
          "add an AgentSecretGrant with purpose webhook-signing", triggers.unsigned_webhook),
    _rule(408, "wider-targets", _R, "a trigger rule writes back only where its stack may",
          "take the target off, or allow it in the stack", triggers.wider_targets),
    _shape(409, "unsafe-context", "context is redacted and at most 768000 bytes", "leave the field out"),
    _rule(410, "unlike-trust", _B, "workspace and runner pool are of one trust", "use a pool or policy of the same",
          limits.unlike_trust),
    _rule(411, "escaping-path", _R, "cleanup stays below the workspace", "use a relative path without ..",
          places.escaping_path),
    # Sources
    _shape(704, "unsafe-address", "addresses have no credentials and a scheme that is admitted",
           "use https or ssh, and credentialsSecretRef"),
    _rule(706, "limit-exceeded", _S, "files and objects keep within the limits of a source",
          "split the source, or leave files out"),
    _rule(709, "unsafe-path", _S, "no symbolic link, and no path that means another place",
          "commit a plain file under a plain name"),
    _rule(710, "path-missing", _S, "the folder of the source is in the commit", "correct the path"),
    _rule(732, "switched-off", _W, "nothing is kept from being pruned or updated",
          "remove the annotation when it is over",
          places.switched_off),
)  # fmt: skip

RULES: Mapping[str, Rule] = {rule.code: rule for rule in _RULES}
"""All rules by code."""
