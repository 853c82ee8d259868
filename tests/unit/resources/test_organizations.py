"""The boundary of an organization: what is beyond it is refused without being named."""

from __future__ import annotations

from tests.unit.resources.sample import check, codes, document, stack, stream, whole

OTHER = "rivals"


def test_nothing_of_another_organization_is_named() -> None:
    text = whole(
        stack(f"toolProfileRef: {OTHER}/their-profile", f"skillRefs: [krate-org-{OTHER}/their-skill]"),
        document("AgentSoul", "content: x", org=OTHER, metadata=f"namespace: krate-org-{OTHER}"),
    )
    found = check(text, org="acme")
    assert sorted(codes(found)) == ["KR102", "KR108", "KR108"]
    said = " ".join(f"{one.message} {one.hint}" for one in found)
    assert OTHER not in said
    assert "their" not in said
    assert "AgentToolProfile" in said


def test_an_object_of_another_organization_answers_no_reference() -> None:
    theirs = document(
        "AgentToolProfile",
        "filesystemPolicy: no-fs",
        "approvalPolicyByTool: {git: deny}",
        name="readonly",
        org=OTHER,
    )
    found = check(whole(stack("toolProfileRef: readonly"), theirs))
    assert codes(found) == ["KR201"]


def test_a_policy_that_lasts_admits_what_it_names_and_nothing_else() -> None:
    policy = document(
        "OrgSharingPolicy",
        "sourceOrg: acme",
        f"targetOrg: {OTHER}",
        "allowedRefs: [{kind: AgentToolProfile, name: readonly}]",
        'expiresAt: "2090-01-01T00:00:00Z"',
        org="",
    )
    shared = whole(stack(f"toolProfileRef: {OTHER}/readonly"))
    assert check(stream(policy, shared)) == []
    assert codes(check(stream(policy, shared.replace("/readonly", "/wide")))) == ["KR108"]
    assert codes(check(stream(policy.replace("sourceOrg: acme", "sourceOrg: third"), shared))) == ["KR108"]


def test_a_binding_says_which_namespace_is_the_right_one() -> None:
    binding = document("OrgNamespaceBinding", "namespace: payments-agents", name="acme")
    bound = whole(stack(metadata="namespace: payments-agents")).replace("krate-org-acme", "payments-agents")
    assert codes(check(bound)) == ["KR316", "KR103"]
    assert check(stream(binding, bound)) == []


def test_platform_kinds_lie_in_the_namespace_of_the_platform() -> None:
    lines = ("displayName: Acme",)
    organization = document("Organization", *lines, name="acme", org="", metadata="namespace: krate-org-acme")
    assert "KR103" in codes(check(organization))
    assert "KR103" not in codes(check(organization.replace("krate-org-acme", "krate-system")))
    source = document("GitOpsSource", "source: {repoURL: 'https://x.example/y'}", metadata="namespace: krate-org-acme")
    assert check(source) == []
