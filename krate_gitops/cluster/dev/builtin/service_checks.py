"""What is wrong with a Service."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

from krate_gitops.cluster.dev.builtin.service_addresses import WITH_ADDRESS
from krate_gitops.cluster.dev.schemas.faults import Fault, duplicate, invalid_value, not_supported, required
from krate_gitops.cluster.dev.schemas.metadata import validate_labels
from krate_gitops.cluster.dev.schemas.names import label, port_name, subdomain

Object = dict[str, Any]

_TYPES: Final = tuple(sorted((*WITH_ADDRESS, "ExternalName")))
_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_CHOICES: Final = {
    "sessionAffinity": ("ClientIP", "None"),
    "internalTrafficPolicy": ("Cluster", "Local"),
    "externalTrafficPolicy": ("Cluster", "Local"),
}
_HIGHEST: Final = 65_535
_OUT_OF_RANGE: Final = f"must be between 1 and {_HIGHEST}, inclusive"
_NO_ADDRESS: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def service_faults(new: Object, old: Object | None) -> list[Fault]:
    """The faults of a Service that has its defaults, in the order of the server."""
    spec = new.get("spec") or {}
    type_ = spec.get("type")
    faults: list[Fault] = []
    if not spec.get("ports") and spec.get("clusterIP") != "None" and type_ != "ExternalName":
        faults.append(required("spec.ports"))
    if type_ == "ExternalName":
        faults += _external_faults(spec)
    faults += _port_faults(spec.get("ports") or ())
    faults += validate_labels(spec.get("selector") or {}, "spec.selector")
    if type_ not in _TYPES:
        faults.append(not_supported("spec.type", type_ or "", _TYPES))
    for name, allowed in _CHOICES.items():
        if spec.get(name) is not None and spec[name] not in allowed:
            faults.append(not_supported(f"spec.{name}", spec[name], allowed))
    return [*faults, *_address_faults(spec, (old or {}).get("spec") or {})]


def _external_faults(spec: Object) -> list[Fault]:
    name = spec.get("externalName") or ""
    if not name:
        return [required("spec.externalName")]
    return [invalid_value("spec.externalName", name, why) for why in subdomain(name.removesuffix("."))]


def _address_faults(spec: Object, before: Object) -> list[Fault]:
    address, known = spec.get("clusterIP"), before.get("clusterIP")
    if known and known != address and spec.get("type") in WITH_ADDRESS:
        return [invalid_value("spec.clusterIPs[0]", [address], "may not change once set")]
    if address and address != "None" and not _is_address(address):
        return [invalid_value("spec.clusterIPs[0]", address, _NO_ADDRESS)]
    return []


def _port_faults(ports: Sequence[Object]) -> list[Fault]:
    faults: list[Fault] = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        faults += _name_faults(port.get("name") or "", f"{field}.name", names, is_needed=len(ports) > 1)
        faults += _number_faults(port, field)
    numbers: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        key = (port["protocol"], port.get("port", 0))
        if key in numbers:
            faults.append(duplicate(f"spec.ports[{index}]", _as_shown(*key)))
        numbers.add(key)
    return faults


def _name_faults(name: str, field: str, names: set[str], *, is_needed: bool) -> list[Fault]:
    """Faults of the name of a port; ``names`` are those before it, and get this one."""
    if not name:
        return [required(field)] if is_needed else []
    faults = [invalid_value(field, name, why) for why in label(name)]
    if name in names:
        faults.append(duplicate(field, name))
    names.add(name)
    return faults


def _number_faults(port: Object, field: str) -> list[Fault]:
    faults: list[Fault] = []
    if not 1 <= port.get("port", 0) <= _HIGHEST:
        faults.append(invalid_value(f"{field}.port", port.get("port", 0), _OUT_OF_RANGE))
    if port["protocol"] not in _PROTOCOLS:
        faults.append(not_supported(f"{field}.protocol", port["protocol"], _PROTOCOLS))
    target = port.get("targetPort", 0)
    if isinstance(target, str):
        faults += [invalid_value(f"{field}.targetPort", target, why) for why in port_name(target)]
    elif not 1 <= target <= _HIGHEST:
        faults.append(invalid_value(f"{field}.targetPort", target, _OUT_OF_RANGE))
    return faults


def _as_shown(protocol: str, number: int) -> Object:
    """The key of a port as messages show it: a port with nothing else in it."""
    return {"Name": "", "Protocol": protocol, "AppProtocol": None, "Port": number, "TargetPort": 0, "NodePort": 0}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
