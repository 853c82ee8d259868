"""What a source is known to be, and what is live beside its files, changes what is found."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.permissions.policy import ReviewPolicy
from krate_gitops.resources.rules.cycles import find_cycle
from krate_gitops.resources.rules.document import moved_from
from krate_gitops.resources.rules.table import Effect
from tests.unit.resources.cases import grant, label, profile, server, template
from tests.unit.resources.sample import ACCOUNT, BINDING, check, codes, load, stack, stream

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {url: 'https://a.example'}\n"
ADMITTED: dict[str, Any] = {"allowed_native_kinds": ("ConfigMap",)}


def test_references_resolve_against_what_is_live() -> None:
    text = stack("toolProfileRef: readonly", "contextLabelRefs: [money]")
    assert codes(check(text)) == ["KR201", "KR305", "KR306", "KR201"]
    live = stream(ACCOUNT, BINDING, profile(), label("promptFragment: Hi."))
    assert check(text, live=live) == []


def test_grants_that_are_live_count() -> None:
    needing = server("secretRefs: [{name: logs, keys: [login]}]")
    text = stack("mcpServerRefs: [logs]")
    live = stream(ACCOUNT, BINDING, needing)
    assert codes(check(text, live=live)) == ["KR307"]
    assert check(text, live=stream(live, grant())) == []


def test_what_the_files_say_goes_before_what_is_live() -> None:
    live = stream(ACCOUNT, BINDING, server())
    text = stream(server("allowedAgentStacks: [other]"), stack("mcpServerRefs: [logs]"))
    assert codes(check(text, live=live)) == ["KR202"]
    # A file that is wrong doesn't bring the live object back.
    broken = stream(server("surprise: 1"), stack("mcpServerRefs: [logs]"))
    assert codes(check(broken, live=stream(live, server("allowedAgentStacks: [other]")))) == ["KR012"]


def test_nothing_is_said_of_live_objects() -> None:
    assert check(stack(), live=stream(ACCOUNT, BINDING, template(scope="cluster"), stack(name="other"))) == []


def test_live_objects_of_other_organizations_do_not_count() -> None:
    live = stream(ACCOUNT, BINDING).replace("organizationRef: acme", "organizationRef: other")
    assert codes(check(stack(), live=live, org="acme")) == ["KR305", "KR306"]


def test_an_admitted_config_map_is_checked_as_an_object() -> None:
    assert codes(check(CONFIG_MAP)) == ["KR017"]
    assert check(CONFIG_MAP, org="acme", **ADMITTED) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("name: settings", "name: Settings!", "KR006"),
        ("{name: settings}", "{}", "KR005"),
        ("name: settings", "name: settings, namespace: default", "KR103"),
        ("name: settings", "name: settings, labels: {krate.a5c.ai/org: other}", "KR104"),
        ("name: settings", "name: settings, uid: abc", "KR014"),
        ("name: settings", "name: settings, annotations: {krate.a5c.ai/gitops-source: a}", "KR019"),
        ("name: settings", "name: settings, surprise: 1", "KR012"),
        ("data: {url", "spec: {a: b}\ndata: {url", "KR012"),
        ("url: 'https://a.example'", "url: 7", "KR009"),
        ("data: {url: 'https://a.example'}", "data: [a]", "KR009"),
        ("data: {url", "immutable: 3\ndata: {url", "KR009"),
    ],
)
def test_an_admitted_config_map_may_be_wrong(old: str, new: str, code: str) -> None:
    text = CONFIG_MAP.replace(old, new)
    assert text != CONFIG_MAP
    assert codes(check(text, org="acme", **ADMITTED)) == [code]


def test_names_of_config_maps_may_have_dots() -> None:
    assert check(CONFIG_MAP.replace("name: settings", "name: ca.crt"), org="acme", **ADMITTED) == []


def test_two_config_maps_of_one_name_are_one_too_many() -> None:
    assert codes(check(stream(CONFIG_MAP, CONFIG_MAP), org="acme", **ADMITTED)) == ["KR015", "KR015"]


def test_other_native_kinds_stay_out() -> None:
    text = CONFIG_MAP.replace("ConfigMap", "Secret")
    assert "KR303" in codes(check(text, allowed_native_kinds=("ConfigMap",)))
    assert codes(check(CONFIG_MAP.replace("ConfigMap", "Pod"), **ADMITTED)) == ["KR017"]


def test_without_strictness_an_unknown_field_is_a_warning_and_left_out() -> None:
    text = stream(ACCOUNT, BINDING, stack("surprise: 1", "toolProfileRef: gone"))
    found = {one.code: one.effect for one in check(text, strict=False)}
    assert found == {"KR012": Effect.WARN, "KR201": Effect.BLOCK}
    assert check(text)[0].effect is Effect.REJECT


def test_an_installation_may_allow_what_is_off_by_default() -> None:
    wide = template(scope="cluster")
    assert codes(check(wide)) == ["KR314"]
    assert check(wide, policy=ReviewPolicy(allow_cluster_role_bindings=True)) == []
    yolo = stream(ACCOUNT, BINDING, stack("approvalMode: yolo"))
    assert codes(check(yolo)) == ["KR212"]
    assert check(yolo, policy=ReviewPolicy(allowed_approval_modes=("prompt", "yolo"))) == []


def test_an_object_may_be_claimed_from_another_source() -> None:
    text = stack(metadata="annotations: {krate.a5c.ai/adopt: old-source}")
    assert "KR019" not in codes(check(text, org="acme", source="new-source"))
    [manifest] = load({"a.yaml": text}).manifests
    assert moved_from(manifest) == "old-source"


@pytest.mark.parametrize("annotations", [None, 3, [], {}, {"krate.a5c.ai/adopt": 3}])
def test_no_claim_is_read_from_odd_annotations(annotations: object) -> None:
    assert moved_from(Manifest("a.yaml", 0, {"metadata": {"annotations": annotations}})) == ""


def test_a_circle_is_found_and_told_in_the_order_of_needs() -> None:
    def node(name: str) -> tuple[str, str, str]:
        return "acme", "AgentSkill", name

    assert find_cycle({node("a"): [node("b")], node("b"): [node("c")]}) == []
    assert find_cycle({node("a"): [node("b"), node("d")], node("b"): [node("c")], node("c"): [node("a")]}) in (
        [node("a"), node("b"), node("c"), node("a")],
        [node("b"), node("c"), node("a"), node("b")],
        [node("c"), node("a"), node("b"), node("c")],
    )
