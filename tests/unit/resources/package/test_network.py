"""Which traffic is possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from krate_gitops.resources.package.value_sets import VALUE_SETS
from tests.unit.resources.package.rendered import Rendered

Render = Callable[[Mapping[str, Any]], Rendered]
_EACH_SET = pytest.mark.parametrize("rendered", ["default", "agents", "everything"], indirect=True)


@_EACH_SET
def test_all_pods_are_cut_off_by_default(rendered: Rendered) -> None:
    deny = rendered.one("NetworkPolicy", "krate-gitops-default-deny")["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & deny.keys()
    for one in rendered.of("Deployment"):
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert deny["podSelector"]["matchLabels"].items() <= labels.items()


@_EACH_SET
def test_every_way_out_names_where_to_and_which_port(rendered: Rendered) -> None:
    for policy in rendered.of("NetworkPolicy"):
        for rule in policy["spec"].get("egress", ()):
            assert rule["to"]
            assert all("port" in port for port in rule["ports"])
            for peer in rule["to"]:
                assert peer.get("ipBlock", {}).get("cidr") not in ("0.0.0.0/0", "::/0")
        for rule in policy["spec"].get("ingress", ()):
            assert rule["from"]
            assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]


def test_as_it_comes_only_names_and_the_api_server_are_reachable(rendered: Rendered) -> None:
    spec = rendered.one("NetworkPolicy", "krate-gitops-controller")["spec"]
    ports = [{port["port"] for port in rule["ports"]} for rule in spec["egress"]]
    assert ports == [{53}, {443, 6443}]
    assert "ingress" not in spec


@pytest.mark.parametrize("rendered", ["everything"], indirect=True)
def test_each_list_of_values_opens_its_way(rendered: Rendered) -> None:
    values = VALUE_SETS["everything"]["networkPolicy"]
    controller = rendered.one("NetworkPolicy", "krate-gitops-controller")["spec"]
    assert values["gitEgress"][0] in controller["egress"]
    assert values["storeEgress"][0] in controller["egress"]
    assert controller["ingress"][0]["from"] == values["metricsIngress"]
    web = rendered.one("NetworkPolicy", "krate-gitops-web")["spec"]
    assert values["webIngress"][0] in web["ingress"][0]["from"]


def test_gateway_and_servers_of_tools_are_for_the_controller_alone(render: Render) -> None:
    gateway = {"to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}], "ports": [{"protocol": "TCP", "port": 8443}]}
    server = {"to": [{"ipBlock": {"cidr": "192.0.2.8/32"}}], "ports": [{"protocol": "TCP", "port": 443}]}
    rendered = render(
        {
            "networkPolicy": {"agentMuxEgress": [gateway], "mcpEgress": [server]},
            "web": {"enabled": True},
            "externalDependencies": {"postgres": {"enabled": True, "existingSecret": "records"}},
        }
    )
    controller = rendered.one("NetworkPolicy", "krate-gitops-controller")["spec"]["egress"]
    assert gateway in controller
    assert server in controller
    web = rendered.one("NetworkPolicy", "krate-gitops-web")["spec"]["egress"]
    assert gateway not in web
    assert server not in web


def test_policies_can_be_left_to_others(render: Render) -> None:
    assert not render({"networkPolicy": {"enabled": False}}).of("NetworkPolicy")
