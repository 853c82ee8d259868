from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.errors import DeniedError
from krate_gitops.memory.reference import ForeignReferenceError
from krate_gitops.server.mcp.boundary import check_organization, is_pin
from krate_gitops.server.mcp.uris import document_uri, parse_uri, record_uri
from tests.unit.server.brain import Served

SNAPSHOT = "ams-0123456789ab"

FOREIGN = [
    (f"other/{SNAPSHOT}", "AgentMemorySnapshot"),
    (f"Other/{SNAPSHOT}/record/x", "AgentMemorySnapshot"),
    ("other/amq-0123456789ab-2", "AgentMemoryQuery"),
    ("other/armi-0123456789ab", "AgentRunMemoryImport"),
    (f"krate-org-other/{SNAPSHOT}", "AgentMemorySnapshot"),
    ("krate-org-other/company-brain", "resource"),
    ("krate-org-other", "namespace"),
    ("krate-org-other_2.example/x", "resource"),
    (f"other_2.example/{SNAPSHOT}", "AgentMemorySnapshot"),
    ("  krate-org-other  ", "namespace"),
    ("/api/orgs/other/agents/memory/repositories/x", "resource"),
    ("orgs/other", "namespace"),
    ("orgs/other/agents/memory/query", "resource"),
    (f"other:{SNAPSHOT}", "AgentMemorySnapshot"),
    (f"ACME/{SNAPSHOT}", "AgentMemorySnapshot"),
    (f"krate-memory://other/{SNAPSHOT}/record/x", "AgentMemorySnapshot"),
    ("krate-memory://krate-org-other/record/x", "resource"),
    (f"other%2F{SNAPSHOT}", "AgentMemorySnapshot"),
]
OWN = [
    SNAPSHOT,
    f"acme/{SNAPSHOT}",
    f"krate-org-acme/{SNAPSHOT}",
    "krate-org-acme",
    "notes/ams-0123456789ab.md",
    "what is krate-org-other good for?",
    "refunds",
    "other/page.md",
    "orgs/platform.md",
    "orgs/other/team.md",
    "orgs/**",
    "",
]


@pytest.mark.parametrize(("text", "kind"), FOREIGN)
def test_a_reference_into_another_organisation_is_known_by_its_form(text: str, kind: str) -> None:
    with pytest.raises(ForeignReferenceError) as caught:
        check_organization({"deep": [{"er": text}]}, "acme")
    assert (caught.value.code, caught.value.kind) == ("CROSS_ORG_REF_DENIED", kind)
    assert "other" not in caught.value.message.replace("another", "")


@pytest.mark.parametrize("text", OWN)
def test_what_is_ours_or_no_reference_passes(text: str) -> None:
    check_organization([text], "acme")


def test_a_foreign_name_gets_the_same_bytes_whatever_it_names_and_wherever_it_stands(owner: Served) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("memory_graph_search", {"text": f"other/{SNAPSHOT}"}),
        ("memory_graph_search", {"text": "x", "kinds": ["a", f"third/{SNAPSHOT}"]}),
        ("memory_record_read", {"id": f"other/{SNAPSHOT}"}),
        ("memory_record_read", {"path": f"krate-memory://other/{SNAPSHOT}/doc/x"}),
        ("memory_docs_grep", {"pattern": "x", "paths": [f"krate-org-nobody/{SNAPSHOT}"]}),
        ("memory_snapshot_diff", {"against": "other/ams-ffffffffffff"}),
        ("memory_ontology_validate", {"paths": [f"other/{SNAPSHOT}"]}),
        ("memory_ontology_validate", {"changes": [{"path": f"other/{SNAPSHOT}", "content": ""}]}),
        ("memory_record_read", {"id": "runbook:refunds", "nonsense": f"other/{SNAPSHOT}"}),
    ]
    answers = {repr(owner(tool, **arguments)) for tool, arguments in calls}
    assert len(answers) == 1
    assert "CROSS_ORG_REF_DENIED" in answers.pop()


def test_the_organisation_comes_with_the_server(owner: Served) -> None:
    read = {"id": "runbook:refunds"}
    assert owner.code("memory_record_read", **read, organization="acme") == "ok"
    assert owner.code("memory_record_read", **read, namespace="krate-org-acme") == "ok"
    assert owner.code("memory_record_read", **read, organizationRef="other") == "CROSS_ORG_REF_DENIED"


def test_the_pin_is_named_by_its_commit_alone(owner: Served) -> None:
    pin = owner.pin
    assert is_pin(pin.commit, pin)
    assert is_pin(f" {pin.commit[:7].upper()} ", pin)
    for other in (pin.commit[:6], "main", "current", "HEAD", "", None, 7, owner.repo.tip()):
        assert not is_pin(other, pin)


@pytest.mark.parametrize(
    "name", ["ref", "commit", "requestedRef", "requested_at", "at", "snapshot", "branch", "current"]
)
def test_asking_any_tool_for_another_commit_violates_the_pin(owner: Served, name: str) -> None:
    tip = str(owner.repo.tip())
    for value in ("current", "main", tip, "2026-01-01T00:00:00Z", True):
        assert owner.code("memory_graph_search", text="refunds", **{name: value}) == "MEMORY_PIN_VIOLATION"
    assert owner.code("memory_graph_search", text="refunds", **{name: owner.pin.commit}) == "ok"


def test_uris_lead_to_what_they_were_made_of(owner: Served) -> None:
    commit = owner.pin.commit
    for identifier in ("runbook:refunds", "a/b:c d", "é:%2e"):
        assert parse_uri(record_uri(commit, identifier), owner.pin) == identifier
    for path in ("notes/a.md", "notes/naïve file.md", "a/100%.md"):
        assert parse_uri(document_uri(commit, path), owner.pin) == path


BAD_PATHS = [
    "../x", "a/../b", "./a", "a//b", "/etc/passwd", "%2e%2e/x", "a/%2E%2E/b", "a%00b", "a%5Cb", "a%0Ab", ".git/config",
    "%", "a%zz", "a?b", "a#b", "%ff", "", "a/",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_tricks_with_paths_are_refused(owner: Served, path: str) -> None:
    assert owner.code("memory_record_read", path=f"krate-memory://{owner.pin.commit}/doc/{path}") == "INVALID_REQUEST"


def test_a_uri_of_another_commit_violates_the_pin(owner: Served) -> None:
    for commit in ("0" * 40, "main", "HEAD", str(owner.repo.tip())):
        with pytest.raises(DeniedError) as caught:
            parse_uri(f"krate-memory://{commit}/record/runbook:refunds", owner.pin)
        assert caught.value.code == "MEMORY_PIN_VIOLATION"
