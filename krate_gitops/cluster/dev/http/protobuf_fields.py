"""Numbers of the fields of messages that kubectl sends: the published numbers, which never change."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """One field. ``type`` is a word of ``protobuf._value`` or the name of a message."""

    name: str
    type: str
    repeated: bool = False
    is_map: bool = False


def _one(name: str, type_: str = "text") -> Field:
    return Field(name, type_)


def _many(name: str, type_: str = "text") -> Field:
    return Field(name, type_, repeated=True)


def _map(name: str, type_: str = "text") -> Field:
    return Field(name, type_, is_map=True)


def _kind(spec: str = "", **others: Field) -> dict[int, Field]:
    """A kind: metadata is always the first field, a spec the second."""
    found = {1: _one("metadata", "ObjectMeta")}
    if spec:
        found[2] = _one("spec", spec)
    return found | {int(number.removeprefix("n")): field for number, field in others.items()}


_RULES = {2: _many("rules", "PolicyRule")}
_BINDING = {2: _many("subjects", "Subject"), 3: _one("roleRef", "RoleRef")}

MESSAGES: dict[str, dict[int, Field]] = {
    "ObjectMeta": {
        1: _one("name"),
        2: _one("generateName"),
        3: _one("namespace"),
        4: _one("selfLink"),
        5: _one("uid"),
        6: _one("resourceVersion"),
        7: _one("generation", "number"),
        8: _one("creationTimestamp", "time"),
        9: _one("deletionTimestamp", "time"),
        10: _one("deletionGracePeriodSeconds", "number"),
        11: _map("labels"),
        12: _map("annotations"),
        13: _many("ownerReferences", "OwnerReference"),
        14: _many("finalizers"),
    },
    "OwnerReference": {
        1: _one("kind"),
        3: _one("name"),
        4: _one("uid"),
        5: _one("apiVersion"),
        6: _one("controller", "flag"),
        7: _one("blockOwnerDeletion", "flag"),
    },
    "ObjectReference": {
        1: _one("kind"),
        2: _one("namespace"),
        3: _one("name"),
        4: _one("uid"),
        5: _one("apiVersion"),
        6: _one("resourceVersion"),
        7: _one("fieldPath"),
    },
    "LocalObjectReference": {1: _one("name")},
    "DeleteOptions": {
        1: _one("gracePeriodSeconds", "number"),
        2: _one("preconditions", "Preconditions"),
        3: _one("orphanDependents", "flag"),
        4: _one("propagationPolicy"),
        5: _many("dryRun"),
    },
    "Preconditions": {1: _one("uid"), 2: _one("resourceVersion")},
    "Namespace": _kind("NamespaceSpec", n3=_one("status", "NamespaceStatus")),
    "NamespaceSpec": {1: _many("finalizers")},
    "NamespaceStatus": {1: _one("phase")},
    "ConfigMap": _kind(n2=_map("data"), n3=_map("binaryData", "bytes"), n4=_one("immutable", "flag")),
    "Secret": _kind(n2=_map("data", "bytes"), n3=_one("type"), n4=_map("stringData"), n5=_one("immutable", "flag")),
    "ServiceAccount": _kind(
        n2=_many("secrets", "ObjectReference"),
        n3=_many("imagePullSecrets", "LocalObjectReference"),
        n4=_one("automountServiceAccountToken", "flag"),
    ),
    "ResourceQuota": _kind("ResourceQuotaSpec"),
    "ResourceQuotaSpec": {1: _map("hard", "quantity"), 2: _many("scopes")},
    "Service": _kind("ServiceSpec"),
    "ServiceSpec": {
        1: _many("ports", "ServicePort"),
        2: _map("selector"),
        3: _one("clusterIP"),
        4: _one("type"),
        5: _many("externalIPs"),
        7: _one("sessionAffinity"),
        8: _one("loadBalancerIP"),
        9: _many("loadBalancerSourceRanges"),
        10: _one("externalName"),
        11: _one("externalTrafficPolicy"),
        17: _one("ipFamilyPolicy"),
        18: _many("clusterIPs"),
        19: _many("ipFamilies"),
        22: _one("internalTrafficPolicy"),
    },
    "ServicePort": {
        1: _one("name"),
        2: _one("protocol"),
        3: _one("port", "number"),
        4: _one("targetPort", "intstr"),
        5: _one("nodePort", "number"),
        6: _one("appProtocol"),
    },
    "Role": _kind() | _RULES,
    "ClusterRole": _kind(n3=_one("aggregationRule", "AggregationRule")) | _RULES,
    "AggregationRule": {1: _many("clusterRoleSelectors", "LabelSelector")},
    "LabelSelector": {1: _map("matchLabels"), 2: _many("matchExpressions", "LabelSelectorRequirement")},
    "LabelSelectorRequirement": {1: _one("key"), 2: _one("operator"), 3: _many("values")},
    "PolicyRule": {
        1: _many("verbs"),
        2: _many("apiGroups"),
        3: _many("resources"),
        4: _many("resourceNames"),
        5: _many("nonResourceURLs"),
    },
    "RoleBinding": _kind() | _BINDING,
    "ClusterRoleBinding": _kind() | _BINDING,
    "Subject": {1: _one("kind"), 2: _one("apiGroup"), 3: _one("name"), 4: _one("namespace")},
    "RoleRef": {1: _one("apiGroup"), 2: _one("kind"), 3: _one("name")},
    "Lease": _kind("LeaseSpec"),
    "LeaseSpec": {
        1: _one("holderIdentity"),
        2: _one("leaseDurationSeconds", "number"),
        3: _one("acquireTime", "microtime"),
        4: _one("renewTime", "microtime"),
        5: _one("leaseTransitions", "number"),
    },
    "SelfSubjectAccessReview": _kind("SelfSubjectAccessReviewSpec"),
    "SelfSubjectAccessReviewSpec": {
        1: _one("resourceAttributes", "ResourceAttributes"),
        2: _one("nonResourceAttributes", "NonResourceAttributes"),
    },
    "SubjectAccessReview": _kind("SubjectAccessReviewSpec"),
    "LocalSubjectAccessReview": _kind("SubjectAccessReviewSpec"),
    "SubjectAccessReviewSpec": {
        1: _one("resourceAttributes", "ResourceAttributes"),
        2: _one("nonResourceAttributes", "NonResourceAttributes"),
        3: _one("user"),
        4: _many("groups"),
        5: _map("extra", "texts"),
        6: _one("uid"),
    },
    "ResourceAttributes": {
        1: _one("namespace"),
        2: _one("verb"),
        3: _one("group"),
        4: _one("version"),
        5: _one("resource"),
        6: _one("subresource"),
        7: _one("name"),
    },
    "NonResourceAttributes": {1: _one("path"), 2: _one("verb")},
    "SelfSubjectRulesReview": _kind("SelfSubjectRulesReviewSpec"),
    "SelfSubjectRulesReviewSpec": {1: _one("namespace")},
    "SelfSubjectReview": _kind(),
    "TokenRequest": _kind("TokenRequestSpec"),
    "TokenRequestSpec": {
        1: _many("audiences"),
        3: _one("boundObjectRef", "BoundObjectReference"),
        4: _one("expirationSeconds", "number"),
    },
    "BoundObjectReference": {1: _one("kind"), 2: _one("apiVersion"), 3: _one("name"), 4: _one("uid")},
    "TokenReview": _kind("TokenReviewSpec"),
    "TokenReviewSpec": {1: _one("token"), 2: _many("audiences")},
}
