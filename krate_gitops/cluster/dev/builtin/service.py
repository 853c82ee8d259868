"""Services: ports, and an address that is handed out."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from typing import Any, Final

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
from krate_gitops.cluster.dev.schemas.faults import Fault, duplicate, invalid_value, not_supported, required
from krate_gitops.cluster.dev.schemas.metadata import validate_labels
from krate_gitops.cluster.dev.schemas.names import label, port_name

Object = dict[str, Any]

_WITH_ADDRESS: Final = ("ClusterIP", "NodePort", "LoadBalancer")
_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_HIGHEST: Final = 65_535
_RANGE: Final = f"must be between 1 and {_HIGHEST}, inclusive"

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
_PROXY = Subresource("proxy", ("create", "delete", "get", "patch", "update"), "ServiceProxyOptions", "", "")
_SCHEMA = kind_schema({"spec": _SPEC, "status": record({"loadBalancer": record({"ingress": list_of(anything())})})})


def _default(new: Object) -> Object:
    """What a client needn't say: protocols and target ports, the type, and how traffic is spread."""
    spec = dict(new.get("spec") or {})
    spec["ports"] = [_port(one) for one in spec.get("ports") or ()]
    if not spec["ports"]:
        del spec["ports"]
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] in _WITH_ADDRESS:
        spec.setdefault("internalTrafficPolicy", "Cluster")
    return {**new, "spec": spec}


def _prepare(new: Object, old: Object | None, subresource: str) -> Object:
    """Hands out an address, which stays."""
    spec = dict(new.get("spec") or {})
    before = (old or {}).get("spec") or {}
    if spec.get("type") in _WITH_ADDRESS:
        spec.setdefault("clusterIP", before.get("clusterIP") or _address(new))
        if old is None or spec["clusterIP"] != before.get("clusterIP") or not spec.get("clusterIPs"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        is_double = spec["clusterIP"] == "None" and not spec.get("selector")
        spec.setdefault("ipFamilies", before.get("ipFamilies") or (["IPv4", "IPv6"] if is_double else ["IPv4"]))
        spec.setdefault("ipFamilyPolicy", "RequireDualStack" if len(spec["ipFamilies"]) > 1 else "SingleStack")
    status = new.get("status") or (old or {}).get("status") or {}
    return {**new, "spec": spec, "status": {"loadBalancer": {}, **status}}


def _port(one: Object) -> Object:
    return {**one, "protocol": one.get("protocol") or "TCP", "targetPort": one.get("targetPort") or one.get("port", 0)}


def _address(value: Object) -> str:
    """An address of a private range that stays the same for the same service."""
    metadata = value["metadata"]
    seed = hashlib.sha256(f"{metadata.get('namespace', '')}/{metadata.get('name', '')}".encode()).digest()
    return f"10.96.{seed[0]}.{seed[1] or 1}"


def _validate(new: Object, old: Object | None) -> list[Fault]:
    spec = new.get("spec") or {}
    type_, address = spec.get("type"), spec.get("clusterIP")
    faults: list[Fault] = []
    if not spec.get("ports") and address != "None" and type_ != "ExternalName":
        faults.append(required("spec.ports"))
    if type_ == "ExternalName" and not spec.get("externalName"):
        faults.append(required("spec.externalName"))
    faults += _port_faults(spec.get("ports") or ())
    faults += validate_labels(spec.get("selector") or {}, "spec.selector")
    if type_ not in (*_WITH_ADDRESS, "ExternalName"):
        faults.append(not_supported("spec.type", type_ or "", sorted((*_WITH_ADDRESS, "ExternalName"))))
    before = ((old or {}).get("spec") or {}).get("clusterIP")
    if before and before != address:
        faults.append(invalid_value("spec.clusterIPs[0]", [address], "may not change once set"))
    elif address and address != "None" and not _is_address(address):
        detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        faults.append(invalid_value("spec.clusterIPs[0]", address, detail))
    return faults


def _port_faults(ports: Sequence[Object]) -> list[Fault]:
    faults: list[Fault] = []
    names: set[str] = set()
    numbers: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        name = port.get("name") or ""
        if not name and len(ports) > 1:
            faults.append(required(f"{field}.name"))
        elif name:
            faults += [invalid_value(f"{field}.name", name, why) for why in label(name)]
            if name in names:
                faults.append(duplicate(f"{field}.name", name))
            names.add(name)
        if not 1 <= port.get("port", 0) <= _HIGHEST:
            faults.append(invalid_value(f"{field}.port", port.get("port", 0), _RANGE))
        if port["protocol"] not in _PROTOCOLS:
            faults.append(not_supported(f"{field}.protocol", port["protocol"], _PROTOCOLS))
        target = port.get("targetPort", 0)
        if isinstance(target, str):
            faults += [invalid_value(f"{field}.targetPort", target, why) for why in port_name(target)]
        elif not 1 <= target <= _HIGHEST:
            faults.append(invalid_value(f"{field}.targetPort", target, _RANGE))
    for index, port in enumerate(ports):
        key = (port["protocol"], port.get("port", 0))
        if key in numbers:
            shown = {"Name": "", "Protocol": key[0], "AppProtocol": None, "Port": key[1], "TargetPort": 0, "NodePort": 0}
            faults.append(duplicate(f"spec.ports[{index}]", shown))
        numbers.add(key)
    return faults


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ports(value: Object) -> str:
    ports = (value.get("spec") or {}).get("ports") or ()
    return ",".join(f"{one['port']}/{one['protocol']}" for one in ports) or "<none>"


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "Service", "services", _SCHEMA,
        short_names=("svc",), categories=("all",), name_rule="label", creates_on_update=True, returns_deleted=True,
        subresources=(_PROXY, STATUS), has_status=True, default_kind=_default,
        prepare_kind=_prepare, validate_kind=_validate,
        columns=(NAME, column("Type", lambda value: value["spec"].get("type", "")),
                 column("Cluster-IP", lambda value: value["spec"].get("clusterIP", "<none>")),
                 column("External-IP", lambda value: "<none>"), column("Port(s)", _ports), age()),
    ),
)  # fmt: skip
