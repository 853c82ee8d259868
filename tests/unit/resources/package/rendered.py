"""Finding one's way in what a chart renders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from krate_gitops.resources.package.helm import Manifest

TOP = Path(__file__).parents[4]
CHART = TOP / "charts" / "krate-gitops"


class Rendered:
    """Rendered objects by kind and name."""

    def __init__(self, objects: list[Manifest]) -> None:
        self.objects = objects

    def of(self, *kinds: str) -> list[Manifest]:
        """All objects of some kinds."""
        return [one for one in self.objects if one["kind"] in kinds]

    def one(self, kind: str, name: str, namespace: str | None = None) -> Manifest:
        """The one object of a kind with a name."""
        [found] = [
            one
            for one in self.of(kind)
            if one["metadata"]["name"] == name and namespace in (None, one["metadata"].get("namespace"))
        ]
        return found

    def pods(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name of each Deployment, and the spec of its pods."""
        for one in self.of("Deployment"):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]

    def environment(self, deployment: str) -> dict[str, Any]:
        """Variables of a Deployment: text, or what they refer to."""
        [container] = self.one("Deployment", deployment)["spec"]["template"]["spec"]["containers"]
        return {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}

    def rules_for(self, account: str, namespace: str, at: str | None) -> Iterator[dict[str, Any]]:
        """RBAC rules that hold for an account in namespace ``at``; None for what has no namespace."""
        for binding in self.of("ClusterRoleBinding", "RoleBinding"):
            if binding["kind"] == "RoleBinding" and binding["metadata"]["namespace"] != at:
                continue
            subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
            if subject not in binding["subjects"]:
                continue
            role = binding["roleRef"]
            place = binding["metadata"].get("namespace") if role["kind"] == "Role" else None
            yield from self.one(role["kind"], role["name"], place)["rules"]

    def may(
        self,
        account: str,
        verb: str,
        resource: str,
        *,
        at: str | None = None,
        named: str = "",
        home: str = "krate-system",
    ) -> bool:
        """Whether an account may do something; ``resource`` is ``plural.group`` or ``plural/subresource.group``."""
        plural, _, group = resource.partition(".")
        return any(
            verb in rule["verbs"]
            and plural in rule["resources"]
            and group in rule["apiGroups"]
            and (not rule.get("resourceNames") or named in rule["resourceNames"])
            for rule in self.rules_for(account, home, at)
        )
