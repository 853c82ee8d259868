"""For each rule the smallest manifest that breaks it, marked where, and the edit that mends it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from krate_gitops.resources.permissions.policy import Limits, ReviewPolicy
from tests.unit.resources.sample import ACCOUNT, BINDING, document, stack, stream, whole


class Case(NamedTuple):
    """A text with ``§`` before each place that the rule must point at; ``mend`` replaces text to make it right."""

    code: str
    bad: str
    mend: tuple[str, str]
    org: str | None = None
    context: Mapping[str, Any] = MappingProxyType({})
    """What else is known of the source."""


def organization(*lines: str, name: str = "acme") -> str:
    return document("Organization", "displayName: Acme", *lines, name=name, org="")


def binding(*lines: str, name: str = "acme", org: str = "acme") -> str:
    return document("OrgNamespaceBinding", *lines, name=name, org=org)


def server(*lines: str, name: str = "logs") -> str:
    return document("AgentMcpServer", "transport: stdio", "command: logs", "scope: org", *lines, name=name)


def rule(*lines: str) -> str:
    return stream(whole(stack()), document("AgentTriggerRule", "agentStack: triage", "taskKind: diagnostic", *lines))


def profile(*lines: str) -> str:
    return document(
        "AgentToolProfile", "filesystemPolicy: read-only", "approvalPolicyByTool: {git: allow}", *lines, name="readonly"
    )


def label(*lines: str) -> str:
    return document("AgentContextLabel", "allowedSources: [pipeline]", *lines, name="money")


def role(*lines: str) -> str:
    return document("AgentRoleBinding", "subject: {kind: user, name: dana}", *lines)


def template(*lines: str, scope: str = "namespace") -> str:
    read_only = "roleRef: {kind: RoleTemplate, name: krate-agent-readonly}"
    return role(read_only, f"scope: {{kind: {scope}, name: x}}", *lines)


def grant(*lines: str, target: str = "name: logs", keys: str = "[login]", limited: bool = True) -> str:
    return document(
        "AgentSecretGrant",
        "subject: {kind: mcp-server, name: logs}",
        f"secretRef: {{{target}, keys: {keys}}}",
        "purpose: mcp-server",
        *(("allowedRepositories: [payments]",) if limited else ()),
        *lines,
    )


def policy(until: str) -> str:
    return document(
        "OrgSharingPolicy",
        "sourceOrg: acme",
        "targetOrg: other",
        "allowedRefs: [{kind: AgentToolProfile, name: readonly}]",
        f"expiresAt: {until}",
        org="",
    )


def helper(*lines: str) -> str:
    return document("AgentSubagent", "rolePrompt: Help.", "taskKinds: [triage]", *lines, name="helper")


def adapter(capabilities: str) -> str:
    return document(
        "AgentAdapter", "adapterType: remote", "transport: http", f"capabilities: {{{capabilities}}}", name="codex"
    )


def config_rule(rule_lines: str) -> str:
    return template(f"resourceRules: [{rule_lines}]")


_HEAD = "apiVersion: krate.a5c.ai/v1alpha1\nkind: "
_CRON = "sources: [schedule]"
_LABELS = "labels: {§krate.a5c.ai/gitops-source: mine}"
_OWNER = "owner: {kind: Organization, name: acme}"
_HIDDEN = "An\\u200b amount"

CASES = (
    # Documents
    Case("KR001", "a: §[1, 2\n", ("[1, 2", "[1, 2]")),
    Case("KR001", "§- a\n- b\n", ("- a\n- b", "a: b")),
    Case("KR001", "a: §!!str x\n", ("!!str ", "")),
    Case("KR002", "a: 1\n§a: 2\n", ("a: 2", "b: 2")),
    Case("KR003", "apiVersion: §krate.a5c.ai/v1\nkind: AgentStack\n", ("/v1\n", "/v1alpha1\n")),
    Case("KR004", document("§AgentStak"), ("AgentStak", "AgentStack")),
    Case("KR005", "apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentSoul\n§metadata: {}\n", ("{}", "{name: a}")),
    Case("KR006", stack(name="§Triage"), ("Triage", "triage")),
    Case("KR006", stack(metadata="§generateName: triage-"), ("generateName: triage-", "namespace: krate-org-acme")),
    Case(
        "KR007",
        "§apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentSoul\nmetadata: {name: a}\n",
        ("{name: a}\n", "{name: a}\nspec: {}\n"),
    ),
    Case(
        "KR008",
        stack().replace("  adapter: codex\n", "").replace("spec:", "§spec:"),
        ("spec:\n", "spec:\n  adapter: codex\n"),
    ),
    Case("KR008", stack().replace("adapter: codex", 'adapter: §""'), ('""', "codex")),
    Case("KR008", stack().replace("serviceAccountRef: runner", "serviceAccountRef: §~"), ("~", "runner")),
    Case("KR009", stack().replace("adapter: codex", "adapter: §[codex]"), ("[codex]", "codex")),
    Case("KR009", stack("budget: {maxTokens: §1.5}"), ("1.5", "15")),
    Case("KR009", server("enabled: §True"), ("True", "true")),
    Case("KR009", stack("agentsDocRef: {source: repository, path: §../AGENTS.md}"), ("../", "")),
    Case("KR010", stack().replace("baseAgent: codex", "baseAgent: §kodex"), ("kodex", "codex")),
    Case(
        "KR010",
        document("GitOpsSource", "source: {repoURL: 'https://x/y'}", "allowedKinds: [§AgentStak]"),
        ("AgentStak", "AgentStack"),
    ),
    Case(
        "KR010",
        document("GitOpsSource", "source: {repoURL: 'https://x/y'}", "allowedKinds: [§Organization]"),
        ("spec:", "spec:\n  scope: platform"),
    ),
    Case("KR011", stack("budget: {maxTokens: §-1}"), ("-1", "1")),
    Case("KR011", document("GitOpsSource", "source: {repoURL: 'https://x/y'}", "interval: §5s"), ("5s", "1m5s")),
    Case("KR012", stack("§approvalMod: prompt"), ("approvalMod", "approvalMode")),
    Case("KR012", stack(metadata="§label: {}"), ("label:", "labels:")),
    Case("KR013", stack() + "§status: {phase: Ready}\n", ("status: {phase: Ready}\n", "")),
    Case("KR014", stack(metadata="§uid: abc"), (", uid: abc", "")),
    Case("KR015", stream(stack(name="§a"), stack(name="§a", metadata="labels: {}")), ("a, labels", "b, labels")),
    Case("KR016", document("§AgentDispatchRun"), ("AgentDispatchRun", "AgentStack")),
    Case(
        "KR016",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: §Role\nmetadata: {name: a}\n",
        ("rbac.authorization.k8s.io/v1\nkind: Role", "krate.a5c.ai/v1alpha1\nkind: AgentRoleBinding"),
    ),
    Case(
        "KR017",
        "apiVersion: v1\nkind: §ConfigMap\nmetadata: {name: a}\n",
        ("v1\nkind: ConfigMap", "krate.a5c.ai/v1alpha1\nkind: AgentStack"),
    ),
    Case(
        "KR017",
        stack().replace("kind: AgentStack", "kind: §AgentStack"),
        ("AgentStack", "AgentToolProfile"),
        context={"allowed_kinds": ("AgentToolProfile",)},
    ),
    Case("KR018", stack(f"prompt: {{system: §{'ab' * 32_769}}}"), ("ab" * 32_769, "ab")),
    Case(
        "KR017",
        stack().replace("kind: AgentStack", "kind: §AgentStack"),
        ("AgentStack", "AgentToolProfile"),
        context={"allowed_kinds": ("AgentToolProfile",)},
    ),
    Case("KR018", stack(f"prompt: {{system: §{'é' * 40_000}}}"), ("é" * 40_000, "é")),
    Case("KR019", stack(metadata=_LABELS), ("gitops-source", "team")),
    Case("KR019", stack(metadata="annotations: {§krate.a5c.ai/approve-plan: abc}"), ("approve-plan", "note")),
    Case("KR019", stack(metadata="labels: {§krate.a5c.ai/adopt: other}"), ("labels", "annotations")),
    Case("KR019", stack(metadata="annotations: {§krate.a5c.ai/adopt: No One}"), ("No One", "other")),
    Case(
        "KR019",
        stack(metadata="annotations: {§krate.a5c.ai/adopt: own}"),
        ("adopt: own", "adopt: other"),
        context={"source": "own"},
    ),
    Case("KR019", stack(metadata="labels: {team: §7}"), ("7}", "seven}")),
    Case("KR020", stack("§toolPolicy: readonly"), ("toolPolicy", "toolProfileRef")),
    Case("KR020", server("§endpoint: x"), ("  endpoint: x\n", "")),
    Case("KR021", server("url: §https://x.example/mcp"), ("  url: https://x.example/mcp\n", "")),
    Case(
        "KR021",
        server().replace("  command: logs\n", "").replace("spec:", "§spec:"),
        ("spec:\n", "spec:\n  command: logs\n"),
    ),
    Case("KR021", server().replace("scope: org", "scope: §global"), ("global", "org"), "acme"),
    # Organizations
    Case(
        "KR101",
        stack().replace("  organizationRef: acme\n", "").replace("spec:", "§spec:"),
        ("spec:\n", "spec:\n  organizationRef: acme\n"),
    ),
    Case("KR102", stack().replace("organizationRef: acme", "organizationRef: §other"), ("other", "acme"), "acme"),
    Case("KR103", stack(metadata="namespace: §default"), ("default", "krate-org-acme")),
    Case("KR104", stack(metadata="labels: {krate.a5c.ai/org: §other}"), ("other", "acme")),
    Case(
        "KR104",
        stack(metadata="labels: {krate.a5c.ai/namespace: §acme}"),
        ("namespace: acme", "namespace: krate-org-acme"),
    ),
    Case("KR105", organization("slug: §Acme"), ("Acme", "acme")),
    Case("KR105", organization(name="§" + "a" * 54), ("a" * 54, "a" * 53)),
    Case("KR105", stack().replace("organizationRef: acme", "organizationRef: §Acme_Inc"), ("Acme_Inc", "acme")),
    Case("KR106", organization(name="§acme"), ("apiVersion", binding() + "---\napiVersion")),
    Case(
        "KR106",
        stream(organization(name="§acme"), binding(name="a"), binding(name="b")),
        ("{name: b}\nspec:\n  organizationRef: acme", "{name: b}\nspec:\n  organizationRef: b"),
    ),
    Case(
        "KR107",
        stream(binding("namespace: ns"), binding("namespace: §ns", name="b", org="b")),
        ("organizationRef: b\n  namespace: ns", "organizationRef: b\n  namespace: other"),
    ),
    Case("KR108", whole(stack("toolProfileRef: §other/readonly")), ("other/", "")),
    Case("KR108", whole(stack("toolProfileRef: §krate-org-other/readonly")), ("krate-org-other/", "acme/")),
    Case(
        "KR108",
        stream(policy('"2020-01-01T00:00:00Z"'), whole(stack("toolProfileRef: §other/readonly"))),
        ("2020", "2090"),
    ),
    Case("KR109", policy('§"2020-01-01T00:00:00Z"'), ("2020", "2090")),
    Case("KR109", policy('§"2090-13-01T00:00:00Z"'), ("-13-", "-12-")),
    Case("KR110", document("§Organization", "displayName: Acme", org=""), ("Organization", "AgentStack"), "acme"),
    Case("KR111", grant(target="name: logs, namespace: §other"), ("other", "krate-org-acme")),
    Case(
        "KR111",
        policy('"2090-01-01T00:00:00Z"').replace("kind: AgentToolProfile", "kind: §Secret"),
        ("kind: Secret", "kind: AgentSkill"),
    ),
    Case("KR112", binding("namespace: §kube-acme"), ("kube-", "krate-")),
    Case("KR112", organization("namespaceName: §default"), ("default", "acme")),
    # Capabilities
    Case("KR201", whole(stack("toolProfileRef: §readonly")), ("  toolProfileRef: readonly\n", "")),
    Case(
        "KR202", whole(server("allowedAgentStacks: [other]"), stack("mcpServerRefs: [§logs]")), ("[other]", "[triage]")
    ),
    Case(
        "KR204",
        whole(server(), stack("subagentRefs: [§helper]"), helper("mcpServerRefs: [logs]")),
        ("subagentRefs", "mcpServerRefs: [logs]\n  subagentRefs"),
    ),
    Case(
        "KR204",
        whole(profile(), stack("toolProfileRef: readonly", "subagentRefs: [§helper]"), helper("toolRefs: [shell]")),
        ("{git: allow}", "{git: allow}\n  nativeTools: {shell: true}"),
    ),
    Case(
        "KR204",
        whole(
            document("AgentWorkspacePolicy", "mode: read-only", "retentionPolicy: {}", name="look"),
            stack("workspacePolicyRef: look", "subagentRefs: [§helper]"),
            helper("workspaceScope: branch-local"),
        ),
        ("mode: read-only", "mode: branch-local"),
    ),
    Case(
        "KR205",
        whole(
            document(
                "AgentWorkspacePolicy",
                "mode: read-only",
                "retentionPolicy: {}",
                "maxConcurrentSessions: 1",
                name="look",
            ),
            stack("workspacePolicyRef: look", "subagentRefs: [§helper]"),
            helper("maxParallelTasks: 2"),
        ),
        ("Tasks: 2", "Tasks: 1"),
    ),
    Case(
        "KR205",
        whole(adapter("maxParallelTasks: 3"), stack("subagentRefs: [§helper]"), helper("maxParallelTasks: 4")),
        ("Tasks: 4", "Tasks: 3"),
    ),
    Case(
        "KR206",
        stream(label("promptFragment: Hi."), rule("sources: [push]", "contextLabels: [§money]")),
        ("[push]", "[ci]"),
    ),
    Case(
        "KR206",
        whole(
            label("promptFragment: Hi.", "allowedRepositories: [web]"),
            stack("contextLabelRefs: [§money]", metadata="labels: {krate.a5c.ai/repository: payments}"),
        ),
        ("[web]", "[payments]"),
    ),
    Case(
        "KR206",
        whole(label("promptFragment: Hi.", "allowedAgentStacks: [other]"), stack("contextLabelRefs: [§money]")),
        ("[other]", "[triage]"),
    ),
    Case(
        "KR206",
        stream(
            label("promptFragment: Hi.", "allowedRepositories: [web]"),
            rule("sources: [ci]", "match: {repository: payments}", "contextLabels: [§money]"),
        ),
        ("[web]", "[payments]"),
    ),
    Case("KR207", label("promptFragment: §'approvalMode: yolo'"), ("approvalMode: ", "")),
    Case("KR207", label(f'promptFragment: §"{_HIDDEN}"'), ("\\u200b", "")),
    Case("KR207", label("promptFragment: §Use ${{ secrets.LOGIN }}."), ("${{ secrets.LOGIN }}", "the login")),
    Case("KR208", whole(stack('allowedCommands: [§"git \'log"]')), ("'log", "log")),
    Case("KR208", rule("sources: [ci]", "match: {failureSignature: §'a(b'}"), ("a(b", "ab")),
    Case("KR208", rule("sources: [ci]", "match: {payload: [{jsonPath: §'$.a[', equals: x}]}"), ("$.a[", "$.a[0]")),
    Case("KR209", profile("allowedCommands: [ls, §cat]", "deniedCommands: [cat]"), ("[ls, cat]", "[ls]")),
    Case(
        "KR210",
        whole(profile(), stack("toolProfileRef: §readonly")),
        ("filesystemPolicy: read-only", "filesystemPolicy: no-fs"),
        context={"policy": ReviewPolicy(untrusted_limits=Limits(filesystem="no-fs"))},
    ),
    Case(
        "KR210",
        whole(
            profile(), stack("toolProfileRef: §readonly", metadata="labels: {krate.a5c.ai/repository: payments}")
        ).replace(_OWNER, "allowedRepositories: [payments, web]"),
        ("repository: payments", "repository: web"),
        context={"policy": ReviewPolicy(repository_limits={"payments": Limits(filesystem="no-fs")})},
    ),
    Case(
        "KR210",
        whole(profile("networkPolicy: {default: unrestricted-with-approval}"), stack("toolProfileRef: §readonly")),
        ("unrestricted-with-approval", "deny"),
    ),
    Case(
        "KR211",
        whole(adapter("baseAgents: [gemini]"), stack().replace(": codex\n  ad", ": §codex\n  ad")),
        ("[gemini]", "[codex]"),
    ),
    Case(
        "KR211",
        whole(
            adapter("tools: [shell]"), profile("nativeTools: {codeSearch: true}"), stack("toolProfileRef: §readonly")
        ),
        ("[shell]", "[code-search]"),
    ),
    Case("KR211", whole(adapter("subagents: false"), helper(), stack("subagentRefs: §[helper]")), ("false", "true")),
    Case("KR212", whole(stack("approvalMode: §yolo")), ("yolo", "deny")),
    Case("KR213", whole(stack("memoryRepositoryRefs: [§brain]")), ("  memoryRepositoryRefs: [brain]\n", "")),
    # Secrets, identities, grants
    Case("KR301", server("§token: abc"), ("  token: abc\n", "")),
    Case(
        "KR301",
        document("AgentAdapter", "adapterType: remote", "transport: http", "capabilities: {§password: x}"),
        ("password: x", ""),
    ),
    Case(
        "KR303",
        "apiVersion: v1\nkind: §Secret\nmetadata: {name: a}\n",
        ("v1\nkind: Secret", "krate.a5c.ai/v1alpha1\nkind: AgentStack"),
    ),
    Case("KR304", grant(keys="§[]"), ("[]", "[login]")),
    Case("KR304", grant(keys="[§'*']"), ("'*'", "login")),
    Case("KR305", stack().replace("Ref: runner", "Ref: §runner"), ("apiVersion", ACCOUNT + "---\napiVersion")),
    Case(
        "KR306",
        stream(ACCOUNT, stack().replace("Ref: runner", "Ref: §runner")),
        (_HEAD + "AgentStack", BINDING + "---\n" + _HEAD + "AgentStack"),
    ),
    Case("KR306", whole(stack("permissionRefs: {roleBindings: [§other]}")), ("[other]", "[runner]")),
    Case(
        "KR307",
        whole(
            server("secretRefs: [{name: logs, keys: [login]}]"), grant(keys="[other]"), stack("mcpServerRefs: [§logs]")
        ),
        ("[other]", "[login]"),
    ),
    Case(
        "KR307",
        whole(
            document(
                "AgentProviderConfig",
                "provider: lab",
                "authType: token",
                "secretRef: {name: logs, keys: [login]}",
                name="lab",
            ),
            grant(),
            stack("provider: §lab"),
        ),
        ("authType: token", "authType: none"),
    ),
    Case(
        "KR307",
        whole(server("secretRefs: [{name: logs, keys: [login]}]"), grant(), stack("mcpServerRefs: [§logs]")).replace(
            "purpose: mcp-server", "purpose: cache"
        ),
        ("purpose: cache", "purpose: mcp-server"),
    ),
    Case(
        "KR308",
        whole(server("configMapRefs: [{name: logs, keys: [url]}]"), stack("mcpServerRefs: [§logs]")),
        ("  configMapRefs: [{name: logs, keys: [url]}]\n", ""),
    ),
    Case("KR311", grant(limited=False).replace("spec:", "§spec:"), ("spec:\n", "spec:\n  allowedRepositories: [a]\n")),
    Case("KR312", grant("allowedRefs: {include: [§'refs/pull/**']}"), ("refs/pull/**", "refs/heads/main")),
    Case("KR312", grant("allowedRefs: {include: [§'refs/**']}"), ("refs/**", "refs/heads/**")),
    Case("KR314", template(scope="§cluster"), ("cluster", "namespace")),
    Case("KR315", config_rule("{verbs: [§'*'], resources: [pods]}"), ("'*'", "get")),
    Case("KR315", config_rule("{verbs: [get], resources: [§secrets]}"), ("secrets", "pods")),
    Case("KR315", config_rule("{verbs: [create], resources: [§pods/exec]}"), ("pods/exec", "pods")),
    Case("KR315", config_rule("{verbs: [get], nonResourceURLs: [§'/metrics/*']}"), ("/*", "/a")),
    Case("KR315", config_rule("{verbs: [§bind], resources: [roles]}"), ("bind", "get")),
    Case("KR316", ACCOUNT.replace("namespace: krate-org-acme", "namespace: §default"), ("default", "krate-org-acme")),
    Case("KR317", ACCOUNT + "  automountServiceAccountToken: §true\n", ("true", "false")),
    Case(
        "KR318",
        role("roleRef: {kind: RoleTemplate, name: §root}", "scope: {kind: namespace, name: x}"),
        ("name: root", "name: krate-agent-readonly"),
    ),
    Case(
        "KR319",
        whole(stack("runnerPool: §big")).replace(_OWNER, "allowedRunnerPools: [small]"),
        ("[small]", "[small, big]"),
    ),
    Case(
        "KR319",
        whole(stack("runnerPool: §big")).replace(_OWNER, "owner: {kind: RunnerPool, name: small}"),
        ("name: small", "name: big"),
    ),
    Case(
        "KR319",
        whole(stack(metadata="labels: {krate.a5c.ai/repository: §payments}")).replace(
            _OWNER, "allowedRepositories: [web]"
        ),
        ("[web]", "[payments]"),
    ),
    # Triggers, workspaces, sources
    Case("KR401", rule(_CRON, "schedule: {cron: §'61 * * * *'}"), ("61", "1-59/2")),
    Case(
        "KR401",
        document("AgentWorkspacePolicy", "mode: read-only", "retentionPolicy: {cleanupSchedule: §daily}"),
        ("daily", "'0 3 * * mon'"),
    ),
    Case("KR402", rule("sources: [ci]").replace("agentStack: triage", "agentStack: §nobody"), ("nobody", "triage")),
    Case(
        "KR403",
        document("AgentTriggerRule", "sources: [ci]", "taskKind: x").replace("spec:", "§spec:"),
        ("spec:\n", "spec:\n  agentStack: triage\n"),
    ),
    Case("KR404", rule("sources: [ci]", "dedupePolicy: {key: §all}"), ("all}", "'all {{sha}}'}")),
    Case("KR405", rule("sources: [ci]", "promptTemplate: §'Look at {{everything}}'"), ("everything", "sourceRefs.job")),
    Case("KR406", rule("sources: [ci]", "lifecycleState: §active"), ("active", "paused")),
    Case("KR407", rule("sources: [ci, §webhook]"), (", webhook", "")),
    Case(
        "KR408",
        rule("sources: [ci]", "writeBackPolicy: {allowedTargets: [§branch-push]}"),
        ("runtimeIdentity", "writeBackPolicy: {allowedTargets: [branch-push]}\n  runtimeIdentity"),
    ),
    Case(
        "KR408",
        stream(
            rule("sources: [ci]", "writeBackPolicy: {allowedTargets: [§branch-push]}").replace(
                "agentStack: triage", "agentDefinition: carla"
            ),
            document("AgentDefinition", "personaRef: carla", "stackRef: triage", name="carla"),
        ),
        ("runtimeIdentity", "writeBackPolicy: {allowedTargets: [branch-push]}\n  runtimeIdentity"),
    ),
    Case("KR409", rule("sources: [ci]", "contextBundleTemplate: {redactSecrets: §false}"), ("false", "true")),
    Case(
        "KR408",
        stream(
            rule("sources: [ci]", "writeBackPolicy: {allowedTargets: [§branch-push]}").replace(
                "agentStack: triage", "agentDefinition: carla"
            ),
            document("AgentDefinition", "personaRef: carla", "stackRef: triage", name="carla"),
        ),
        ("runtimeIdentity", "writeBackPolicy: {allowedTargets: [branch-push]}\n  runtimeIdentity"),
    ),
    Case("KR409", rule("sources: [ci]", "contextBundleTemplate: {maxBytes: §768001}"), ("768001", "768000")),
    Case(
        "KR410",
        whole(
            document("AgentWorkspacePolicy", "mode: read-only", "retentionPolicy: {}", "trustTier: trusted", name="w"),
            stack("workspacePolicyRef: §w"),
        ),
        ("trustTier: trusted", "trustTier: untrusted"),
    ),
    Case(
        "KR411",
        document(
            "AgentWorkspacePolicy", "mode: read-only", "retentionPolicy: {}", "cleanupPolicy: {paths: [build, §../x]}"
        ),
        ("../x", "x"),
    ),
    Case(
        "KR704", document("GitOpsSource", "source: {repoURL: §'http://git.example/y'}"), ("git.example", "git.code.svc")
    ),
    Case("KR704", document("GitOpsSource", "source: {repoURL: §'file:///srv/y'}"), ("file:///srv", "ssh://git@srv")),
    Case("KR704", document("GitOpsSource", "source: {repoURL: §'https://dana:pw@x.example/y'}"), ("dana:pw@", "")),
    Case("KR732", stack(metadata="annotations: {§krate.a5c.ai/prune: disabled}"), ("disabled", "enabled")),
)
