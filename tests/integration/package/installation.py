"""kubectl, and where the chart was installed by it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from krate_gitops.organization import namespace_of
from krate_gitops.resources.package.helm import Manifest

TOP = Path(__file__).parents[3]
CHART = TOP / "charts" / "krate-gitops"


class Kubectl:
    """kubectl with one configuration."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def run(self, *arguments: str, objects: list[Manifest] | None = None) -> str:
        """Output of one command; ``objects`` go to its standard input. Fails the test with what it says."""
        done = subprocess.run(
            ["kubectl", "--kubeconfig", self.kubeconfig, *arguments],
            input="\n".join(json.dumps(one) for one in objects or ()),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def with_token(self, token: str, file: Path) -> Kubectl:
        """The same server as whoever has the token, without any other credentials."""
        config = json.loads(self.run("config", "view", "--raw", "--minify", "--flatten", "--output", "json"))
        [user] = config["users"]
        user["user"] = {"token": token}
        file.write_text(json.dumps(config), encoding="utf-8")
        return Kubectl(file)

    def apply(self, objects: list[Manifest]) -> None:
        """Applies objects on the server's side."""
        self.run("apply", "--server-side", "--filename", "-", objects=objects)

    def decide(self, questions: list[tuple[str, dict[str, Any]]]) -> list[bool]:
        """Whether users may do what the questions ask, by one review each."""
        reviews = [
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "metadata": {},
                "spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": attributes},
            }
            for user, attributes in questions
        ]
        # Objects without a name are shown one after the other, not as a list.
        answers = self.run(
            "create", "--output", "jsonpath={.status.allowed} ", "--filename", "-", objects=reviews
        ).split()
        assert len(answers) == len(questions)
        return [answer == "true" for answer in answers]


class Installed:
    """Where the chart was installed: a name of its own, its namespace and that of an organization of that name."""

    def __init__(self, name: str) -> None:
        self.name, self.platform, self.organization = name, f"{name}-platform", namespace_of(name)

    @property
    def values(self) -> dict[str, Any]:
        """Values with everything on that gives rights."""
        source = {"repoURL": "https://git.example/platform.git", "credentialsSecretRef": "git-login"}
        return {
            "fullnameOverride": self.name,
            "agents": {"enabled": True},
            "externalDependencies": {"postgres": {"enabled": True, "existingSecret": "records"}},
            "web": {"enabled": True},
            "gitops": {
                "platformNamespace": self.platform,
                "organizationNamespaces": [self.organization],
                "sources": [{"name": "platform", "spec": {"source": source}}],
            },
        }

    def account(self, name: str, namespace: str) -> str:
        """User name of an account."""
        return f"system:serviceaccount:{namespace}:{name}"
