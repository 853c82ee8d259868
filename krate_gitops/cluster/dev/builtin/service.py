"""Services: ports, and an address that is handed out."""

from __future__ import annotations

import hashlib
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
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, required

Object = dict[str, Any]

_PORT = record({
    "name": text(), "protocol": {**text(), "default": "TCP"}, "appProtocol": pointer(text()), "port": number(),
    "targetPort": int_or_string(), "nodePort": number(),
}, ("port",))  # fmt: skip
_SPEC = record({
    "ports": keyed(_PORT, "port", "protocol", patch_key="port"), "selector": atomic(mapping(text())),
    "clusterIP": text(), "clusterIPs": list_of(text()), "type": text(), "externalIPs": list_of(text()),
    "sessionAffinity": text(), "externalName": text(), "publishNotReadyAddresses": flag(),
    "ipFamilies": list_of(text()), "ipFamilyPolicy": pointer(text()), "internalTrafficPolicy": pointer(text()),
    "externalTrafficPolicy": text(),
})  # fmt: skip
_SCHEMA = kind_schema({"spec": _SPEC, "status": record({"loadBalancer": record({"ingress": list_of(anything())})})})


def _prepare(new: Object, old: Object | None, subresource: str) -> Object:
    spec = dict(new.get("spec") or {})
    spec["ports"] = [_port(one) for one in spec.get("ports") or ()]
    if not spec["ports"]:
        del spec["ports"]
    before = (old or {}).get("spec") or {}
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("clusterIP", before.get("clusterIP") or _address(new))
        spec["clusterIPs"] = spec.get("clusterIPs") or [spec["clusterIP"]]
        spec.setdefault("ipFamilies", before.get("ipFamilies") or ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        spec.setdefault("internalTrafficPolicy", "Cluster")
    status = new.get("status") or (old or {}).get("status") or {}
    return {**new, "spec": spec, "status": {"loadBalancer": {}, **status}}


def _port(one: Object) -> Object:
    return {**one, "protocol": one.get("protocol") or "TCP", "targetPort": one.get("targetPort") or one.get("port", 0)}


def _address(value: Object) -> str:
    """An address of the documentation range that stays the same for the same service."""
    metadata = value["metadata"]
    seed = hashlib.sha256(f"{metadata.get('namespace', '')}/{metadata['name']}".encode()).digest()
    return f"10.96.{seed[0]}.{seed[1] or 1}"


def _validate(new: Object, old: Object | None) -> list[Fault]:
    spec, faults = new.get("spec") or {}, []
    if not spec.get("ports") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        faults.append(required("spec.ports"))
    for index, port in enumerate(spec.get("ports") or ()):
        if not 1 <= port.get("port", 0) <= 65_535:
            detail = "must be between 1 and 65535, inclusive"
            faults.append(invalid_value(f"spec.ports[{index}].port", port.get("port", 0), detail))
    before = ((old or {}).get("spec") or {}).get("clusterIP")
    if before and before != spec.get("clusterIP"):
        detail = "may not change once set"
        faults.append(invalid_value("spec.clusterIPs[0]", [spec.get("clusterIP")], detail))
    return faults


def _ports(value: Object) -> str:
    ports = (value.get("spec") or {}).get("ports") or ()
    return ",".join(f"{one['port']}/{one['protocol']}" for one in ports) or "<none>"


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Service", "services", _SCHEMA,
        short_names=("svc",), categories=("all",), name_rule="old-label", creates_on_update=True, returns_deleted=True,
        subresources=(STATUS,), has_status=True, prepare_kind=_prepare, validate_kind=_validate,
        columns=(NAME, column("Type", lambda value: value["spec"].get("type", "")),
                 column("Cluster-IP", lambda value: value["spec"].get("clusterIP", "<none>")),
                 column("External-IP", lambda value: "<none>"), column("Port(s)", _ports), age()),
    ),
)  # fmt: skip
