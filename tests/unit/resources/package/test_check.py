"""The package agrees with itself, and each rule finds the fault that it is for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from krate_gitops.resources.kinds.inventory import KINDS, MODELS
from krate_gitops.resources.load import load_folder
from krate_gitops.resources.package.consumption import uses_in
from krate_gitops.resources.package.contents import Finding, Object, Package, read_package
from krate_gitops.resources.package.helm import Helm
from krate_gitops.resources.package.rules import PACKAGE_RULES, check, is_breach
from krate_gitops.resources.package.value_sets import VALUE_SETS
from krate_gitops.resources.rules.table import RULES
from tests.unit.resources.package.rendered import CHART, TOP

EXAMPLES = TOP / "examples" / "agents" / "manifests"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def package() -> Package:
    """The package as it is, with the install without Helm as what is rendered."""
    return read_package(CHART, EXAMPLES, KINDS, {})


def with_definition(package: Package, kind: str, change: Change) -> Package:
    """The package with one definition changed."""

    def changed() -> Iterator[Object]:
        for one in package.definitions:
            content = copy.deepcopy(one.content)
            if content["spec"]["names"]["kind"] == kind:
                change(content)
            yield Object(one.path, content)

    return replace(package, definitions=tuple(changed()))


def with_rendered(package: Package, *objects: dict[str, Any]) -> Package:
    """The package where only these objects are rendered."""
    return replace(package, rendered={"default": tuple(Object("values default", one) for one in objects)})


def with_template(package: Package, text: str) -> Package:
    """The package with one template more."""
    return replace(package, templates={**package.templates, "templates/new.yaml": text})


def found(package: Package, code: str) -> list[str]:
    """Messages of one rule; whatever else is found would be a surprise."""
    findings = check(package)
    assert {one.code for one in findings} <= {code}, findings
    return [one.message for one in findings]


def test_the_package_agrees_with_itself(package: Package) -> None:
    assert check(package) == []


def test_it_does_with_each_set_of_values_too(engine: Helm) -> None:
    rendered = {name: engine.manifests(CHART, values) for name, values in VALUE_SETS.items()}
    assert check(read_package(CHART, EXAMPLES, KINDS, rendered)) == []


def test_rules_have_codes_of_their_own() -> None:
    assert list(PACKAGE_RULES) == [f"KR60{number}" for number in range(1, 8)]
    assert not PACKAGE_RULES.keys() & RULES.keys()
    assert [one for one in PACKAGE_RULES if not is_breach(Finding(one, "", ""))] == ["KR607"]


def test_a_missing_definition_is_found(package: Package) -> None:
    rest = tuple(one for one in package.definitions if one.content["spec"]["names"]["kind"] != "AgentSkill")
    assert found(replace(package, definitions=rest), "KR601") == ["the definition of AgentSkill is missing"]


def test_a_definition_that_is_there_twice_is_found(package: Package) -> None:
    twice = (*package.definitions, package.definitions[0])
    assert found(replace(package, definitions=twice), "KR601") == [
        "the definition of AgentStack is there more than once"
    ]


def test_a_definition_of_something_unknown_is_found(package: Package) -> None:
    changed = with_definition(package, "AgentSkill", lambda one: one["spec"]["names"].update(kind="AgentTalent"))
    assert found(changed, "KR601") == [
        "AgentTalent is no kind of the inventory",
        "the definition of AgentSkill is missing",
    ]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda one: one["spec"]["names"].update(plural="agentskill"), "spec.names.plural"),
        (lambda one: one["spec"]["names"].update(shortNames=["skill"]), "spec.names.shortNames[0]"),
        (lambda one: one["spec"].update(scope="Cluster"), "spec.scope"),
        (lambda one: one["spec"]["versions"][0].update(storage=False), "spec.versions[0].storage"),
        (
            lambda one: one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["required"].pop(),
            "spec.versions[0].schema.openAPIV3Schema.properties.spec.required",
        ),
        (
            lambda one: one["spec"]["versions"][0]["additionalPrinterColumns"].pop(),
            "spec.versions[0].additionalPrinterColumns",
        ),
    ],
)
def test_a_definition_that_says_something_else_is_found(package: Package, change: Change, place: str) -> None:
    messages = found(with_definition(package, "AgentSkill", change), "KR601")
    assert messages == [f"the definition of AgentSkill differs from the inventory at {place}"]


def test_a_definition_without_what_every_kind_has_is_found(package: Package) -> None:
    def strip(one: dict[str, Any]) -> None:
        [version] = one["spec"]["versions"]
        del version["subresources"]
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        del spec["required"], spec["properties"]["organizationRef"]

    messages = [one.message for one in check(with_definition(package, "AgentSkill", strip)) if one.code == "KR602"]
    assert messages == [
        "the definition of AgentSkill has no list of required fields",
        "the definition of AgentSkill has no organizationRef",
        "the definition of AgentSkill has no status subresource",
    ]


def test_an_execution_kind_among_the_definitions_is_found(package: Package) -> None:
    run = copy.deepcopy(package.definitions[0])
    run.content["spec"]["names"] = {"kind": "AgentDispatchRun", "plural": "agentdispatchruns"}
    changed = replace(package, definitions=(*package.definitions, run))
    assert found(changed, "KR603") == ["AgentDispatchRun is an execution kind and does not belong under crds"]


@pytest.mark.parametrize("kind", list(MODELS))
def test_a_kind_without_an_example_is_found(package: Package, kind: str) -> None:
    rest = [one for one in package.examples.manifests if one.kind != kind]
    messages = [one.message for one in check(replace(package, examples=package.examples._replace(manifests=rest)))]
    assert f"{kind} has no example" in messages


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    krate.a5c.ai/org: acme\n",
            "",
            "the example AgentTriggerRule triage-failed-pipelines has no label krate.a5c.ai/org: acme",
        ),
        (
            "  namespace: krate-org-acme\n",
            "",
            "the example AgentTriggerRule triage-failed-pipelines has no namespace krate-org-acme",
        ),
        ("  organizationRef: acme\n", "", "KR101 organizationRef"),
        ("taskKind: diagnostic", "tasks: diagnostic", "KR008 taskKind is required"),
    ],
)
def test_an_example_that_is_not_valid_or_not_complete_is_found(
    package: Package, tmp_path: Path, old: str, new: str, message: str
) -> None:
    for file in EXAMPLES.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "ci-trigger-rule.yaml":
            assert old in text
            text = text.replace(old, new)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    findings = check(replace(package, examples=load_folder(tmp_path)))
    assert {one.code for one in findings} == {"KR604"}
    assert "ci-trigger-rule.yaml" in {one.path for one in findings}
    assert any(one.message.startswith(message) for one in findings), findings


def role(kind: str, name: str, *rules: dict[str, Any], component: str = "") -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": component} if component else {}
    return {"kind": kind, "metadata": {"name": name, "labels": labels}, "rules": list(rules)}


def rule(group: str, resource: str, verb: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": [verb]}


WEB = {"kind": "ServiceAccount", "metadata": {"name": "pages", "labels": {"app.kubernetes.io/component": "web"}}}


def binding(kind: str, name: str, account: str = "pages") -> dict[str, Any]:
    return {
        "kind": "RoleBinding",
        "metadata": {"name": "bound"},
        "roleRef": {"kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "krate-system"}],
    }


@pytest.mark.parametrize("broad", [rule("*", "pods", "get"), rule("", "*", "get"), rule("", "pods", "*")])
def test_a_role_that_says_everything_is_found(package: Package, broad: dict[str, Any]) -> None:
    changed = with_rendered(package, role("ClusterRole", "broad", rule("", "pods", "get"), broad))
    assert found(changed, "KR605") == ["ClusterRole broad grants a wildcard"]


@pytest.mark.parametrize("text", ['verbs: ["*"]', "verbs: [get, '*']", 'verbs:\n  - "*"\n'])
def test_a_template_that_says_everything_is_found_whether_it_is_rendered_or_not(package: Package, text: str) -> None:
    assert found(with_template(package, text), "KR605") == ["the template grants a wildcard"]


def test_a_role_of_web_that_reads_secrets_is_found(package: Package) -> None:
    labelled = with_rendered(package, role("Role", "pages", rule("", "secrets", "list"), component="web"))
    assert found(labelled, "KR605") == ["Role pages lets web read Secrets"]


def test_it_is_found_by_its_binding_too(package: Package) -> None:
    reader = role("ClusterRole", "reader", rule("", "secrets", "get"))
    assert found(with_rendered(package, reader, WEB, binding("ClusterRole", "reader")), "KR605") == [
        "ClusterRole reader lets web read Secrets"
    ]
    assert found(with_rendered(package, reader, WEB, binding("ClusterRole", "reader", "another")), "KR605") == []


def test_web_bound_to_a_role_from_elsewhere_is_found(package: Package) -> None:
    messages = found(with_rendered(package, WEB, binding("ClusterRole", "view")), "KR605")
    assert messages == ["bound binds web to view, which is not of this chart"]


SECRET = {"kind": "Secret", "metadata": {"name": "provider"}, "stringData": {"token": "t"}}


def deployment(**variable: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "one", "env": [variable]}]}
    return {"kind": "Deployment", "metadata": {"name": "one"}, "spec": {"template": {"spec": pod}}}


def test_a_secret_with_its_values_is_found_outside_of_demo_mode(package: Package) -> None:
    changed = with_rendered(package, SECRET)
    assert found(changed, "KR606") == ["Secret provider is rendered with its values"]
    assert found(replace(changed, demo_sets=frozenset({"default"})), "KR606") == []


@pytest.mark.parametrize("name", ["KRATE_AGENT_MUX_TOKEN", "DB_PASSWORD", "KRATE_AUDIT_KEY", "OPENAI_API_KEY"])
def test_a_secret_in_the_environment_is_found(package: Package, name: str) -> None:
    assert found(with_rendered(package, deployment(name=name, value="hunter2")), "KR606") == [
        f"{name} of Deployment one is written, not referred to"
    ]
    referred = {"secretKeyRef": {"name": "s", "key": "k"}}
    assert found(with_rendered(package, deployment(name=name, valueFrom=referred)), "KR606") == []


def test_a_switch_about_secrets_is_none(package: Package) -> None:
    assert found(with_rendered(package, deployment(name="KRATE_SECRET_GRANTS_ENABLED", value="true")), "KR606") == []


def test_a_value_for_a_secret_is_found(package: Package) -> None:
    changed = replace(package, values={**package.values, "agents": {"agentMux": {"token": ""}}})
    assert found(changed, "KR606") == ["agents.agentMux.token would hold a secret in plain text; name a Secret instead"]


def test_a_template_that_makes_secrets_of_values_is_found(package: Package) -> None:
    text = "kind: Secret\nstringData:\n  name: {{ .Values.nameOverride }}\n"
    assert found(with_template(package, text), "KR606") == ["the template makes a Secret from values, in whatever mode"]
    assert found(with_template(package, f"{{{{- if .Values.demoMode }}}}\n{text}{{{{ end }}}}"), "KR606") == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ .Values.gitops.wrokers }}",
        "{{ $.Values.gitops.wrokers }}",
        "{{- $gitops := .Values.gitops }}{{ $gitops.wrokers }}",
    ],
)
def test_a_value_that_is_used_and_not_declared_is_found(package: Package, text: str) -> None:
    assert found(with_template(package, text), "KR607") == ["gitops.wrokers is used, but not declared"]


def test_a_value_that_nothing_uses_is_found(package: Package) -> None:
    without = {path: text.replace(".Values.gitops.workers", "4") for path, text in package.templates.items()}
    assert found(replace(package, templates=without), "KR607") == [
        "gitops.workers is declared, but no template uses it"
    ]


def test_being_compared_is_not_being_used(package: Package) -> None:
    rest = {path: text for path, text in package.templates.items() if path != "templates/argocd.yaml"}
    messages = found(replace(package, templates=rest), "KR607")
    assert "argoCd.enabled is declared, but no template uses it" in messages
    assert "argoCd.repoUrl is declared, but no template uses it" in messages


def test_uses_are_told_through_variables_and_not_from_comments() -> None:
    template = (
        "{{/* .Values.old.name */}}{{- $a := .Values.agents }}{{ $g := $a.gates }}{{ if $g.one }}{{ end }}"
        "{{ range $g.two }}{{ $other }}{{ end }}{{ .Values.image.tag | default $.Values.tag }}"
    )
    assert list(uses_in(template)) == ["agents.gates.one", "agents.gates.two", "image.tag", "tag"]
