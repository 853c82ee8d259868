"""Questions about permissions: what the API server itself would answer."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from krate_gitops.cluster.client.failures import TransientError

_GROUP = "authorization.k8s.io/v1"
PATHS = {
    kind: f"/apis/{_GROUP}/{kind.lower()}s"
    for kind in ("SelfSubjectAccessReview", "SubjectAccessReview", "SelfSubjectRulesReview")
}


class ResourceAttributes(NamedTuple):
    """What somebody wants to do. ``resource`` is the plural; an empty ``name`` means any, an empty namespace all."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def fields(self) -> dict[str, str]:
        """As a review writes them: what is empty is left out."""
        return {key: value for key, value in self._asdict().items() if value}


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    """One rule of an identity in a namespace; ``*`` stands for all, an empty ``resource_names`` too."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()

    def allows(self, what: ResourceAttributes) -> bool:
        """Whether this rule alone allows it, as RBAC reads rules."""
        wanted = f"{what.resource}/{what.subresource}" if what.subresource else what.resource
        return (
            _has(self.verbs, what.verb)
            and _has(self.api_groups, what.group)
            and (_has(self.resources, wanted) or (bool(what.subresource) and f"*/{what.subresource}" in self.resources))
            and (not self.resource_names or what.name in self.resource_names)
        )


class Rules(msgspec.Struct, frozen=True, rename="camel"):
    """What an identity may do in a namespace, as far as the server can list it.

    Where ``incomplete`` is true the list says less than the truth: a missing rule then proves nothing.
    """

    resource_rules: tuple[Rule, ...] = ()
    incomplete: bool = False
    evaluation_error: str = ""

    def allows(self, what: ResourceAttributes) -> bool:
        """Whether a listed rule allows it."""
        return any(rule.allows(what) for rule in self.resource_rules)


def rules_of(status: dict[str, Any]) -> Rules:
    """The rules in the status of a review. Raises ``TransientError`` for what is none."""
    try:
        return msgspec.convert(status, Rules, strict=False)
    except msgspec.ValidationError:
        raise TransientError("CLUSTER_ANSWER_INVALID", "SelfSubjectRulesReview: the answer has no rules") from None


def _has(listed: tuple[str, ...], wanted: str) -> bool:
    return "*" in listed or wanted in listed


def review(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The body of a review."""
    return {"apiVersion": _GROUP, "kind": kind, "metadata": {}, "spec": spec}
