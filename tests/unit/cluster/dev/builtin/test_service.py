"""Services: what is filled in, the addresses that are handed out and kept, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.builtin.service_addresses import with_addresses
from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

KIND = kind_of("services")
OUT_OF_RANGE = "must be between 1 and 65535, inclusive"


def service(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"ports": list(ports) or [{"port": 80}], **spec}}


def test_what_a_client_need_not_say_is_filled_in() -> None:
    made = written(KIND, service(selector={"a": "1"}))
    address = made["spec"]["clusterIP"]
    assert made["spec"] == {
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "selector": {"a": "1"},
        "clusterIP": address,
        "clusterIPs": [address],
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    }
    assert made["status"] == {"loadBalancer": {}}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"clusterIP": "None", "selector": {"a": "1"}}, {"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}),
        ({"clusterIP": "None"}, {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"}),
        ({"clusterIPs": ["10.96.0.9"]}, {"clusterIP": "10.96.0.9"}),
        ({"type": "NodePort"}, {"externalTrafficPolicy": "Cluster"}),
        ({"type": "LoadBalancer"}, {"allocateLoadBalancerNodePorts": True}),
        (
            {"sessionAffinity": "ClientIP"},
            {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}},
        ),
    ],
)
def test_defaults_go_by_the_type(spec: dict[str, Any], wanted: dict[str, Any]) -> None:
    made = written(KIND, service(**spec))["spec"]
    assert wanted.items() <= made.items()


def test_a_name_elsewhere_needs_no_address() -> None:
    made = written(KIND, {"spec": {"type": "ExternalName", "externalName": "example.com"}})
    assert made["spec"] == {"type": "ExternalName", "externalName": "example.com", "sessionAffinity": "None"}


@pytest.mark.parametrize("change", [{}, {"clusterIP": ""}, {"clusterIP": None}, {"selector": {"a": "2"}}])
def test_an_address_stays(change: dict[str, Any]) -> None:
    old = written(KIND, service())
    assert written(KIND, service(**change), old)["spec"]["clusterIP"] == old["spec"]["clusterIP"]
    assert faults(KIND, service(**change), old) == []


@pytest.mark.parametrize("address", ["10.255.255.1", "None"])
def test_an_address_cannot_be_changed(address: str) -> None:
    old = written(KIND, service())
    assert faults(KIND, service(clusterIP=address), old) == [
        f'spec.clusterIPs[0]: Invalid value: ["{address}"]: may not change once set'
    ]


def test_two_services_have_two_addresses() -> None:
    made = [written(KIND, {**service(), "metadata": {"uid": f"uid-{index}"}}) for index in range(50)]
    assert len({one["spec"]["clusterIP"] for one in made}) == 50


def test_node_ports_are_handed_out_kept_and_taken_back() -> None:
    ports = [{"name": f"p{index}", "port": 80 + index} for index in range(100)]
    old = written(KIND, service(*ports, type="NodePort"))
    given = [one["nodePort"] for one in old["spec"]["ports"]]
    assert len(set(given)) == 100
    assert all(30_000 <= port < 32_768 for port in given)
    kept = written(KIND, service(*ports, type="NodePort"), old)
    assert [one["nodePort"] for one in kept["spec"]["ports"]] == given
    plain = written(KIND, {"spec": {**old["spec"], "type": "ClusterIP"}}, old)
    assert not any("nodePort" in one for one in plain["spec"]["ports"])
    assert "externalTrafficPolicy" not in plain["spec"]
    elsewhere = {"spec": {**old["spec"], "type": "ExternalName", "externalName": "a.b"}}
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"} & (
        written(KIND, elsewhere, old)["spec"].keys()
    )


def test_a_node_port_that_is_asked_for_is_given_and_kept() -> None:
    made = written(KIND, service({"port": 80, "nodePort": 30_080}, type="NodePort"))
    assert made["spec"]["ports"][0]["nodePort"] == 30_080
    later = written(KIND, service({"port": 80}, type="NodePort"), made)
    assert later["spec"]["ports"][0]["nodePort"] == 30_080


def test_a_write_of_the_status_keeps_the_rest() -> None:
    old = written(KIND, service())
    new = written(KIND, {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}, old, subresource="status")
    assert new["spec"] == old["spec"]
    assert new["status"] == {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
    assert written(KIND, {**service(), "status": {}}, new)["status"] == new["status"]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({}, ["spec.ports: Required value"]),
        ({"clusterIP": "None"}, []),
        ({"type": "ExternalName"}, ["spec.externalName: Required value"]),
        (
            {"ports": [{"port": 80}, {"port": 81}]},
            ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
        ),
        (
            {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
            [
                'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,'
                '"TargetPort":0,"NodePort":0}'
            ],
        ),
        ({"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}]}, []),
        (
            {"ports": [{"name": "a", "port": 80}, {"name": "a", "port": 81}]},
            ['spec.ports[1].name: Duplicate value: "a"'],
        ),
        (
            {"ports": [{"port": 70000}]},
            [
                f"spec.ports[0].port: Invalid value: 70000: {OUT_OF_RANGE}",
                f"spec.ports[0].targetPort: Invalid value: 70000: {OUT_OF_RANGE}",
            ],
        ),
        ({"ports": [{"port": 80, "targetPort": "web"}]}, []),
        (
            {"ports": [{"port": 80, "protocol": "ICMP"}]},
            ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
        ),
        (
            {"ports": [{"port": 80}], "type": "Magic"},
            [
                'spec.type: Unsupported value: "Magic": '
                'supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ],
        ),
        (
            {"ports": [{"port": 80}], "sessionAffinity": "Sticky"},
            ['spec.sessionAffinity: Unsupported value: "Sticky": supported values: "ClientIP", "None"'],
        ),
        (
            {"ports": [{"port": 80}], "clusterIP": "1.2.3"},
            [
                'spec.clusterIPs[0]: Invalid value: "1.2.3": '
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ],
        ),
    ],
)
def test_what_is_wrong_is_told(spec: dict[str, Any], wrong: list[str]) -> None:
    assert faults(KIND, {"spec": spec}) == wrong


def test_what_is_given_is_not_changed() -> None:
    new = {"metadata": {"uid": "u"}, "spec": {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}]}}
    with_addresses(new, None, "")
    assert new["spec"] == {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}]}


@pytest.mark.parametrize(
    ("spec", "cells"),
    [
        (service(), ["ClusterIP", "<address>", "<none>", "80/TCP"]),
        (
            service({"port": 80, "nodePort": 30080}, type="NodePort"),
            ["NodePort", "<address>", "<none>", "80:30080/TCP"],
        ),
        (
            service(type="LoadBalancer", allocateLoadBalancerNodePorts=False),
            ["LoadBalancer", "<address>", "<pending>", "80/TCP"],
        ),
        ({"spec": {"type": "ExternalName", "externalName": "a.b"}}, ["ExternalName", "<none>", "a.b", "<none>"]),
        (service(externalIPs=["1.2.3.4"]), ["ClusterIP", "<address>", "1.2.3.4", "80/TCP"]),
    ],
)
def test_a_table_shows_addresses_and_ports(spec: dict[str, Any], cells: list[str]) -> None:
    made = written(KIND, spec)
    address = made["spec"].get("clusterIP", "")
    shown = [column.cell(made) for column in KIND.columns[1:5]]
    assert shown == [address if cell == "<address>" else cell for cell in cells]
