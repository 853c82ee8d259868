"""Values with which the chart is checked: as it comes, and with everything on that can be on at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_GIT_HOST = {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"protocol": "TCP", "port": 443}]}
_STORE = {"to": [{"podSelector": {"matchLabels": {"app": "postgres"}}}], "ports": [{"protocol": "TCP", "port": 5432}]}
_MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}

VALUE_SETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "agents": {"agents": {"enabled": True}, "gitops": {"organizationNamespaces": ["krate-org-acme"]}},
    "everything": {
        "agents": {
            "enabled": True,
            "agentMux": {"enabled": True, "gatewayUrl": "https://mux.example", "existingSecret": "agent-mux"},
            "featureGates": {
                "manualDispatch": True,
                "triggerRules": True,
                "writeBackApprovals": True,
                "workspaceLifecycle": True,
                "subagentTelemetry": True,
            },
            "permissions": {"allowClusterRoleBindings": True},
        },
        "gitops": {
            "organizationNamespaces": ["krate-org-acme", "krate-org-globex"],
            "sources": [
                {
                    "name": "platform",
                    "spec": {
                        "source": {"repoURL": "https://git.example/platform.git", "credentialsSecretRef": "git-login"},
                        "verify": {"mode": "signed-commits", "keysRef": "git-keys"},
                    },
                }
            ],
        },
        "memory": {"enabled": True},
        "audit": {"existingSecret": "audit"},
        "externalDependencies": {
            "postgres": {"enabled": True, "existingSecret": "records"},
            "objectStorage": {"enabled": True, "existingSecret": "objects"},
        },
        "networkPolicy": {
            "gitEgress": [_GIT_HOST],
            "storeEgress": [_STORE],
            "metricsIngress": [_MONITORING],
            "webIngress": [{"podSelector": {}}],
        },
        "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": ["registry"]},
        "controller": {
            "replicas": 2,
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "dedicated", "operator": "Exists"}],
            "priorityClassName": "system-cluster-critical",
            "podAnnotations": {"example.com/team": "platform"},
            "podLabels": {"team": "platform"},
            "gitCaSecret": "git-ca",
        },
        "web": {"enabled": True, "replicas": 2},
        "monitoring": {"serviceMonitor": {"enabled": True}, "alerts": {"enabled": True}},
        "argoCd": {"enabled": True, "repoUrl": "https://git.example/krate-gitops.git"},
    },
}
