"""The addresses and node ports of Services: handed out once, and kept.

Nothing listens there. They are made of the object's uid, so that no list of what is taken has to be kept.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any, Final

Object = dict[str, Any]

WITH_ADDRESS: Final = ("ClusterIP", "NodePort", "LoadBalancer")
WITH_NODE_PORTS: Final = ("NodePort", "LoadBalancer")

_RANGE: Final = ipaddress.ip_network("10.96.0.0/12")
_FIRST_NODE_PORT: Final = 30_000
_NODE_PORTS: Final = 2_768
_OF_TYPES: Final = {
    "clusterIP": WITH_ADDRESS,
    "clusterIPs": WITH_ADDRESS,
    "ipFamilies": WITH_ADDRESS,
    "ipFamilyPolicy": WITH_ADDRESS,
    "internalTrafficPolicy": WITH_ADDRESS,
    "externalTrafficPolicy": WITH_NODE_PORTS,
    "allocateLoadBalancerNodePorts": ("LoadBalancer",),
    "loadBalancerClass": ("LoadBalancer",),
}
"""Fields that only some types have."""


def with_addresses(new: Object, old: Object | None, subresource: str) -> Object:
    """The Service with its addresses: those that it had, or new ones. ``new`` has a uid."""
    spec = dict(new.get("spec") or {})
    before: Object = (old or {}).get("spec") or {}
    _drop_former(spec, before)
    if spec.get("type") in WITH_ADDRESS:
        _give_address(spec, before, new["metadata"].get("uid", ""))
    if spec.get("ports"):
        spec["ports"] = _with_node_ports(spec, before, new["metadata"].get("uid", ""))
    return {**new, "spec": spec}


def _drop_former(spec: Object, before: Object) -> None:
    """Takes away what belonged to the type before, unless the writer changed it."""
    for name, types in _OF_TYPES.items():
        if spec.get("type") not in types and before.get("type") in types and spec.get(name) == before.get(name):
            spec.pop(name, None)


def _give_address(spec: Object, before: Object, uid: str) -> None:
    if not spec.get("clusterIP"):
        said = spec.get("clusterIPs") or [""]
        spec["clusterIP"] = said[0] or before.get("clusterIP") or _address(uid)
    if not spec.get("clusterIPs") or spec["clusterIP"] != before.get("clusterIP"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    is_double = spec["clusterIP"] == "None" and not spec.get("selector")
    spec.setdefault("ipFamilies", before.get("ipFamilies") or (["IPv4", "IPv6"] if is_double else ["IPv4"]))
    spec.setdefault("ipFamilyPolicy", "RequireDualStack" if len(spec["ipFamilies"]) > 1 else "SingleStack")


def _address(uid: str) -> str:
    """An address of the range: neither its first nor its last."""
    return str(_RANGE[1 + _number(uid) % (_RANGE.num_addresses - 2)])


def _with_node_ports(spec: Object, before: Object, uid: str) -> list[Object]:
    """The ports, each with a port of the nodes where the type has such."""
    ports: list[Object] = spec["ports"]
    known = {_key(one): one.get("nodePort") for one in before.get("ports") or ()}
    if spec.get("type") not in WITH_NODE_PORTS or spec.get("allocateLoadBalancerNodePorts") is False:
        kept = spec.get("type") in WITH_NODE_PORTS
        return ports if kept else [_without(one, known.get(_key(one))) for one in ports]
    taken = {one.get("nodePort") for one in ports}
    given: list[Object] = []
    for one in ports:
        if not one.get("nodePort"):
            port = known.get(_key(one)) or _free(f"{uid}/{_key(one)}", taken)
            taken.add(port)
            one = {**one, "nodePort": port}
        given.append(one)
    return given


def _without(one: Object, node_port: int | None) -> Object:
    """The port without what its former type gave it."""
    if not node_port or one.get("nodePort") != node_port:
        return one
    return {name: item for name, item in one.items() if name != "nodePort"}


def _key(one: Object) -> tuple[Any, Any]:
    return one.get("protocol"), one.get("port")


def _free(seed: str, taken: set[Any]) -> int:
    offset = _number(seed)
    ports = (_FIRST_NODE_PORT + (offset + step) % _NODE_PORTS for step in range(_NODE_PORTS))
    return next((port for port in ports if port not in taken), _FIRST_NODE_PORT)


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
