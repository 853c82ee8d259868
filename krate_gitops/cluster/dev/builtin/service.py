"""Services: what they are made of, and what a client needn't say."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import (
    anything,
    atomic,
    flag,
    int_or_string,
    keyed,
    kind_schema,
    list_of,
    mapping,
    number,
    pointer,
    record,
    text,
)
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn, Subresource
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column
from krate_gitops.cluster.dev.builtin.service_addresses import WITH_ADDRESS, WITH_NODE_PORTS, with_addresses
from krate_gitops.cluster.dev.builtin.service_checks import service_faults

Object = dict[str, Any]
_AFFINITY_SECONDS = 10_800

_PORT = record({
    "name": text(), "protocol": {**text(), "default": "TCP"}, "appProtocol": pointer(text()), "port": number(),
    "targetPort": int_or_string(), "nodePort": number(),
}, ("port",))  # fmt: skip
_AFFINITY = pointer(record({"clientIP": pointer(record({"timeoutSeconds": pointer(number())}))}))
_SPEC = record({
    "ports": keyed(_PORT, "port", "protocol", patch_key="port"), "selector": atomic(mapping(text())),
    "clusterIP": text(), "clusterIPs": list_of(text()), "type": text(), "externalIPs": list_of(text()),
    "sessionAffinity": text(), "loadBalancerIP": text(), "loadBalancerSourceRanges": list_of(text()),
    "externalName": text(), "externalTrafficPolicy": text(), "healthCheckNodePort": number(),
    "publishNotReadyAddresses": flag(), "sessionAffinityConfig": _AFFINITY, "ipFamilies": list_of(text()),
    "ipFamilyPolicy": pointer(text()), "allocateLoadBalancerNodePorts": pointer(flag()),
    "loadBalancerClass": pointer(text()), "internalTrafficPolicy": pointer(text()),
    "trafficDistribution": pointer(text()),
})  # fmt: skip
_BALANCER = record({"ingress": list_of(anything())})
_STATUS = record({"loadBalancer": _BALANCER, "conditions": keyed(anything(), "type")})
_PROXY = Subresource("proxy", ("create", "delete", "get", "patch", "update"), "ServiceProxyOptions", "", "")


def _default(new: Object) -> Object:
    """Protocols and target ports, the type, and how traffic is spread."""
    spec = dict(new.get("spec") or {})
    if "ports" in spec:
        spec["ports"] = [_port(one) for one in spec["ports"]]
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP" and not spec.get("sessionAffinityConfig"):
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _AFFINITY_SECONDS}}
    if spec["type"] in WITH_ADDRESS:
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in WITH_NODE_PORTS:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    return {**new, "spec": spec}


def _port(one: Object) -> Object:
    return {**one, "protocol": one.get("protocol") or "TCP", "targetPort": one.get("targetPort") or one.get("port", 0)}


def _external(value: Object) -> str:
    spec = value["spec"]
    balancer = (value.get("status") or {}).get("loadBalancer") or {}
    found = [one.get("ip") or one.get("hostname") or "" for one in balancer.get("ingress") or ()]
    addresses = [*found, *(spec.get("externalIPs") or ())]
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName") or "<none>")
    if spec.get("type") == "LoadBalancer" and not addresses:
        return "<pending>"
    return ",".join(addresses) or "<none>"


def _ports(value: Object) -> str:
    shown = (
        f"{one['port']}{':' + str(one['nodePort']) if one.get('nodePort') else ''}/{one['protocol']}"
        for one in value["spec"].get("ports") or ()
    )
    return ",".join(shown) or "<none>"


def _selector(value: Object) -> str:
    selector = value["spec"].get("selector") or {}
    return ",".join(f"{key}={selector[key]}" for key in sorted(selector)) or "<none>"


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Service", "services", kind_schema({"spec": _SPEC, "status": _STATUS}),
        short_names=("svc",), categories=("all",), name_rule="label", creates_on_update=True, returns_deleted=True,
        subresources=(_PROXY, STATUS), has_status=True, default_kind=_default, prepare_kind=with_addresses,
        validate_kind=service_faults,
        columns=(NAME, column("Type", lambda value: value["spec"].get("type", "")),
                 column("Cluster-IP", lambda value: value["spec"].get("clusterIP") or "<none>"),
                 column("External-IP", _external), column("Port(s)", _ports), age(),
                 column("Selector", _selector, priority=1)),
    ),
)  # fmt: skip
